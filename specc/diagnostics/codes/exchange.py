"""Pictures of networks, export and import."""

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E655",
        "the network is too large for a picture",
        """\
A picture of thousands of boxes helps nobody, and would be a file that no browser opens. Repeats are drawn
once, `×4`, and where there are still many boxes the innermost blocks are drawn closed; this network has too
many even so, because its steps differ from each other, or because `--unfold` or `--depth` asks for more.

    specc draw net.cnn --depth 1 -o net.svg      # the outer blocks open, those inside them closed
    specc draw net.cnn --depth 0 -o net.svg      # every block a box

A long chain that is written out step by step becomes readable, in the spec as in the picture, as blocks:
`block stage(c) { … }`, then `stage 64 x3`.
""",
    ),
    Code(
        "E656",
        "a PNG needs another package",
        """\
specc writes SVG by itself. To turn it into the pixels of a PNG it uses resvg, which is not installed: it comes
with the extra `draw`.

    pip install resvg_py

An SVG is sharp at every size and goes into web pages, LaTeX (through Inkscape or `svg2pdf`), Word and slides:

    specc draw net.cnn -o net.svg
""",
    ),
    Code(
        "E657",
        "no font for the text of a PNG",
        """\
An SVG leaves its letters to whoever shows it. In a PNG they are pixels, so a font has to be there when it is
made, and none was found: containers often have none.

    apt install fonts-dejavu-core        # Debian, Ubuntu
    apk add font-dejavu                  # Alpine
    pip install matplotlib               # carries the same font, which is then found

An SVG can be made without: `specc draw net.cnn -o net.svg`.
""",
    ),
    Code(
        "E658",
        "the PNG would be too large",
        """\
The picture times `--scale` has more pixels than most programs can open. Make it smaller with `--scale 1`, draw less
of it with `--depth 1`, or take an SVG, which has no pixels:

    specc draw net.cnn -o net.svg
""",
    ),
    Code(
        "E660",
        "a layer cannot be written as Python",
        """\
`specc export --to python` writes out the code of every layer. This one comes from another package, which offers
its word to specc but not its source, so a file that needs nothing but torch cannot hold it.

    specc export net.cnn --to pt2
    specc export net.cnn --to onnx

write down what the layer does instead of how it is written.
""",
    ),
    Code(
        "E661",
        "a package that ONNX needs is missing",
        """\
Writing ONNX takes three packages that specc does not need otherwise: `onnx` for the file, `onnxscript` for
torch's exporter, and `onnxruntime`, on which the file is run and compared before it is kept.

    pip install onnx onnxruntime onnxscript
""",
    ),
    Code(
        "E662",
        "the exported program gives a different output",
        """\
Every exported program is run beside the network before it is kept. This one does not run, has different tensors, or
gives outputs that differ by more than rounding does (a ten-thousandth of the largest value), so nothing was
written. It is a fault of the exporter or of the program that ran the file, not of the spec.

ONNX and `pt2` are run on batches of several sizes: another version of torch or of onnxruntime may help, and
`--to python` exports the source, which is not translated. Python is made from the same seed as the network and run
in training and in evaluation; where it fails, `--to pt2` exports what the network does.
""",
    ),
    Code(
        "E663",
        "the network cannot be exported in this format",
        """\
The exporter does not know an operation of the network, or the network is too large: an ONNX file is one
protobuf message, which holds 2 GB at most, so that a network of more than 500 million parameters does not fit.
A `.pt2` file has no such limit:

    specc export net.cnn --to pt2

Of all layers only `adaptivemaxpool` has no operation in ONNX, and only where its size does not divide that of its
input, so that its windows differ: `adaptivemaxpool 5` on 12×12 cannot be written, 4 and 6 can.

A layer of another package may hold code that cannot be followed without running it; the message quotes
torch.
""",
    ),
    Code(
        "E664",
        "no weights to export",
        """\
`specc export` takes a spec or the folder of a run. A run's weights are its `best.safetensors`, those of the
epoch with the best result, or with `--weights last` its `last.safetensors`; `--weights FILE` takes any
`.safetensors` file whose weights are the network's: with the same names, with those that `specc import`
wrote beside the spec, or with the same shapes, told apart by their order.

    specc export runs/lenet5-mnist-1 --to onnx
    specc export lenet5.cnn --to onnx --weights runs/lenet5-mnist-1/last.safetensors

Here the folder holds no run, the file is missing or damaged, or its weights belong to another network.
""",
    ),
    Code(
        "E665",
        "the model to import cannot be made",
        """\
`specc import` reads a function that makes a torch model, or a Darknet file:

    specc import torchvision:resnet18
    specc import mypackage.models:Net
    specc import darknet19.cfg

Before the colon goes a module that Python can import from where the command is run, after it a function or a
class that gives an `nn.Module` without needing an argument, or a model that is there already. The module is
run, as Python runs whatever it imports: never import what you do not trust. This one was not found, or failed;
the notes quote the error.
""",
    ),
    Code(
        "E666",
        "a part of the model has no word",
        """\
A spec is imported whole or not at all. The model does something that the language has no word for: an operation
that depends on the values, an attention layer, two outputs, a skip that crosses another one. All such parts are
listed, each with its name in the model, so that you can judge whether the model can be written in another way.

Operations with a word are the layers of `specc layers`, their functional forms (`F.relu(x)`, `x.flatten(1)`,
`x.mean([2, 3])`), sums, products and concatenations of branches that begin at the same place, and equal splits.

A model whose code branches on values or shapes cannot be followed; give the shape of its input with `--input`,
and take apart what remains.
""",
    ),
    Code(
        "E667",
        "the Darknet file cannot be read",
        """\
A Darknet `.cfg` is a list of sections, each a name in brackets with `key=value` lines below it; the first one is
`[net]`, with `width`, `height` and `channels` of the input.

    [net]
    width=32
    height=32
    channels=3

    [convolutional]
    batch_normalize=1
    filters=16
    size=3
    pad=1
    activation=leaky

Here a line is neither, a number is missing or is not one, a section has no option of that name, or a layer refers
to one that is not there. Darknet passes over an option that it does not know, so that `sizze=3` leaves a kernel
of 1; here that is an error.
""",
    ),
    Code(
        "E668",
        "the imported spec gives a different output",
        """\
An imported spec is compiled and run beside the model before it is written, with the model's weights and with others,
since a factor of 0 would make any branch look right. The two gave different outputs, or the import failed on the
way, so nothing was written. The model does something that its graph does not show, such as changing its own weights,
or the import is at fault: then a report with the model helps to mend it.
""",
    ),
    Code(
        "E669",
        "the exported file cannot be written",
        """\
The file named with `-o` (or `--weights` of `specc import`) could not be written: the folder does not exist or
belongs to somebody else, the disk is full, or a folder has that name. A file that was there before is
left as it was: the new one is written beside it and renamed when it is whole.

A Python file called `torch.py` or `random.py` is not written either: Python would read it where torch asks for its
own module of that name, and could not run it.
""",
    ),
    Code(
        "E700",
        "nothing is known of the pictures that a program is to take",
        """\
`specc export --pictures` writes a program that takes a picture's bytes and gives what `specc predict` tells. For that
it has to know what the network was trained on and for: the mean and deviation of the training pictures, the classes,
the task. The weights of a run hold all of it; a spec does not, nor do weights of another program, nor those of
another network. A network that was trained to give back its input says nothing of a picture.

    specc export runs/lenet5-mnist-1 -o net.onnx --pictures
""",
    ),
)
