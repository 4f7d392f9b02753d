"""Training: devices, run folders, what can end a run, and going on with one."""

from specc.diagnostics.codes.code import Code

CODES = (
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
The folder after `--out` already holds files, or another run has just started in it. A run is a record:
specc never writes one over another.

To go on with the run in it, write `specc train --resume DIR`. Otherwise name a folder that does not exist
yet, or leave out `--out`: the run then goes to the next free folder in `runs/`, such as
`runs/lenet5-mnist-3`.
""",
    ),
    Code(
        "E614",
        "the run folder cannot be written",
        """\
A file of the run could not be written: the disk is full, the folder belongs to somebody else, or it lies
on a medium that is write-protected. Every file is first written beside its place and renamed when it is
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

With a batch size of 1, choose a larger `--batch`; with one training picture, take more of them: `--limit` may be
too low. A single picture that is left over at the end of an epoch is left out by itself.
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
another network, or is no file of specc's; or what is no file at all, such as a named pipe, stands in its
place or in that of another file of the run. All of it is checked before any of it is used, so nothing was
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
folder or the file that the run began with was edited. The difference is shown. How the spec is written does not
count: after `specc fmt`, with other comments or with a longer form of the same step it is the same spec.

    specc train runs/net-1/spec.cnn --resume runs/net-1     # go on with the run's own copy
    specc train --resume runs/net-1 --adopt                 # go on with the changed spec

With `--adopt` the weights that have the same name and shape in both networks are loaded, the others begin
anew, and both are listed. The epoch that was running begins again. The epochs of the old network are not compared with
those of the new one: its best weights stay beside the run as `best-before-epoch-N.safetensors`.
""",
    ),
    Code(
        "E623",
        "a run goes on as it began",
        """\
An option, or the data, is another one than when the run began, so that it would not end as it would have
without the stop. With `--resume` no option is needed. Those that may be given are `--epochs`, to make the run
longer, `--patience`, `--device`, `--data` for a folder that was moved, `--data-dir`, `--workers`, `--in-memory`,
`--checkpoint-steps` and `--checkpoint-minutes`.

Data are known by what is in them: every class's name, the bytes of its pictures, their order. Which class has come,
gone or changed is told. What folders and files are called and when they were written is no matter.

`--adopt` accepts other changes too, such as a lower `--lr`, and starts the unfinished epoch over.
""",
    ),
    Code(
        "E624",
        "another run is at work in the folder",
        """\
A process that is still running holds the run folder's lock: two that wrote into one folder would damage each
other's files. The message names the process and its host.

Wait until it ends, or stop it with Ctrl-C: it keeps what it has learned, and `--resume` goes on from there. A
process that was killed holds no lock, even if its file `.lock` is still there.
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
        "E634",
        "there are no weights to begin with",
        """\
`--from` takes what a network begins with in place of drawn weights: the folder of a run, of which it takes the
best epoch, a weights file (`.safetensors`, or torch's own `.pt` and `.pth`), or `torchvision:NAME`. There is nothing
of that name, or nothing with weights in it.

    specc train net.cnn --from runs/lenet5-mnist-1
    specc train net.cnn --from resnet18-f37072fd.pth
    specc train net.cnn --from torchvision:resnet18
""",
    ),
    Code(
        "E635",
        "the weights could not be downloaded",
        """\
torchvision's weights are downloaded once, by torchvision itself, into `$TORCH_HOME/hub/checkpoints` (usually
`~/.cache/torch/hub/checkpoints`), and their digest is compared. The server could not be reached, or the file is
not the one that was expected.

On a machine without a network put the file there, copied from another machine, or name it after `--from`.
""",
    ),
    Code(
        "E636",
        "nothing of the weights fits",
        """\
Weights that a network begins with are given out by their names, or, where that pairs more, in their order, up to the
first tensor of another shape. Here not one kernel or matrix found its place: the networks are different ones.

`specc diff` compares two specs, and says which weights would carry over. For a network that was imported from torch,
`specc.load_weights` knows which tensor is which, by the file that the import wrote.
""",
    ),
    Code(
        "E637",
        "no part of the network has that name",
        """\
`--freeze`, `--rates` and `--decays` name parts of the network: a label, a block or a layer as it stands in
`state_dict()`, and all that is inside. `*` stands for any letters; a repeated label `stage` means all its repeats.

    specc train net.cnn --from runs/a --freeze stem,stage1
    specc train net.cnn --from runs/a --rates 'head=10x stage*=0.1x'

`specc summary` lists the layers.
""",
    ),
    Code(
        "E644",
        "a logger's package is missing",
        """\
`--log` tells a run to another program through that program's own Python package, which does not come with
specc: `tensorboard`, `wandb`, `mlflow-skinny` or `visdom`. It is looked for before anything is loaded, so nothing
was trained.

Install it into the same environment, or leave out `--log`: metrics, curves and report are in the run folder in any
case.
""",
    ),
    Code(
        "E645",
        "a logger does not answer",
        """\
The package of a logger is there, but the program behind it cannot be told anything: no Visdom server runs at the
address, Weights & Biases has no API key, MLflow's store cannot be opened. That is found out before training starts.

Each follows its own settings: `VISDOM_SERVER` (`http://localhost:8097` if not set), `WANDB_MODE=offline` or
`wandb login`, `MLFLOW_TRACKING_URI`. A logger that fails later is told of once, and training goes on. A run that is
continued goes on without a logger that does not answer.
""",
    ),
    Code(
        "E650",
        "the device cannot compute in this precision",
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
(`g++` or `clang++`; the variable CXX may name one), on CUDA with the package `triton`. This machine has none.

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
)
