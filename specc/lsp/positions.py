"""Offsets in a text, in code points, and positions as the protocol counts them: lines, and units of an encoding.

A line ends with \\n, \\r\\n or \\r; the units are those of UTF-16 unless something else is agreed.
Source: Language Server Protocol 3.17, "Text Documents".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property

from lsprotocol import types

from specc.source import Span

_LINE_END = re.compile(r"\r\n|\r|\n")

# How many units a text has. An editor may cut a character in two, so half a pair counts as one unit.
_UNITS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf-16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "utf-32": len,
}


class Positions:
    """The lines of one text."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self._units = _UNITS.get(encoding, _UNITS["utf-16"])

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    @property
    def line_count(self) -> int:
        return len(self._starts)

    def line_of(self, offset: int) -> int:
        """The number of the line that holds an offset, from 0."""
        return bisect_right(self._starts, offset) - 1

    def line_span(self, number: int) -> Span:
        """Where a line stands, without its end."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < self.line_count else len(self.text)
        return Span(start, start + len(self.text[start:end].rstrip("\r\n")))

    def line(self, number: int) -> str:
        start, end = self.line_span(number)
        return self.text[start:end]

    def offset(self, position: types.Position) -> int:
        """The offset of a position; one behind the end of a line, or of the text, is that end.

        >>> Positions("# 🙂 a\\nrelu").offset(types.Position(0, 5)), Positions("a\\nb").offset(types.Position(9, 9))
        (4, 3)
        """
        if position.line >= self.line_count:
            return len(self.text)
        start, end = self.line_span(position.line)
        line = self.text[start:end]
        if line.isascii():
            return start + min(position.character, len(line))
        units = 0
        for index, char in enumerate(line):
            if units >= position.character:
                return start + index
            units += self._units(char)
        return end

    def position(self, offset: int) -> types.Position:
        """The position of an offset.

        >>> Positions("# 🙂 a\\nrelu").position(4) == types.Position(line=0, character=5)
        True
        """
        line = self.line_of(offset)
        before = self.text[self._starts[line] : offset]
        return types.Position(line, len(before) if before.isascii() else self._units(before))

    def range(self, span: Span) -> types.Range:
        return types.Range(self.position(span.start), self.position(max(span)))

    def span(self, range: types.Range) -> Span:
        """The piece of the text that a range covers."""
        start = self.offset(range.start)
        return Span(start, max(start, self.offset(range.end)))

    def units(self, text: str) -> int:
        """The length of a text as the protocol counts it."""
        return len(text) if text.isascii() else self._units(text)
