"""Lines in, text out: what stands in columns, and the spaces that put it there.

In:      the lines of `syntax.layout`.
Out:     the text. Numbers in tables, the checked shapes of a section and the comments of neighbouring lines stand
         below each other, wherever the author put them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from specc.syntax.layout import WIDTH, Line

MARGIN = 40  # where checked shapes begin, unless the code before one of them is longer
WIDEST = 72  # code longer than this has its shape and comment two spaces after it, so that one line moves no others
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[KMG]?"
_TABLE_STEP = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*)((?: {_NUMBER}){{3,}})((?: .*)?)")
_CELL = re.compile(r"([^\s\[\]]+)")


class Cells(NamedTuple):
    """A line of a table: what stands between its cells, and the cells; tail: the rest, which is free."""

    between: tuple[str, ...]
    cells: tuple[str, ...]
    tail: str


def render(lines: list[Line]) -> str:
    """The text of the lines, with a new line at its end."""
    for section in _sections(lines):
        coded = [line for line in section if line.code]
        _align_tables(coded)
        _align([line for line in coded if line.check], "check", MARGIN)
        for commented, run in groupby(coded, key=lambda line: bool(line.comment)):
            if commented:
                _align(list(run), "comment")
    return "".join(("\n" if line.blank else "") + _text(line) + "\n" for line in lines)


def _text(line: Line) -> str:
    return (" " * line.indent + (line.code or line.comment)).rstrip(" ")


def _sections(lines: list[Line]) -> Iterator[list[Line]]:
    """Neighbouring lines of one depth, without an empty line between them; comments of their own do not part them."""
    section: list[Line] = []
    for line in lines:
        if line.blank or (section and section[-1].depth != line.depth):
            yield section
            section = []
        section.append(line)
    yield section


def _align_tables(lines: list[Line]) -> None:
    """Right-aligns the numbers of neighbouring rows and of neighbouring steps of one word."""
    for key, group in groupby([(line, _cells(line)) for line in lines], key=lambda pair: _table_key(*pair)):
        rows = [(line, cells) for line, cells in group if cells is not None]
        if key is None or len(rows) < 2:
            continue
        widths = [max(map(len, column)) for column in zip(*(cells.cells for _, cells in rows), strict=True)]
        aligned = [(line, _joined(cells, widths)) for line, cells in rows]
        if all(line.column - len(line.code) + len(code) <= WIDTH for line, code in aligned):
            for line, code in aligned:
                line.code = code


def _table_key(line: Line, cells: Cells | None) -> Hashable:
    return None if cells is None else (line.is_row, cells.between, len(cells.cells))


def _cells(line: Line) -> Cells | None:
    """The cells of a row of a list, or of a step of three numbers or more."""
    if line.is_row:
        if "(" in line.code or '"' in line.code:  # its spaces are not all between cells
            return None
        *pieces, tail = _CELL.split(line.code)
        return Cells((*pieces[::2], tail), tuple(pieces[1::2]), tail) if pieces else None
    match = _TABLE_STEP.fullmatch(line.code)
    if match is None:
        return None
    cells = tuple(match[2].split())
    return Cells((f"{match[1]} ", *[" "] * (len(cells) - 1)), cells, match[3])


def _joined(cells: Cells, widths: list[int]) -> str:
    columns = zip(cells.between, cells.cells, widths, strict=False)
    return "".join(between + cell.rjust(width) for between, cell, width in columns) + cells.tail


def _align(lines: list[Line], ending: Literal["check", "comment"], column: int = 0) -> None:
    """Puts the checked shapes, or the comments, of these lines behind their code, in one column or after it."""
    column = max([column, *(line.width + 2 for line in lines if line.width <= WIDEST)])
    for line in lines:
        line.code += " " * max(column - line.width, 2) + getattr(line, ending)
