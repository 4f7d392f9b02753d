"""A layer class and values in, a checked layer out; pydantic's findings in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from specc.diagnostics.spelling import nearest
from specc.ir.names.scope import as_torch, shown
from specc.layers.base import Layer
from specc.layers.fields import LARGEST, Called, Partial, accepts, choices
from specc.layers.registry import find_layer
from specc.layers.weighted import INITIALIZERS, initializer_fault


class WrongValue(Exception):
    """A value that its field does not take, with the code that says why."""

    def __init__(self, field: str, message: str, help: str | None, code: str = "E204") -> None:
        super().__init__(message)
        self.field, self.message, self.help, self.code = field, message, help, code


def instantiate(cls: type[Layer], values: Mapping[str, Any]) -> Layer:
    """The layer with these values. Raises: WrongValue for the first one that its field does not take."""
    try:
        return cls(**{name: as_torch(value) for name, value in values.items()})
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
    raise wrong_value(cls, field, values[field])


def wrong_value(cls: type[Layer], field: str, value: Any) -> WrongValue:
    """What to say of a value that does not fit."""
    if _is_too_large(value):
        message = f"`{field}` of `{cls.keyword}` is {shown(value)}; torch counts to {LARGEST:,}"
        return WrongValue(field, message, None, "E402")
    fault = initializer_fault(value) if field == "init" else None
    if fault is not None:
        return WrongValue(field, *fault)
    takes = accepts(cls.model_fields[field])
    message = f"`{field}` of `{cls.keyword}` takes {takes}, not {_as_written(value, takes)}"
    return WrongValue(field, message, _help(cls, field, value))


def _as_written(value: Any, takes: str) -> str:
    """A value; several numbers are a list where no size is taken."""
    if isinstance(value, tuple) and not isinstance(value, Called) and "size" not in takes and "shape" not in takes:
        return f"[{' '.join(map(shown, value))}]"
    return shown(value)


def _is_too_large(value: Any) -> bool:
    sizes = value if isinstance(value, tuple) and not isinstance(value, Called) else (value,)
    return any(isinstance(size, int) and size > LARGEST for size in sizes)


def _help(cls: type[Layer], field: str, value: Any) -> str | None:
    words = words_for(cls, field)
    if isinstance(value, Partial) or (isinstance(value, str) and find_layer(value) is not None):
        return f"a layer is handed over by its key, such as `act={shown(value)}`"
    if isinstance(value, str):
        from specc.ir.names.habits import option_meant

        guess = option_meant(value, words) if words else None
        guess = guess or nearest(value, words)
        return f"did you mean `{guess}`?" if guess else None
    takes = accepts(cls.model_fields[field])
    if isinstance(value, tuple) and takes.startswith("a number"):
        return "give one number, which holds for all channels"
    if isinstance(value, Fraction) and "whole" in takes:
        return "use `//` for a division that must give a whole number"
    return next((help for words, help in _EXAMPLES.items() if takes.startswith(words)), None)


_EXAMPLES = {
    "a probability": "a share of 50 % is 0.5",
    "a whole number": "give a number such as 3",
    "a number above 0": "give a number such as 0.001",
    "a number": "give a number such as 0.01",
    "true, false or": "`nobias` leaves the bias out",
    "true or false": "the word alone means true, and with `no` before it false",
    "a shape": "channels first, such as 16x5x5",
}


def words_for(cls: type[Layer], field: str) -> tuple[str, ...]:
    """The words that a field takes for themselves: its choices, or the initialisers."""
    return tuple(INITIALIZERS) if field == "init" else choices(cls.model_fields[field])
