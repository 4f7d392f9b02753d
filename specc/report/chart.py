"""Curves over the epochs: what is drawn where. `svg` and `curves` put it on a page and into a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10
from typing import Any, NamedTuple

Point = tuple[float, float]

LOG_FROM = 100.0  # a largest value so many times the smallest is drawn on a logarithmic axis
DOTS = 40  # points up to which each epoch gets a dot
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 44.0, 34.0  # margins for titles and labels


class Series(NamedTuple):
    """One curve: (epoch, value); hue numbers its colour."""

    name: str
    hue: int
    points: tuple[Point, ...]


class Chart(NamedTuple):
    title: str
    series: tuple[Series, ...]


class Text(NamedTuple):
    """anchor: "start", "middle" or "end" of the words at x; y is their middle."""

    x: float
    y: float
    words: str
    anchor: str = "start"
    strong: bool = False


class Drawing(NamedTuple):
    """A chart in pixels, from the top left. grid: lines as (x1, y1, x2, y2); curves, dots and keys with their hue."""

    width: float
    height: float
    grid: tuple[tuple[float, float, float, float], ...]
    texts: tuple[Text, ...]
    curves: tuple[tuple[int, tuple[Point, ...]], ...]
    dots: tuple[tuple[int, Point], ...]
    keys: tuple[tuple[int, float, float], ...]


def charts_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Chart, ...]:
    """The loss and, where there is one, the accuracy; rows are those of `metrics.jsonl`."""
    losses = _series(rows, (("training", "train_loss"), ("test", "test_loss"), ("validation", "validation_loss")), 1)
    shares = (("test", "test_accuracy"), ("validation", "validation_accuracy"))
    charts = (Chart("loss", losses), Chart("accuracy, %", _series(rows, shares, 100, first=1)))
    return tuple(chart for chart in charts if chart.series)


def _series(
    rows: Sequence[Mapping[str, Any]], names: Sequence[tuple[str, str]], factor: float, first: int = 0
) -> tuple[Series, ...]:
    found = []
    for hue, (name, key) in enumerate(names, first):
        points = tuple(
            (float(row["epoch"]), factor * row[key]) for row in rows if isinstance(row.get(key), (int, float))
        )
        if any(isfinite(value) for _, value in points):
            found.append(Series(name, hue, tuple(point for point in points if isfinite(point[1]))))
    return tuple(found)


def drawn(chart: Chart, width: float = 480, height: float = 270) -> Drawing:
    """A chart of this size, with its axes."""
    values = [value for one in chart.series for _, value in one.points]
    epochs = [epoch for one in chart.series for epoch, _ in one.points]
    down = _vertical(values, height)
    first, last = min(epochs), max(epochs)
    span = last - first or 1.0
    start = LEFT if last > first else (LEFT + width - RIGHT) / 2

    def across(epoch: float) -> float:
        return start + (epoch - first) / span * (width - LEFT - RIGHT)

    ticks = [(down.place(value), label) for value, label in down.ticks]
    grid = tuple((LEFT, y, width - RIGHT, y) for y, _ in ticks)
    texts = [Text(LEFT - 8, y, label, "end") for y, label in ticks]
    texts += [Text(across(epoch), height - 20, f"{epoch:g}", "middle") for epoch in _epoch_ticks(first, last)]
    texts += [Text(width - RIGHT, height - 6, "epoch", "end"), Text(4, 12, chart.title, strong=True)]
    placed = [(one.hue, tuple((across(x), down.place(y)) for x, y in one.points)) for one in chart.series]
    dots = tuple((hue, point) for hue, points in placed if len(points) <= DOTS for point in points)
    keys, names = _legend(chart)
    return Drawing(width, height, grid, (*texts, *names), tuple(placed), dots, keys)


def _legend(chart: Chart) -> tuple[tuple[tuple[int, float, float], ...], list[Text]]:
    x, keys, names = LEFT, [], []
    for one in chart.series:
        keys.append((one.hue, x, 30.0))
        names.append(Text(x + 22, 30, one.name))
        x += 40 + 6.6 * len(one.name)
    return tuple(keys), names


class _Axis(NamedTuple):
    """ticks: values with their labels. low, high: what the axis spans, as logarithms where `logarithmic`."""

    ticks: tuple[tuple[float, str], ...]
    low: float
    high: float
    height: float
    logarithmic: bool

    def place(self, value: float) -> float:
        value = log10(max(value, 1e-12)) if self.logarithmic else value
        share = (value - self.low) / (self.high - self.low)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def _vertical(values: Sequence[float], height: float) -> _Axis:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        first, last = floor(log10(low)), ceil(log10(high))
        every = max(1, ceil((last - first) / 6))
        ticks = tuple((10.0**power, f"{10.0**power:g}") for power in range(first, last + 1, every))
        return _Axis(ticks, first, last, height, True)
    if 0 < low < (high - low) / 2:
        low = 0.0
    step = nice_step(high - low or abs(high) or 1.0)
    numbers = [step * number for number in range(floor(low / step), ceil(high / step) + 1)]
    if len(numbers) == 1:
        numbers.append(numbers[0] + step)
    digits = max(0, -floor(log10(step)))
    labels = tuple((number, f"{number:.{digits}f}") for number in numbers)
    return _Axis(labels, numbers[0], numbers[-1], height, False)


def nice_step(span: float, most: int = 6) -> float:
    """The smallest of 1, 2, 5, 10, … (or their fractions) that cuts a span into so many parts at most.

    >>> nice_step(93), nice_step(0.7)
    (20.0, 0.2)
    """
    unit: float = 10.0 ** floor(log10(span / most))
    return next((factor * unit for factor in (1, 2, 5) if factor * unit * most >= span), 10 * unit)


def _epoch_ticks(first: float, last: float) -> list[float]:
    step = max(1.0, nice_step(last - first or 1.0, most=8))
    inner = [step * number for number in range(ceil(first / step), floor(last / step) + 1)]
    return sorted({first, *(tick for tick in inner if tick - first >= step / 2)})
