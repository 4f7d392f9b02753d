"""What a sweep varies: settings of the recipe and `param`s of the spec, in ranges and lists."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest
from specc.ir.names.overrides import UnknownParameter, read_overrides
from specc.recipe.judging import explain_wrong, from_text, is_switch, is_whole, unknown_setting
from specc.recipe.recipe import Recipe
from specc.syntax import tree

FORM = "write `lr=1e-4:1e-1:log`, `width=16:128:16` with a step, or `width=16,32,64`"
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
# Where a run is and how it is watched has nothing to do with what it learns.
NOT_VARIED = ("data_dir", "device", "workers", "in_memory", "checkpoint_steps", "checkpoint_minutes", "exact")


class Range(NamedTuple):
    """Every number from low to high, both included.

    of_recipe: whether it is a setting of the recipe, and not a `param`. whole: whether only whole numbers are meant.
    log: each factor is as likely as any other. step: between two numbers.
    """

    name: str
    of_recipe: bool
    low: float
    high: float
    whole: bool
    log: bool = False
    step: float | None = None

    def value(self, chosen: object) -> object:
        """What a run is given for what was chosen."""
        return chosen

    def __str__(self) -> str:
        how = ":log" if self.log else f":{self.step:g}" if self.step else ""
        return f"{self.name}={self.low:g}:{self.high:g}{how}"


class Choice(NamedTuple):
    """One of a few values, as they were written."""

    name: str
    of_recipe: bool
    texts: tuple[str, ...]

    def value(self, chosen: object) -> object:
        text = str(chosen)
        return _of_switch(self.name, text) if self.of_recipe else text

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.texts)}"


Varied: TypeAlias = Range | Choice


def read_space(lines: Iterable[str], spec: tree.Tree) -> tuple[Varied, ...]:
    """What `--vary` asks for, each value of it judged.

    Args:   lines, one for each `--vary`; spec, for its `param`s, which win over settings of the same name.
    Raises: Problem E670.
    """
    found: dict[str, Varied] = {}
    for line in lines:
        varied = _read(line, spec)
        if varied.name in found:
            raise wrong(f"`{varied.name}` is varied twice", "name each setting once")
        found[varied.name] = varied
    if not found:
        raise wrong("nothing is varied", f"`--vary` says what: {FORM}")
    return tuple(found.values())


def _read(line: str, spec: tree.Tree) -> Varied:
    name, equals, text = (part.strip() for part in line.partition("="))
    name = name.replace("-", "_")
    if not equals or not name or not text:
        raise wrong(f"`{line}` does not say what is varied, and how", FORM)
    params = [item.name.text for item in spec.items if isinstance(item, tree.Param)]
    of_recipe = name not in params
    if of_recipe and name not in Recipe.model_fields:
        guess = nearest(name, [*params, *Recipe.model_fields])
        help = f"did you mean `{guess}`?" if guess in params else unknown_setting(name).help or FORM
        raise wrong(f"`{name}` is neither a `param` of the spec nor a setting of the recipe", help)
    if of_recipe and name in NOT_VARIED:
        raise wrong(f"`{name}` changes nothing that a run learns", "give it as an option, and vary another setting")
    varied = _range(name, text, of_recipe) if ":" in text else _choice(name, text, of_recipe)
    _judge(varied, spec)
    return varied


def _range(name: str, text: str, of_recipe: bool) -> Range:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) not in (2, 3):
        raise wrong(f"`{name}={text}` is no range", FORM)
    low, high = (_number(name, part) for part in parts[:2])
    how = parts[2] if len(parts) == 3 else ""
    log = how == "log"
    step = None if log or not how else _number(name, how)
    whole = is_whole(name) if of_recipe else all(WHOLE.fullmatch(part) for part in parts if part != "log")
    if not low < high:
        raise wrong(f"`{name}={text}` begins at {low:g} and ends at {high:g}", "the first number is the smaller one")
    if log and low <= 0:
        raise wrong(f"`{name}={text}` has no logarithm at {low:g}", "begin above zero, or leave out `:log`")
    if step is not None and not 0 < step <= high - low:
        raise wrong(f"`{name}={text}` has steps of {step:g}", f"a step is from above 0 to {high - low:g}")
    if whole and not all(number == int(number) for number in (low, high, step or 1)):
        raise wrong(f"`{name}` is a whole number, and `{text}` has others in it", "write whole numbers")
    return Range(name, of_recipe, low, high, whole, log, step)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 2**53:
        raise wrong(f"`{text}`, of `{name}`, is not a number", FORM)
    return number


def _choice(name: str, text: str, of_recipe: bool) -> Choice:
    texts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if len(texts) < 2 or not all(texts):
        raise wrong(f"`{name}={text}` leaves nothing to choose", FORM)
    return Choice(name, of_recipe, texts)


def _judge(varied: Varied, spec: tree.Tree) -> None:
    """Every value that can be judged by itself. Raises: Problem E670."""
    values = _ends(varied) if isinstance(varied, Range) else [varied.value(text) for text in varied.texts]
    for value in values:
        if varied.of_recipe:
            found = explain_wrong(varied.name, value)
            if found:
                raise wrong(f"`{varied}`: {found.message}", found.help or FORM)
        else:
            try:
                read_overrides({varied.name: value}, spec)
            except UnknownParameter as error:
                raise wrong(f"`{varied}`: {error}", FORM) from None


def _ends(varied: Range) -> list[object]:
    return [int(end) if varied.whole else end for end in (varied.low, varied.high)]


def _of_switch(name: str, text: str) -> object:
    words = {"on": True, "off": False, "true": True, "false": False}
    return words[text] if is_switch(name) and text in words else from_text(name, text)


def parted(space: Iterable[Varied], chosen: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a trial chose, as `param`s of the spec and as settings of the recipe."""
    params: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for varied in space:
        (settings if varied.of_recipe else params)[varied.name] = varied.value(chosen[varied.name])
    return params, settings


def combinations(space: Iterable[Varied]) -> Iterator[dict[str, str]]:
    """Every combination of the values of a space of choices, the last one varied fastest."""
    choices = [varied for varied in space if isinstance(varied, Choice)]
    for texts in product(*(choice.texts for choice in choices)):
        yield {choice.name: text for choice, text in zip(choices, texts, strict=True)}


def count_of(space: Iterable[Varied]) -> int | None:
    """How many combinations a space of choices has, None where a range makes them many."""
    sizes = [len(varied.texts) if isinstance(varied, Choice) else None for varied in space]
    return None if None in sizes else math.prod(size for size in sizes if size)


def wrong(message: str, help: str) -> Problem:
    """The problem that a sweep cannot vary what it is to: E670."""
    return Problem.of("E670", message, help=help)
