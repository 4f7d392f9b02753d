"""A layer class and values in, a checked layer out; pydantic's findings in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from specc.ir.values import shown
from specc.layers.base import Layer
from specc.layers.fields import accepts


class WrongValue(Exception):
    """A value that its field does not take."""

    def __init__(self, field: str, message: str, help: str | None) -> None:
        super().__init__(message)
        self.field, self.message, self.help = field, message, help


def instantiate(cls: type[Layer], values: Mapping[str, Any]) -> Layer:
    """The layer with these values. Raises: WrongValue for the first one that its field does not take."""
    try:
        return cls(**values)
    except ValidationError as error:
        field = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
    raise wrong_value(cls, field, values[field])


def wrong_value(cls: type[Layer], field: str, value: Any) -> WrongValue:
    """What to say of a value that does not fit."""
    message = f"`{field}` of `{cls.keyword}` takes {accepts(cls.model_fields[field])}, not {shown(value)}"
    return WrongValue(field, message, _help(value))


def _help(value: Any) -> str | None:
    if isinstance(value, float) and not value.is_integer():
        return "a division that must give a whole number is written `//`"
    return None
