"""Feature maps from left to right, in one row or in several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from specc.emit.draw.captions import DETAIL, LINE, SIZE, TITLE, caption, caption_width, size_width
from specc.emit.draw.levels import DISC, NUMBER
from specc.emit.draw.maps import Drawn, MapLook, MapScale
from specc.emit.draw.marks import Disc, LineMark, Mark, NamedMarks, PlainMark, TextMark, moved
from specc.emit.draw.stages import Skip, Stage, StageRow
from specc.layers.base import written

GAP = 46.0  # between two maps
NARROW_GAP = 30.0  # the same in a compact picture
LEAST = 14.0  # between two texts
ARC = 20.0  # the height that a skip takes
JUMP = 26.0  # the height of a number, where a skip leads into another row
BETWEEN = 30.0  # two rows


class _Placed(NamedTuple):
    """A stage with the left edge of its map and the middle of its caption."""

    stage: Stage
    drawn: Drawn
    x: float
    caption_x: float
    lines: tuple[str, ...]

    @property
    def right(self) -> float:
        return self.x + self.drawn.width

    @property
    def middle(self) -> float:
        return self.x + self.drawn.width / 2

    @property
    def back(self) -> float:
        """The middle of the hindmost sheet, where skips begin and end."""
        return self.right - self.drawn.front.width / 2


class _Jump(NamedTuple):
    """One end of a skip whose other end is in another row.

    place: in its row; number: what both ends are called, the same for all skips from one map; beside: how many places
    to the right of the first that ends at the same map, or to the left of it.
    """

    place: int
    number: int
    leaves: bool
    beside: int = 0


class MapRows(NamedTuple):
    """The rows of a picture, each with the number of its first stage."""

    rows: tuple[tuple[int, list[_Placed]], ...]

    @classmethod
    def of(cls, row: StageRow, scale: MapScale, look: MapLook, widest: float) -> MapRows:
        """Stages in rows that are no wider; a row has at least one."""
        return cls(tuple(_rows(row, scale, look, widest)))


def rows_marks(row: StageRow, rows: MapRows, look: MapLook) -> tuple[list[Mark], bool]:
    """The picture, and whether any skip leads into another row."""
    marks: list[Mark] = []
    y, foot = 0.0, None
    jumps = False
    bounds = {first: first + len(placed) for first, placed in rows.rows}
    for first, placed in rows.rows:
        line = _Line(placed, *_skips_of(row, bounds, first), look)
        marks += moved(line.marks(), 0, y)
        if foot is not None:
            marks.append(_onward(foot, placed[0], y + line.axis, y))
        foot = max(_right_of(step) for step in placed) + 14, y + line.axis, placed[-1].right
        y += line.height + BETWEEN
        jumps = jumps or bool(line.jumps)
    return marks, jumps


def _skips_of(row: StageRow, bounds: dict[int, int], first: int) -> tuple[list[Skip], list[_Jump]]:
    """The skips of one of the rows: those inside it, and ends of the others. bounds: where each row ends."""
    home = {stage: begin for begin, end in bounds.items() for stage in range(begin, end)}
    far = sorted(skip for skip in row.skips if home[skip.start] != home[skip.end])
    numbers = {start: number for number, start in enumerate(sorted({skip.start for skip in far}), start=1)}
    jumps = [_Jump(start - first, number, leaves=True) for start, number in numbers.items() if home[start] == first]
    arrived: Counter[int] = Counter()
    for skip in far:
        if home[skip.end] == first:
            side = 1 if skip.end in numbers else -1  # away from a line that leaves the same map
            beside = side * arrived[skip.end]
            jumps.append(_Jump(skip.end - first, numbers[skip.start], leaves=False, beside=beside))
            arrived[skip.end] += 1
    inside = [skip for skip in row.skips if home[skip.start] == home[skip.end] == first]
    return [Skip(skip.start - first, skip.end - first) for skip in inside], jumps


def _onward(foot: tuple[float, float, float], first: _Placed, axis: float, top: float) -> LineMark:
    """From the end of a row to the beginning of the next."""
    right, before, edge = foot
    left, between = min(first.x - 30.0, _left_of(first) - 12), top - BETWEEN / 2
    points = (
        (edge, before), (right, before), (right, between), (left, between), (left, axis), (first.x, axis),
    )  # fmt: skip
    return LineMark(points, "wrap", arrow=True)


# Where things stand in a row


def _rows(row: StageRow, scale: MapScale, look: MapLook, widest: float) -> Iterator[tuple[int, list[_Placed]]]:
    placed: list[_Placed] = []
    first = 0
    gap = GAP if scale.zoom == 1 else NARROW_GAP
    for number, stage in enumerate(row.stages):
        step = _placed(stage, look.draw(stage, scale), placed[-1] if placed else None, number == 0, gap)
        if placed and _right_of(step) > widest:
            yield first, placed
            placed, first = [], number
            step = _placed(stage, step.drawn, None, False, gap)
        placed.append(step)
    yield first, placed


def _placed(stage: Stage, drawn: Drawn, before: _Placed | None, is_first: bool, gap: float) -> _Placed:
    """A stage as far left as its texts and those of the stage before it allow."""
    lines = caption(stage)
    half_caption = caption_width(lines) / 2
    half_size = size_width(stage) / 2
    if before is None:
        x = max(0.0, half_size - drawn.width / 2) if is_first else 2 * half_caption + 10
        middle = x + drawn.width / 2 if is_first else x / 2
        return _Placed(stage, drawn, x, middle, lines)
    x = before.right + gap
    x = max(x, before.middle + size_width(before.stage) / 2 + LEAST + half_size - drawn.width / 2)
    x = max(x, 2 * (before.caption_x + caption_width(before.lines) / 2 + LEAST + half_caption) - before.right)
    return _Placed(stage, drawn, x, (before.right + x) / 2, lines)


def _right_of(step: _Placed) -> float:
    caption_right = step.caption_x + caption_width(step.lines) / 2
    return max(step.right, caption_right, step.middle + size_width(step.stage) / 2)


def _left_of(step: _Placed) -> float:
    caption_left = step.caption_x - caption_width(step.lines) / 2
    return min(step.x, caption_left, step.middle - size_width(step.stage) / 2)


class _Line:
    """One row: skips on top, then the maps around their axis, sizes, operations."""

    def __init__(self, placed: list[_Placed], skips: list[Skip], jumps: list[_Jump], look: MapLook) -> None:
        self.placed, self.skips, self.jumps, self.look = placed, skips, jumps, look
        self.levels = {skip: _level(skip, skips) for skip in skips}
        tallest = max(step.drawn.height for step in placed)
        self.top = ARC * max(self.levels.values(), default=0) + (8 if skips else 0) + (JUMP if jumps else 0)
        self.axis = self.top + tallest / 2
        self.sizes = self.top + tallest + SIZE + 6
        self.captions = self.sizes + TITLE + 9
        self.height = self.captions + LINE * (max(len(step.lines) for step in placed) - 1) + 4

    def marks(self) -> list[Mark]:
        marks: list[Mark] = []
        for before, step in zip([None, *self.placed[:-1]], self.placed, strict=True):
            at = step.x, self.axis - step.drawn.height / 2
            marks += called(step.stage, tuple(mark.moved(*at) for mark in step.drawn.marks))
            if before is not None:
                start = before.x, self.axis - before.drawn.height / 2
                marks += self.look.lead(step.stage, (before.drawn, start), (step.drawn, at))
            size = TextMark(step.middle, self.sizes, written(step.stage.shape), SIZE, "middle")
            marks += [*called(step.stage, (size,)), *called(step.stage, tuple(self.caption(step)))]
        marks += [self.arc(skip) for skip in self.skips]
        return [*marks, *(mark for jump in self.jumps for mark in self.jump(jump))]

    def caption(self, step: _Placed) -> Iterator[TextMark]:
        return caption_marks(step.lines, step.caption_x, self.captions)

    def arc(self, skip: Skip) -> LineMark:
        """A skip as a line over the maps."""
        start, end = self.placed[skip.start], self.placed[skip.end]
        y = self.top - ARC * self.levels[skip] + 4
        down = (self.axis - step.drawn.height / 2 for step in (start, end))
        return LineMark(
            ((start.back, next(down)), (start.back, y), (end.back, y), (end.back, next(down))),
            "skip", arrow=True,
        )  # fmt: skip

    def jump(self, jump: _Jump) -> tuple[Mark, ...]:
        """The end of a skip that leads into another row: a line to its number or from it."""
        step = self.placed[jump.place]
        aside = step.drawn.front.width / 4  # a map may end one skip and begin another
        x = step.back + (-aside if jump.leaves else aside + 22.0 * jump.beside)
        ends = (x, self.axis - step.drawn.height / 2), (x, 2 * DISC)
        line = LineMark(ends, "skip") if jump.leaves else LineMark(ends[::-1], "skip", arrow=True)
        return (line, Disc(x, DISC, DISC, "join"), TextMark(x, DISC + 4.5, str(jump.number), NUMBER, "middle"))


def caption_marks(lines: Sequence[str], x: float, y: float) -> Iterator[TextMark]:
    """The lines of a caption around x, the baseline of the first at y."""
    for number, line in enumerate(lines):
        size, style = (DETAIL, "muted") if number else (TITLE, "text")
        yield TextMark(x, y + LINE * number, line, size, "middle", style, bold=not number)


def called(stage: Stage, marks: tuple[PlainMark, ...]) -> tuple[Mark, ...]:
    """Marks with the name of the stage that they show; the input has none."""
    return (NamedMarks(marks, stage.name),) if stage.name and marks else marks


def _is_inside(inner: Skip, outer: Skip) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _crosses(first: Skip, second: Skip) -> bool:
    return first.start < second.start < first.end < second.end


def _level(skip: Skip, skips: Sequence[Skip]) -> int:
    """How many skips lie inside another one or cross it from before, itself counted."""
    inner = [other for other in skips if other != skip and (_is_inside(other, skip) or _crosses(other, skip))]
    return 1 + max((_level(other, inner) for other in inner), default=0)
