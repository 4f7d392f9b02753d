"""A checked network as a lint looks at it: straight runs of layers, whatever blocks, groups and repeats they stand in.

In:         a shaped model and the tree of its text.
Out:        runs: layers of which each gets what the one before it gives, and nobody else does.
Guarantees: a repeated step stands in a run twice at most, a form's branches are looked at once however often it is
            called; layers that nobody wrote (the projection of `shortcut auto`) are in no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel
from specc.layers.base import Layer
from specc.layers.windows import Window
from specc.source import Span
from specc.syntax.tree import Tree

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe


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


class LayerRun(NamedTuple):
    """Layers in a row. to_output: nothing follows in the network; beside: another branch reads all that arrives."""

    layers: tuple[Placed, ...]
    to_output: bool
    beside: bool

    def without(self, *words: str) -> list[Placed]:
        """The layers but for those of these words."""
        return [placed for placed in self.layers if placed.word not in words]


class Network:
    """What the rules are given."""

    def __init__(self, model: ShapedModel, tree: Tree, trained: Recipe | None) -> None:
        self.model, self.tree, self.trained = model, tree, trained
        self.source = model.source

    @property
    def is_classifier(self) -> bool:
        """Whether the recipe trains it to name a class: what a spec without a recipe is trained for, too."""
        return self.trained is None or self.trained.task == "classify"

    @cached_property
    def main(self) -> tuple[Placed | tuple[str, ShapedForm], ...]:
        """The network from input to output, forms in one piece."""
        return tuple(item for item in _items(self.model.chain, "") if item is not None)

    @cached_property
    def runs(self) -> tuple[LayerRun, ...]:
        """All runs, those of branches after the run that leads to them."""
        return tuple(_runs(_items(self.model.chain, ""), set(), is_network=True))

    @cached_property
    def last_run(self) -> LayerRun | None:
        """The layers before the output; None where the output comes straight out of a form."""
        return next((run for run in self.runs if run.to_output), None)

    @cached_property
    def widest_kernel(self) -> int:
        """The reach of the widest window of a convolution or a pool, in pixels of what arrives there."""
        reaches = (window.reach for run in self.runs for placed in run.layers for window in _windows(placed))
        return max(reaches, default=1)

    @cached_property
    def strided(self) -> tuple[tuple[Placed, tuple[Window, ...]], ...]:
        """Layers whose windows move by more than one pixel, but for those whose pixels another branch reads."""
        slid = [
            (placed, _windows(placed))
            for run in self.runs
            for placed in (_behind_the_first(run.layers) if run.beside else run.layers)
        ]
        return tuple((placed, windows) for placed, windows in slid if any(window.stride > 1 for window in windows))


Item = Placed | tuple[str, ShapedForm] | None
"""None: what leaves the step before it is taken up elsewhere, too."""


def _windows(placed: Placed) -> tuple[Window, ...]:
    return placed.layer.windows(placed.node.input) if placed.layer.reads_all else ()


def _behind_the_first(layers: tuple[Placed, ...]) -> tuple[Placed, ...]:
    """The layers behind the first one with windows."""
    first = next((number for number, placed in enumerate(layers) if _windows(placed)), len(layers))
    return layers[first + 1 :]


def _reads_all(items: Iterable[Item], known: dict[int, bool]) -> bool:
    """Whether steps read every pixel that arrives at them: so says the first of them that has windows."""
    for item in items:
        if item is None:
            return True  # or something else does
        if not isinstance(item, Placed):
            return _some_branch_reads_all(item[1], known)
        if windows := _windows(item):
            numbers = zip(windows, item.node.input[1:], item.node.output[1:], strict=True)
            return not any(window.skips(*sizes) or window.unread(*sizes) for window, *sizes in numbers)
    return True


def _some_branch_reads_all(form: ShapedForm, known: dict[int, bool]) -> bool:
    if id(form) not in known:
        every = all if form.form == "split" else any  # the parts of a split are channels of their own
        arriving = [branch for name, branch in form.branches if name not in form.origins]
        # Where all branches go on from labels, nothing is meant to be read here.
        known[id(form)] = not arriving or every(_branch_reads_all(branch, known) for branch in arriving)
    return known[id(form)]


def _branch_reads_all(branch: ShapedChain | None, known: dict[int, bool]) -> bool:
    return branch is None or _reads_all(_items(branch, ""), known)


def _items(chain: ShapedChain, prefix: str) -> Iterator[Item]:
    """The layers and forms of a chain, also those inside its blocks and groups."""
    earlier, times = None, 0
    for name, node in chain.steps:
        times = times + 1 if node is earlier else 1
        earlier = node
        if times > 2:
            if name in chain.keeps:
                yield None
            continue
        if isinstance(node, ShapedChain):
            yield from _items(node, f"{prefix}{name}.")
        elif isinstance(node, ShapedForm):
            yield prefix + name, node
        else:
            yield Placed(prefix + name, node)
        if name in chain.keeps:
            yield None


def _runs(
    items: Iterable[Item], seen: set[int], *, is_network: bool = False, beside: bool = False
) -> Iterator[LayerRun]:
    layers: list[Placed] = []
    for item in items:
        if isinstance(item, Placed):
            layers.append(item)
            continue
        if layers:
            yield LayerRun(tuple(layers), False, beside)
            beside = beside and not any(map(_windows, layers))
            layers = []
        if item is None:
            beside = True
            continue
        name, form = item
        if id(form) not in seen:
            seen.add(id(form))
            yield from _branches(name, form, seen, beside)
        beside = False
    if layers:
        yield LayerRun(tuple(layers), is_network, beside)


def _branches(name: str, form: ShapedForm, seen: set[int], beside: bool) -> Iterator[LayerRun]:
    known: dict[int, bool] = {}
    read = [
        form.form != "split" and name not in form.origins and _branch_reads_all(branch, known)
        for name, branch in form.branches
    ]
    for number, (branch_name, branch) in enumerate(form.branches):
        if branch is None or (branch_name == "shortcut" and form.shortcut == "auto"):
            continue
        by_others = sum(read) > read[number] or branch_name in form.origins
        yield from _runs(_items(branch, f"{name}.{branch_name}."), seen, beside=beside or by_others)
