"""The receptive field: how much of the input a value has seen by the time it leaves a step.

In:         shaped nodes, walked in the order of execution.
Out:        a `Receptive` for each row of the summary, None for the whole input (behind `flatten`).
Leaves:     what a layer slides to its own `windows`; a layer without windows sees each pixel by itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import prod
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped, borrows
from specc.layers.base import Shape
from specc.layers.windows import Window


class Receptive(NamedTuple):
    """What one value depends on; a number for each spatial dimension.

    size: input pixels; jump: input pixels from one value to its neighbour; start: the first pixel of the first value,
    below 0 where that lies in the padding.
    """

    size: tuple[float, ...]
    jump: tuple[float, ...]
    start: tuple[float, ...]

    def covers(self, x: Shape) -> bool:
        """Whether one value can depend on the whole picture."""
        return all(seen >= size for seen, size in zip(self.size, x[1:], strict=True))


Seen: TypeAlias = Receptive | None
Known: TypeAlias = dict[tuple[int, Seen], Seen]
"""By a node's id and what had been seen before it, what has been seen behind it."""

Around: TypeAlias = tuple[dict[str, Seen], ...]
"""What had been seen behind the kept steps of the chains around, the innermost first, by name."""


def of_input(x: Shape) -> Seen:
    """What a value of the input has seen: itself. Of a vector every layer sees everything."""
    rank = len(x) - 1
    return Receptive((1,) * rank, (1,) * rank, (0,) * rank) if rank else None


def of_rows(model: ShapedModel) -> Iterator[Seen]:
    """What has been seen behind each of the model's `rows()`."""
    return _walk(model.chain, of_input(model.input), ())


def through(node: SomeShaped, seen: Seen, known: Known | None = None, around: Around = ()) -> Seen:
    """What has been seen behind a node, given what had been before it.

    Args: known, answers so far, so that nodes within nodes are not walked at each level; around, for a node that
          goes on from steps outside of it.

    Source: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
    """
    known = {} if known is None else known
    if borrows(node):
        return _through(node, seen, known, around)
    key = (id(node), seen)
    if key not in known:
        known[key] = _through(node, seen, known, around)
    return known[key]


def beginning(form: ShapedForm, branch: str, seen: Seen, around: Around) -> Seen:
    """What has been seen of what a branch begins with."""
    origin = form.origins.get(branch)
    return seen if origin is None else around[origin.above][origin.name]


def _through(node: SomeShaped, seen: Seen, known: Known, around: Around) -> Seen:
    if isinstance(node, ShapedLayer):
        return _slide(node, seen)
    if isinstance(node, ShapedForm):
        begins = [(beginning(node, name, seen, around), branch) for name, branch in node.branches]
        ends = [begin if branch is None else through(branch, begin, known, around) for begin, branch in begins]
        return _joined(node, ends)
    kept: dict[str, Seen] = {}
    for name, child in node.steps:
        seen = kept[name] = through(child, seen, known, (kept, *around))
    return seen


def _walk(node: SomeShaped, seen: Seen, around: Around) -> Generator[Seen, None, Seen]:
    """Yields for each row; returns what leaves the node."""
    if isinstance(node, ShapedChain):
        kept: dict[str, Seen] = {}
        for name, child in node.steps:
            seen = kept[name] = yield from _walk(child, seen, (kept, *around))
        return seen
    leaving = _slide(node, seen) if isinstance(node, ShapedLayer) else (yield from _join(node, seen, around))
    yield leaving
    return leaving


def _join(form: ShapedForm, seen: Seen, around: Around) -> Generator[Seen, None, Seen]:
    ends = []
    for name, branch in form.branches:
        begins = beginning(form, name, seen, around)
        ends.append(begins if branch is None else (yield from _walk(branch, begins, around)))
    return _joined(form, ends)


def _joined(form: ShapedForm, ends: list[Seen]) -> Seen:
    """Of several branches the one that has seen most; neighbours lie as in the branch that kept the output's size."""
    fields = [end for end in ends if end is not None]
    if len(fields) < len(ends):
        return None
    shapes = (form.input if branch is None else branch.output for _, branch in form.branches)
    kept = (end.jump for shape, end in zip(shapes, fields, strict=True) if shape[1:] == form.output[1:])
    jump = next(kept, fields[0].jump)
    along = (zip(field.size, field.start, strict=True) for field in fields)
    size, start = zip(*(max(ends, key=itemgetter(0)) for ends in zip(*along, strict=True)), strict=True)
    return Receptive(size, jump, start)


def _slide(node: ShapedLayer, seen: Seen) -> Seen:
    x, output = node.input, node.output
    if seen is None or len(x) != len(output):
        return seen if prod(x[1:]) == 1 and len(output) == 1 else None
    windows = node.layer.windows(x)
    if not windows:
        return seen
    size, jump, start = zip(*map(_slid, windows, *seen), strict=True)
    return Receptive(size, jump, start)


def _slid(window: Window, size: float, jump: float, start: float) -> tuple[float, float, float]:
    return size + (window.reach - 1) * jump, jump * window.stride, start - window.padding * jump
