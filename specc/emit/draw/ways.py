"""The direction in which data flows through a diagram: down the page, up, or to the right.

A layout says how far along the flow and how far aside of its axis a thing lies; a way says where on the page that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specc.emit.draw.marks import LineMark, Mark, Point, Rect, TextMark, moved
from specc.emit.draw.metrics import text_width

LABEL = 11.0
EDGE = 32.0  # from one piece to the next
ASIDE = 7.0  # from a line to the text beside it


class Way(NamedTuple):
    """is_upright: whether data flows down or up, and not to the right; sign: -1 where it flows up."""

    is_upright: bool
    sign: int = 1

    def at(self, aside: float, along: float) -> Point:
        return (aside, self.sign * along) if self.is_upright else (along, aside)

    def line(self, *points: Point, style: str = "line", arrow: bool = False) -> LineMark:
        return LineMark(tuple(self.at(*point) for point in points), style, arrow)

    def moved(self, marks: Iterable[Mark], aside: float, along: float) -> tuple[Mark, ...]:
        return moved(marks, *self.at(aside, along))

    def rect(self, near: float, start: float, far: float, end: float, style: str, radius: float) -> Rect:
        """From one side of the axis to the other, and from start to end."""
        (left, right), (top, bottom) = (
            sorted(ends) for ends in zip(self.at(near, start), self.at(far, end), strict=True)
        )
        return Rect(left, top, right - left, bottom - top, style, radius)

    def gap(self, label: str, least: float = EDGE) -> float:
        """How long a line is that has a label."""
        return least if self.is_upright or not label else max(least, text_width(label, LABEL) + 14)

    def beside(self, label: str) -> tuple[float, float]:
        """How far a label reaches to the near and to the far side of its line."""
        if not label:
            return 0, 0
        return (0, text_width(label, LABEL) + ASIDE) if self.is_upright else (18, 0)

    def label(self, text: str, aside: float, start: float, end: float) -> tuple[TextMark, ...]:
        """The label of a line between two places."""
        if not text:
            return ()
        x, y = self.at(aside, (start + end) / 2)
        if self.is_upright:
            return (TextMark(x + ASIDE, y + 2 + (self.sign < 0) * 4, text, LABEL, style="muted"),)
        return (TextMark(x - 3, y - 6, text, LABEL, "middle", "muted"),)


DOWN, UP, RIGHT = Way(True), Way(True, -1), Way(False)
