"""Curves over the epochs, drawn by matplotlib: for `curves.png`, and as SVG in the colours of a page.

Without pyplot, which would choose a window system and keep every figure; and from matplotlib's own defaults, whatever
style a user's `matplotlibrc` asks for. matplotlib is imported when a run ends, not before.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from io import BytesIO, StringIO
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float]

LOG_FROM = 100.0  # a largest value so many times the smallest is drawn on a logarithmic axis
DOTS = 40  # points up to which each epoch gets a dot
WIDTH, HEIGHT = 4.8, 2.7  # inches of one chart
SHARP = 200  # pixels per inch of the picture
INK, GRID = "#3b424a", "#dde1e6"
HUES = ("#9a6700", "#0b62c4", "#7d3fbf")
# What the colours of the picture, which is on white, become on a page with a light and a dark side.
ON_PAGE = {INK: "currentColor", GRID: "var(--line)"} | {hue: f"var(--h{n})" for n, hue in enumerate(HUES)}
STYLE: dict[Any, Any] = {  # matplotlib's types name every key, and not in every version
    "svg.fonttype": "none", "font.size": 8, "axes.titlesize": 9.5, "axes.titleweight": "semibold",
    "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.edgecolor": GRID, "grid.color": GRID, "xtick.color": GRID, "ytick.color": GRID, "grid.linewidth": 0.8,
    "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "ytick.major.size": 0, "ytick.minor.size": 0,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "lines.linewidth": 1.5, "lines.markersize": 3.5, "lines.solid_joinstyle": "round", "legend.frameon": False,
}  # fmt: skip


class Series(NamedTuple):
    """One curve: (epoch, value); hue numbers its colour."""

    name: str
    hue: int
    points: tuple[Point, ...]


class Chart(NamedTuple):
    title: str
    series: tuple[Series, ...]


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


def curves_png(charts: Sequence[Chart]) -> bytes:
    """The charts on white, beside each other."""
    content = BytesIO()
    with _matplotlib():
        figure_of(charts).savefig(content, format="png", dpi=SHARP, metadata={"Software": None})
    return content.getvalue()


def curves_svg(chart: Chart, number: int) -> str:
    """A chart for a page, told to those who cannot see it by its last values; the same bytes for the same chart.

    Args: number, for the names of its parts, unique on the page.
    """
    content = StringIO()
    with _matplotlib(**{"svg.hashsalt": "specc"}):
        figure_of([chart]).savefig(
            content, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    drawn = re.search(r"<svg[^>]*?( viewBox=\"[^\"]*\")[^>]*>(.*)</svg>", content.getvalue(), re.DOTALL)
    assert drawn is not None  # noqa: S101 - an SVG file has one
    said = "; ".join(f"{one.name} {one.points[-1][1]:.4g} after epoch {one.points[-1][0]:g}" for one in chart.series)
    return (
        f'<svg{drawn[1]} role="img" aria-labelledby="t{number} d{number}">'
        f'<title id="t{number}">{escape(chart.title)} over the epochs</title><desc id="d{number}">{escape(said)}</desc>'
        f"{_for_page(drawn[2], number)}</svg>"
    )


def _for_page(text: str, number: int) -> str:
    """The inside of an SVG file, fit to stand in a page with others: its own names, the page's font and colours."""
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # it would hold for the whole page
    text = re.sub(r"font-family: [^;\"]*(; )?", "", text)
    text = re.sub(r"\s*\n\s*", " ", text)
    used = set(re.findall(r"#([\w.-]+)[\")]", text))
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="c{number}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r'(?:xlink:)?(href="|url\()#', rf"\1#c{number}-", text)
    for colour, name in ON_PAGE.items():
        text = text.replace(colour, name)
    return text


def figure_of(charts: Sequence[Chart]) -> Figure:
    """The charts beside each other, an axis each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH * len(charts), HEIGHT), layout="tight")
    for place, chart in enumerate(charts, 1):
        _draw(figure.add_subplot(1, len(charts), place), chart)
    return figure


def _draw(axes: Axes, chart: Chart) -> None:
    from matplotlib.ticker import MaxNLocator

    for one in chart.series:
        marker = "o" if len(one.points) <= DOTS else ""
        axes.plot(*zip(*one.points, strict=True), label=one.name, color=HUES[one.hue], marker=marker)
    axes.set_title(chart.title, loc="left")
    axes.set_xlabel("epoch", loc="right")
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 2.5, 5, 10]))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=len(chart.series), borderaxespad=0)
    _scale(axes, [value for one in chart.series for _, value in one.points])


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """Logarithmic over many sizes; else from 0 where that is near."""
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        return
    axes.ticklabel_format(axis="y", useOffset=False)
    if 0 < low < (high - low) / 2:
        axes.set_ylim(bottom=0)


@contextmanager
def _matplotlib(**style: str) -> Iterator[None]:
    """With matplotlib's own style and ours, and without what it says of font caches and folders it cannot write."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib as mpl

        defaults: dict[Any, Any] = {
            name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
        }
        with mpl.rc_context(defaults | STYLE | style):
            yield
    finally:
        log.setLevel(before)
