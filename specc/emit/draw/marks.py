"""What a picture is made of: rectangles, lines, discs and texts; and pieces of them that are put together.

Coordinates are pixels, x to the right and y down. A `Piece` has its origin where its axis, the line along which data
flows through it, meets its upper edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from specc.emit.draw.metrics import ASCENT, DESCENT, text_width

Anchor: TypeAlias = Literal["start", "middle", "end"]
Fold: TypeAlias = Literal["", "open", "closed"]
Point: TypeAlias = tuple[float, float]


class Rect(NamedTuple):
    """style: a name of the theme; radius of its corners."""

    x: float
    y: float
    width: float
    height: float
    style: str
    radius: float = 0

    def moved(self, dx: float, dy: float) -> Rect:
        return self._replace(x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height


class LineMark(NamedTuple):
    """A line through points; arrow: whether it ends in a head."""

    points: tuple[Point, ...]
    style: str = "line"
    arrow: bool = False

    def moved(self, dx: float, dy: float) -> LineMark:
        return self._replace(points=tuple((x + dx, y + dy) for x, y in self.points))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        across, down = [x for x, _ in self.points], [y for _, y in self.points]
        return min(across), min(down), max(across), max(down)


class Disc(NamedTuple):
    x: float
    y: float
    radius: float
    style: str

    def moved(self, dx: float, dy: float) -> Disc:
        return self._replace(x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius


class TextMark(NamedTuple):
    """y is the baseline."""

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "start"
    style: str = "text"
    bold: bool = False

    def moved(self, dx: float, dy: float) -> TextMark:
        return self._replace(x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        width = text_width(self.text, self.size, bold=self.bold)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return left, self.y - ASCENT * self.size, left + width, self.y + DESCENT * self.size


class NamedMarks(NamedTuple):
    """What shows one part of the network. name: of its module, as in `named_modules()`; fold: for what opens or closes
    a block, whether that is open."""

    marks: tuple[PlainMark, ...]
    name: str
    fold: Fold = ""

    def moved(self, dx: float, dy: float) -> NamedMarks:
        return self._replace(marks=tuple(mark.moved(dx, dy) for mark in self.marks))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        lefts, tops, rights, bottoms = zip(*(mark.bounds for mark in self.marks), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


PlainMark: TypeAlias = Rect | LineMark | Disc | TextMark
Mark: TypeAlias = PlainMark | NamedMarks


class Piece(NamedTuple):
    """Marks around an axis. left, right: how far they reach from it; height: where the axis leaves below;
    lands: whether a line that arrives above ends here, with a head."""

    left: float
    right: float
    height: float
    marks: tuple[Mark, ...]
    lands: bool = True

    @property
    def width(self) -> float:
        return self.left + self.right


class Sheet(NamedTuple):
    """A whole picture. marks are drawn in their order, later ones on top."""

    width: float
    height: float
    marks: tuple[Mark, ...]


def plain(marks: Iterable[Mark]) -> Iterator[PlainMark]:
    """Every mark by itself."""
    for mark in marks:
        if isinstance(mark, NamedMarks):
            yield from mark.marks
        else:
            yield mark


def moved(marks: Iterable[Mark], dx: float, dy: float) -> tuple[Mark, ...]:
    return tuple(mark.moved(dx, dy) for mark in marks)


def sheet_of(marks: Iterable[Mark], margin: float) -> Sheet:
    """Everything with a margin around it, the upper left corner at 0, 0."""
    marks = tuple(marks)
    left, top, right, bottom = zip(*(mark.bounds for mark in marks), strict=True)
    x, y = min(left) - margin, min(top) - margin
    return Sheet(max(right) + margin - x, max(bottom) + margin - y, moved(marks, -x, -y))
