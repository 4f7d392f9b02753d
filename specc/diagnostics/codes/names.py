"""E2: names, and what they may stand for."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E201",
        "no such layer, block or form",
        """\
The first word of a step says what it is, and this word is none of the layers, none of the
blocks defined above, and no form such as `residual`. The help line names the word that was
probably meant.

- A typing mistake. `specc layers` lists every layer.
- A spelling from another library. Here the words are short, lower case and without the rank:
  `Conv2d` is `conv`, `MaxPool2d` is `maxpool`, `BatchNorm2d` is `bn`, `Dense` and `fc` are
  `linear`.
- A block that is defined further down. A block must stand above the place where it is used.
- A parameter of a block that holds a number where a layer was expected.

Wrong:

    input 3x32x32
    Conv2d 64 k3

Right:

    input 3x32x32
    conv 64 k3
""",
    ),
    Code(
        "E207",
        "an unknown name",
        """\
A word stands where a value is expected, and nothing of that name is in scope. Names come from
`param`, above their use, and from the parameters of the surrounding block. Apart from these,
only option words stand for themselves, such as `same`, `reflect` or `true`, each where a layer
takes it.

- A typing mistake in a name, or a flag that the layer does not have.
- Shorthands run together: `k3p1` is written `k3 p1`.
- A `param` that stands below its use, or a parameter of another block.
- A function other than `min`, `max` and `divisible`.

Wrong:

    param width = 64
    input 3x32x32
    conv widht k3

Right:

    param width = 64
    input 3x32x32
    conv width k3
""",
    ),
    Code(
        "E208",
        "something defined twice",
        """\
A name stands for one thing. Two `param`s or blocks with one name, two parameters of one block,
two `input`s or two `train` blocks would leave open which one counts, so the second is refused.
The other mark shows the first.

Wrong:

    param width = 32
    param width = 64
    input 3x32x32
    conv width k3

Right:

    param width = 64
    input 3x32x32
    conv width k3

To try other values without touching the file, override it: `specc check net.cnn --set
width=32`.
""",
    ),
    Code(
        "E209",
        "a module name that is taken",
        """\
Every step becomes a module with a name, under which its weights stand in `state_dict()`.
Without a label that is the word and a running number: `conv1`, `relu1`, `conv2`. The label asks
for a name that is not available:

- another step of the same chain has it, by a label or by counting (the second `conv` is
  `conv2`, whatever the first one is called);
- `nn.Sequential` has an attribute of that name, such as `type`, `append` or `forward`.

Wrong:

    input 3x32x32
    features: conv 64 k3
    features: conv 64 k3

Right:

    input 3x32x32
    features: conv 64 k3
    features_b: conv 64 k3

Chains do not disturb each other: in every block, group and branch the counting begins anew.
""",
    ),
    Code(
        "E210",
        "an expression without a value",
        """\
The expression can be read, but it has no value here. It divides by zero; it adds sizes of
different lengths; it calculates with something that is not a number; it asks for `in`, the
channels that arrive at a step, where there is no step; or its value is not of the kind that the
statement needs, such as an input shape with a dimension of 0.

Operators work element by element on sizes: `(3x5 // 2)` is 1x2, but `3x5 + 1x1x1` has no
meaning.

Wrong:

    param depth = 0
    param width = (64 // depth)
    input 3x32x32

Right:

    param depth = 2
    param width = (64 // depth)
    input 3x32x32
""",
    ),
    Code(
        "E211",
        "a block that cannot be defined like this",
        """\
A block may not have the name of a layer or a form: the word would then mean two things.
And it may not use itself: a network is built once, layer by layer, so a block inside itself
would never end. A repeat does what such a block is meant to do, and a parameter gives several
sizes.

Wrong:

    block deeper(c) { conv c k3 p1 -> relu -> deeper c }
    input 64x32x32
    deeper 64

Right:

    block deeper(c) { conv c k3 p1 -> relu }
    input 64x32x32
    deeper 64 x4
""",
    ),
    Code(
        "E214",
        "no input",
        """\
Shapes are worked out from the first layer to the last, so the shape of one sample has to be
known: channels first, without the batch. `784` is a vector, `1x16000` a signal, `3x32x32` an
image, `1x16x64x64` a volume.

A spec that is meant for several sizes may leave it out; then it is given with the command, as
in `specc check net.cnn --input 3x32x32`, or taken from a data set, as in
`specc train net.cnn --data mnist`.

Wrong:

    conv 64 k3 p1 -> relu

Right:

    input 3x32x32
    conv 64 k3 p1 -> relu
""",
    ),
    Code(
        "E215",
        "an impossible repeat",
        """\
`x3` builds a step three times in a row, each time with weights of its own. The count is a whole
number, 0 or more; it comes last in the step, before `::`, and there is only one. With a name
or an expression it is written `x=n` or `x=(n//2)`.

With three stages and two layers per block, a network of depth 20 has (20 − 2) / 6 = 3 blocks per
stage. With a depth of 21 the division would give 3.17, which is no number of blocks.

Wrong:

    param depth = 21
    input 16x32x32
    relu x=((depth-2)/6)

Right:

    param depth = 20
    input 16x32x32
    relu x=((depth-2)/6)
""",
    ),
    Code(
        "E216",
        "missing or misplaced branches",
        """\
Only the forms have branches: `concat`, `add`, `mul` and `split` one or more, separated by `|`;
`residual` and `gate` exactly one, since the other side is what arrived. A block and a group
hold one chain. A `shortcut` belongs to `residual` alone. `from LABEL` stands first in a branch.
`outputs`, whose branches are headed by their names, is the network's last step.

A branch that changes nothing is written `id`. An empty one would look the same as one that was
forgotten, so it is refused.

Wrong:

    input 64x32x32
    concat { conv 32 k3 p1 | }

Right:

    input 64x32x32
    concat { conv 32 k3 p1 | id }
""",
    ),
    Code(
        "E217",
        "a budget that makes no sense",
        """\
`budget` sets an upper bound on one of three quantities:

    budget params <= 12M
    budget macs <= 600M
    budget memory <= 64M

`memory` is counted in bytes. There is no budget for anything else, and none below 0.

Wrong:

    input 3x32x32
    budget parameters <= 1M
    conv 64 k3

Right:

    input 3x32x32
    budget params <= 1M
    conv 64 k3
""",
    ),
    Code(
        "E218",
        "a number of classes that nothing says",
        """\
`param classes = auto` leaves the number of classes to the data set (for tasks without classes,
the number of outputs), so that one spec serves any. It has to come from somewhere: from
`--data`, from `data` in the spec's `train { }`, or from `--set classes=10`. A run keeps the
spec with the number in it.

Only the `param` called `classes` can be `auto`.

Wrong:

    param classes = auto
    input 1x28x28
    flatten -> linear classes

Right:

    param classes = 10
    input 1x28x28
    flatten -> linear classes
""",
    ),
    Code(
        "E223",
        "a label that cannot be seen here",
        """\
A branch that begins with `from LABEL` goes on from what left the step of that label, in place of
what arrives at the form. The label stands earlier in the same chain or in one around it, at a step
that has ended: what has not been computed yet cannot be taken up. Labels in other braces are not
seen, and a block's body sees its own labels only, since it may be called anywhere.

Of a repeated step the label means the last one, and `stage2` the second. A step with `x0` is not
built, so nothing leaves it.

Wrong:

    input 3x32x32
    add { conv 8 k1 | from c1 }
    c1: conv 8 k3 p1

Right:

    input 3x32x32
    c1: conv 8 k3 p1
    add { conv 8 k1 | from c1 }
""",
    ),
)
