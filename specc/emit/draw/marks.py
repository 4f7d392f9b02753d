"""What a picture is made of: rectangles, lines, polygons, discs and texts; and pieces of them that are put together.

Coordinates are pixels, x to the right and y down. A `Piece` has its origin where its axis, the line along which data
flows through it, enters it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from specc.emit.draw.metrics import ASCENT, DESCENT, text_width

Anchor: TypeAlias = Literal["start", "middle", "end"]
Fold: TypeAlias = Literal["", "open", "closed"]
Point: TypeAlias = tuple[float, float]
Bounds: TypeAlias = tuple[float, float, float, float]
HEAD_LENGTH, HEAD_WIDTH = 7.0, 6.0
HEADS = {"skip": "skiphead", "wrap": "wraphead"}  # of lines that have another colour


def bounds_of(points: Iterable[Point]) -> Bounds:
    """Left, top, right and bottom."""
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


class Rect(NamedTuple):
    """style: a name of the theme; radius of its corners."""

    x: float
    y: float
    width: float
    height: float
    style: str
    radius: float = 0

    def moved(self, dx: float, dy: float) -> Rect:
        return Rect(self.x + dx, self.y + dy, *self[2:])

    @property
    def bounds(self) -> Bounds:
        return self.x, self.y, self.x + self.width, self.y + self.height


class LineMark(NamedTuple):
    """A line through points; arrow: whether it ends in a head."""

    points: tuple[Point, ...]
    style: str = "line"
    arrow: bool = False

    def moved(self, dx: float, dy: float) -> LineMark:
        return LineMark(tuple([(x + dx, y + dy) for x, y in self.points]), *self[1:])

    @property
    def bounds(self) -> Bounds:
        return bounds_of(self.points)

    def parted(self) -> tuple[tuple[Point, ...], Polygon | None]:
        """The line, which stops short of its head, and the head."""
        if not self.arrow:
            return self.points, None
        tip, before = self.points[-1], self.points[-2]
        dx, dy = tip[0] - before[0], tip[1] - before[1]
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        ux, uy = dx / length, dy / length
        end = tip[0] - ux * HEAD_LENGTH, tip[1] - uy * HEAD_LENGTH
        half = HEAD_WIDTH / 2
        corners = (end[0] - uy * half, end[1] + ux * half), (end[0] + uy * half, end[1] - ux * half)
        return (*self.points[:-1], end), Polygon((tip, *corners), HEADS.get(self.style, "head"))


class Polygon(NamedTuple):
    """A closed figure through points."""

    points: tuple[Point, ...]
    style: str

    def moved(self, dx: float, dy: float) -> Polygon:
        return Polygon(tuple([(x + dx, y + dy) for x, y in self.points]), *self[1:])

    @property
    def bounds(self) -> Bounds:
        return bounds_of(self.points)


class Disc(NamedTuple):
    x: float
    y: float
    radius: float
    style: str

    def moved(self, dx: float, dy: float) -> Disc:
        return Disc(self.x + dx, self.y + dy, *self[2:])

    @property
    def bounds(self) -> Bounds:
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
        return TextMark(self.x + dx, self.y + dy, *self[2:])

    @property
    def bounds(self) -> Bounds:
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
        return NamedMarks(tuple([mark.moved(dx, dy) for mark in self.marks]), self.name, self.fold)

    @property
    def bounds(self) -> Bounds:
        return enclosing(self.marks)


PlainMark: TypeAlias = Rect | LineMark | Polygon | Disc | TextMark
Mark: TypeAlias = PlainMark | NamedMarks


class Piece(NamedTuple):
    """Marks around an axis, along which data flows, down or to the right. near, far: how far they reach from it to the
    left and right, or up and down; length: where the axis leaves; lands: whether a line that arrives ends here, with a
    head."""

    near: float
    far: float
    length: float
    marks: tuple[Mark, ...]
    lands: bool = True


class Sheet(NamedTuple):
    """A whole picture. marks are drawn in their order, later ones on top."""

    width: float
    height: float
    marks: tuple[Mark, ...]


def enclosing(marks: Iterable[Mark]) -> Bounds:
    """What marks reach together."""
    lefts, tops, rights, bottoms = zip(*(mark.bounds for mark in marks), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def plain(marks: Iterable[Mark]) -> Iterator[PlainMark]:
    """Every mark by itself."""
    for mark in marks:
        if isinstance(mark, NamedMarks):
            yield from mark.marks
        else:
            yield mark


def styles_of(marks: Sequence[PlainMark]) -> set[str]:
    """The styles of all that is drawn: of the marks, of the heads of lines, and of the paper."""
    heads = (mark.parted()[1] for mark in marks if isinstance(mark, LineMark))
    return {"paper", *(mark.style for mark in marks), *(head.style for head in heads if head)}


def printable(text: str) -> str:
    """A text in which what cannot be shown, and what XML forbids, is `�`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "�" for char in text)


def moved(marks: Iterable[Mark], dx: float, dy: float) -> tuple[Mark, ...]:
    return tuple([mark.moved(dx, dy) for mark in marks])


def sheet_of(marks: Iterable[Mark], margin: float, at_least: Sheet | None = None) -> Sheet:
    """Everything with a margin around it, the upper left corner at 0, 0; at_least: a sheet that it is to cover."""
    marks = tuple(marks)
    left, top, right, bottom = enclosing(marks)
    if at_least is not None:
        left, top = min(left, 0.0), min(top, 0.0)
        right, bottom = max(right, at_least.width), max(bottom, at_least.height)
    x, y = left - margin, top - margin
    return Sheet(right + margin - x, bottom + margin - y, moved(marks, -x, -y))
