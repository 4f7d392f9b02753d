"""What mattered in a sweep, as a picture: a bar for each thing that was varied, and beside it the trials' scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from typing import NamedTuple

from specc.emit.draw.marks import Disc, LineMark, Mark, Rect, Sheet, TextMark, moved
from specc.emit.draw.metrics import shortened
from specc.emit.draw.svg import Words, to_svg
from specc.emit.draw.theme import Theme

WIDTH, ROW, TOP = 640.0, 96.0, 40.0  # in pixels
NAMES, BARS, PLOT = 16.0, 140.0, 360.0  # where names, bars and the plots of scores begin
BAR, ROOM = 190.0, 64.0  # the longest bar, and the height of a plot
SIZE, TITLE = 11.0, 13.0  # of letters
MOST = 12  # rows


class MatteredRow(NamedTuple):
    """share: 0 to 1. points: (value, score); values are numbers, or words in their order. log: of the values' axis."""

    name: str
    share: float
    points: Sequence[tuple[float | str, float]]
    log: bool = False


def mattered_svg(rows: Sequence[MatteredRow], theme: Theme = "auto") -> str:
    """The picture. Args: rows, the most important first."""
    rows = rows[:MOST]
    marks: list[Mark] = [
        TextMark(NAMES, 22, "what mattered", TITLE, bold=True),
        TextMark(PLOT, 22, "score of each trial", SIZE),
    ]
    for number, row in enumerate(rows):
        marks += moved(tuple(_row(row)), 0, TOP + number * ROW)
    said = "; ".join(f"{row.name}: {row.share:.0%}" for row in rows)
    words = Words("What mattered in the sweep", said)
    return to_svg(Sheet(WIDTH, TOP + len(rows) * ROW, tuple(marks)), theme, words)


def _row(row: MatteredRow) -> Iterator[Mark]:
    middle = ROOM / 2
    yield TextMark(NAMES, middle + 4, shortened(row.name, SIZE, BARS - NAMES - 8), SIZE)
    yield Rect(BARS, middle - 9, max(1.0, row.share * BAR), 18, "convolution")
    yield TextMark(BARS + max(1.0, row.share * BAR) + 6, middle + 4, f"{row.share:.0%}", SIZE)
    width = WIDTH - PLOT - 16
    yield LineMark(((PLOT, ROOM), (PLOT + width, ROOM)), "grid")
    places, low, high = _across(row)
    scores = _parts([score for _, score in row.points])
    for x, y in zip(places, scores, strict=True):
        yield Disc(PLOT + x * width, ROOM - y * ROOM, 2.5, "dot1")
    yield TextMark(PLOT, ROOM + 14, shortened(low, SIZE, width / 2), SIZE, style="muted")
    yield TextMark(PLOT + width, ROOM + 14, shortened(high, SIZE, width / 2), SIZE, "end", style="muted")


def _across(row: MatteredRow) -> tuple[list[float], str, str]:
    """Where each value stands, 0 to 1, and what is written at both ends."""
    values = [value for value, _ in row.points]
    words = list(dict.fromkeys(str(value) for value in values)) if any(isinstance(one, str) for one in values) else []
    if words:
        return _parts([float(words.index(str(value))) for value in values]), words[0], words[-1]
    numbers = [float(value) for value in values]
    ends = f"{min(numbers):.3g}", f"{max(numbers):.3g}"
    return _parts([log10(one) for one in numbers] if row.log else numbers), *ends


def _parts(numbers: Sequence[float]) -> list[float]:
    low, high = min(numbers), max(numbers)
    return [(one - low) / (high - low) if high > low else 0.5 for one in numbers]
