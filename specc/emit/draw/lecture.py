"""Stages as lectures and papers draw them: feature maps with their sizes, and the operations that lead to them.

In one row or several from left to right, from top to bottom, or down and up again on a level for each size, there with
smaller maps and in brief where nobody could read it on a slide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from specc.emit.draw.captions import (
    DETAIL,
    LINE,
    NOTE,
    SIZE,
    TITLE,
    caption,
    caption_width,
    in_brief,
    sizes_of,
    told_once,
)
from specc.emit.draw.insets import frames_of, insets
from specc.emit.draw.levels import Stood, Tile, WordsBeside, comes_back, in_levels, levels_of
from specc.emit.draw.maps import Drawn, MapLook, MapScale
from specc.emit.draw.marks import Mark, Piece, PlainMark, Sheet, TextMark, enclosing, moved, sheet_of
from specc.emit.draw.metrics import text_width
from specc.emit.draw.outline import Outline
from specc.emit.draw.rows import MapRows, called, caption_marks, rows_marks
from specc.emit.draw.stages import Skip, Stage, StageRow, stages_of

MARGIN = 18.0
WIDE, HIGH = 960.0, 540.0  # of a slide
MOST_ROWS = 6
NEARLY = 0.97
LEGIBLE = 0.62  # of its size, on a slide: letters of 13 pixels are of 8
SMALLER = 1.0, 0.7, 0.5  # parts of their size that maps are tried at where letters would not be legible
BESIDE = 30.0
APART = 4.0  # between what is joined
ONCE = "Arguments are told where they change."
BRIEF = "Arguments are left out; where a number stands alone, it is that of the channels."
JUMPS = "A line with a number goes on where the number stands again."


def maps(network: Outline, look: MapLook, layout: str = "auto", *, parameters: bool = False) -> Sheet:
    """The picture.

    Args: look, how maps are drawn; layout, one of `LAYOUTS`; parameters, whether captions tell how many there are.
    """
    row = stages_of(network, parameters=parameters)
    levels = levels_of([stage.shape for stage in row.stages])
    if layout == "u" or (layout == "auto" and comes_back(levels, row.skips)):
        return _legible(row, levels, look)
    if layout == "column":
        return _in_levels(row, look, every=True)
    scale = _scale(row, compact=bool(row.skips))
    whole = MapRows.of(row, scale, look, float("inf"))
    if layout == "row" or len(row.stages) == 1:
        return _finished(row, *rows_marks(row, whole, look), look.words(scale))[1]
    return max(_candidates(row, look), key=lambda found: found[:2])[2]


def _scale(row: StageRow, *, compact: bool) -> MapScale:
    return MapScale.of([stage.shape for stage in row.stages], compact=compact)


def _finished(row: StageRow, marks: Sequence[Mark], jumps: bool, words: Sequence[str]) -> tuple[int, Sheet]:
    """With what is inside its blocks, as far as that leaves the rest legible, and the words on how it is to be read.

    Returns: of how many blocks, and the picture.
    """
    told = (*words, *([JUMPS] if jumps else []))
    frames = frames_of(row.stages)
    alone = _with_foot(marks, (), told)
    for count in range(len(frames), 0, -1):
        found = (_with_foot(marks, frames[:count], told, beside=beside) for beside in (False, True))
        sheet = max(found, key=_size)
        if _size(sheet) >= LEGIBLE:
            return count, sheet
    return 0, alone


def _with_foot(marks: Sequence[Mark], frames: Sequence[Piece], told: Sequence[str], *, beside: bool = False) -> Sheet:
    """With frames under the picture, or to the right of it."""
    left, top, right, foot = enclosing(marks)
    if beside:
        inside = moved(insets(frames, top, 0), right + BESIDE, 0)
    else:
        inside = moved(insets(frames, foot + 22, max(right - left, WIDE)), left, 0)
    foot = max(foot, enclosing(inside)[3] if inside else foot)
    texts = (TextMark(0, foot + 22 + 15 * at, text, NOTE, style="muted") for at, text in enumerate(told))
    return sheet_of([*marks, *inside, *texts], MARGIN)


def _size(sheet: Sheet) -> float:
    """How large a picture is on a slide, at most as it is."""
    return min(1.0, WIDE / sheet.width, HIGH / sheet.height)


def _candidates(row: StageRow, look: MapLook) -> Iterator[tuple[int, float, Sheet]]:
    """The picture in one row and in more, with how many blocks it shows the inside of, and how large it is on a slide;
    more rows only where that helps."""
    scale, best = _scale(row, compact=bool(row.skips)), (0, 0.0)
    for count in range(1, min(MOST_ROWS, len(row.stages)) + 1):
        if count == 2:
            scale = _scale(row, compact=False)
        rows = _even_rows(row, scale, look, count)
        shown, sheet = _finished(row, *rows_marks(row, rows, look), look.words(scale))
        if (shown, NEARLY * _size(sheet)) > best:
            best = shown, _size(sheet)
            yield shown, _size(sheet), sheet


def _even_rows(row: StageRow, scale: MapScale, look: MapLook, count: int) -> MapRows:
    """At most so many rows, as narrow as can be."""
    low, high = 0.0, 400.0 * len(row.stages)
    while high - low > 10:
        middle = (low + high) / 2
        low, high = (low, middle) if len(MapRows.of(row, scale, look, middle).rows) <= count else (middle, high)
    return MapRows.of(row, scale, look, high)


# On levels


def _legible(row: StageRow, levels: Sequence[int], look: MapLook) -> Sheet:
    """With all that captions tell, or in brief and with smaller maps where letters would be too small otherwise."""
    found = [_in_levels(_joined(row, levels), look)]
    for zoom in SMALLER:
        if _size(found[-1]) >= LEGIBLE:
            break
        found.append(_in_levels(_joined(in_brief(row), levels), look.smaller(zoom), brief=True))
    return max(found, key=_size)


def _joined(row: StageRow, levels: Sequence[int]) -> StageRow:
    """A row in which what makes a map larger and what joins it to a skip are one stage."""
    ends = {skip.end: skip.start for skip in row.skips}
    merged: list[Stage] = []
    at: list[int] = []  # where each stage has gone
    for number, stage in enumerate(row.stages):
        grew = number > 1 and levels[number - 1] < levels[number - 2]
        if number in ends and grew and not stage.inside:
            at.append(len(merged) - 1)
            merged[-1] = _join(merged[-1], stage, row.stages[ends[number]])
        else:
            at.append(len(merged))
            merged.append(stage)
    return StageRow(tuple(merged), tuple(Skip(at[start], at[end]) for start, end in row.skips))


def _join(grown: Stage, joined: Stage, skipped: Stage) -> Stage:
    beside = skipped if joined.title == "concat" else None
    stage = grown._replace(shape=joined.shape, after=(*grown.after, joined.title, *joined.after), beside=beside)
    return stage._replace(parameters=grown.parameters + joined.parameters)


def _in_levels(row: StageRow, look: MapLook, *, every: bool = False, brief: bool = False) -> Sheet:
    """On a level for each size, or for every stage. brief: whether a size is told once."""
    shown = row.stages if brief else told_once(row.stages)
    told = BRIEF if brief else ONCE if shown != row.stages else ""
    sizes = sizes_of(row.stages, once=brief)
    row = row._replace(stages=shown)
    scale = _scale(row, compact=True)
    levels = list(range(len(row.stages))) if every else levels_of([stage.shape for stage in row.stages])
    drawn = [_drawn(stage, look, scale) for stage in row.stages]
    climbs = [False, *(before != after for before, after in pairwise(levels))]
    climbs = [climb and bool(stage.before) for climb, stage in zip(climbs, row.stages, strict=True)]
    tiles = [
        _tile(stage, one, size, level, climbs=is_new)
        for stage, one, size, level, is_new in zip(row.stages, drawn, sizes, levels, climbs, strict=True)
    ]

    def between(number: int, before: Stood, after: Stood) -> Iterator[Mark]:
        corners = (_corner(drawn[number - 1], before), _corner(drawn[number], after))
        yield from look.lead(row.stages[number], *corners)

    words = (*look.words(scale), *([told] if told else []))
    return _finished(row, in_levels(tiles, row.skips, between), False, words)[1]


def _drawn(stage: Stage, look: MapLook, scale: MapScale) -> Drawn:
    """A map; of a join by `concat`, what comes from the left beside what comes from below."""
    if stage.beside is None:
        return look.draw(stage, scale)
    left, right = look.draw(stage.beside, scale), look.draw(stage._replace(shape=_other(stage)), scale)
    height = max(left.height, right.height)
    x = left.width + APART
    marks: tuple[PlainMark, ...] = (
        *(mark.moved(0, (height - left.height) / 2) for mark in left.marks),
        *(mark.moved(x, (height - right.height) / 2) for mark in right.marks),
    )
    return Drawn(x + right.width, height, marks, right.front.moved(x, (height - right.height) / 2))


def _other(stage: Stage) -> tuple[int, ...]:
    """The shape of what is joined to the skip."""
    skipped = stage.beside.shape[0] if stage.beside else 0
    return (max(1, stage.shape[0] - skipped), *stage.shape[1:])


def _corner(drawn: Drawn, stood: Stood) -> tuple[Drawn, tuple[float, float]]:
    return drawn, (stood.middle - drawn.width / 2, stood.y - drawn.height / 2)


def _tile(stage: Stage, drawn: Drawn, size: str, level: int, *, climbs: bool) -> Tile:
    """A map with its size under it; its caption is there too, or beside the line that climbs to it."""
    lines = caption(stage, wide=climbs)
    width = max(drawn.width, text_width(size, SIZE), 0 if climbs else caption_width(lines))
    half = drawn.height / 2
    marks = list(called(stage, tuple(mark.moved((width - drawn.width) / 2, -half) for mark in drawn.marks)))
    marks += called(stage, (TextMark(width / 2, half + SIZE + 4, size, SIZE, "middle"),))
    below = half + SIZE + 8
    if climbs:
        words = tuple(
            WordsBeside(line, DETAIL if at else TITLE, "muted" if at else "text", bold=not at)
            for at, line in enumerate(lines)
        )
        return Tile(tuple(marks), width, half, below, level, words)
    marks += called(stage, tuple(caption_marks(lines, width / 2, below + TITLE)))
    return Tile(
        tuple(marks), width, half, below + TITLE + LINE * (len(lines) - 1) + 6, level, follows=bool(stage.before)
    )
