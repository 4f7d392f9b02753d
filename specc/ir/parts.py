"""Parts of a network by the names that settings of the recipe give them: `freeze stem`, `rates head=10x`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.proposal import renamed
from specc.diagnostics.spelling import nearest, shown
from specc.ir.shaped import ShapedModel
from specc.recipe.parts import epochs_by_part, factors
from specc.recipe.recipe import Recipe
from specc.source import Source, Span
from specc.syntax import tree

NAMED = "[\\w.*?-]"  # what a name may consist of


BY_WEIGHT = ("rates", "decays")  # settings that may name single weights, too


class NetworkParts:
    """The parts of a network: every layer, everything that one is in, and the weights in one."""

    def __init__(self, shaped: ShapedModel) -> None:
        self._shaped = shaped
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

    def weights(self, name: str) -> list[str]:
        """The weights that a name means, as in `named_parameters()`: `stem.bias`, `*.bias`, or `bias` for every one."""
        from fnmatch import fnmatchcase

        rows = (row for row in self._shaped.rows() if row.layer)
        layers = zip(rows, self._shaped.layers(), strict=True)
        every = (f"{row.name}.{own}" for row, layer in layers for own in layer.weights(row.input))
        return [one for one in every if fnmatchcase(one, name) or one.rpartition(".")[2] == name]

    def have(self, name: str, setting: str) -> bool:
        """Whether something is called so that a setting may name."""
        return bool(self.layers(name) or (setting in BY_WEIGHT and self.weights(name)))

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
    found = {
        "freeze": names_of(recipe.freeze or ""),
        "freeze_after": [name for name, _ in epochs_by_part(recipe.freeze_after or "")],
        "rates": [name for name, _ in factors(recipe.rates or "")],
        "decays": [name for name, _ in factors(recipe.decays or "")],
    }
    return {setting: names for setting, names in found.items() if names}


def require_parts(shaped: ShapedModel, recipe: Recipe) -> None:
    """Raise Problem E637 where a setting names a part that the network does not have."""
    named = named_by(recipe)
    parts = NetworkParts(shaped) if named else None
    for setting, names in named.items():
        for name in names:
            if parts is not None and not parts.have(name, setting):
                raise Problem(parts.unknown(name))


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
            if parts is not None and not parts.have(name, setting.name.text):
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
