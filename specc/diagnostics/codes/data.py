"""Data sets and picture files."""

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E601",
        "unknown data set",
        """\
What stands after `--data` (or `data` in `train { }`) is the name of a data set that specc knows, a folder of
pictures, or a `.csv` or `.npz` file. This is none of them: a typing mistake in the name, or a folder or
file that does not exist from where the command is run.

    specc train lenet.cnn --data fashion-mnist
    specc train lenet.cnn --data ~/pictures/leaves

The names are `digits` (part of scikit-learn, needs no download), `mnist`, `fashion-mnist`, `cifar10` and
`cifar100`; installed packages may add others. A folder with the name of a data set is written
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

Delete the file that is named and run the command again: it is downloaded again. Where there is no network,
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
        "the network's output is not what the task takes",
        """\
A classifier ends in one number for each class: the class with the largest one is its answer, and
cross-entropy compares them with the right one. So its output has to be a vector with as many entries as
the data has classes: 10 for digits, 100 for cifar100.

    gap -> flatten -> linear 10

Where the last layer's size is a `param`, it can be set for one run: `--set classes=100`. An output such
as `10x1x1` is not a vector yet: `flatten` makes it one. No softmax is needed at the end: it is part of
the loss.

`task multilabel` takes one number for each label in the same way, and `task regress` one for each number that is to be
found. `task segment` takes one for each class at each pixel: with pictures of 3x128x128 and two classes, 2x128x128.

    conv 2 k1
""",
    ),
    Code(
        "E607",
        "pictures that cannot be read",
        """\
Some files in the class folders are named like pictures, but cannot be read: they are cut off, empty, or something
else under a picture's name. They are not skipped silently, since the data set would then not be the one that you
think it is. All of them are counted, and the first five named, each with the reason.

Remove damaged files, or replace them by whole ones. Two kinds are sound and still not read:

- floating-point and 32-bit levels (some TIFFs), since nothing in the file says which number is full brightness: save
  them as 8-bit or 16-bit PNG;
- more than 268,435,456 pixels (16384 x 16384), which take a gigabyte as RGB. A JPEG is decoded at a half, a quarter or
  an eighth where `--resize` asks for that little, and then has as many pixels as are left.
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

There have to be two classes at least, and no class may be without a training picture. A folder that is
called like a part (`train`, `Test`, `valid`, …) and lies beside class folders may be a part or a class;
move it or rename it, so that it is clear. Pictures may lie in folders below the class's; hidden files and
files of other kinds are passed over.
""",
    ),
    Code(
        "E609",
        "a class that is tested on and not trained on",
        """\
The test (or validation) part of a data set has a class folder with pictures, and the training part has
none of that name. The network has no output for it, so that it could not be right about any of these
pictures.

Often it is one class with two names: a difference in capitals or a trailing space counts as one. Rename
the folder then. Otherwise remove it, or give the training part pictures of that class, too. The other way
round nothing is wrong: a rare class may lack in the test part.
""",
    ),
    Code(
        "E610",
        "the pictures have different sizes",
        """\
All pictures of a batch go through the network at once, as one block of numbers, so they have one height
and one width. Photographs seldom do: `--resize 64` scales each of them to 64x64 as it is read, `--resize
48x64` to a height of 48 and a width of 64 pixels. In a spec this is `resize 64` in `train { }`. `specc eval`
converts with `--fit`.
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
        "E619",
        "a package's data set cannot be used",
        """\
An installed package offers a data set of this name under the entry point group `specc.datasets`, but it
could not be imported, is not a `specc.data.sources.Entry`, or its loader failed or gave something that is not
a `specc.data.sources.package.Dataset` of uint8 or float32 samples with int64 labels. The mistake is in that
package: update it, tell its authors, or uninstall it.
""",
    ),
    Code(
        "E630",
        "an autoencoder's output is not its input's shape",
        """\
With `task reconstruct` a network is trained to give back the picture that it was given: the loss is the
mean square of their difference, value by value. So the output has to have exactly the shape of the input.

    input 1x28x28
    conv 16 k3 s2 p1 -> relu                     # 16x14x14
    convtranspose 1 k4 s2 p1 -> sigmoid          # 1x28x28

`convtranspose k4 s2 p1` and `upsample 2` double height and width, `unflatten 1x28x28` makes a picture out of
784 numbers. A classifier, which ends in one number for each class, is trained with `task classify`, the
default.
""",
    ),
    Code(
        "E632",
        "the processes that read pictures failed",
        """\
Pictures that do not stay in memory are read by other processes beside the training (`--workers`). One of them
ended too early: most often the system ran out of memory and stopped it, or the shared memory of a
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
        "E638",
        "the data do not give what the task learns",
        """\
What a network learns is said by `task`, and what there is to learn by the data: one class for each picture
(`classify`), any of several labels (`multilabel`), numbers (`regress`), a class for each pixel (`segment`).
`reconstruct` learns the pictures themselves and takes any data. Here the two do not go together, or
`class_weights` has not one number for each class.

    specc train net.cnn --data centres.csv --task regress
    specc train net.cnn --data pets --class-weights balanced

`specc data info DATA` tells what data give.
""",
    ),
    Code(
        "E680",
        "a table of pictures that cannot be used",
        """\
A `.csv` file after `--data` has a row for each picture. Its first line names the columns: `file`, the
path of the picture, relative to the table; then `label`, the class; or `labels`, any number of them with
`;` between; or a column for each number that is to be found. `split` says `train`, `test` or `val`;
without it a fifth is held out to test on.

    file,label,split
    pictures/001.jpg,oak,train
    pictures/002.jpg,birch,test

The message names the line that cannot be used: a picture that is not there, a class that is only tested
on, a number that is none, a field too many. The file is CSV with commas, in UTF-8.
""",
    ),
    Code(
        "E681",
        "an .npz file that cannot be used",
        """\
An `.npz` file after `--data` holds `x_train`, `y_train`, `x_test` and `y_test`, or `x` and `y`, of which
a fifth is held out. Samples come first; their channels come first or last. They are uint8 (0 to 255),
int16 (sound, which is divided by 32768) or float. `y` has a whole number or a word for a class, a 0 or 1
for each label, floats for numbers that are to be found, or a whole number for each pixel; `classes` may
hold names.

    np.savez("sounds.npz", x=x, y=y)

Arrays of Python objects are not read: they are pickles, which can run anything on your computer. Lists of
different lengths become such arrays; make all samples alike.
""",
    ),
    Code(
        "E682",
        "masks that do not go with their pictures",
        """\
A folder that holds `images` and `masks`, or `train` and `test` with both in each, has a mask for each
picture: a picture of the same name and size, in which the number of each pixel is its class. Masks with
two numbers, such as 0 and 255, have two classes; in others the numbers are the classes, and 255 is a
pixel that is not looked at. A file `classes.csv` beside them may name the classes (`name` or
`name,value`), and for masks in colours has to (`name,r,g,b`).

The message names a picture without a mask, a mask of another size, or a number or colour that nothing
names. Save masks as PNG, and scale them without smoothing: between two classes lies no third.
""",
    ),
)
