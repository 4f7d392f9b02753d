"""Lints of how large things are, the input and one layer among all."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.spelling import spelled
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding, lint
from specc.layers.base import Shape, written
from specc.syntax import tree

LEAST = 1_000_000
SHARE = 0.9
COLOURS = (1, 3)  # channels of pictures
LIKE_A_SIZE = 8  # factors of at least this much, one for each dimension, are seldom meant
SMALLEST_PICTURE = 8  # pixels of a side


@lint(
    "W508",
    "one layer with most of the parameters",
    """\
More than nine tenths of the parameters, and more than a million, stand in one layer. Nearly
always it is the first `linear` after a `flatten`: it has a weight for every feature and every
output, and the features are channels · height · width. For 64 channels of 56×56 pixels and 128
outputs that makes

    64 · 56 · 56 · 128 + 128 = 25,690,240

parameters, while the convolutions that did the seeing before it have some ten thousand. Such a
layer fills the memory, and with few pictures it learns them by heart.

Make the picture smaller first: one more pooling takes three quarters away; `gap -> flatten`
leaves one number for each channel.

Wrong:

    input 3x224x224
    conv 32 k3 p1 -> relu -> maxpool 2
    conv 64 k3 p1 -> relu -> maxpool 2
    flatten -> linear 128 -> relu -> linear 10

Right:

    input 3x224x224
    conv 32 k7 s4 p3 -> relu -> maxpool 2
    conv 64 k3 s2 p1 -> relu -> maxpool 2
    conv 128 k3 p1 -> relu
    adaptiveavgpool 2 -> flatten -> linear 128 -> relu -> linear 10
""",
)
def top_heavy(network: Network) -> Iterator[Finding]:
    whole = network.model.params
    if whole <= LEAST:
        return
    layers = {id(placed.node): placed for run in network.runs for placed in run.layers if placed.node.costs.macs}
    largest = max(layers.values(), key=lambda placed: placed.node.costs.parameters, default=None)
    if largest is None or len(layers) < 2:
        return
    count = largest.node.costs.parameters
    if count > LEAST and count > SHARE * whole:
        yield Finding(
            largest.span,
            f"this `{largest.word}` has {count:,} of the {whole:,} parameters: {100 * count / whole:.1f} %",
            _smaller(largest),
            label=f"{written(largest.node.input)} in, {written(largest.node.output)} out",
        )


@lint(
    "W513",
    "an input with its channels last",
    """\
A spec writes channels first, as torch does: `input 3x32x32` is a picture of three channels with
32 by 32 pixels. Keras, Pillow and NumPy count the other way round: height, width, channels.
Here `32x32x3` is 32 channels of 32 by 3 pixels, and a convolution slides over a strip three
pixels wide.

It is reported where the first two numbers are equal and at least 8, and the last is 1 or 3:
pictures are often square, and hardly ever one or three pixels wide.

Wrong:

    input 32x32x3
    conv 16 k3 p1 -> relu
    flatten -> linear 10

Right:

    input 3x32x32
    conv 16 k3 p1 -> relu
    flatten -> linear 10

Data of other programs are turned with `array.transpose(2, 0, 1)` or `tensor.permute(2, 0, 1)`.
`specc train` reads pictures channels first by itself.
""",
)
def channels_last(network: Network) -> Iterator[Finding]:
    for item in network.tree.items:
        if isinstance(item, tree.Input) and isinstance(item.value, tree.SizeLiteral):
            shape = network.model.input
            if item.value.dims == shape and _is_channels_last(shape):
                first = spelled((shape[-1], *shape[:-1]))
                yield Finding(
                    item.value.span,
                    f"`input` has its channels first: this is {shape[0]} channels of {written(shape[1:])} pixels",
                    f"if it is a picture of {written(shape[:-1])} pixels, write `input {first}`",
                )


@lint(
    "W516",
    "a factor where a size may be meant",
    """\
`upsample` takes a factor: `upsample 2` doubles height and width. Two large numbers, as in
`upsample 20x20`, look like the size of a picture, but they are factors too, and make 400 pixels
of each one. A size is said by its name: `upsample size=20x20` gives 20×20 pixels, whatever
arrives.

Wrong:

    input 8x10x10
    conv 8 k3 p1 -> relu
    upsample 20x20

Right:

    input 8x10x10
    conv 8 k3 p1 -> relu
    upsample size=20x20

Nothing is said of one number, such as the `upsample 32` of FCN-32s, nor of factors below 8.
""",
)
def factor_like_a_size(network: Network) -> Iterator[Finding]:
    for run in network.runs:
        for placed in run.layers:
            scale = getattr(placed.layer, "scale", None)
            if isinstance(scale, tuple) and all(float(one).is_integer() and one >= LIKE_A_SIZE for one in scale):
                size = spelled(tuple(map(int, scale)))
                yield Finding(
                    placed.span,
                    f"`{placed.word} {size}` multiplies: {written(placed.node.input[1:])} pixels become "
                    f"{written(placed.node.output[1:])}",
                    f"if {size} is the size to give, write `{placed.word} size={size}`",
                )


def _is_channels_last(shape: Shape) -> bool:
    return len(shape) == 3 and shape[0] == shape[1] >= SMALLEST_PICTURE and shape[2] in COLOURS


def _smaller(largest: Placed) -> str:
    if largest.word == "linear":
        return "one more pooling before `flatten`, or `gap -> flatten`, leaves fewer features"
    return "use fewer channels or a smaller kernel here"
