"""Where a text came from, and how an offset in it becomes a line and a column."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range `[start, end)` of offsets into a source text, in code points."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.start, max(self.end, other.end))


class Place(NamedTuple):
    """A position as a person counts it: line and column from 1, columns in code points."""

    line: int
    column: int


class Source:
    """A spec's text and the name under which the user knows it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(index + 1 for index, char in enumerate(self.text) if char == "\n")]

    @property
    def line_count(self) -> int:
        return len(self._line_starts)

    def place(self, offset: int) -> Place:
        """The line and column of an offset.

        >>> Source("a.cnn", "input 3\\nrelu").place(8)
        Place(line=2, column=1)
        """
        row = bisect_right(self._line_starts, offset) - 1
        return Place(row + 1, offset - self._line_starts[row] + 1)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line break."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < self.line_count else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def slice(self, span: Span) -> str:
        """The text that a span covers."""
        return self.text[span.start : span.end]
