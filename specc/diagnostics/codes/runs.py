"""E6: data sets and runs."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E601",
        "unknown data set",
        """\
What stands after `--data` (or `data` in `train { }`) is either the name of a data set that specc knows or
a folder of pictures. This is neither: a typing mistake in the name, or a folder that does not exist from
where the command is run.

    specc train lenet.cnn --data fashion-mnist
    specc train lenet.cnn --data ~/pictures/leaves

The names are `digits` (part of scikit-learn, needs no download), `mnist`, `fashion-mnist`, `cifar10` and
`cifar100`; installed packages may add others. A folder that is called like a data set is written
`./mnist`.
""",
    ),
    Code(
        "E602",
        "the data set could not be downloaded",
        """\
The files of a named data set were not in the data folder, so specc tried to download them, and failed:
there is no network, a proxy is in the way, the server is down, the transfer broke off, or the folder
cannot be written. The notes under the message tell which, for each mirror. What has arrived stays beside
its place as `NAME.part`, and the next try goes on with it.

What you can do:

- run the command again where there is a network, or `specc data fetch mnist` before; the files are kept;
- copy the files from another machine, and name the folder with `--data-dir`. It looks as torchvision
  leaves it: `MNIST/raw/train-images-idx3-ubyte` …, `FashionMNIST/raw/…`, `cifar-10-batches-py/…`,
  `cifar-100-python/…`;
- take `--data digits`, which comes with scikit-learn and needs no network.
""",
    ),
    Code(
        "E603",
        "a data file is damaged",
        """\
A file of a named data set is there, but it is not the published file: its MD5 digest, a fingerprint of
every byte, is another one. Most often a copy or a download broke off. Training on it would give results
that nobody can compare, so specc stops.

Delete the file that is named and run the command again: it is downloaded anew. Where there is no network,
copy it again from where it is whole. A file that you changed on purpose is a data set of its own: make it
a folder of class folders and name that with `--data`.
""",
    ),
    Code(
        "E604",
        "a data file holds more than data",
        """\
CIFAR's files are Python pickles. A pickle is a small program: loaded without care, it can run anything on
your computer. specc reads only numbers, texts, lists and arrays out of one, and this file asks for
something else, or is no pickle at all.

The published files never do that. Delete the file, which may be hostile, and let specc download it again.
""",
    ),
    Code(
        "E605",
        "the pictures do not fit the network's input",
        """\
The shape of a picture (channels x height x width) has to be exactly what the spec's `input` says: a 28x28
digit in grey is `1x28x28`, and a network for `1x32x32` cannot take it. There are two ways out:

- change the pictures: `--resize 32` scales them to 32x32 (bilinear, with antialiasing), `--channels 3`
  makes grey pictures RGB, `--channels 1` makes colour pictures grey;
- change the network: `--input 1x28x28` replaces the spec's `input`. Everything behind it is inferred
  again; a network that shrinks the picture step by step may then find nothing left to shrink, and `specc
  check` tells where.

In the spec these are `resize 32` and `channels 3` in `train { }`, and the `input` line.

A network whose input is a vector (`input 784`) takes pictures as `input 1x28x28` with `flatten` as its
first step.
""",
    ),
    Code(
        "E606",
        "the network's output is not the number of classes",
        """\
A classifier ends in one number for each class: the class with the largest one is its answer, and
cross-entropy compares them with the right one. So its output has to be a vector with as many entries as
the data has classes: 10 for digits, 100 for cifar100.

    gap -> flatten -> linear 10

Where the last layer's size is a `param`, it can be set for one run: `--set classes=100`. An output such
as `10x1x1` is not a vector yet: `flatten` makes it one. No softmax is needed at the end: it is part of
the loss.
""",
    ),
    Code(
        "E607",
        "pictures that cannot be read",
        """\
Some files in the class folders are named like pictures, but cannot be decoded: they are cut off, empty,
or something else under a picture's name. They are not skipped silently, since the data set would then not
be the one that you think it is.

Remove the files that are named, or replace them by whole ones.
""",
    ),
    Code(
        "E608",
        "the folder is not a data set of pictures",
        """\
A folder after `--data` holds a folder for each class, with the pictures of that class in it. The folder's
name is the class's. Either with two parts, one to train on and one to test on (`test`, or `val` where
there is no `test`):

    leaves/train/oak/001.jpg        leaves/test/oak/001.jpg
    leaves/train/birch/001.jpg      leaves/test/birch/001.jpg

or without, and a fifth of each class is held out to test on, the same pictures in every run:

    leaves/oak/001.jpg
    leaves/birch/001.jpg

There have to be two classes at least, and no class may be without a picture. Pictures may lie in folders
below the class's; hidden files and files of other kinds are passed over.
""",
    ),
    Code(
        "E609",
        "training and test data have different classes",
        """\
The folders `train` and `test` of a data set hold different class folders. The network's outputs are
numbered by the classes' names in alphabetical order, so that a class that is in one part only would shift
the meaning of all that follow.

Give both the same folders; a difference in capitals or a trailing space counts as one. The notes name
them.
""",
    ),
    Code(
        "E610",
        "the pictures have different sizes",
        """\
All pictures of a batch go through the network at once, as one block of numbers, so they have one height
and one width. Photographs seldom do: `--resize 64` scales each of them to 64x64 as it is read, `--resize
48x64` to a height of 48 and a width of 64 pixels.
""",
    ),
    Code(
        "E611",
        "the pictures do not fit in memory",
        """\
specc decodes all pictures once and keeps them in memory, a byte for each pixel and channel: 50,000
pictures of 3x224x224 are 7.5 GB. There is not that much free.

A folder of pictures need not be kept: unless `--in-memory on` asks for it, one that does not fit is read
again in each epoch, by processes beside the training (`--workers`). `--resize 64` makes each picture
smaller, to 64x64; `--limit 10000` takes at most that many. Closing other programs helps too.
""",
    ),
    Code(
        "E612",
        "the device is not available",
        """\
The recipe names a device that torch cannot use here: no such graphics card, a torch that was built
without CUDA, or a driver that it does not find. `python -c "import torch;
print(torch.cuda.is_available())"` tells what torch sees.

`--device auto`, the default, takes a CUDA card where there is one, else an Apple GPU, else the processor.
""",
    ),
    Code(
        "E613",
        "the run folder is taken",
        """\
The folder after `--out` holds files already, or another run has just started in it. A run is a record:
specc never writes one over another.

To go on with the run in it, write `specc train --resume DIR`. Otherwise name a folder that does not exist
yet, or leave `--out` away: the run then goes to the next free folder in `runs/`, such as
`runs/lenet5-mnist-3`.
""",
    ),
    Code(
        "E614",
        "the run folder cannot be written",
        """\
A file of the run could not be written: the disk is full, the folder belongs to somebody else, or it lies
on a medium that cannot be written. Every file is first written beside its place and renamed when it is
whole, so that the weights of the epoch before are still there. A run that does not fit on the disk is refused before
its first step; a state that cannot be written within an epoch is reported, and training goes on meanwhile.

Make room or choose another place with `--out DIR`. A run that ended with this message is continued by
`specc train --resume DIR`.
""",
    ),
    Code(
        "E615",
        "the loss is no longer a number",
        """\
The loss became `nan` or infinite: the weights have left the range that numbers can hold, and every
further step would keep them there. The run stops; `last.safetensors` keeps the weights of the epoch
before.

The usual cause is a learning rate that is too high: divide it by ten (`--lr`). Other causes: no
normalisation in a deep network (`bn` after the convolutions helps), pictures that are not scaled
(`--normalize`), a momentum close to 1.
""",
    ),
    Code(
        "E616",
        "a batch is too small for a normalisation layer",
        """\
Batch normalisation takes the mean and the deviation over a batch; on features without extent (a vector,
or a 1x1 picture) a batch of one has no deviation. The batch size is 1, or there is just one training
picture.

Choose a larger `--batch`. A single picture that is left over at the end of an epoch is left out by
itself.
""",
    ),
    Code(
        "E617",
        "the network has nothing to train",
        """\
No layer of the network has weights that may change: it consists of layers without weights, such as pools
and activations, or all its weights are `frozen`. There is nothing for the optimizer to do.

Layers with weights are the convolutions, `linear`, `prelu`, and the normalisations unless they are
`noaffine`. A network of fixed filters can still be checked, compiled and used: it just cannot be trained.
""",
    ),
    Code(
        "E618",
        "not enough memory for a training step",
        """\
Training keeps the output of every layer until the weights are changed, for all pictures of a batch: the
memory grows with the batch and with the area of the pictures. `specc summary` shows which layers are
large.

Halve the batch (`--batch 64`) until it fits, make the pictures smaller (`--resize`), or shrink the
picture earlier in the network.
""",
    ),
    Code(
        "E619",
        "a package's data set cannot be used",
        """\
An installed package offers a data set of this name under the entry point group `specc.datasets`, but it
could not be imported, is not a `specc.data.catalogue.Entry`, or its loader failed or gave something that
is not a `specc.data.dataset.Dataset` of uint8 pictures with int64 labels. The mistake is in that package:
update it, tell its authors, or uninstall it.
""",
    ),
    Code(
        "E620",
        "there is no run to resume",
        """\
`specc train --resume RUN` goes on with the run in a folder: the one that was named with `--out`, or a
numbered one in `runs/`. This folder does not exist, holds no run, or holds one without `state.safetensors`,
the file that a run is continued from.

    specc train --resume runs/lenet5-mnist-1

Nothing else is needed: spec, recipe and data are those that the run began with.
""",
    ),
    Code(
        "E621",
        "the state of a run is damaged",
        """\
`state.safetensors` in the run folder is what a run is continued from. It is cut off, was changed, belongs to
another network, or is no file of specc's. All of it is checked before any of it is used, so nothing was
loaded; the file holds numbers and texts only and cannot run anything.

specc never leaves half a state behind: it is written beside its place and renamed when it is whole. A
damaged one was copied incompletely, edited, or lies on a failing disk. Put it back from a copy, or start
again in another folder; `last.safetensors` and `best.safetensors` still hold the weights of an epoch's end.
""",
    ),
    Code(
        "E622",
        "the spec has changed since the run began",
        """\
A run is continued with the network and the recipe that it began with: only then does it end with the
weights that it would have had without the stop. The spec is another one now: either the copy in the run
folder or the file that the run began with was edited. The difference is shown; comments do not count.

    specc train runs/net-1/spec.cnn --resume runs/net-1     # go on with the run's own copy
    specc train --resume runs/net-1 --adopt                 # go on with the changed spec

With `--adopt` the weights that have the same name and shape in both networks are loaded, the others begin
anew, and both are listed. The epoch that was running begins again.
""",
    ),
    Code(
        "E623",
        "a run goes on as it began",
        """\
An option, or the data, is another one than when the run began, so that it would not end as it would have
without the stop. With `--resume` no option is needed. Those that may be given are `--epochs`, to make the run
longer, `--patience`, `--device`, `--data-dir`, `--workers`, `--in-memory`, `--checkpoint-steps` and
`--checkpoint-minutes`.

`--adopt` takes other changes too, such as a lower `--lr`, and begins the epoch that was running anew.
""",
    ),
    Code(
        "E624",
        "another run is at work in the folder",
        """\
A process that still runs holds the run folder's lock; two that wrote into one folder would spoil each other's
files. The message names the process and its host.

Wait until it ends, or stop it with Ctrl-C: it keeps what it has learned, and `--resume` goes on from there. A
process that was killed holds no lock, even if its file `.lock` is still there.
""",
    ),
    Code(
        "E625",
        "the processes do not fit the devices",
        """\
`--nproc N` starts N processes on this machine. Each of them needs a GPU of its own, or, on the processor,
at least a core; a device with a number, `cuda:1`, is one and cannot be cut. Under `torchrun` the variables
RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE tell each process which one it is; they have to agree with
each other.

    specc train resnet18.cnn --nproc 4                  # four GPUs, or four parts of the cores
    specc train resnet18.cnn --nproc 2 --device cpu     # no GPU

One process uses all cores of a processor by itself: several pay on several GPUs or several machines.
""",
    ),
    Code(
        "E626",
        "a process of the run died",
        """\
One of the processes that train together ended without a word, or can no longer be reached: it was killed, by
a person or by a system without memory, its machine went down, or the network between the machines broke. The
others cannot go on without its share of every batch, so all of them were stopped.

The run folder is whole. Its last state is that of the last checkpoint, and `specc train --resume RUN` goes on
from there with as many processes as before. `--checkpoint-minutes 1` makes such a loss smaller. Every process keeps
its own copy of the pictures: where memory was short, take fewer processes.
""",
    ),
    Code(
        "E627",
        "a batch is too small for the processes",
        """\
`--batch` counts the pictures of all processes together: each has its part of every batch, so that the same
batch gives the same loss with any number of processes. With fewer pictures than processes some would have
nothing to do.

Choose a larger `--batch`, at least as many as there are processes and better 16 times that, or start fewer.
""",
    ),
    Code(
        "E628",
        "the processes do not train the same thing",
        """\
Before the first step the processes of a run compare what they were asked for: spec, recipe, the pictures and, in a
run that goes on, its state. On one machine they are always the same. On several, one of them has an older copy
of the spec, another data set in its folder, or another state in its run folder.

Copy the spec and the data set to every machine. To go on with a run, every machine needs to see the run's folder
under the same path, or an exact copy of it; only the first process writes into it.
""",
    ),
    Code(
        "E629",
        "other many processes began the run",
        """\
Each process draws its own random numbers for augmentation and dropout, and the order in which gradients are added
depends on how many there are. A run that goes on with another number of processes would therefore not end with
the weights that it would have had, so `--resume` takes as many as began it. On one machine no option is needed:

    specc train --resume runs/net-mnist-1

starts them again. A run of several machines is continued by the `torchrun` that began it, with `--resume RUN` in
place of the spec. `--adopt` takes up a run with another number, and begins the epoch that was running anew.
""",
    ),
    Code(
        "E630",
        "an autoencoder's output is not its input's shape",
        """\
With `objective reconstruct` a network is trained to give back the picture that it was given: the loss is the
mean square of their difference, value by value. So the output has to have exactly the shape of the input.

    input 1x28x28
    conv 16 k3 s2 p1 -> relu                     # 16x14x14
    convtranspose 1 k4 s2 p1 -> sigmoid          # 1x28x28

`convtranspose k4 s2 p1` and `upsample 2` double height and width, `unflatten 1x28x28` makes a picture out of
784 numbers. A classifier, which ends in one number for each class, is trained with `objective classify`, the
default.
""",
    ),
    Code(
        "E631",
        "this torch lacks the optimizer",
        """\
The recipe asks for an optimizer that the installed torch does not have: `muon` needs torch 2.9 or newer.
`python -c "import torch; print(torch.__version__)"` tells which one is installed.

Update it with `pip install --upgrade torch`, or take another optimizer: `adamw` is the nearest one.
""",
    ),
    Code(
        "E632",
        "the processes that read pictures failed",
        """\
Pictures that do not stay in memory are read by other processes beside the training (`--workers`). One of them
ended before its time: most often the system ran out of memory and stopped it, or the shared memory of a
container (`/dev/shm`) is too small for the batches that wait in it.

`--workers 2` runs fewer of them, `--workers 0` reads in the training process itself, which is slower but needs
none of this. In Docker `--shm-size 2g` makes the shared memory larger. The run is continued by `specc train
--resume RUN`.
""",
    ),
    Code(
        "E633",
        "the sheet of samples cannot be written",
        """\
`specc data show` writes a picture with samples of a data set. Its file could not be written: the folder does
not exist or belongs to somebody else, the disk is full, or the name does not end in that of a picture format.

    specc data show mnist -o sheet.png
""",
    ),
    Code(
        "E640",
        "there is no run or weights file",
        """\
`specc eval`, `predict`, `peek` and `runs A B` take the folder of a run, or a `.safetensors` file that a run wrote.
This is neither: the folder does not exist, holds no run, or its run wrote no such weights. `best.safetensors` is
there after the first epoch, `last.safetensors` from the beginning.

    specc runs                       # lists the runs in runs/
    specc eval runs/lenet5-mnist-1
    specc eval lenet.safetensors
""",
    ),
    Code(
        "E641",
        "the weights cannot be used",
        """\
A weights file of specc says itself which network it belongs to: it holds the spec, the recipe, and the names of the
classes. This file is cut off, was changed, was written by another program, or its tensors are not those of the spec in
it. All of it is checked before any of it is used; it holds numbers and texts only and cannot run anything.

Copy the file again, or take the run's other weights: `--weights last` or `--weights best`. Weights of another program
are loaded in Python, with `specc.load_weights`.
""",
    ),
    Code(
        "E642",
        "the data are not what the network was trained for",
        """\
A trained network answers with the classes that it was trained on, and takes pictures of one size. On a data set with
another number of classes an accuracy would mean nothing. `specc eval` without `--data` takes the data set of the run.

Pictures of another size or colour are converted with `--fit`: scaled to the network's input, in grey or RGB. Their
classes have to be those of the run, in the same order: a folder of pictures is numbered by the names of its class
folders, in alphabetical order.
""",
    ),
    Code(
        "E643",
        "a picture cannot be used",
        """\
A file after `specc predict` or `specc peek` does not exist, is no picture, is damaged, or has another size than the
network takes and the run's recipe has no `resize` that would scale it. The other pictures are predicted all the same.

`--fit` scales every picture to the network's size. Digits in dark ink on light paper are the opposite of MNIST's:
`--invert` turns them.
""",
    ),
    Code(
        "E644",
        "a logger's package is missing",
        """\
`--log` tells a run to another program through that program's own Python package, which specc does not bring along:
`tensorboard`, `wandb`, `mlflow-skinny` or `visdom`. It is looked for before anything is loaded, so nothing was trained.

Install it into the same environment, or leave `--log` away: metrics, curves and report are in the run folder in any
case.
""",
    ),
    Code(
        "E645",
        "a logger does not answer",
        """\
The package of a logger is there, but the program behind it cannot be told anything: no Visdom server runs at the
address, Weights & Biases knows no key, MLflow's store cannot be opened. That is found out before training starts.

Each goes by its own settings: `VISDOM_SERVER` (`http://localhost:8097` if not set), `WANDB_MODE=offline` or
`wandb login`, `MLFLOW_TRACKING_URI`. A logger that fails later is told of once, and training goes on. A run that is
continued goes on without a logger that does not answer.
""",
    ),
    Code(
        "E646",
        "the network gives no classes",
        """\
`specc predict` tells the most likely classes, and this network was trained to give back its input (`objective
reconstruct`): it has none. `specc eval` tells its loss, `report.html` in the run folder shows what it makes of
pictures, and `specc peek` the outputs of all its layers.
""",
    ),
    Code(
        "E647",
        "there is nothing to show",
        """\
`specc peek` draws feature maps, which are pictures: channels of height and width. Either the network's input is no
picture but a vector, or none of its layers has the name that was given with `--layer`. `specc summary` lists the
layers' names; a part of a name that ends at a dot, such as `stage1`, stands for all layers in it.
""",
    ),
    Code(
        "E650",
        "the precision cannot be had on this device",
        """\
`--precision` names the numbers that a network computes in: `fp32`, `bf16`, which has the same range with fewer
digits, or `fp16`, which has a smaller range too, so that the loss has to be scaled. `bf16` runs on every CPU,
and is slow where it has no instructions for it, and on CUDA devices that have them; `fp16` runs on CUDA only.

    specc train net.cnn --precision auto

`auto`, the default, takes `bf16` where the hardware multiplies it and `fp32` elsewhere. The weights are kept and
changed in float32 whatever is chosen.
""",
    ),
    Code(
        "E651",
        "nothing here can compile the network",
        """\
`--compile on` hands the network to `torch.compile`, which makes a program of it: on a CPU with a C++ compiler
(`g++` or `clang++`; the variable CXX may name one), on CUDA with the package `triton`. This machine has not got it.

Install it, or leave the option out. On CPUs a compiled network was slower than a plain one whenever that was
measured.
""",
    ),
    Code(
        "E652",
        "an exact run has one process",
        """\
`--exact` gives the weights of a plain loop in one process, bit for bit. Several processes compute the gradient of a
batch in parts and add these up: the same number but for its last bits, which is not exact.

Train with one process, or leave `--exact` out.
""",
    ),
    Code(
        "E655",
        "the network is too large for a picture",
        """\
A picture of thousands of boxes helps nobody, and would be a file that no browser opens. Repeats are drawn
once, `×4`, and where there are still many boxes the innermost blocks are drawn closed; this network has too
many all the same, because its steps differ from each other, or because `--unfold` or `--depth` asks for more.

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
The picture times `--scale` has more pixels than most programs open. Make it smaller with `--scale 1`, draw less
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
        "the exported program gives another output",
        """\
Every exported program is run beside the network, on batches of several sizes, before it is kept. This one
gave outputs that differ by more than rounding does (a ten-thousandth of the largest value), so nothing was
written. It is a fault of the exporter or of the program that ran the file, not of the spec.

Another version of torch or of onnxruntime may help; `--to python` exports the source, which is not translated.
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

A layer of another package may hold code that cannot be followed without running it; the message has torch's
own words for it.
""",
    ),
    Code(
        "E664",
        "no weights to export",
        """\
`specc export` takes a spec or the folder of a run. A run's weights are its `best.safetensors`, those of the
epoch with the best result, or with `--weights last` its `last.safetensors`; `--weights FILE` takes any
`.safetensors` file whose weights are the network's: of the same names, or in the same order and of the same
shapes.

    specc export runs/lenet5-mnist-1 --to onnx
    specc export lenet5.cnn --to onnx --weights runs/lenet5-mnist-1/last.safetensors

Here the folder holds no run, the file is missing or damaged, or its weights belong to another network.
""",
    ),
    Code(
        "E665",
        "the model to import cannot be made",
        """\
What `specc import` reads is a function that makes a torch model, or a Darknet file:

    specc import torchvision:resnet18
    specc import mypackage.models:Net
    specc import darknet19.cfg

Before the colon stands a module that Python can import from where the command is run, behind it a function or
a class that gives an `nn.Module` without needing an argument, or a model that is there already. The module is
run, as Python runs whatever it imports: never import what you do not trust. This one was not found, or failed;
the notes have its own words.
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

Here a line is neither, a number is missing or is none, or a layer refers to one that is not there.
""",
    ),
    Code(
        "E668",
        "the imported spec gives another output",
        """\
An imported spec is compiled, gets the model's weights, and is run beside the model before it is written. The two
gave different outputs, so nothing was written. The model does something that its graph does not show, such as
changing its own weights, or importing it is at fault: then a report with the model helps to mend it.
""",
    ),
    Code(
        "E669",
        "the exported file cannot be written",
        """\
The file named with `-o` (or `--weights` of `specc import`) could not be written: the folder does not exist or
belongs to somebody else, the disk is full, or a folder has that name. A file that was there before is
as it was: the new one is written beside it and renamed when it is whole.
""",
    ),
)
