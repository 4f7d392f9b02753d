"""What an augmentation's setting says besides its value: the function that makes the change, and when. Torch-free.

An augmentation is a field of `Recipe`, made by `augmentation`, and a function in `specc/data/augment.py`. They are
applied in the order of the fields.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, Field

from specc.recipe.written import as_written

# cuts: (images, value, mode) -> images, from 0 to 255, before they are scaled; with the mode "nearest" masks, by the
# same draws; none where pictures are read, out of which a part was cut. moves: the same, after all cuts. colours:
# (images, value) -> images, after all moves. fills: the same after pictures are scaled, where 0 is the mean brightness
# of normalised ones. mixes: (images, labels, value, classes) -> images and labels, at last.
When: TypeAlias = Literal["cuts", "moves", "colours", "fills", "mixes"]
KEY = "augmentation"


class Augmentation(NamedTuple):
    """function: as `module:name`; value: what the recipe says."""

    setting: str
    when: When
    function: str
    value: Any

    def __str__(self) -> str:
        return self.setting if self.value is True else f"{self.setting} {as_written(self.value)}"


def augmentation(when: When, function: str, default: Any, *, accepts: str | None = None, **limits: Any) -> Any:
    """The field of an augmentation's setting. Args: function, its name in `specc/data/augment.py`; the rest as for
    other settings."""
    extra: dict[str, Any] = {KEY: [when, f"specc.data.augment:{function}"], **({"accepts": accepts} if accepts else {})}
    return Field(default, json_schema_extra=extra, **limits)


def known(recipe: type[BaseModel]) -> dict[str, tuple[When, str]]:
    """When each augmentation takes place, and its function, by its setting."""
    extras = ((name, field.json_schema_extra) for name, field in recipe.model_fields.items())
    return {name: tuple(extra[KEY]) for name, extra in extras if isinstance(extra, dict) and KEY in extra}  # type: ignore[arg-type, misc] # pydantic types it as JSON


def asked_of(recipe: BaseModel) -> list[Augmentation]:
    """What a recipe asks for; a strength of zero asks for nothing."""
    found = [(name, *entry, getattr(recipe, name)) for name, entry in known(type(recipe)).items()]
    return [Augmentation(*one) for one in found if (any(one[-1]) if isinstance(one[-1], tuple) else one[-1])]
