"""What stands in the box of a layer: its word with its first argument, and the others in words."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from specc.layers.base import Layer, Shape, written
from specc.layers.registry import positional_fields

# How the weights are stored or begin says nothing about what the layer does.
_LEFT_OUT = {"bias", "weight", "init", "frozen", "eps", "momentum", "affine", "gamma", "beta", "count_include_pad"}
_SPREAD = {"kernel", "scale"}  # 3 is written as 3×3 in a picture
LONGEST = 40  # characters of a value


class DrawnLabel(NamedTuple):
    """title: `conv 64`; detail: `3×3, stride 2`, empty where there is nothing more to say."""

    title: str
    detail: str


def label_of(layer: Layer, x: Shape) -> DrawnLabel:
    """The words for a layer at a shape that it accepts.

    >>> from specc.layers.conv import Conv
    >>> label_of(Conv(out=64, kernel=7, stride=2, padding=3), (3, 224, 224))
    DrawnLabel(title='conv 64', detail='7×7, stride 2, padding 3')
    """
    rank = max(len(x) - 1, 1)
    title, details = [layer.keyword], []
    for name, default, first in _fields_told(type(layer)):
        value = getattr(layer, name)
        if value is None or (value == default and not first):
            continue
        text = _shown(value, rank if name in _SPREAD else 1)
        if text and first:
            title.append(text)
        elif text:
            details.append(_detail(name, text, value))
    return DrawnLabel(" ".join(title), ", ".join([*details, *_about_weights(layer)]))


@cache
def _fields_told(kind: type[Layer]) -> tuple[tuple[str, object, bool], ...]:
    """The fields that a box may show: name, default, and whether its value stands beside the word."""
    leading = positional_fields(kind)[:1]
    fields = kind.model_fields.items()
    return tuple((name, info.default, name in leading) for name, info in fields if name not in _LEFT_OUT)


def _detail(name: str, text: str, value: object) -> str:
    plain = name.replace("_", " ")
    if isinstance(value, bool):
        return plain if value else f"no {plain}"
    return text if name == "kernel" else f"{plain} {text}"


def _about_weights(layer: Layer) -> list[str]:
    given = "set by hand" if isinstance(getattr(layer, "weight", None), tuple) else ""
    return [word for word in (given, "frozen" if getattr(layer, "frozen", False) else "") if word]


def _shown(value: Any, times: int) -> str:
    """A field's value; empty for one that has no short form."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return written((value,) * times) if isinstance(value, int) else f"{value:g}"
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    if isinstance(value, tuple) and 0 < len(value) <= 4 and all(isinstance(part, int) for part in value):
        return written(value)
    return ""
