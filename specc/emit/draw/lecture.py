"""Stages as lectures draw them: feature maps as stacked sheets from left to right, with the window that slides.

Sizes stand under the maps and operations below them, between what goes in and what comes out. A long network goes on
in a further row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from specc.emit.draw.maps import Drawn, MapScale, draw_map, rays
from specc.emit.draw.marks import Disc, LineMark, Mark, NamedMarks, PlainMark, Sheet, TextMark, moved, sheet_of
from specc.emit.draw.metrics import shortened, text_width
from specc.emit.draw.outline import Outline
from specc.emit.draw.stages import Skip, Stage, StageRow, stages_of
from specc.layers.base import written

MARGIN = 18.0
GAP = 52.0  # between two maps
NARROW_GAP = 30.0  # the same in a compact picture
LEAST = 14.0  # between two texts
SIZE, TITLE, DETAIL, NOTE = 12.0, 12.0, 11.0, 10.0
WIDEST_ROW = 1400.0
WIDEST_WORD = 150.0
ARC = 20.0  # the height that a skip takes
JUMP = 26.0  # the height of a number, where a skip leads into another row


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


def lecture(network: Outline, *, parameters: bool = False) -> Sheet:
    """The picture. parameters: whether captions tell how many there are."""
    row = stages_of(network, parameters=parameters)
    shapes = [stage.shape for stage in row.stages]
    if row.skips:
        scale = MapScale.of(shapes, compact=True)
        rows = list(_rows(row, scale, WIDEST_ROW))
        if len(rows) == 1:
            return _sheet(row, rows, scale)
    scale = MapScale.of(shapes)
    return _sheet(row, _even_rows(row, scale), scale)


def _sheet(row: StageRow, rows: list[tuple[int, list[_Placed]]], scale: MapScale) -> Sheet:
    marks: list[Mark] = []
    y, foot = 0.0, None
    jumps = False
    bounds = {first: first + len(placed) for first, placed in rows}
    for first, placed in rows:
        line = _Line(placed, *_skips_of(row, bounds, first))
        marks += moved(line.marks(), 0, y)
        if foot is not None:
            marks.append(_onward(foot, placed[0], y + line.axis, y))
        foot = max(_right_of(step) for step in placed) + 14, y + line.axis, placed[-1].right
        y += line.height + 36
        jumps = jumps or bool(line.jumps)
    words = (*scale.words, *(["A line with a number goes on where the number stands again."] if jumps else []))
    marks += (TextMark(0, y - 18 + 14 * at, text, NOTE, style="muted") for at, text in enumerate(words))
    return sheet_of(marks, MARGIN)


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
    left, between = min(first.x - 30.0, _left_of(first) - 12), top - 18
    points = (
        (edge, before), (right, before), (right, between), (left, between), (left, axis), (first.x, axis),
    )  # fmt: skip
    return LineMark(points, "wrap", arrow=True)


# Where things stand in a row


def _even_rows(row: StageRow, scale: MapScale) -> list[tuple[int, list[_Placed]]]:
    """As few rows as the width allows, none of them much shorter than the others."""
    low, high = 0.0, WIDEST_ROW
    count = len(list(_rows(row, scale, high)))
    while high - low > 20:
        middle = (low + high) / 2
        low, high = (low, middle) if len(list(_rows(row, scale, middle))) == count else (middle, high)
    return list(_rows(row, scale, high))


def _rows(row: StageRow, scale: MapScale, widest: float) -> Iterator[tuple[int, list[_Placed]]]:
    """The stages, a row at a time, each with the number of its first."""
    placed: list[_Placed] = []
    first = 0
    gap = GAP if scale.zoom == 1 else NARROW_GAP
    for number, stage in enumerate(row.stages):
        step = _placed(stage, draw_map(stage, scale), placed[-1] if placed else None, number == 0, gap)
        if placed and _right_of(step) > widest:
            yield first, placed
            placed, first = [], number
            step = _placed(stage, step.drawn, None, False, gap)
        placed.append(step)
    yield first, placed


def _placed(stage: Stage, drawn: Drawn, before: _Placed | None, is_first: bool, gap: float) -> _Placed:
    """A stage as far left as its texts and those of the stage before it allow."""
    lines = _caption(stage)
    half_caption = _widest(lines) / 2
    half_size = text_width(written(stage.shape), SIZE) / 2
    if before is None:
        x = max(0.0, half_size - drawn.width / 2) if is_first else 2 * half_caption + 10
        middle = x + drawn.width / 2 if is_first else x / 2
        return _Placed(stage, drawn, x, middle, lines)
    x = before.right + gap
    x = max(x, _size_right(before) + LEAST + half_size - drawn.width / 2)
    x = max(x, 2 * (_caption_right(before) + LEAST + half_caption) - before.right)
    return _Placed(stage, drawn, x, (before.right + x) / 2, lines)


def _caption(stage: Stage) -> tuple[str, ...]:
    """The operation, its arguments, and what follows it."""
    times = f" ×{stage.times}" if stage.times > 1 else ""
    title = shortened(stage.title, TITLE, WIDEST_WORD, bold=True) + times
    details = stage.details
    if text_width(title, TITLE, bold=True) > 100 and " " in title:  # the argument goes below a long word
        word, _, argument = shortened(stage.title, TITLE, WIDEST_WORD, bold=True).partition(" ")
        title, details = word + times, (argument, *details) if argument else details
    count = (f"{stage.parameters:,} param.",) if stage.parameters else ()
    return (title, *_filled(details), *_filled(stage.after), *count)


def _filled(words: Sequence[str]) -> Iterator[str]:
    """Words in lines of a modest width."""
    line = ""
    for word in words:
        text = shortened(word, DETAIL, WIDEST_WORD)
        if line and text_width(f"{line}, {text}", DETAIL) > 90:
            yield line
            line = text
        else:
            line = f"{line}, {text}" if line else text
    if line:
        yield line


def _widest(lines: Sequence[str]) -> float:
    return max(text_width(lines[0], TITLE, bold=True), *(text_width(line, DETAIL) for line in lines[1:]), 0)


def _caption_right(step: _Placed) -> float:
    return step.caption_x + _widest(step.lines) / 2


def _size_right(step: _Placed) -> float:
    return step.middle + text_width(written(step.stage.shape), SIZE) / 2


def _right_of(step: _Placed) -> float:
    return max(step.right, _caption_right(step), _size_right(step))


def _left_of(step: _Placed) -> float:
    size = text_width(written(step.stage.shape), SIZE) / 2
    return min(step.x, step.caption_x - _widest(step.lines) / 2, step.middle - size)


class _Line:
    """One row: skips on top, then the maps around their axis, sizes, operations."""

    def __init__(self, placed: list[_Placed], skips: list[Skip], jumps: list[_Jump]) -> None:
        self.placed, self.skips, self.jumps = placed, skips, jumps
        self.levels = {skip: _level(skip, skips) for skip in skips}
        tallest = max(step.drawn.height for step in placed)
        self.top = ARC * max(self.levels.values(), default=0) + (8 if skips else 0) + (JUMP if jumps else 0)
        self.axis = self.top + tallest / 2
        self.sizes = self.top + tallest + 20
        self.captions = self.sizes + 24
        self.height = self.captions + 15.0 * (max(len(step.lines) for step in placed) - 1) + 4

    def marks(self) -> list[Mark]:
        marks: list[Mark] = []
        for before, step in zip([None, *self.placed[:-1]], self.placed, strict=True):
            at = step.x, self.axis - step.drawn.height / 2
            marks += _called(step, tuple(mark.moved(*at) for mark in step.drawn.marks))
            if before is not None:
                start = before.x, self.axis - before.drawn.height / 2
                marks += rays(step.stage, (before.drawn, start), (step.drawn, at))
            size = TextMark(step.middle, self.sizes, written(step.stage.shape), SIZE, "middle")
            marks += [*_called(step, (size,)), *_called(step, tuple(self.caption(step)))]
        marks += [self.arc(skip) for skip in self.skips]
        return [*marks, *(mark for jump in self.jumps for mark in self.jump(jump))]

    def caption(self, step: _Placed) -> Iterator[TextMark]:
        for number, line in enumerate(step.lines):
            y, size = self.captions + 15.0 * number, DETAIL if number else TITLE
            yield TextMark(step.caption_x, y, line, size, "middle", "muted" if number else "text", bold=not number)

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
        x = step.back + (-aside if jump.leaves else aside + 20.0 * jump.beside)
        ends = (x, self.axis - step.drawn.height / 2), (x, 18.0)
        line = LineMark(ends, "skip") if jump.leaves else LineMark(ends[::-1], "skip", arrow=True)
        return (line, Disc(x, 9, 9, "join"), TextMark(x, 12.5, str(jump.number), NOTE, "middle"))


def _called(step: _Placed, marks: tuple[PlainMark, ...]) -> tuple[Mark, ...]:
    """Marks with the name of the stage that they show; the input has none."""
    return (NamedMarks(marks, step.stage.name),) if step.stage.name else marks


def _is_inside(inner: Skip, outer: Skip) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _crosses(first: Skip, second: Skip) -> bool:
    return first.start < second.start < first.end < second.end


def _level(skip: Skip, skips: Sequence[Skip]) -> int:
    """How many skips lie inside another one or cross it from before, itself counted."""
    inner = [other for other in skips if other != skip and (_is_inside(other, skip) or _crosses(other, skip))]
    return 1 + max((_level(other, inner) for other in inner), default=0)
