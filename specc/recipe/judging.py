"""What a setting of the recipe accepts: in words, out of a text, and why a value is wrong.

Everything is read from the fields of `Recipe`; pydantic judges, and none of its words reach the user.
"""

from __future__ import annotations

import re
from functools import reduce
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from specc.diagnostics.proposal import Proposal, renamed
from specc.diagnostics.spelling import nearest
from specc.recipe.optimizers import OPTIMIZER_SETTINGS
from specc.recipe.recipe import PlainSetting, PlainValue, Recipe
from specc.recipe.written import as_written
from specc.syntax.numerals import MAX_MAGNITUDE, whole_of

# What other tools call our settings.
OTHER_NAMES = {
    "augment": None, "augmentation": None, "autoaugment": "randaugment", "batch_size": "batch",
    "batchsize": "batch", "bs": "batch", "dataset": "data", "decay": "weight_decay", "degrees": "rotate",
    "epoch": "epochs", "gaussian_blur": "blur", "gpu": "device", "gray": "channels", "grayscale": "channels",
    "grey": "channels", "hflip": "flip", "horizontal_flip": "flip", "image_size": "resize",
    "l2": "weight_decay", "learning_rate": "lr", "max_epochs": "epochs", "num_epochs": "epochs",
    "objective": "task", "opt": "optimizer", "optim": "optimizer", "padding_mode": "crop_padding",
    "rand_augment": "randaugment", "random_erasing": "erase", "random_state": "seed", "rgb": "channels",
    "root": "data_dir", "rotation": "rotate", "scale": "zoom", "size": "resize", "translation": "translate",
    "trivial_augment": "trivialaugment", "vertical_flip": "flip_vertical", "vflip": "flip_vertical",
    "wd": "weight_decay",
}  # fmt: skip


_LOSS = "leave it out: `task` says what is learned, and with it the loss"
# What needs no setting, and why.
_NEEDS_NONE = {
    **dict.fromkeys(("loss", "criterion", "loss_fn", "loss_function"), _LOSS),
    "metrics": "leave it out: the loss and the accuracy are shown after each epoch",
    "shuffle": "leave it out: the training pictures are reshuffled in each epoch",
    "verbose": "leave it out: `specc train` shows a progress bar in a terminal",
}  # fmt: skip


class Wrong(NamedTuple):
    """Why a value is refused, and what would be taken."""

    message: str
    help: str | None
    proposals: tuple[Proposal, ...] = ()


def whole(value: Any) -> Any:
    """`3e1` is the whole number 30."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def explain_wrong(name: str, value: object) -> Wrong | None:
    """Why a field refuses a value, or None where it takes it."""
    if is_beyond(value, MAX_MAGNITUDE if is_whole(name) else LARGEST_REAL):
        return Wrong(f"the number for `{name}` is too large", "torch counts to 2^62; is there a digit too many?")
    try:
        Recipe.model_validate({name: value})
    except ValidationError:
        guess = nearest(value, choices(name)) if isinstance(value, str) else None
        found = f"not `{as_written(value)}`" if value != "" else "but nothing is given"
        return Wrong(f"`{name}` is {accepts(name)}, {found}", *renamed(guess, f"for example `{name} {example(name)}`"))
    return None


LARGEST_REAL = 10**38  # float32 holds no more


def is_beyond(value: object, most: int = MAX_MAGNITUDE) -> bool:
    """Whether a whole number, or one in a list, is beyond what torch counts with; it may have any number of digits."""
    if isinstance(value, tuple | list):
        return any(is_beyond(item, most) for item in value)
    return isinstance(value, int) and abs(value) > most


def unknown_setting(name: str) -> Wrong:
    """A name that no setting has."""
    known = Recipe.model_fields
    guess = OTHER_NAMES.get(name) or nearest(name, known)
    needless = _NEEDS_NONE.get(name)
    meant = (needless, ()) if needless else renamed(guess, "`specc train --help` lists the settings")
    return Wrong(f"there is no setting `{name}`", *meant)


def value_of_line(setting: PlainSetting) -> tuple[PlainValue, tuple[PlainValue, ...]]:
    """The value that a line gives its setting, and the values too many."""
    values = setting.positional
    if not values:
        return PlainValue(is_switch(setting.name) or "", setting.name_span), ()
    if len(values) > 1 and _takes_pair(setting.name):
        pair = tuple(value.value for value in values)
        return PlainValue(pair, values[0].span.to(values[-1].span)), ()
    return values[0], values[1:]


def surplus_value(name: str) -> Wrong:
    """A second value on the line of a setting that takes one."""
    help = "an optimizer's arguments are written `lr=0.1`" if name == "optimizer" else "one setting per line"
    return Wrong(f"`{name}` takes one value", help)


def surplus_option(line: str, name: str) -> Wrong:
    """A `key=value` on a line where it has no place."""
    if line == "optimizer":
        guess = OTHER_NAMES.get(name) or nearest(name, OPTIMIZER_SETTINGS)
        known = ", ".join(sorted(OPTIMIZER_SETTINGS))
        return Wrong(f"an optimizer has no argument `{name}`", *renamed(guess, f"its arguments are {known}"))
    return Wrong(f"`{line}` takes no `{name}=`", "write each setting on a line of its own")


def example(name: str) -> str:
    """A value as a spec would write it.

    >>> example("resize")
    '32'
    """
    field = Recipe.model_fields[name]
    return as_written((field.examples or [field.default])[0])


def accepts(name: str) -> str:
    """What a setting accepts, as half a sentence.

    >>> accepts("batch")
    'a whole number from 1'
    """
    field = Recipe.model_fields[name]
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "accepts" in extra:
        return str(extra["accepts"])
    return _kind(field.annotation, tuple(field.metadata))


def _kind(annotation: Any, limits: tuple[Any, ...]) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0], limits + _limits(arguments[1:]))
    if origin in (Union, UnionType):
        kinds = [_kind(part, limits) for part in arguments if part is not NoneType]
        return ", or ".join(kinds)
    if origin is Literal:
        return _alternatives([str(word) for word in arguments])
    if origin is tuple:
        return f"{len(arguments)} values"
    named = {bool: "true or false", str: "a word or a text in quotes"}
    return named.get(annotation) or _number(annotation, limits)


def _number(annotation: Any, limits: tuple[Any, ...]) -> str:
    bounds: dict[str, Any] = reduce(lambda found, limit: found | _bound(limit), limits, {})
    words = ["a whole number" if annotation is int else "a number"]
    words += [f"{word} {bounds[key]}" for key, word in _BOUND_WORDS.items() if key in bounds]
    return " ".join(words)


_BOUND_WORDS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}


def _bound(limit: Any) -> dict[str, Any]:
    return {key: getattr(limit, key) for key in _BOUND_WORDS if hasattr(limit, key)}


def _limits(metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    fields = [item for item in metadata if isinstance(item, FieldInfo)]
    return tuple(limit for field in fields for limit in field.metadata)


def _alternatives(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]])


def _parts(annotation: Any) -> list[Any]:
    """The annotation with its unions and annotated types taken apart."""
    if get_origin(annotation) in (Union, UnionType):
        return [part for argument in get_args(annotation) for part in _parts(argument)]
    return _parts(get_args(annotation)[0]) if get_origin(annotation) is Annotated else [annotation]


def choices(name: str) -> list[str]:
    """The words among which a setting chooses, empty where it takes any value."""
    if name == "device":
        return ["auto", "cpu", "mps", "cuda"]
    parts = _parts(Recipe.model_fields[name].annotation)
    return [str(word) for part in parts if get_origin(part) is Literal for word in get_args(part)]


def is_switch(name: str) -> bool:
    """Whether the setting is on or off."""
    return bool in _parts(Recipe.model_fields[name].annotation)


def is_whole(name: str) -> bool:
    """Whether the setting is a whole number."""
    return int in _parts(Recipe.model_fields[name].annotation)


def _takes_pair(name: str) -> bool:
    return any(get_origin(part) is tuple for part in _parts(Recipe.model_fields[name].annotation))


def from_text(name: str, text: str) -> object:
    """The value that an option's text stands for, not yet judged.

    >>> from_text("resize", "32x48"), from_text("betas", "0.9,0.99"), from_text("data", "7")
    ((32, 48), (0.9, 0.99), '7')
    """
    if str in _parts(Recipe.model_fields[name].annotation):
        return text
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(whole_of(part) for part in text.split("x"))
    if "," in text or text.startswith("["):
        return tuple(_scalar(part) for part in re.split(r"[,\s]+", text.strip("[] ")))
    return _scalar(text)


def _scalar(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    number = re.fullmatch(r"(-?)([0-9]+)", text)
    if number:
        return whole_of(number[2]) * (-1 if number[1] else 1)
    try:
        return whole(float(text)) if re.search(r"[.eEn]", text) else int(text)
    except ValueError:
        return text
