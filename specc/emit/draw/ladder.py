"""An encoder-decoder as a ladder: down on the left, up on the right, and a rung for each skip between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from specc.emit.draw.marks import Disc, LineMark, Mark, TextMark
from specc.emit.draw.metrics import text_width
from specc.emit.draw.pieces import FlowStep, reach
from specc.emit.draw.stages import Skip
from specc.emit.draw.ways import DOWN, EDGE, LABEL, UP

PARTING = 14.0  # from a step down to where its skip leaves
JOINING = 11.0  # from where a join begins up to where a skip arrives
APART = 48.0  # the least between both sides
TURN = 18.0  # how far below both sides the line from one to the other is


class Rung(NamedTuple):
    """A skip from a step on the left to one on the right, by their numbers on their side, downwards; label: over it."""

    left: int
    right: int
    label: str


class LadderSide(NamedTuple):
    """Steps from the top down, whichever way data flows. stops: those at which rungs are; below: from the upper edge of
    such a step to its rung, beyond its length; lead: from a rung to the next step."""

    steps: Sequence[FlowStep]
    stops: Sequence[int]
    below: float
    lead: float

    def segments(self) -> Iterator[tuple[int, int]]:
        """The steps to each rung, and those below the last."""
        starts = [0, *(stop + 1 for stop in self.stops)]
        yield from zip(starts, [*starts[1:], len(self.steps)], strict=True)

    def lengths(self) -> list[float]:
        """How far each rung is below the one before it, and the foot below the last, where nothing is drawn out."""
        return [self._length(number, *part) for number, part in enumerate(self.segments())]

    def _length(self, number: int, first: int, behind: int) -> float:
        if first == behind:
            return 0.0
        lengths = [step.piece.length for step in self.steps[first:behind]]
        to_rung = self.below if number < len(self.stops) else 0.0
        return (self.lead if number else 0.0) + sum(lengths) + EDGE * (len(lengths) - 1) + to_rung

    def tops(self, rungs: Sequence[float]) -> list[float]:
        """Where each step begins. rungs: where they are, and the foot."""
        found: list[float] = []
        for number, (first, behind) in enumerate(self.segments()):
            y = rungs[number] - (self.below if number < len(self.stops) else 0.0)
            part: list[float] = []
            for step in reversed(self.steps[first:behind]):
                y -= step.piece.length
                part.insert(0, y)
                y -= EDGE
            found += part
        return found


def nested(skips: Sequence[Skip]) -> bool:
    """Whether each skip lies inside the one before it."""
    return all(inner.start > outer.start and inner.end < outer.end for outer, inner in pairwise(sorted(skips)))


def ladder(
    left: Sequence[FlowStep], right: Sequence[FlowStep], skips: Sequence[Skip], labels: Mapping[Skip, str]
) -> list[Mark]:
    """The marks. left, right: steps in the order of execution, whose pieces lead down and up; skips: by their numbers
    in that order, each from a step on the left to one on the right, none across another."""
    count = len(left) + len(right)
    rungs = [Rung(skip.start, count - 1 - skip.end, labels[skip]) for skip in sorted(skips)]
    down = LadderSide(left, [rung.left for rung in rungs], PARTING, EDGE)
    up = LadderSide(right[::-1], [rung.right for rung in rungs], -JOINING, JOINING + EDGE)
    levels, y = [], 0.0
    for lengths in zip(down.lengths(), up.lengths(), strict=True):
        y += max(lengths)
        levels.append(y)
    far = max(reach(step, DOWN)[1] for step in left)
    near = max(reach(step, UP)[0] for step in right)
    x = far + near + max(APART, *(text_width(rung.label, LABEL) + 36 for rung in rungs), 0)
    return [*_down(down, levels), *_up(up, levels, x), *_rungs(rungs, levels, up, x), *_turn(levels[-1], x, right[0])]


def _down(side: LadderSide, levels: Sequence[float]) -> Iterator[Mark]:
    tops = side.tops(levels)
    foot = 0.0
    for number, (step, top) in enumerate(zip(side.steps, tops, strict=True)):
        if number:
            yield LineMark(((0, foot), (0, top)), arrow=step.piece.lands)
            yield from DOWN.label(step.label, 0, top - EDGE, top)
        yield from DOWN.moved(step.piece.marks, 0, top)
        foot = top + step.piece.length
    for level in levels[: len(side.stops)]:
        yield Disc(0, level, 2.2, "head")


def _up(side: LadderSide, levels: Sequence[float], x: float) -> Iterator[Mark]:
    tops = side.tops(levels)
    places = list(zip(side.steps, tops, strict=True))
    for step, top in places:
        yield from DOWN.moved(step.piece.marks, x, top + step.piece.length)
    for (step, top), (_, below) in pairwise(places):
        foot = top + step.piece.length
        yield LineMark(((x, below), (x, foot)), arrow=step.piece.lands)
        yield from DOWN.label(step.label, x, foot, foot + EDGE)


def _rungs(rungs: Sequence[Rung], levels: Sequence[float], up: LadderSide, x: float) -> Iterator[Mark]:
    for rung, level in zip(rungs, levels, strict=False):
        end = x - up.steps[rung.right].piece.near
        yield LineMark(((0, level), (end, level)), "skip", arrow=True)
        if rung.label:
            yield TextMark(end - 12, level - 5, rung.label, LABEL, "end", "muted")


def _turn(foot: float, x: float, first: FlowStep) -> Iterator[Mark]:
    """From the foot of the left side to that of the right one."""
    low = foot + TURN
    yield LineMark(((0, foot), (0, low), (x, low), (x, foot)), arrow=first.piece.lands)
    if first.label:
        yield TextMark(x / 2, low + 14, first.label, LABEL, "middle", "muted")
