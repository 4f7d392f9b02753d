"""The settings of one `train { }` block, read into a recipe; loaded only for a spec that has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specc.diagnostics.diagnostic import Diagnostic, Label, Problem
from specc.recipe.conflicts import conflict
from specc.recipe.judging import (
    Wrong,
    explain_wrong,
    surplus_option,
    surplus_value,
    unknown_setting,
    value_of_line,
    whole,
)
from specc.recipe.optimizers import OPTIMIZER_SETTINGS, OPTIMIZERS
from specc.recipe.parts import is_by_part, joined
from specc.recipe.recipe import RENAMED, PlainSetting, PlainValue, Recipe
from specc.source import Source, Span


class TrainBlock:
    """The settings of one block as far as they have been read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.said: dict[str, PlainValue] = {}
        self.places: dict[str, Span] = {}

    def recipe(self) -> Recipe:
        return Recipe.model_validate({name: plain.value for name, plain in self.said.items()})

    def read(self, setting: PlainSetting) -> None:
        setting = setting._replace(name=RENAMED.get(setting.name, setting.name))
        if setting.name not in Recipe.model_fields:
            self._wrong("E220", unknown_setting(setting.name), setting.name_span)
            return
        for name, place, plain in self._assignments(setting):
            self._take(name, place, plain)

    def check_conflict(self) -> None:
        if {"optimizer", "momentum"} & self.places.keys() - self.said.keys():
            return  # that one is reported; what does not go with its default may go with what was meant
        found = conflict(self.recipe(), frozenset(self.said))
        if found:
            self._error("E221", found.message, self.places[found.name], found.help)
            del self.said[found.name]

    def _assignments(self, setting: PlainSetting) -> Iterator[tuple[str, Span, PlainValue]]:
        """Each name and value on the line; what has no place on it is reported."""
        if is_by_part(Recipe, setting.name):
            said = joined(
                (one.value for one in setting.positional), ((key, one.value) for key, _, one in setting.options)
            )
            yield setting.name, setting.span, PlainValue(said, setting.span)
            return
        plain, surplus = value_of_line(setting)
        yield setting.name, setting.span, plain
        for extra in surplus:
            if setting.name == "optimizer" and extra.value == "nesterov":
                yield "nesterov", extra.span, PlainValue(True, extra.span)
            else:
                self._wrong("E221", surplus_value(setting.name), extra.span)
                break
        for name, place, value in setting.options:
            if setting.name == "optimizer" and name in OPTIMIZER_SETTINGS:
                yield name, place.to(value.span), value
            else:
                self._wrong("E220", surplus_option(setting.name, name), place)

    def _take(self, name: str, place: Span, plain: PlainValue) -> None:
        if name in self.places:
            first = Label(self.places[name], "first given here")
            self._error("E222", f"`{name}` is given twice", place, "keep one of the two", others=(first,))
            return
        self.places[name] = place
        value = whole(plain.value)
        wrong = explain_wrong(name, value)
        if wrong:
            self._wrong("E221", wrong, plain.span)
        else:
            self.said[name] = PlainValue(value, plain.span)

    def _wrong(self, code: str, wrong: Wrong, place: Span) -> None:
        self._error(code, wrong.message, place, wrong.help, proposals=wrong.proposals)

    def _error(self, code: str, message: str, place: Span, help: str | None, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, self.source, place, help=help, **more))


def read_recipe(settings: Sequence[PlainSetting], source: Source) -> tuple[Recipe, tuple[Diagnostic, ...]]:
    """The recipe that a `train` block describes, and every error in it.

    A setting with an error keeps its default, so that one mistake is one error.
    """
    if not settings:
        return Recipe.model_construct(), ()
    block = TrainBlock(source)
    for setting in settings:
        block.read(setting)
    block.check_conflict()
    return block.recipe(), tuple(block.diagnostics)


def overridden(recipe: Recipe, options: dict[str, object]) -> Recipe:
    """The recipe with other values for some settings.

    A change of optimizer drops the arguments in the recipe that only the old one has.

    Args:    options by field name, None for what was not given.
    Returns: a new, validated recipe.
    Raises:  Problem E220 for an unknown setting, E221 for a value or a pair of settings that cannot be.
    """
    said = {RENAMED.get(name, name): whole(value) for name, value in options.items() if value is not None}
    for name, value in said.items():
        if name not in Recipe.model_fields:
            unknown = unknown_setting(name)
            raise Problem.of("E220", unknown.message, unknown.help)
        wrong = explain_wrong(name, value)
        if wrong:
            raise Problem.of("E221", wrong.message, wrong.help)
    kept = recipe.model_dump()
    usable = OPTIMIZERS[str(said.get("optimizer", recipe.optimizer))].arguments
    kept |= dict.fromkeys(OPTIMIZER_SETTINGS - usable.keys())
    changed = Recipe.model_validate({**kept, **said})
    found = conflict(changed, frozenset(said))
    if found:
        raise Problem.of("E221", found.message, found.help)
    return changed
