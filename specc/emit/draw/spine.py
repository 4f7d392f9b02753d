"""An outline as one line of steps, and the skips that lead past some of them.

In:         the outline of a network.
Out:        a `SpineStep` for each box with its strips, frame, branch form and join, and the `Skip`s between them.
Guarantees: a form whose branch leads to smaller pictures and back is opened, and so are the blocks around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from specc.emit.draw.outline import Box, DrawnGroup, Fork, Item, KeptMark, Outline, stacked
from specc.emit.draw.stages import Skip, goes_deeper, keys, leads_past
from specc.layers.base import Shape

Part: TypeAlias = tuple[Box, ...] | DrawnGroup | Fork | KeptMark


class Join(NamedTuple):
    """Where a skip ends: `concat` or `add`."""

    word: str


class SpineStep(NamedTuple):
    part: Part | Join
    input: Shape
    output: Shape


class Spine(NamedTuple):
    steps: tuple[SpineStep, ...]
    skips: tuple[Skip, ...]


def spine_of(network: Outline) -> Spine:
    """The steps of a network. The first skip may start at -1, the input."""
    reader = _SpineReader()
    reader.read(network.items)
    return Spine(tuple(reader.steps), tuple(reader.skips))


class _SpineReader:
    def __init__(self) -> None:
        self.steps: list[SpineStep] = []
        self.skips: list[Skip] = []
        self.kept: dict[str, int] = {}

    def read(self, items: Sequence[Item]) -> None:
        for part in stacked(items):
            self.part(part)

    def part(self, part: Part) -> None:
        match part:
            case KeptMark():
                self.kept[part.key] = len(self.steps)
                self.steps.append(SpineStep(part, part.shape, part.shape))
            case DrawnGroup() if part.times == 1 and goes_deeper(part.items):
                self.read(part.items)
            case DrawnGroup():
                self.add(part, part.input, part.output, part.items)
            case Fork() if leads_past(part):
                start = len(self.steps) - 1
                for branch in part.branches:
                    self.read(branch.items)
                self.skips.append(Skip(start, len(self.steps)))
                self.steps.append(SpineStep(Join(part.joined), self.steps[-1].output, part.output))
            case Fork():
                self.add(part, part.input, part.output, (part,))
            case boxes:
                self.steps.append(SpineStep(boxes, boxes[0].input, boxes[-1].output))

    def add(self, part: Part, input: Shape, output: Shape, items: Sequence[Item]) -> None:
        """A step, with lines to it from those that something in it goes on from."""
        starts = {self.kept[key] for key in keys(items) if key in self.kept}
        self.skips += [Skip(start, len(self.steps)) for start in sorted(starts)]
        self.steps.append(SpineStep(part, input, output))
