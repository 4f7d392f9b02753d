"""The kinds of value that a layer's field takes, each with the words in which an error says so.

A kind is an annotated type: pydantic checks the value, `Says` is what the user reads when it does not fit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

LARGEST = 2**31 - 1  # torch counts in 64 bits; no dimension that fits into a memory comes near this


class Says(NamedTuple):
    """What a kind of value accepts.

    text:   that, to follow "takes" in an error. help: what to do about a value that is none.
    number: int where its numbers are whole, float for others; None where it takes none.
    least, most: between which numbers they are; None for any.
    sizes:  whether it takes a number for each dimension.
    """

    text: str
    help: str | None = None
    number: type[int] | type[float] | None = None
    least: int | None = None
    most: int | None = None
    sizes: bool = False


class Role(NamedTuple):
    """How a field is written: its place in a positional argument, its short key, its one line of documentation."""

    doc: str
    positional: bool
    short: str


class Called(NamedTuple):
    """A call as a value: `normal(0, 0.01)`, for a field to understand."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """A layer or a block with some of its arguments, `conv(8, k3)`: a value that can become a step.

    names: the fields or parameters that are given; values: theirs, in the same order; kinds: their types, since true
    is 1 to Python; frozen: of a block, whose weights are kept.
    """

    word: str
    names: tuple[str, ...]
    values: tuple[Any, ...]
    kinds: tuple[type, ...]
    frozen: bool = False


_AtLeast1 = Annotated[int, Field(ge=1, le=LARGEST)]
_AtLeast0 = Annotated[int, Field(ge=0, le=LARGEST)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]

_WHOLE, _ABOVE_0 = "give a number such as 3", "give a number such as 0.001"
Count = Annotated[_AtLeast1, Says("a whole number of at least 1", _WHOLE, int, 1)]
Index = Annotated[_AtLeast0, Says("a whole number, 0 or more", _WHOLE, int, 0)]
Size = Annotated[
    _AtLeast1 | Annotated[tuple[_AtLeast1, ...], Field(min_length=1)],
    Says("a whole number of at least 1 or a size such as 3x5", _WHOLE, int, 1, sizes=True),
]
Margin = Annotated[
    _AtLeast0 | Annotated[tuple[_AtLeast0, ...], Field(min_length=1)],
    Says("a whole number, 0 or more, or a size such as 1x2", _WHOLE, int, 0, sizes=True),
]
Padding = Annotated[
    _AtLeast0 | Annotated[tuple[_AtLeast0, ...], Field(min_length=1)] | Literal["same", "valid"],
    Says("a whole number, 0 or more, a size such as 1x2, `same` or `valid`", _WHOLE, int, 0, sizes=True),
]
Real = Annotated[_Finite, Says("a number", "give a number such as 0.01", float)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Says("a number above 0", _ABOVE_0, float, 0)]
Probability = Annotated[
    float, Field(ge=0, le=1), Says("a probability from 0 to 1", "a share of 50 % is 0.5", float, 0, 1)
]
_TRUE_OR_FALSE = Says("true or false", "the word alone means true, and with `no` before it false")
Flag = Annotated[bool, _TRUE_OR_FALSE]
Factor = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)]
    | Annotated[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(min_length=1)],
    Says("a number above 0 or a size such as 2x3", _ABOVE_0, float, 0, sizes=True),
]
LABEL = Says("a label")
Label = Annotated[str, LABEL]
Numbers = Annotated[tuple[Any, ...], Says("a list of numbers such as [0 1 -1 0]")]


def field(default: Any = ..., *, doc: str, positional: bool = False, short: str = "") -> Any:
    """A layer's field.

    Args: default as in torch, or `...` where a value is required; doc, one line for the reference;
          positional, whether a bare argument may fill it, in the order of the class; short, its short key.
    """
    return Field(default, json_schema_extra={"role": Role(doc, positional, short)})  # type: ignore[dict-item]  # kept as it is


def role(info: FieldInfo) -> Role:
    """How a field is written."""
    extra = info.json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101 - `field` put it there
    found = extra["role"]
    assert isinstance(found, Role)  # noqa: S101 - the same
    return found


def accepts(info: FieldInfo) -> Says:
    """What a field takes."""
    said = _said(info.metadata) or _said_inside(info.annotation)
    if said is not None:
        return said
    if info.annotation is bool:
        return _TRUE_OR_FALSE
    return Says("one of " + ", ".join(f"`{word}`" for word in choices(info)))


def _said(metadata: Iterable[Any]) -> Says | None:
    return next((mark for mark in metadata if isinstance(mark, Says)), None)


def _said_inside(annotation: Any) -> Says | None:
    """What the parts of a union say, such as those of `Init | None`."""
    for part in get_args(annotation):
        found = _said(getattr(part, "__metadata__", ())) or _said_inside(part)
        if found is not None:
            return found
    return None


def choices(info: FieldInfo) -> tuple[str, ...]:
    """The option words that a field takes: `("zeros", "reflect", …)`; without true and false."""
    return tuple(_literals(info.annotation))


def _literals(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    found = []
    for part in get_args(annotation):
        found += _literals(part)
    return found


def is_flag(info: FieldInfo) -> bool:
    """Whether a field is set by its bare name and cleared by `no` before it."""
    return info.annotation is bool or bool in get_args(info.annotation)
