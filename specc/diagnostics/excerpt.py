"""A line of a source with marks under it, cut around the marks where it is longer than there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from specc.diagnostics.visible import visible
from specc.diagnostics.wrapping import columns_of

TAB_WIDTH = 4


class Mark(NamedTuple):
    """A place in a line: columns from 0 in code points, the end exclusive; and what is said of it."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


class Underline(NamedTuple):
    """A mark as it is drawn: so many columns from the left, so many wide."""

    offset: int
    width: int
    mark: Mark


class Excerpt(NamedTuple):
    """A line, or as much of it as has room, with what is drawn under it."""

    text: str
    underlines: tuple[Underline, ...]


def excerpts(line: str, marks: Sequence[Mark], room: int, cut: str) -> Iterator[Excerpt]:
    """The pieces of a line in which the marks begin; one where all have room.

    Args: marks, by their start; room, in columns; cut, the sign for what is left out.
    """
    left = list(marks)
    while left:
        piece = _Piece(line, left[0], room, cut)
        shown = [mark for mark in left if piece.holds(mark)]
        yield piece.excerpt(shown)
        left = left[len(shown) :]


class _Piece:
    """The part of a line around a mark: the whole line where that has room."""

    def __init__(self, line: str, mark: Mark, room: int, cut: str) -> None:
        self.low = max(0, mark.start - room)  # further left nothing has room; a line may be very long
        cells = _cells(line[self.low : mark.start + 2 * room])
        self.at = [0, *accumulate(sum(map(columns_of, cell)) for cell in cells)]
        self.begin, self.end = 0, len(cells)
        here = self.at[min(mark.start - self.low, len(cells))]
        if self.low or (self.at[-1] > room and here > room // 2):
            self.begin = next(index for index, column in enumerate(self.at) if column >= here - room // 3)
        before = cut if self.low + self.begin else ""
        if self.low + self.end < len(line) or len(before) + self.at[-1] - self.at[self.begin] > room:
            most = self.at[self.begin] + room - len(before) - len(cut)
            fitting = (index for index in range(self.end, self.begin, -1) if self.at[index] <= most)
            self.end = next(fitting, self.begin)
        after = cut if self.low + self.end < len(line) else ""
        self.margin, self.cut = len(before), len(after)
        self.text = (before + "".join(cells[self.begin : self.end]) + after).rstrip()

    def holds(self, mark: Mark) -> bool:
        """Whether a mark begins here; at the end of a line it does too."""
        return mark.start - self.low < self.end or (not self.cut and mark.start - self.low >= self.begin)

    def excerpt(self, marks: Sequence[Mark]) -> Excerpt:
        return Excerpt(self.text, tuple(map(self._underline, marks)))

    def _underline(self, mark: Mark) -> Underline:
        start = min(mark.start - self.low, self.end)
        stop = min(mark.end - self.low, self.end)
        beyond = self.cut if mark.end - self.low > self.end else 0
        width = self.at[stop] - self.at[start] + beyond
        return Underline(self.margin + self.at[start] - self.at[self.begin], max(width, 1), mark)


def _cells(text: str) -> list[str]:
    """What is shown for each character: spaces for a tab, a sign for what would move the cursor or hide text."""
    cells, column = [], 0
    for char in text:
        cell = " " * (TAB_WIDTH - column % TAB_WIDTH) if char == "\t" else visible(char)
        cells.append(cell)
        column += sum(map(columns_of, cell))
    return cells
