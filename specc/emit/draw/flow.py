"""An outline as a diagram of its layers: from top to bottom, from left to right, or down and up again.

A long network goes on in a further column; an encoder-decoder has a level for each size.
"""

from __future__ import annotations

from collections.abc import Sequence

from specc.emit.draw.columns import Column, columns
from specc.emit.draw.ladder import ladder, nested
from specc.emit.draw.levels import comes_back, levels_of
from specc.emit.draw.marks import LineMark, Mark, Sheet, moved, sheet_of
from specc.emit.draw.outline import Fork, Item, Outline
from specc.emit.draw.pieces import FlowStep, Pieces, chain, reach
from specc.emit.draw.spine import Join, Spine, SpineStep, spine_of
from specc.emit.draw.stages import Skip
from specc.emit.draw.ways import DOWN, EDGE, RIGHT, UP
from specc.layers.base import written

MARGIN = 16.0


def flow(network: Outline, layout: str = "auto", *, parameters: bool = False) -> Sheet:
    """The diagram.

    Args: layout, one of `LAYOUTS`; parameters, whether boxes tell how many they have.
    """
    if layout in ("row", "column"):
        way = RIGHT if layout == "row" else DOWN
        return sheet_of(chain(_steps(network, Pieces(way, parameters)), way).marks, MARGIN)
    spine = spine_of(network)
    if _is_u(network, spine) or (layout == "u" and nested(spine.skips)):
        return sheet_of(_down_and_up(network, spine, parameters), MARGIN)
    steps = _steps(network, Pieces(DOWN, parameters))
    chosen = columns([step.piece.length + EDGE for step in steps], [reach(step, DOWN) for step in steps])
    return sheet_of(_in_columns(steps, chosen), MARGIN)


def _steps(network: Outline, pieces: Pieces) -> list[FlowStep]:
    steps = [FlowStep(pieces.pill("input"), ""), *pieces.steps(network.items)]
    if not ends_in_outputs(network.items):
        steps.append(FlowStep(pieces.pill("output"), written(network.output)))
    return steps


def ends_in_outputs(items: Sequence[Item]) -> bool:
    """Whether a network has several outputs, which end in names of their own."""
    return bool(items) and isinstance(items[-1], Fork) and items[-1].joined == "outputs"


# In columns


def _in_columns(steps: Sequence[FlowStep], chosen: Sequence[Column]) -> list[Mark]:
    """The columns beside each other, a line from the foot of each to the head of the next."""
    marks: list[Mark] = []
    x, foot = 0.0, None
    top = 0.0
    for column in chosen:
        part = chain(steps[column.first : column.last], DOWN, entry=EDGE if column.first else 0)
        axis = x + part.near
        if foot is not None:
            gutter = x - 20
            low = foot[1] + 16
            points = foot, (foot[0], low), (gutter, low), (gutter, top - 16), (axis, top - 16), (axis, top)
            marks.append(LineMark(points, "wrap"))
        marks += moved(part.marks, axis, top)
        foot = (axis, top + part.length)
        x = axis + part.far + 40
    return marks


# Down and up


def _turn(network: Outline, spine: Spine) -> int:
    """The first step behind the smallest pictures, that of those that lead up again; half way where none does."""
    levels = levels_of([network.input, *(step.output for step in spine.steps)])
    low = max(levels)
    turns = (number for number in range(1, len(levels)) if levels[number] < low == levels[number - 1])
    return next(turns, (len(levels) + 1) // 2)


def _is_u(network: Outline, spine: Spine) -> bool:
    levels = levels_of([network.input, *(step.output for step in spine.steps)])
    return comes_back(levels, [Skip(start + 1, end + 1) for start, end in spine.skips]) and nested(spine.skips)


def _down_and_up(network: Outline, spine: Spine, parameters: bool) -> list[Mark]:
    turn = _turn(network, spine)
    down, up = Pieces(DOWN, parameters), Pieces(UP, parameters)
    steps = [_step(step, down if number < turn else up) for number, step in enumerate(spine.steps, start=1)]
    steps.insert(0, FlowStep(down.pill("input"), ""))
    if not ends_in_outputs(network.items):
        steps.append(FlowStep(up.pill("output"), written(network.output)))
    skips = [Skip(start + 1, end + 1) for start, end in spine.skips if start + 1 < turn <= end + 1]
    labels = {skip: written(spine.steps[skip.start - 1].output) if skip.start else "" for skip in skips}
    return ladder(steps[:turn], steps[turn:], skips, labels)


def _step(step: SpineStep, pieces: Pieces) -> FlowStep:
    if isinstance(step.part, Join):
        return FlowStep(pieces.pill(step.part.word), written(step.input))
    return pieces.step(step.part)
