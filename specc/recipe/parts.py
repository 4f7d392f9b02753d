"""Factors for parts of a network, as `rates` and `decays` say them: `head=10x stem=0.1x`. Torch-free."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, Field

from specc.recipe.written import as_written

KEY = "by_part"
LONGEST = 2000  # characters
LARGEST = 1e6
_ONE = re.compile(r"([\w.*?-]+)=([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)x")


def factors(text: str) -> list[tuple[str, float]]:
    """Each name with its factor, in their order.

    >>> factors("head=10x, stem*=0.1x")
    [('head', 10.0), ('stem*', 0.1)]

    Raises: ValueError where it says something else.
    """
    found = []
    for part in text.replace(",", " ").split():
        match = _ONE.fullmatch(part)
        if match is None or float(match[2]) > LARGEST:
            raise ValueError(f"no name with its factor: {part}")
        found.append((match[1], float(match[2])))
    return found


def _judged(text: str) -> str:
    if not factors(text):
        raise ValueError("nothing is named")
    return text


Factors: TypeAlias = Annotated[str, Field(max_length=LONGEST), AfterValidator(_judged)]


def by_part(description: str, *examples: str) -> Any:
    """The field of a setting that gives parts of the network factors."""
    extra: dict[str, Any] = {KEY: True, "accepts": "names of parts with a factor each, such as head=10x stem=0.1x"}
    return Field(None, examples=list(examples), description=description, json_schema_extra=extra)


def is_by_part(recipe: type[BaseModel], name: str) -> bool:
    """Whether a setting gives parts of the network factors."""
    extra = recipe.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and KEY in extra


def joined(values: Iterable[object], options: Iterable[tuple[str, object]]) -> str:
    """What a line of `train { }` says: texts, and each `name=10x`."""
    return " ".join([*map(as_written, values), *(f"{name}={as_written(value)}" for name, value in options)])
