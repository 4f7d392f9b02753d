"""Branches beside each other, between the place where they part and the place where they are joined."""

from __future__ import annotations

from typing import NamedTuple

from specc.emit.draw.marks import Disc, LineMark, Mark, Piece, Rect, TextMark, moved
from specc.emit.draw.metrics import text_width
from specc.emit.draw.outline import DrawnBranch, Fork
from specc.layers.base import written

LABEL = 11.0
GAP = 22.0  # between branches
BAR = 22.0  # the height of `concat` and `split`
ASIDE = 7.0
PARTING = 10.0  # from the upper edge to where the branches part
LEAVING = 30.0  # the line under a branch
DISC = 9.0


class _Lane(NamedTuple):
    """A branch: its piece, None for the identity; where its axis is; the shape that stands beside its end."""

    piece: Piece | None
    x: float
    label: str
    arrives: bool = True  # whether it begins with what arrives at the form


def arrives(branch: DrawnBranch) -> bool:
    """Whether a branch begins with what arrives at its form, and not with what left steps before it alone."""
    first = branch.items[0] if branch.items else None
    if isinstance(first, Fork) and all(one.origin is not None for one in first.branches):
        return False
    return branch.origin is None


def fork_piece(fork: Fork, pieces: list[Piece | None]) -> Piece:
    """A branch form."""
    lanes = _beside(fork, pieces)
    axis = _axis(fork, lanes)
    lanes = [lane._replace(x=lane.x - axis) for lane in lanes]
    is_bar = fork.joined in ("concat", "split")
    top = BAR if fork.joined == "split" else PARTING
    body = max((lane.piece.height for lane in lanes if lane.piece), default=20.0)
    end = top + body + LEAVING
    marks = list(_split_bar(lanes) if fork.joined == "split" else _parting(lanes))
    if fork.joined == "outputs":
        marks += [mark for lane in lanes if lane.piece for mark in moved(lane.piece.marks, lane.x, top)]
        return _bounded(marks, top + body)
    for lane in lanes:
        marks += _lane_marks(lane, top, end, straight=is_bar or lane.x == 0)
    marks += _bar(fork.joined, lanes, end) if is_bar else _disc(fork.joined, end + DISC)
    return _bounded(marks, end + (BAR if is_bar else 2 * DISC), lands=fork.joined == "split")


def _bounded(marks: list[Mark], height: float, *, lands: bool = False) -> Piece:
    """Marks as a piece that reaches as far as they do."""
    left = max(-mark.bounds[0] for mark in marks)
    right = max(mark.bounds[2] for mark in marks)
    return Piece(left, right, height, tuple(marks), lands=lands)


def _beside(fork: Fork, pieces: list[Piece | None]) -> list[_Lane]:
    """Lanes from left to right, as close as their contents allow."""
    lanes: list[_Lane] = []
    edge = 0.0
    for branch, piece in zip(fork.branches, pieces, strict=True):
        told = fork.joined in ("concat", "split") or (branch.output != fork.output and fork.joined != "outputs")
        label = written(branch.output) if told else ""
        room = text_width(label, LABEL) + ASIDE if label else 0.0
        left, right = (piece.left, piece.right) if piece else (8.0, 8.0)
        x = edge + left
        lanes.append(_Lane(piece, x, label, arrives(branch)))
        edge = x + max(right, room) + GAP
    return lanes


def _axis(fork: Fork, lanes: list[_Lane]) -> float:
    """The axis of the form: the only branch that holds anything, of a residual its body, else the middle."""
    filled = [lane for lane in lanes if lane.piece is not None]
    if filled and (len(filled) == 1 or fork.joined in ("add", "mul")):
        return filled[0].x
    return (lanes[0].x + lanes[-1].x) / 2


def _parting(lanes: list[_Lane]) -> tuple[Mark, ...]:
    if not any(lane.arrives for lane in lanes):
        return ()
    xs = [0.0, *(lane.x for lane in lanes if lane.arrives)]
    across = (LineMark(((min(xs), PARTING), (max(xs), PARTING))),) if min(xs) < max(xs) else ()
    return (LineMark(((0, 0), (0, PARTING))), *across, *((Disc(0, PARTING, 2.2, "head"),) if across else ()))


def _lane_marks(lane: _Lane, top: float, end: float, *, straight: bool) -> tuple[Mark, ...]:
    """A branch and the line from it to the join: straight down into it, or round the corner into its side."""
    y = top + (lane.piece.height if lane.piece else 0)
    marks = moved(lane.piece.marks, lane.x, top) if lane.piece else ()
    label = (TextMark(lane.x + ASIDE, end - 13, lane.label, LABEL, style="muted"),) if lane.label else ()
    if straight:
        return (*marks, LineMark(((lane.x, y), (lane.x, end)), arrow=True), *label)
    side = -DISC if lane.x < 0 else DISC
    line = LineMark(((lane.x, y), (lane.x, end + DISC), (side, end + DISC)), arrow=True)
    return (*marks, line, *label)


def _bar(word: str, lanes: list[_Lane], y: float) -> tuple[Mark, ...]:
    text = "concat" if word == "split" else word
    left, right = _bar_ends(lanes, text)
    return (
        Rect(left, y, right - left, BAR, "join", 4), TextMark((left + right) / 2, y + 15, text, LABEL, "middle"),
    )  # fmt: skip


def _split_bar(lanes: list[_Lane]) -> tuple[Mark, ...]:
    left, right = _bar_ends(lanes, "split")
    return (Rect(left, 0, right - left, BAR, "join", 4), TextMark((left + right) / 2, 15, "split", LABEL, "middle"))


def _bar_ends(lanes: list[_Lane], text: str) -> tuple[float, float]:
    """From the first lane to the last and over the axis, and as wide as its word."""
    xs = [0.0, *(lane.x for lane in lanes)]
    left, right = min(xs) - 14, max(xs) + 14
    lacking = max(0.0, text_width(text, LABEL) + 16 - (right - left)) / 2
    return left - lacking, right + lacking


def _disc(word: str, y: float) -> tuple[Mark, ...]:
    """A circle with + or ×."""
    a = 4.5 if word == "add" else 3.4
    strokes = ((0, -a, 0, a), (-a, 0, a, 0)) if word == "add" else ((-a, -a, a, a), (-a, a, a, -a))
    lines = (LineMark(((x1, y + y1), (x2, y + y2))) for x1, y1, x2, y2 in strokes)
    return (Disc(0, y, DISC, "join"), *lines)
