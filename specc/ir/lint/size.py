"""Lints of how large things are, the input and one layer among all."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.amounts import percent
from specc.diagnostics.spelling import spelled
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding
from specc.layers.base import Shape, written
from specc.syntax import tree

LEAST = 1_000_000
SHARE = 0.9
COLOURS = (1, 3)  # channels of pictures
LIKE_A_SIZE = 8  # factors of at least this much, one for each dimension, are seldom meant
SMALLEST_PICTURE = 8  # pixels of a side


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
            f"this `{largest.word}` has {count:,} of the {whole:,} parameters: {percent(count / whole)}",
            _smaller(largest),
            label=f"{written(largest.node.input)} in, {written(largest.node.output)} out",
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
