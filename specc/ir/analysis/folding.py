"""The rows of a summary with repeats folded: what is built three times alike is listed once, `×3`.

In:         a shaped model.
Out:        a `Line` for each row, or for each that is not a repeat of the one before it.
Guarantees: parameters, MACs and elements of a line count all its repeats, so lines sum to the totals either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from math import prod
from typing import NamedTuple

from specc.ir.analysis.receptive import Around, Known, Seen, beginning, of_input, of_rows, through
from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.layers.base import Shape


class FoldedLine(NamedTuple):
    """A layer or a form. name: as in `named_modules()`, of a folded one from the first to the last, `conv2…4`;
    kind: its word, with the layer that a parameter holds, `act (hardswish)`;
    elements: values in its output for one sample; seen: the receptive field, of the last where it is folded;
    level: in a tree, how many others it lies in."""

    name: str
    kind: str
    input: Shape
    output: Shape | dict[str, Shape]
    params: int
    macs: int
    elements: int
    times: int
    seen: Seen
    level: int = 0


def unfolded_lines(model: ShapedModel) -> Iterator[FoldedLine]:
    """A line for each row."""
    for row, seen in zip(model.rows(), of_rows(model), strict=True):
        kind, elements = _kind(row.kind, row.layer), _values(row.output)
        yield FoldedLine(row.name, kind, row.input, row.output, row.params, row.macs, elements, 1, seen)


def _values(output: Shape | dict[str, Shape]) -> int:
    return sum(map(prod, output.values())) if isinstance(output, dict) else prod(output)


def _kind(word: str, layer: str) -> str:
    """A step's word, and the layer that it holds where that is another one."""
    return f"{word} ({layer})" if layer not in ("", word) else word


def folded_lines(model: ShapedModel) -> Iterator[FoldedLine]:
    """A line for each row that is not a repeat: of steps that are one node, the same layers on the same shapes."""
    return iter(_of_node(model.chain, "", of_input(model.input), {}, ()))


def tree_lines(model: ShapedModel, depth: int, *, unfold: bool = False) -> Iterator[FoldedLine]:
    """A line for each step, and below it, a level deeper, for what is in it; names are those inside their parent.

    Args:       depth, how many levels of blocks are opened; unfold, whether repeats have lines of their own.
    Guarantees: the lines of level 0 sum to the totals, and those below a line to that line.
    """
    return _Tree(unfold, {}).of_chain(model.chain, 0, depth, of_input(model.input), ())


class _Tree(NamedTuple):
    unfold: bool
    known: Known

    def of_chain(self, chain: ShapedChain, level: int, depth: int, seen: Seen, outside: Around) -> Iterator[FoldedLine]:
        kept: dict[str, Seen] = {}
        around = (kept, *outside)
        for _, group in groupby(enumerate(chain.steps), key=lambda step: step[0] if self.unfold else id(step[1][1])):
            names, node, before = [name for _, (name, _) in group], None, seen
            node = dict(chain.steps)[names[0]]
            for name in names:
                before, seen = seen, through(node, seen, self.known, around)
                kept[name] = seen
            own = self.line(node, _span_of_names(names[0], names[-1]), level, seen)
            inner = self.inside(node, level + 1, depth, before, around)
            yield from (line if len(names) == 1 else _times(line, len(names)) for line in (own, *inner))

    def line(self, node: SomeShaped, name: str, level: int, seen: Seen) -> FoldedLine:
        costs = node.costs
        kind = node.word if not isinstance(node, ShapedLayer) else _kind(node.word, node.layer.keyword)
        output = node.gives if isinstance(node, ShapedForm) else node.output
        return FoldedLine(
            name, kind, node.input, output, costs.parameters, costs.macs, costs.elements, 1, seen, level
        )  # fmt: skip

    def inside(self, node: SomeShaped, level: int, depth: int, seen: Seen, around: Around) -> Iterator[FoldedLine]:
        """What a step holds; of a block that stays closed nothing."""
        if isinstance(node, ShapedForm):
            for name, branch in node.branches:
                if branch is not None:
                    begins = beginning(node, name, seen, around)
                    yield self.line(branch, name, level, through(branch, begins, self.known, around))._replace(kind="")
                    yield from self.of_chain(branch, level + 1, depth, begins, around)
        elif isinstance(node, ShapedChain) and (node.word == "group" or depth > 0):
            yield from self.of_chain(node, level, depth - (node.word != "group"), seen, around)


def _of_node(node: SomeShaped, name: str, seen: Seen, known: Known, around: Around) -> list[FoldedLine]:
    prefix = f"{name}." if name else ""
    if isinstance(node, ShapedChain):
        return _of_chain(node, prefix, seen, known, around)
    costs = node.costs
    if not isinstance(node, ShapedForm):
        after = through(node, seen, known)
        elements = prod(node.output)
        kind = _kind(node.word, node.layer.keyword)
        return [FoldedLine(name, kind, node.input, node.output, costs.parameters, costs.macs, elements, 1, after)]
    lines = [
        line
        for branch_name, branch in node.branches
        if branch is not None
        for line in _of_node(branch, prefix + branch_name, beginning(node, branch_name, seen, around), known, around)
    ]
    after = through(node, seen, known, around)
    elements = costs.elements - sum(branch.costs.elements for _, branch in node.branches if branch is not None)
    return [*lines, FoldedLine(name, node.word, node.input, node.gives, 0, 0, elements, 1, after)]


def _of_chain(chain: ShapedChain, prefix: str, seen: Seen, known: Known, outside: Around) -> list[FoldedLine]:
    lines: list[FoldedLine] = []
    kept: dict[str, Seen] = {}
    around = (kept, *outside)
    for _, group in groupby(chain.steps, key=lambda step: id(step[1])):
        steps = list(group)
        node, before = steps[0][1], seen
        for step_name, _ in steps:
            before, seen = seen, through(node, seen, known, around)
            kept[step_name] = seen
        name = prefix + _span_of_names(steps[0][0], steps[-1][0])
        inner = _of_node(node, name, before, known, around)
        lines += inner if len(steps) == 1 else [_times(line, len(steps)) for line in inner]
    return lines


def _times(line: FoldedLine, count: int) -> FoldedLine:
    return line._replace(
        params=line.params * count, macs=line.macs * count, elements=line.elements * count, times=line.times * count
    )


def _span_of_names(first: str, last: str) -> str:
    """Names that differ in their number at the end, in one.

    >>> _span_of_names("basic2", "basic8"), _span_of_names("stem", "stem")
    ('basic2…8', 'stem')
    """
    if first == last:
        return first
    number = re.search(r"\d+$", last)
    return f"{first}…{number[0] if number else last}"
