"""A checked network as a lint looks at it: straight runs of layers, whatever blocks, groups and repeats they stand in.

In:         a shaped model and the tree of its text.
Out:        runs: layers of which each gets what the one before it gives, and nobody else does.
Guarantees: a repeated step stands in a run twice at most, a form's branches are looked at once however often it is
            called; layers that nobody wrote (the projection of `shortcut auto`) are in no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from specc.ir.recipe import Recipe
from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel
from specc.layers.base import Layer
from specc.layers.windows import Window
from specc.source import Span
from specc.syntax.tree import Tree


class Placed(NamedTuple):
    """A layer and its name in `named_modules()`."""

    name: str
    node: ShapedLayer

    @property
    def layer(self) -> Layer:
        return self.node.layer

    @property
    def word(self) -> str:
        """The layer's keyword: `relu`, also where a block's parameter `act` stands for it."""
        return self.node.layer.keyword

    @property
    def span(self) -> Span:
        return self.node.span


class Run(NamedTuple):
    """Layers in a row. to_output: nothing follows in the whole network; in_shortcut: it goes round a residual."""

    layers: tuple[Placed, ...]
    to_output: bool
    in_shortcut: bool

    def without(self, *words: str) -> list[Placed]:
        """The layers but for those of these words."""
        return [placed for placed in self.layers if placed.word not in words]


class Network:
    """What the rules are given."""

    def __init__(self, model: ShapedModel, tree: Tree, recipe: Recipe) -> None:
        self.model, self.tree, self.recipe = model, tree, recipe
        self.source = model.source

    @cached_property
    def main(self) -> tuple[Placed | tuple[str, ShapedForm], ...]:
        """The network from input to output, forms in one piece."""
        return tuple(_items(self.model.chain, ""))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All runs, those of branches after the run that leads to them."""
        return tuple(_runs(self.main, set(), is_network=True))

    @cached_property
    def last_run(self) -> Run | None:
        """The layers before the output; None where the output comes straight out of a form."""
        return next((run for run in self.runs if run.to_output), None)

    @cached_property
    def strided(self) -> tuple[tuple[Placed, tuple[Window, ...]], ...]:
        """Layers whose windows move by more than one pixel, but for those that go round a residual."""
        slid = [
            (placed, placed.layer.windows(placed.node.input))
            for run in self.runs
            if not run.in_shortcut
            for placed in run.layers
            if placed.layer.family in ("convolution", "pooling")
        ]
        return tuple((placed, windows) for placed, windows in slid if any(window.stride > 1 for window in windows))


Item = Placed | tuple[str, ShapedForm]


def _items(chain: ShapedChain, prefix: str) -> Iterator[Item]:
    """The layers and forms of a chain, also those inside its blocks and groups."""
    earlier, times = None, 0
    for name, node in chain.steps:
        times = times + 1 if node is earlier else 1
        earlier = node
        if times > 2:
            continue
        if isinstance(node, ShapedChain):
            yield from _items(node, f"{prefix}{name}.")
        elif isinstance(node, ShapedForm):
            yield prefix + name, node
        else:
            yield Placed(prefix + name, node)


def _runs(
    items: Iterable[Item], seen: set[int], *, is_network: bool = False, in_shortcut: bool = False
) -> Iterator[Run]:
    layers: list[Placed] = []
    for item in items:
        if isinstance(item, Placed):
            layers.append(item)
            continue
        if layers:
            yield Run(tuple(layers), False, in_shortcut)
            layers = []
        name, form = item
        if id(form) not in seen:
            seen.add(id(form))
            yield from _branches(name, form, seen, in_shortcut)
    if layers:
        yield Run(tuple(layers), is_network, in_shortcut)


def _branches(name: str, form: ShapedForm, seen: set[int], in_shortcut: bool) -> Iterator[Run]:
    for branch_name, branch in form.branches:
        around = branch_name == "shortcut"
        if branch is None or (around and form.shortcut == "auto"):
            continue
        yield from _runs(_items(branch, f"{name}.{branch_name}."), seen, in_shortcut=in_shortcut or around)
