"""Numbers for parts of a network, as `rates`, `decays` and `heads` say them: `head=10x stem=0.1x`. Torch-free."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, Field

from specc.recipe.written import as_written
from specc.syntax.numerals import named_numbers

KEY = "by_part"
LONGEST = 2000  # characters


def factors(text: str) -> list[tuple[str, float]]:
    """Each name with its factor, in their order.

    >>> factors("head=10x, stem*=0.1x")
    [('head', 10.0), ('stem*', 0.1)]

    Raises: ValueError where it says something else.
    """
    return list(named_numbers(text, "x"))


def _factors(text: str) -> str:
    if not factors(text):
        raise ValueError("nothing is named")
    return text


def epochs_by_part(text: str) -> list[tuple[str, int]]:
    """Each name with a number of epochs, in their order.

    >>> epochs_by_part("stem=3 body*=10")
    [('stem', 3), ('body*', 10)]

    Raises: ValueError where it says something else.
    """
    found = named_numbers(text)
    if any(epochs < 1 or epochs % 1 for _, epochs in found):
        raise ValueError("no whole number of epochs")
    return [(name, int(epochs)) for name, epochs in found]


def _epochs(text: str) -> str:
    if not epochs_by_part(text):
        raise ValueError("nothing is named")
    return text


def _heads(text: str) -> str:
    from specc.tasks.heads import weights_of_heads

    weights_of_heads(text)
    return text


Factors: TypeAlias = Annotated[str, Field(max_length=LONGEST), AfterValidator(_factors)]
Epochs: TypeAlias = Annotated[str, Field(max_length=LONGEST), AfterValidator(_epochs)]
Heads: TypeAlias = Annotated[str, Field(max_length=LONGEST), AfterValidator(_heads)]


def by_part(
    description: str, *examples: str, accepts: str = "names of parts with a factor each, such as head=10x stem=0.1x"
) -> Any:
    """The field of a setting that gives parts of the network a number each."""
    extra: dict[str, Any] = {KEY: True, "accepts": accepts}
    return Field(None, examples=list(examples), description=description, json_schema_extra=extra)


def is_by_part(recipe: type[BaseModel], name: str) -> bool:
    """Whether a setting gives parts of the network a number each."""
    extra = recipe.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and KEY in extra


def joined(values: Iterable[object], options: Iterable[tuple[str, object]]) -> str:
    """What a line of `train { }` says: texts, and each `name=10x`."""
    return " ".join([*map(as_written, values), *(f"{name}={as_written(value)}" for name, value in options)])
