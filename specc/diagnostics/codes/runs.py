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
cannot be written. The notes under the message tell which. Nothing half-loaded is left behind.

What you can do:

- run the command again where there is a network; the files are kept for the next time;
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

`--resize 64` makes each picture smaller, to 64x64; `--limit 10000` takes at most that many. Closing other
programs helps too.
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
longer, `--patience`, `--device`, `--data-dir`, `--checkpoint-steps` and `--checkpoint-minutes`.

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
)
