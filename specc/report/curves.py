"""Curves over the epochs: which ones a run has, and their picture, light and dark, as SVG and as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specc.emit.draw.marks import Sheet, moved
from specc.emit.draw.svg import Words, to_svg
from specc.emit.draw.theme import Theme
from specc.report.chart import HEIGHT, WIDTH, Chart, Series, chart_marks
from specc.tasks.registry import MEASURES

SMALLEST, LARGEST = 1e-100, 1e100  # a loss below is nothing, and one beyond is off every scale
SPLITS = {"training": "train", "test": "test", "validation": "validation"}


def charts_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Chart, ...]:
    """The loss and what else the epochs tell; rows are those of `metrics.jsonl`."""
    names = dict.fromkeys(name.partition("_")[2] for row in rows for name in row)
    measures = [MEASURES[name] for name in names if name in MEASURES and MEASURES[name].in_line]
    charts = [Chart("loss", _series(rows, "loss", 1))]
    for one in measures:
        title, factor = (f"{one.title}, %", 100) if one.is_share else (one.title, 1)
        charts.append(Chart(title, _series(rows, one.name, factor)))
    return tuple(chart for chart in charts if chart.series)


def _series(rows: Sequence[Mapping[str, Any]], measure: str, factor: float) -> tuple[Series, ...]:
    found = []
    for hue, (name, split) in enumerate(SPLITS.items()):
        key = f"{split}_{measure}"
        points = tuple((float(row["epoch"]), factor * _level(row[key])) for row in rows if _is_drawn(row.get(key)))
        if points:
            found.append(Series(name, hue, points))
    return tuple(found)


def _level(value: float) -> float:
    return value if abs(value) >= SMALLEST else 0.0


def _is_drawn(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= LARGEST  # nan is not


def _beside(charts: Sequence[Chart]) -> Sheet:
    marks = [mark for place, chart in enumerate(charts) for mark in moved(chart_marks(chart), place * WIDTH, 0)]
    return Sheet(WIDTH * len(charts), HEIGHT, tuple(marks))


def curves_svg(charts: Sequence[Chart], theme: Theme = "auto") -> str:
    """The charts beside each other, told to those who cannot see them by their last values."""
    across = "epochs" if charts[0].across == "epoch" else charts[0].across
    title = f"{' and '.join(chart.title for chart in charts)} over the {across}"
    said = "; ".join(
        f"{chart.title}, {one.name}: {one.points[-1][1]:.4g} after {chart.across} {one.points[-1][0]:g}"
        for chart in charts
        for one in chart.series
    )
    return to_svg(_beside(charts), theme, Words(title, said))


def curves_png(charts: Sequence[Chart]) -> bytes:
    """The same picture, on white."""
    from specc.emit.draw.png import to_png

    return to_png(_beside(charts))
