"""What an augmentation's setting says besides its value: the function that makes the change, and when. Torch-free.

An augmentation is a field of `Recipe`, made by `augmentation`, and a function in `specc/data/augment`. Those of a kind
are applied in the order of the fields.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, Field

from specc.recipe.written import as_written

# In this order; images are from 0 to 255 until they are scaled, before `fills`, where 0 is the mean brightness of
# normalised ones. cuts: (images, value, mode) -> images; with the mode "nearest" masks, by the same draws; none where
# pictures are read, out of which a part was cut. warps: (images, value) -> where pixels come from, all of which is done
# at once. moves: as cuts. colours, fills: (images, value) -> images. mixes: (images, labels, value, classes) -> both.
When: TypeAlias = Literal["cuts", "warps", "moves", "colours", "fills", "mixes"]
KEY = "augmentation"


class Augmentation(NamedTuple):
    """function: as `module:name`; value: what the recipe says; options: further settings of it, by name."""

    setting: str
    when: When
    function: str
    value: Any
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def moves(self) -> bool:
        """Whether what is in a picture comes to another place."""
        return self.when in ("cuts", "warps", "moves")

    def __str__(self) -> str:
        said = self.setting if self.value is True else f"{self.setting} {as_written(self.value)}"
        return " ".join([said, *map(str, self.options.values())])


class KnownAugmentation(NamedTuple):
    """An augmentation that there is. options: the names of further settings of it."""

    when: When
    function: str
    options: tuple[str, ...]


def augmentation(
    when: When, function: str, default: Any, *, accepts: str | None = None, options: tuple[str, ...] = (), **limits: Any
) -> Any:
    """The field of an augmentation's setting.

    Args: function, as `module:name` in `specc/data/augment`; options, settings that it takes besides its own, by name;
          the rest as for other settings.
    """
    extra: dict[str, Any] = {KEY: [when, f"specc.data.augment.{function}", options]}
    return Field(default, json_schema_extra=extra | ({"accepts": accepts} if accepts else {}), **limits)


def known(recipe: type[BaseModel]) -> dict[str, KnownAugmentation]:
    """The augmentations that there are, by their settings."""
    extras = ((name, field.json_schema_extra) for name, field in recipe.model_fields.items())
    return {name: KnownAugmentation(*extra[KEY]) for name, extra in extras if isinstance(extra, dict) and KEY in extra}  # type: ignore[misc] # pydantic types it as JSON


def asked_of(recipe: BaseModel) -> list[Augmentation]:
    """What a recipe asks for, with options that are not left at their defaults; a strength of zero asks for nothing."""
    found, fields = [], type(recipe).model_fields
    for name, one in known(type(recipe)).items():
        value = getattr(recipe, name)
        if any(value) if isinstance(value, tuple) else value:
            said = {option: getattr(recipe, option) for option in one.options}
            options = {option: own for option, own in said.items() if own != fields[option].default}
            found.append(Augmentation(name, one.when, one.function, value, options))
    return found
