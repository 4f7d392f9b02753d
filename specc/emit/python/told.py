"""A shape as a comment says it: numbers in the network's class, `c×H/stride×W/stride` in that of a block."""

from __future__ import annotations

from typing import Any

from specc.emit.python.expressions import (
    Applied,
    Expression,
    Literal,
    Name,
    expression_of,
    names_in,
    operation,
    text_of,
)
from specc.emit.python.frames import ClassFrame, Strides
from specc.layers.base import Layer, Shape, spread

LONGEST = 32  # characters of channels in a comment


def same_size(rank: int) -> Strides:
    return (Literal(1),) * (rank - 1)


def after(layer: Layer, x: Shape, output: Shape, strides: Strides) -> Strides:
    """What is left of the sizes behind a layer, whose numbers carry their expressions."""
    if len(x) != len(output) or len(strides) != len(x) - 1:
        return (None,) * (len(output) - 1)
    stride: Any = getattr(layer, "stride", 1)
    steps = spread(getattr(layer, "kernel", 1) if stride is None else stride, len(x) - 1, "stride")
    rows = zip(x[1:], output[1:], steps, strides, strict=True)
    return tuple(
        operation("*", before, expression_of(step)) if before is not None and size == -(-whole // step) else None
        for whole, size, step, before in rows
    )


def composed(before: Strides, more: Strides) -> Strides:
    """Divided by both, one after the other."""
    if len(before) != len(more):
        return more
    pairs = zip(before, more, strict=True)
    return tuple(None if one is None or other is None else operation("*", one, other) for one, other in pairs)


def told(frame: ClassFrame, x: Shape, strides: Strides) -> str:
    """A shape; empty where the channels have no short name."""
    if frame.is_root:
        return "×".join(map(str, map(int, x)))
    channels = expression_of(x[0])
    if any(name in frame.variables or "." in name for name in names_in(channels)):
        return ""
    if isinstance(channels, Applied) and channels.function == "whole":
        (channels,) = channels.arguments
    text = text_of(channels).replace(" * ", "·").replace(" // ", "/")
    if len(text) > LONGEST:
        return ""
    letters = "HW" if len(x) < 4 else "DHW"
    sizes = [
        _size(letters[axis], stride, size == whole)
        for axis, (stride, size, whole) in enumerate(
            zip(strides, x[1:], (*frame.input[1:], *(0,) * len(x))[: len(x) - 1], strict=True)
        )
    ]
    return "×".join([f"({text})" if " " in text else text, *sizes])


def _size(letter: str, stride: Expression | None, is_whole: bool) -> str:
    if stride is None:
        return letter if is_whole else "_"
    if stride == Literal(1):
        return letter
    return f"{letter}/{text_of(stride)}" if isinstance(stride, Name | Literal) else "_"
