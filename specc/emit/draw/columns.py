"""Where a long diagram goes on in a further column, so that it fits a page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

COMFORTABLE = 1000.0  # pixels: a diagram no higher than this stays in one column
WIDE, HIGH = 1280.0, 800.0  # of the page or slide that longer ones are to fill
MOST = 12
NEARLY = 0.95


class Column(NamedTuple):
    """The pieces `first` to `last`, the latter not counted."""

    first: int
    last: int


def columns(heights: Sequence[float], reaches: Sequence[tuple[float, float]]) -> list[Column]:
    """The columns that can be shown largest on a page or a slide, or fewer that do nearly as well.

    Args: heights of the pieces; reaches, how far each goes to the left and to the right.
    """
    whole = [Column(0, len(heights))]
    if sum(heights) <= COMFORTABLE:
        return whole
    cuts = [_cut(heights, count) for count in range(1, min(MOST, len(heights)) + 1)]
    scales = [_scale(*_size(cut, heights, reaches)) for cut in cuts]
    return next(cut for cut, scale in zip(cuts, scales, strict=True) if scale >= NEARLY * max(scales))


def _scale(width: float, height: float) -> float:
    """How large a picture is where it fills the page."""
    return min(WIDE / width, HIGH / height)


def _size(
    cut: Sequence[Column], heights: Sequence[float], reaches: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    width = sum(_width(reaches[column.first : column.last]) + 40 for column in cut)
    return width, max(sum(heights[column.first : column.last]) for column in cut)


def _width(reaches: Sequence[tuple[float, float]]) -> float:
    return max(left for left, _ in reaches) + max(right for _, right in reaches)


def _cut(heights: Sequence[float], count: int) -> list[Column]:
    """At most `count` columns, the highest of them as low as can be."""
    ends = list(accumulate(heights))
    low, high = max(heights), ends[-1]
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if len(_filled(ends, middle)) <= count else (middle, high)
    return _filled(ends, high)


def _filled(ends: Sequence[float], most: float) -> list[Column]:
    """Columns filled one after the other up to a height. Args: ends, how far the pieces reach behind each other."""
    found = [Column(0, 0)]
    while (first := found[-1].last) < len(ends):
        begins = ends[first - 1] if first else 0.0
        found.append(Column(first, max(first + 1, bisect_right(ends, begins + most))))
    return found[1:]
