"""E2: arguments of steps, and settings of the recipe."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E202",
        "no such argument",
        """\
The layer or block has no argument with this key. `specc layers conv` shows what `conv` takes; a
block takes its own parameters.

Keys come in a long and a short form: `kernel` or `k`, `stride` or `s`, `padding` or `p`,
`dilation` or `d`, `groups` or `g`. The short ones may be joined to a size, `k3`, `p1x2`. Not
every layer has all of them: a pooling has no groups, a linear layer no kernel. What torch calls
`in_channels` has no key, because the number of channels that arrive is inferred.

Wrong:

    input 3x32x32
    conv 64 kernel_size=3

Right:

    input 3x32x32
    conv 64 kernel=3
""",
    ),
    Code(
        "E203",
        "a missing argument",
        """\
The layer cannot be built without this argument, and there is no default that would be right for
most networks. As in torch, a convolution needs its output channels and its kernel, a pool its
window, a linear layer its output features. What torch has a default for, such as a stride of 1,
may be left out.

Wrong:

    input 3x32x32
    conv 64

Right:

    input 3x32x32
    conv 64 k3

The same code says that a block was called without one of its parameters: give the parameter a
default, as in `block stage(c, stride=1)`, or pass it.
""",
    ),
    Code(
        "E204",
        "a value that the argument does not take",
        """\
The argument exists, but not with this value: a kernel of 0, a probability of 5, a word where a
number belongs, a number that is not whole where channels are counted.

The last one has a common source. Widths are often scaled, and 64 · 0.35 = 22.4 is no number of
channels. Choose how to round: `//` divides and rounds down, and `divisible(c*0.35, 8)` gives
the nearest multiple of 8, as MobileNet does.

Wrong:

    param width = 0.35
    input 3x32x32
    conv (64*width) k3

Right:

    param width = 0.35
    input 3x32x32
    conv divisible(64*width, 8) k3
""",
    ),
    Code(
        "E205",
        "one argument too many",
        """\
Arguments without a key fill the fields of the layer in a fixed order: for `conv` these are
output channels, kernel, stride, padding, dilation and groups. All of them are filled, and one
value is left over.

Often the number of input channels was given too, as torch wants it. Here it is inferred, so a
linear layer has one number, its output features. Groups and forms take no values at all.

Wrong:

    input 400
    linear 400 120

Right:

    input 400
    linear 120

Two numbers in `conv 3 64` are not an error of this kind: that is a convolution of 3 output
channels and a 64×64 kernel.
""",
    ),
    Code(
        "E206",
        "an argument given twice",
        """\
One argument has two values, and there is no way to know which of them should count. A key has a
long and a short form, and the first values may stand without any key: `conv 64 3` already says
that the kernel is 3.

Wrong:

    input 3x32x32
    conv 64 3 k5

Right:

    input 3x32x32
    conv 64 k5
""",
    ),
    Code(
        "E220",
        "no such training setting",
        """\
`train { }` takes the settings that `specc train` takes as options, with `_` for `-`: `data`,
`epochs`, `batch`, `optimizer`, `lr`, `seed` and so on; `specc train --help` lists them. Each
stands on a line of its own, or after a `;`. The optimizer's arguments may follow its name,
with a key.

Wrong:

    input 3x32x32
    gap -> flatten -> linear 10
    train { learning_rate 0.1 }

Right:

    input 3x32x32
    gap -> flatten -> linear 10
    train { optimizer sgd lr=0.1 momentum=0.9 }
""",
    ),
    Code(
        "E221",
        "a value that a training setting does not take",
        """\
The setting exists, but not with this value: no value at all, two values, a word for a number, a
number outside of its range, or an argument that the chosen optimizer does not have. Adam has no
momentum of that name, for instance; its memory is set by `betas`.

Wrong:

    input 3x32x32
    gap -> flatten -> linear 10
    train { epochs 2.5 }

Right:

    input 3x32x32
    gap -> flatten -> linear 10
    train { epochs 3 }

A path or a name with special characters in it is written in quotes: `data "../my pictures"`.
""",
    ),
    Code(
        "E222",
        "a training setting given twice",
        """\
A setting has two values in one `train` block, and there is no way to know which of them counts.
The arguments after an optimizer are settings too: `optimizer sgd lr=0.1` sets `lr`.

Wrong:

    input 3x32x32
    gap -> flatten -> linear 10
    train {
      optimizer sgd lr=0.1
      lr 0.01
    }

Right:

    input 3x32x32
    gap -> flatten -> linear 10
    train { optimizer sgd lr=0.1 }

To try another value without touching the file, give it as an option, which wins: `--lr 0.01`.
""",
    ),
)
