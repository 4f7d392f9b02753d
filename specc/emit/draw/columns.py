"""Where a long diagram goes on in a further column, so that it fits a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COMFORTABLE = 1000.0  # pixels: a diagram no higher than this stays in one column
SLIMMEST = 1.1  # height to width, beyond which a further column is opened
MOST = 12
LITTLE = 1.25


class Column(NamedTuple):
    """The pieces `first` to `last`, the latter not counted."""

    first: int
    last: int


def columns(heights: Sequence[float], reaches: Sequence[tuple[float, float]]) -> list[Column]:
    """As few columns as make the whole no higher than comfortable, or about as high as it is wide.

    One fewer is taken where that makes it little higher: a column of a few boxes helps nobody.

    Args: heights of the pieces; reaches, how far each goes to the left and to the right.
    """
    cuts = [_cut(heights, count) for count in range(1, min(MOST, len(heights)) + 1)]
    sizes = [_size(cut, heights, reaches) for cut in cuts]
    lowest = min(height for _, height in sizes)
    good = (height <= max(COMFORTABLE, SLIMMEST * width, 1.15 * lowest) for width, height in sizes)
    chosen = next(number for number, is_good in enumerate(good) if is_good)
    if chosen > 1 and sizes[chosen - 1][1] <= LITTLE * sizes[chosen][1]:
        chosen -= 1
    return cuts[chosen]


def _size(
    cut: Sequence[Column], heights: Sequence[float], reaches: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    width = sum(_width(reaches[column.first : column.last]) + 40 for column in cut)
    return width, max(sum(heights[column.first : column.last]) for column in cut)


def _width(reaches: Sequence[tuple[float, float]]) -> float:
    return max(left for left, _ in reaches) + max(right for _, right in reaches)


def _cut(heights: Sequence[float], count: int) -> list[Column]:
    """At most `count` columns, the highest of them as low as can be."""
    low, high = max(heights), sum(heights)
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if len(_filled(heights, middle)) <= count else (middle, high)
    return _filled(heights, high)


def _filled(heights: Sequence[float], most: float) -> list[Column]:
    """Columns filled one after the other up to a height."""
    found, first, height = [], 0, 0.0
    for number, piece in enumerate(heights):
        if number > first and height + piece > most:
            found.append(Column(first, number))
            first, height = number, 0.0
        height += piece
    return [*found, Column(first, len(heights))]
