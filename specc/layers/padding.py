"""What padding may be filled with, and how wide it may then be; the `pad` layer."""

from typing import TYPE_CHECKING, Literal

from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError, module_class, require_spatial, spread
from specc.layers.fields import Margin, field

if TYPE_CHECKING:
    from torch import nn

_CLASSES = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


def check_mode(mode: str, size: int, margin: int, word: str) -> None:
    """Raises: ShapeError where the picture is too small to fill a margin from.

    Reflection leaves out the border pixel, so it needs a margin below the size; wrapping around needs one of at
    most the size. Source: torch.nn.functional.pad.
    """
    most = {"reflect": size - 1, "circular": size}.get(mode, margin)
    if margin > most:
        raise ShapeError(
            "E305",
            f"`{word}` cannot fill a margin of {margin} by `{mode}` from {counted(size, 'pixel', 'd')}",
            label=f"at most {most} here",
            help=f"use a padding of at most {most}, or `mode=zeros`",
        )


class Pad(Layer):
    """Adds a margin around the picture."""

    keyword = "pad"
    family = "shape"
    example = "input 3x32x32 ; pad 2 mode=reflect"
    torch_name = "ZeroPad2d ReflectionPad2d ReplicationPad2d CircularPad2d"

    n: Margin = field(positional=True, doc="pixels added on each side")
    mode: Literal["zeros", "reflect", "replicate", "circular"] = field(
        "zeros", positional=True, doc="what the margin is filled with"
    )

    def output(self, x: Shape) -> Shape:
        margins = spread(self.n, require_spatial(self.keyword, x), "margin")
        for size, margin in zip(x[1:], margins, strict=True):
            check_mode(self.mode, size, margin, self.keyword)
        return (x[0], *(size + 2 * margin for size, margin in zip(x[1:], margins, strict=True)))

    def build(self, x: Shape) -> "nn.Module":
        margins = spread(self.n, len(x) - 1, "margin")
        sides = tuple(margin for margin in reversed(margins) for _ in range(2))
        module: nn.Module = module_class(_CLASSES[self.mode], len(x) - 1)(sides)
        return module
