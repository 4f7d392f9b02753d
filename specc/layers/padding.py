"""What padding may be filled with, and how wide it may then be; the `pad` layer."""

from typing import Any, Literal

from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError, require_spatial, spread
from specc.layers.fields import Margin, field
from specc.layers.torch_call import NoWord, call, compact

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
    torch = call(
        "ZeroPad{rank}d", "F.pad", also=(*(f"{stem}{{rank}}d" for stem in _CLASSES.values()), "ConstantPad{rank}d"),
        padding="sides", function_arguments={"pad": "sides", "mode": "mode"},
    )  # fmt: skip

    n: Margin = field(positional=True, doc="pixels added on each side")
    mode: Literal["zeros", "reflect", "replicate", "circular"] = field(
        "zeros", positional=True, doc="what the margin is filled with"
    )

    def output(self, x: Shape) -> Shape:
        margins = spread(self.n, require_spatial(self.keyword, x), "margin")
        for size, margin in zip(x[1:], margins, strict=True):
            check_mode(self.mode, size, margin, self.keyword)
        return (x[0], *(size + 2 * margin for size, margin in zip(x[1:], margins, strict=True)))

    def torch_name(self, stem: str, x: Shape) -> str:
        return super().torch_name(stem.replace(_CLASSES["zeros"], _CLASSES[self.mode]), x)

    def torch_argument(self, source: str, x: Shape) -> Any:
        if source == "mode":
            return "constant" if self.mode == "zeros" else self.mode
        return tuple(margin for margin in reversed(spread(self.n, len(x) - 1, "margin")) for _ in range(2))

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        sides, value = given["pad" if "pad" in given else "padding"], given.pop("value", None)
        pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
        if len(pairs) != len(x) - 1 or any(before != after or before < 0 for before, after in pairs):
            raise NoWord(f"padding by {tuple(sides)}, more on one side than on the other")
        if value:
            raise NoWord(f"padding with {value}")
        known = {"constant": "zeros", **{stem: mode for mode, stem in _CLASSES.items()}}
        mode = known.get(given.get("mode", name[:-2]), given.get("mode", "zeros"))
        return {"n": compact(tuple(before for before, _ in pairs)), "mode": mode}
