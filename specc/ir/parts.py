"""Parts of a network by the names that settings of the recipe give them: `freeze stem`, `rates head=10x`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.proposal import renamed
from specc.diagnostics.spelling import nearest, shown
from specc.ir.shaped import ShapedModel
from specc.recipe.parts import factors
from specc.recipe.recipe import Recipe
from specc.source import Source, Span
from specc.syntax import tree

NAMED = "[\\w.*?-]"  # what a name may consist of


class NetworkParts:
    """The parts of a network: every layer, and everything that one is in."""

    def __init__(self, shaped: ShapedModel) -> None:
        self._within = {row.name: set(_containers(row.name)) for row in shaped.rows()}
        self._all = dict.fromkeys(part for layer in self._within for part in _containers(layer))

    def layers(self, name: str) -> list[str]:
        """The layers in the parts that a name means, as in `named_modules()`; none where nothing is called so.

        A repeated label means all its repeats, `stage*` all that begin so.
        """
        from fnmatch import fnmatchcase

        meant = {part for part in self._all if fnmatchcase(part, name)} or {
            part for part in self._all if part.startswith(name) and part.removeprefix(name).isdigit()
        }
        return [layer for layer, parts in self._within.items() if meant & parts]

    def unknown(self, name: str) -> Diagnostic:
        """The finding about a name that nothing has."""
        help, proposals = renamed(nearest(name, list(self._all)), "`specc summary` lists its layers")
        message = f"no part of the network is called `{shown(name)}`"
        return Diagnostic("E637", message, help=help, proposals=proposals)


def _containers(layer: str) -> Iterator[str]:
    """`a.b.c` as `a`, `a.b` and `a.b.c`."""
    words = layer.split(".")
    return (".".join(words[: count + 1]) for count in range(len(words)))


def names_of(names: str) -> list[str]:
    """What a text like `stem, stage1` names."""
    return [name for one in names.split(",") if (name := one.strip())]


def named_by(recipe: Recipe) -> Mapping[str, list[str]]:
    """The names of parts that each setting has, by the setting."""
    by_factor = {"rates": recipe.rates, "decays": recipe.decays}
    found = {setting: [name for name, _ in factors(text)] for setting, text in by_factor.items() if text}
    return {"freeze": names_of(recipe.freeze), **found} if recipe.freeze else found


def require_parts(shaped: ShapedModel, recipe: Recipe) -> None:
    """Raise Problem E637 where a setting names a part that the network does not have."""
    named = [name for names in named_by(recipe).values() for name in names]
    layers_of(shaped, named)


def layers_of(shaped: ShapedModel, names: list[str]) -> list[list[str]]:
    """The layers that each name means; nothing is looked at where nothing is named. Raises: Problem E637."""
    if not names:
        return []
    parts = NetworkParts(shaped)
    found = [parts.layers(name) for name in names]
    if not all(found):
        raise Problem(parts.unknown(names[found.index([])]))
    return found


def unknown_parts(shaped: ShapedModel, recipe: Recipe, spec: tree.Tree, source: Source) -> Iterator[Diagnostic]:
    """What the spec's own recipe names and the network does not have, each name once in its setting."""
    named = named_by(recipe)
    parts = NetworkParts(shaped) if named else None
    for setting in _settings(spec):
        for name in dict.fromkeys(named.get(setting.name.text, ())):
            if parts is not None and not parts.layers(name):
                yield parts.unknown(name)._replace(source=source, span=_place(name, setting, source))


def _settings(spec: tree.Tree) -> Iterator[tree.Setting]:
    for item in spec.items:
        if isinstance(item, tree.Train):
            yield from item.settings


def _place(name: str, setting: tree.Setting, source: Source) -> Span:
    """Where a name stands in its setting; the whole of it where it cannot be told."""
    values = Span(setting.name.span.end, setting.span.end)
    found = re.search(f"(?<!{NAMED}){re.escape(name)}(?!{NAMED})", source.slice(values))
    return setting.span if found is None else Span(values.start + found.start(), values.start + found.end())
