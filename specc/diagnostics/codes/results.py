"""What is made of a trained network: evaluation, prediction, pictures of its maps."""

from specc.diagnostics.codes.code import Code

CODES = (
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
it: of other names, shapes or kinds of numbers, or infinite. All of it is checked before any of it is used; it holds
numbers and texts only and cannot run anything.

Copy the file again, or take the run's other weights: `--weights last` or `--weights best`. Weights of another program
are loaded in Python, with `specc.load_weights`.
""",
    ),
    Code(
        "E642",
        "the data are not what the network was trained for",
        """\
A trained network answers with the classes that it was trained on, and takes pictures of one size. A picture of a class
that it does not know could only be answered wrongly. `specc eval` without `--data` takes the data set of the run.

Classes are matched by their names, those of a folder by the names of its class folders; some of the network's are
enough. Only where not one name is the same, and there are as many, are they compared by their order.

Pictures of another size or colour are converted with `--fit`: scaled to the network's input, in grey or RGB. A folder
with parts has those that are in it: `--split train` takes its `train`.
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
        "E646",
        "the network gives no classes",
        """\
`specc predict` tells the most likely classes, and this network was trained to give back its input (`task
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
)
