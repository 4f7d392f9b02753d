"""A chart of some curves as marks: an axis of epochs or rates, an axis of values, a line with dots for each series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil, floor, inf, log10
from typing import Literal, NamedTuple

from specc.emit.draw.marks import Disc, LineMark, Mark, Point, TextMark
from specc.emit.draw.metrics import text_width

WIDTH, HEIGHT = 480.0, 270.0
TOP, BOTTOM, RIGHT = 34.0, 38.0, 16.0  # room around the drawn rectangle, in pixels; to its left as the labels need
SIZE, TITLE = 11.0, 13.0  # of letters
DOTS = 40  # points up to which each epoch gets a dot
MOST_TICKS = 7
LOG_FROM = 100.0  # a largest value so many times the smallest is drawn on a logarithmic axis
FLAT = 1e-9  # a range that is a smaller part of its values than this is none
MARGIN = 0.05
SMALL, LARGE = 1e-4, 1e6  # numbers between are written without a power of ten


class Series(NamedTuple):
    """One curve: (epoch, value), finite numbers; hue numbers its colour."""

    name: str
    hue: int
    points: tuple[Point, ...]


class Chart(NamedTuple):
    """across: what the series go over: whole numbers; of learning rates their logarithms."""

    title: str
    series: tuple[Series, ...]
    across: Literal["epoch", "learning rate"] = "epoch"


class ChartAxis(NamedTuple):
    """From low to high; ticks, the values that are written beside it. Of a logarithmic one all are logarithms."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    is_log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands: 0 at the low end, 1 at the high one."""
        return ((log10(value) if self.is_log else value) - self.low) / (self.high - self.low)


def chart_marks(chart: Chart) -> tuple[Mark, ...]:
    """The picture, `WIDTH` by `HEIGHT` pixels."""
    places = [place for one in chart.series for place, _ in one.points]
    across = epochs_axis(places) if chart.across == "epoch" else _logarithmic(log10(min(places)), log10(max(places)))
    up = values_axis([value for one in chart.series for _, value in one.points])
    left = 14 + max(text_width(text, SIZE) for _, text in up.ticks)
    return (
        TextMark(12, 20, chart.title, TITLE, bold=True),
        *_legend(chart.series),
        *_scales(across, up, left, chart.across),
        *(mark for one in chart.series for mark in _curve(one, across, up, left)),
    )


def _x(axis: ChartAxis, epoch: float, left: float) -> float:
    return left + axis.place(epoch) * (WIDTH - RIGHT - left)


def _y(axis: ChartAxis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - BOTTOM - TOP)


def _scales(across: ChartAxis, up: ChartAxis, left: float, name: str) -> Iterator[Mark]:
    ground = HEIGHT - BOTTOM
    for value, text in up.ticks:
        y = _y(up, 10**value if up.is_log else value)
        yield LineMark(((left, y), (WIDTH - RIGHT, y)), "grid")
        yield TextMark(left - 6, y + 4, text, SIZE, "end")
    yield LineMark(((left, ground), (WIDTH - RIGHT, ground)), "grid")
    for value, text in across.ticks:
        x = _x(across, 10**value if across.is_log else value, left)
        yield LineMark(((x, ground), (x, ground + 4)), "grid")
        yield TextMark(x, ground + 16, text, SIZE, "middle")
    yield TextMark(WIDTH - RIGHT, ground + 32, name, SIZE, "end")


def _legend(series: Sequence[Series]) -> Iterator[Mark]:
    right = WIDTH - RIGHT
    for one in reversed(series):
        start = right - text_width(one.name, SIZE)
        yield LineMark(((start - 22, 16), (start - 6, 16)), f"curve{one.hue}")
        yield TextMark(start, 20, one.name, SIZE)
        right = start - 34


def _curve(one: Series, across: ChartAxis, up: ChartAxis, left: float) -> Iterator[Mark]:
    points = [(_x(across, epoch, left), _y(up, value)) for epoch, value in one.points]
    if len(points) > 1:
        yield LineMark(tuple(thinned(points)), f"curve{one.hue}")
    if len(points) <= DOTS:
        yield from (Disc(x, y, 2.5, f"dot{one.hue}") for x, y in points)


def thinned(points: Sequence[Point]) -> list[Point]:
    """No more points than can be seen: of those in one column of pixels the first, the highest, the lowest, the last.

    >>> len(thinned([(number / 100, number % 7) for number in range(1000)])) <= 44
    True
    """
    kept: list[Point] = []
    for _, group in groupby(points, key=lambda point: floor(point[0])):
        column = list(group)
        chosen = {0, len(column) - 1, *(pick(range(len(column)), key=lambda n: column[n][1]) for pick in (min, max))}
        kept += [column[number] for number in sorted(chosen)]
    return kept


def epochs_axis(epochs: Sequence[float]) -> ChartAxis:
    """Whole numbers only."""
    low, high = min(epochs), max(epochs)
    margin = MARGIN * (high - low) or 0.5
    low, high = low - margin, high + margin
    step = next(step for step in _steps(1) if step.is_integer() and (high - low) / step <= MOST_TICKS)
    return ChartAxis(low, high, _multiples(low, high, step))


def values_axis(values: Sequence[float]) -> ChartAxis:
    """Logarithmic over many sizes; else from 0 where that is near."""
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        return _logarithmic(log10(low), log10(high))
    if high - low <= FLAT * max(abs(low), abs(high)):
        around = MARGIN * abs(high) or 1.0
        low, high = low - around, high + around
    margin = MARGIN * (high - low)
    bottom = 0.0 if 0 <= low < (high - low) / 2 else low - margin
    high += margin
    step = next(step for step in _steps((high - bottom) / 100) if (high - bottom) / step <= MOST_TICKS)
    return ChartAxis(bottom, high, _multiples(bottom, high, step))


def _logarithmic(low: float, high: float) -> ChartAxis:
    margin = MARGIN * (high - low)
    low, high = low - margin, high + margin
    every = ceil((high - low) / MOST_TICKS)
    parts = (1, 2, 5) if high - low < 3 else (1,)
    powers = range(floor(low) // every * every, ceil(high) + 1, every)
    ticks = [(power + log10(part), _short(f"{part * 10.0**power:.3g}")) for power in powers for part in parts]
    return ChartAxis(low, high, tuple(tick for tick in ticks if low <= tick[0] <= high), is_log=True)


def _steps(least: float) -> Iterator[float]:
    """1, 2, 2.5, 5, 10, …, from the power of ten below a number on."""
    power = floor(log10(least)) if least > 0 else 0
    while power < inf:
        yield from (factor * 10.0**power for factor in (1.0, 2.0, 2.5, 5.0))
        power += 1


def _multiples(low: float, high: float, step: float) -> tuple[tuple[float, str], ...]:
    values = [number * step for number in range(ceil(low / step), floor(high / step) + 1)]
    return tuple((value, _written(value, step)) for value in values)


def _written(value: float, step: float) -> str:
    """A value with the places that its step has.

    >>> _written(0.30000000000000004, 0.1), _written(2.5e-9, 2.5e-9), _written(0.0, 1e-9), _written(3e7, 1e7)
    ('0.3', '2.5e-9', '0', '3e7')
    """
    if abs(value) < step / 2:
        return "0"
    places = max(0, 1 - floor(log10(step)))
    if SMALL <= abs(value) < LARGE:
        text = f"{value:.{places}f}"
        return text.rstrip("0").rstrip(".") if places else text
    return _short(f"{value:.{max(2, ceil(log10(abs(value) / step)) + 2)}g}")


def _short(number: str) -> str:
    return number.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
