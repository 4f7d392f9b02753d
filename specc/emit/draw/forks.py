"""Branches beside each other, between the place where they part and the place where they are joined."""

from __future__ import annotations

from typing import NamedTuple

from specc.emit.draw.marks import Disc, LineMark, Mark, Piece, TextMark, enclosing
from specc.emit.draw.metrics import text_width
from specc.emit.draw.outline import DrawnBranch, Fork
from specc.emit.draw.ways import LABEL, Way
from specc.layers.base import written

GAP = 22.0  # between branches
BAR = 22.0  # the height of `concat` and `split`
PARTING = 10.0  # from the upper edge to where the branches part
LEAVING = 30.0  # the line under a branch
DISC = 9.0


class _Lane(NamedTuple):
    """A branch: its piece, None for the identity; where its axis is; the shape that stands beside its end."""

    piece: Piece | None
    aside: float
    label: str
    arrives: bool = True  # whether it begins with what arrives at the form

    @property
    def length(self) -> float:
        return self.piece.length if self.piece else 0.0


def arrives(branch: DrawnBranch) -> bool:
    """Whether a branch begins with what arrives at its form, and not with what left steps before it alone."""
    first = branch.items[0] if branch.items else None
    if isinstance(first, Fork) and all(one.origin is not None for one in first.branches):
        return False
    return branch.origin is None


def fork_piece(fork: Fork, pieces: list[Piece | None], way: Way) -> Piece:
    """A branch form."""
    lanes = _beside(fork, pieces, way)
    axis = _axis(fork, lanes)
    lanes = [lane._replace(aside=lane.aside - axis) for lane in lanes]
    bar = _bar_length("concat" if fork.joined == "split" else fork.joined, way)
    top = _bar_length("split", way) if fork.joined == "split" else PARTING
    body = max((lane.length for lane in lanes if lane.piece), default=20.0)
    marks = list(_split_bar(lanes, way) if fork.joined == "split" else _parting(lanes, way))
    if fork.joined == "outputs":
        marks += [mark for lane in lanes if lane.piece for mark in way.moved(lane.piece.marks, lane.aside, top)]
        return _bounded(marks, top + body, way)
    end = top + body + max(way.gap(lane.label, LEAVING) for lane in lanes)
    is_bar = fork.joined in ("concat", "split")
    for lane in lanes:
        marks += _lane_marks(lane, top, end, way, straight=is_bar or lane.aside == 0)
    marks += _bar(fork.joined, lanes, end, way) if is_bar else _disc(fork.joined, end + DISC, way)
    return _bounded(marks, end + (bar if is_bar else 2 * DISC), way, lands=fork.joined == "split")


def _bounded(marks: list[Mark], length: float, way: Way, *, lands: bool = False) -> Piece:
    """Marks as a piece that reaches as far as they do."""
    left, top, right, bottom = enclosing(marks)
    near, far = (-left, right) if way.is_upright else (-top, bottom)
    return Piece(near, far, length, tuple(marks), lands=lands)


def _beside(fork: Fork, pieces: list[Piece | None], way: Way) -> list[_Lane]:
    """Lanes side by side, as close as their contents allow."""
    lanes: list[_Lane] = []
    edge = 0.0
    for branch, piece in zip(fork.branches, pieces, strict=True):
        told = fork.joined in ("concat", "split") or (branch.output != fork.output and fork.joined != "outputs")
        label = written(branch.output) if told else ""
        rooms = zip(way.beside(label), (piece.near, piece.far) if piece else (8.0, 8.0), strict=True)
        near, far = (max(room) for room in rooms)
        lanes.append(_Lane(piece, edge + near, label, arrives(branch)))
        edge += near + far + GAP
    return lanes


def _axis(fork: Fork, lanes: list[_Lane]) -> float:
    """The axis of the form: the only branch that holds anything, of a residual its body, else the middle."""
    filled = [lane for lane in lanes if lane.piece is not None]
    if filled and (len(filled) == 1 or fork.joined in ("add", "mul")):
        return filled[0].aside
    return (lanes[0].aside + lanes[-1].aside) / 2


def _parting(lanes: list[_Lane], way: Way) -> tuple[Mark, ...]:
    if not any(lane.arrives for lane in lanes):
        return ()
    places = [0.0, *(lane.aside for lane in lanes if lane.arrives)]
    low, high = min(places), max(places)
    if low == high:
        return (way.line((0, 0), (0, PARTING)),)
    across = way.line((low, PARTING), (high, PARTING))
    return (way.line((0, 0), (0, PARTING)), across, Disc(*way.at(0, PARTING), 2.2, "head"))


def _lane_marks(lane: _Lane, top: float, end: float, way: Way, *, straight: bool) -> tuple[Mark, ...]:
    """A branch and the line from it to the join: straight into it, or round the corner into its side."""
    along = top + lane.length
    marks = way.moved(lane.piece.marks, lane.aside, top) if lane.piece else ()
    label = way.label(lane.label, lane.aside, end - LEAVING if way.is_upright else along, end)
    if straight:
        return (*marks, way.line((lane.aside, along), (lane.aside, end), arrow=True), *label)
    side = -DISC if lane.aside < 0 else DISC
    round_the_corner = (lane.aside, along), (lane.aside, end + DISC), (side, end + DISC)
    return (*marks, way.line(*round_the_corner, arrow=True), *label)


def _bar_length(word: str, way: Way) -> float:
    """How long a bar is along the flow: beside an axis to the right its word stands in it."""
    return BAR if way.is_upright else text_width(word, LABEL) + 14


def _bar(word: str, lanes: list[_Lane], along: float, way: Way) -> tuple[Mark, ...]:
    return _word_bar("concat" if word == "split" else word, lanes, along, way)


def _split_bar(lanes: list[_Lane], way: Way) -> tuple[Mark, ...]:
    return _word_bar("split", lanes, 0, way)


def _word_bar(text: str, lanes: list[_Lane], along: float, way: Way) -> tuple[Mark, ...]:
    """From the first lane to the last and over the axis, and with room for its word."""
    places = [0.0, *(lane.aside for lane in lanes)]
    near, far = min(places) - 14, max(places) + 14
    needed = text_width(text, LABEL) + 16 if way.is_upright else BAR
    lacking = max(0.0, needed - (far - near)) / 2
    near, far = near - lacking, far + lacking
    bar = way.rect(near, along, far, along + _bar_length(text, way), "join", 4)
    middle = bar.x + bar.width / 2, bar.y + bar.height / 2 + 4
    return (bar, TextMark(*middle, text, LABEL, "middle"))


def _disc(word: str, along: float, way: Way) -> tuple[Mark, ...]:
    """A circle with + or ×."""
    x, y = way.at(0, along)
    a = 4.5 if word == "add" else 3.4
    strokes = ((0, -a, 0, a), (-a, 0, a, 0)) if word == "add" else ((-a, -a, a, a), (-a, a, a, -a))
    lines = (LineMark(((x + x1, y + y1), (x + x2, y + y2))) for x1, y1, x2, y2 in strokes)
    return (Disc(x, y, DISC, "join"), *lines)
