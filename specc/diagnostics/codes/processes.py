"""Training in several processes."""

from specc.diagnostics.codes.code import Code

CODES = (
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
One of the processes that train together ended without saying why, or can no longer be reached: it was killed, by
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
        "the run began with another number of processes",
        """\
Each process draws its own random numbers for augmentation and dropout, and the order in which gradients are added
depends on how many there are. A run that goes on with another number of processes would therefore not end with
the weights that it would have had, so `--resume` takes as many as began it. On one machine no option is needed:

    specc train --resume runs/net-mnist-1

starts them again. A run of several machines is continued by the `torchrun` that began it, with `--resume RUN` in
place of the spec. `--adopt` continues a run with another number, and starts the unfinished epoch over.
""",
    ),
)
