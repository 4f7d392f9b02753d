"""A layer class and values in, a checked layer out; pydantic's findings in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.proposal import Proposal, Rename, Replace, SetFields, Whole
from specc.diagnostics.spelling import nearest
from specc.ir.names.scope import as_torch, shown
from specc.layers.base import Layer
from specc.layers.fields import LARGEST, Called, Partial, Says, accepts, choices, is_flag
from specc.layers.registry import find_layer
from specc.layers.weighted import INITIALIZERS, initializer_fault


class WrongValue(Problem):
    """A value that its field does not take; it knows no place."""

    def __init__(
        self, field: str, message: str, help: str | None, code: str = "E204", proposals: tuple[Proposal, ...] = ()
    ) -> None:
        super().__init__(Diagnostic(code, message, help=help, proposals=proposals))
        self.field = field


def instantiate(cls: type[Layer], values: Mapping[str, Any]) -> Layer:
    """The layer with these values. Raises: WrongValue for the first one that its field does not take."""
    try:
        return cls(**{name: as_torch(value) for name, value in values.items()})
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
    raise wrong_value(cls, field, values[field])


def wrong_value(cls: type[Layer], field: str, value: Any) -> WrongValue:
    """What to say of a value that does not fit, and what may be meant."""
    if _is_too_large(value):
        message = f"`{field}` of `{cls.keyword}` is {shown(value)}; torch counts to {LARGEST:,}"
        return WrongValue(field, message, None, "E402")
    fault = initializer_fault(value) if field == "init" else None
    if fault is not None:
        meant = shown(fault.meant).removesuffix("()")
        return WrongValue(field, fault.message, fault.help, proposals=(Replace(meant),))
    takes = accepts(cls.model_fields[field])
    message = f"`{field}` of `{cls.keyword}` takes {takes.text}, not {_as_written(value, takes)}"
    help, proposals = _meant(cls, field, value, takes)
    return WrongValue(field, message, help, proposals=proposals)


def _as_written(value: Any, takes: Says) -> str:
    """A value; several numbers are a list where no size is taken."""
    if isinstance(value, tuple) and not isinstance(value, Called) and not takes.sizes:
        return f"[{' '.join(map(shown, value))}]"
    return shown(value)


def _is_too_large(value: Any) -> bool:
    sizes = value if isinstance(value, tuple) and not isinstance(value, Called) else (value,)
    return any(isinstance(size, int) and size > LARGEST for size in sizes)


def _meant(cls: type[Layer], field: str, value: Any, takes: Says) -> tuple[str | None, tuple[Proposal, ...]]:
    """The way out, and what may be meant."""
    if isinstance(value, Partial) or (isinstance(value, str) and find_layer(value) is not None):
        return f"a layer is handed over by its key, such as `act={shown(value)}`", ()
    if isinstance(value, str):
        return _word_meant(value, words_for(cls, field))
    if isinstance(value, tuple) and takes.number is float and not takes.sizes:
        return "give one number, which holds for all channels", ()
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return takes.help, ()
    if is_flag(cls.model_fields[field]) and value in (0, 1):
        return takes.help, (SetFields({field: bool(value)}),)
    if isinstance(value, Fraction) and takes.number is int:
        near = tuple(SetFields({field: number}) for number in _whole_near(value))
        return "use `//` for a division that must give a whole number", (Whole(), *near)
    number = _within(value, takes)
    return takes.help, () if number is None else (SetFields({field: number}),)


def _word_meant(word: str, words: tuple[str, ...]) -> tuple[str | None, tuple[Proposal, ...]]:
    from specc.ir.names.habits import option_meant

    guess = (option_meant(word, words) if words else None) or nearest(word, words)
    return (Rename(guess).text, (Rename(guess),)) if guess else (None, ())


def _whole_near(value: Fraction) -> list[int]:
    """The whole numbers on both sides of a fraction, the nearer one first."""
    sides = {max(int(abs(value)), 1), int(abs(value)) + 1}
    return sorted(sides, key=lambda number: abs(number - abs(value)))


def _within(value: int | Fraction, takes: Says) -> int | Fraction | None:
    """The number that may be meant: without its sign, as a share, the least that is taken."""
    if takes.least is not None and value < 0 and takes.least <= -value:
        return -value
    if takes.most == 1 and value > 1:
        return Fraction(value) / (100 if value > 9 else 10)
    return takes.least if takes.least and value < takes.least else None


def words_for(cls: type[Layer], field: str) -> tuple[str, ...]:
    """The words that a field takes for themselves: its choices, or the initialisers."""
    return tuple(INITIALIZERS) if field == "init" else choices(cls.model_fields[field])
