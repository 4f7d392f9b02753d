"""What padding may be filled with, and how wide it may then be; the `pad` layer."""

from collections.abc import Mapping
from typing import Any, Literal

from specc.diagnostics.proposal import Enlarge, Proposal, SetFields
from specc.diagnostics.spelling import counted
from specc.layers.base import Layer, Shape, ShapeError, require_spatial, spread
from specc.layers.fields import Margin, Real, field
from specc.layers.torch_call import NoWord, Source, call, compact

_CLASSES = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


def check_mode(mode: str, size: int, margin: int, word: str, x: Shape, *fields: str) -> None:
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
            proposals=_narrower(mode, x, fields),
        )


def _narrower(mode: str, x: Shape, fields: tuple[str, ...]) -> tuple[Proposal, ...]:
    """A margin that a picture can fill in a mode, in the first of the fields that set it; or one of zeros."""
    most = min(x[1:]) - (mode == "reflect")
    return SetFields({**dict.fromkeys(fields), fields[0]: most}), SetFields({"mode": "zeros"}), Enlarge()


class Pad(Layer):
    """Adds a margin around the picture."""

    keyword = "pad"
    family = "shape"
    example = "input 3x32x32 ; pad 2 mode=reflect"
    torch = call(
        "ZeroPad{rank}d", "F.pad", also=(*(f"{stem}{{rank}}d" for stem in _CLASSES.values()), "ConstantPad{rank}d"),
        padding="sides", value="value", function_arguments={"pad": "sides", "mode": "mode", "value": "value"},
    )  # fmt: skip

    before: Margin = field(positional=True, doc="pixels added before the first, and after the last if that is not said")
    after: Margin | None = field(
        None, positional=True, doc="pixels added after the last; as many as before if not given"
    )
    mode: Literal["zeros", "reflect", "replicate", "circular"] = field(
        "zeros", positional=True, doc="what the margin is filled with"
    )
    value: Real = field(0.0, doc="what a margin of `zeros` is filled with instead")

    def output(self, x: Shape) -> Shape:
        sides = self._sides(require_spatial(self.keyword, x))
        if self.value and self.mode != "zeros":
            message = f"`value={self.value:g}` fills a margin with a number, and `mode={self.mode}` with pixels"
            raise ShapeError("E204", message, help="keep one of the two", field="value")
        for size, margins in zip(x[1:], sides, strict=True):
            check_mode(self.mode, size, max(margins), self.keyword, x, "before", "after")
        return (x[0], *(size + sum(margins) for size, margins in zip(x[1:], sides, strict=True)))

    def _sides(self, rank: int) -> list[tuple[int, int]]:
        """The pixels before and after, for each spatial dimension."""
        before = spread(self.before, rank, "margin")
        after = before if self.after is None else spread(self.after, rank, "margin", "after")
        return list(zip(before, after, strict=True))

    def torch_name(self, stem: str, x: Shape) -> str:
        own = "ConstantPad" if self.value else _CLASSES[self.mode]
        return super().torch_name(stem.replace(_CLASSES["zeros"], own), x)

    def torch_arguments(self, names: Mapping[str, Source], x: Shape) -> dict[str, Any]:
        left_out = [name for name, usual in (("value", not self.value), ("mode", self.mode == "zeros")) if usual]
        return {name: value for name, value in super().torch_arguments(names, x).items() if name not in left_out}

    def torch_argument(self, source: str, x: Shape) -> Any:
        if source in ("mode", "value"):
            return getattr(self, source)
        return tuple(margin for margins in reversed(self._sides(len(x) - 1)) for margin in margins)

    @classmethod
    def from_torch(cls, name: str, given: dict[str, Any], x: Shape) -> dict[str, Any]:
        sides = tuple(given["pad" if "pad" in given else "padding"])
        if len(sides) != 2 * (len(x) - 1) or min(sides) < 0:
            raise NoWord(f"padding by {sides}" + (", and no word takes pixels away" if min(sides) < 0 else ""))
        before, after = (compact(sides[start::2][::-1]) for start in (0, 1))
        known = {"constant": "zeros", **{stem: mode for mode, stem in _CLASSES.items()}}
        mode = known.get(given.get("mode", name[:-2]), given.get("mode", "zeros"))
        fields = {"before": before, "after": None if before == after else after, "mode": mode}
        return fields | ({"value": given["value"]} if given.get("value") else {})
