"""Marks in, PDF out, by Matplotlib: lines and letters stay lines and letters, and the font lies in the file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.marks import Disc, LineMark, PlainMark, Point, Polygon, Rect, Sheet, TextMark, plain, printable
from specc.emit.draw.svg import Words
from specc.emit.draw.theme import Paint, Shade, opaque, paint

POINTS = 0.75  # of a PDF for each pixel of the sheet
_PLACES = {"start": "left", "middle": "center", "end": "right"}


def to_pdf(sheet: Sheet, shade: Shade, words: Words) -> bytes:
    """A picture as a PDF file of one page, the same for the same marks. Raises: Problem E656 without Matplotlib."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure
    except ImportError:
        raise Problem.of(
            "E656", "a PDF needs the package `matplotlib`, which is not installed",
            help="`pip install matplotlib` installs it\nan SVG, a PNG and TikZ need nothing: `-o net.svg`",
        ) from None  # fmt: skip
    content = io.BytesIO()
    with rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks
        figure = Figure((sheet.width * POINTS / 72, sheet.height * POINTS / 72), facecolor=paint("paper", shade).fill)
        FigureCanvasPdf(figure)
        page = figure.add_axes((0, 0, 1, 1))
        page.set_xlim(0, sheet.width)
        page.set_ylim(sheet.height, 0)
        page.set_axis_off()
        _draw(page, plain(sheet.marks), shade)
        told = {"Title": words.title, "Subject": words.description, "Creator": "specc", "CreationDate": None}
        figure.savefig(content, format="pdf", metadata={**told, "Producer": None})
    return content.getvalue()


def _draw(page: Any, marks: Iterable[PlainMark], shade: Shade) -> None:
    for order, mark in enumerate(marks):
        look = paint(mark.style, shade)
        if isinstance(mark, TextMark):
            page.text(
                mark.x, mark.y, printable(mark.text), fontsize=mark.size * POINTS, color=look.fill,
                ha=_PLACES[mark.anchor], va="baseline", weight="bold" if mark.bold else "normal",
                parse_math=False, zorder=order,
            )  # fmt: skip
            continue
        for figure in _figures(mark, look, shade):
            figure.set_zorder(order)
            page.add_artist(figure)


def _figures(mark: PlainMark, look: Paint, shade: Shade) -> list[Any]:
    from matplotlib import patches

    style = _style(look)
    match mark:
        case Rect(x, y, width, height, _, radius):
            shape = patches.BoxStyle.Round(pad=0, rounding_size=radius) if radius else patches.BoxStyle.Square(pad=0)
            return [patches.FancyBboxPatch((x, y), width, height, boxstyle=shape, **style)]
        case Disc():
            return [patches.Circle((mark.x, mark.y), mark.radius, **style)]
        case Polygon():
            return [patches.Polygon(list(mark.points), closed=True, **style)]
        case LineMark():
            points, head = mark.parted()
            found = [_line(points, style)]
            return [*found, *_figures(head, paint(head.style, shade), shade)] if head else found
    return []


def _line(points: Sequence[Point], style: dict[str, Any]) -> Any:
    from matplotlib import patches
    from matplotlib.path import Path

    return patches.PathPatch(Path(list(points)), **{**style, "facecolor": "none"}, capstyle="butt", joinstyle="miter")


def _style(look: Paint) -> dict[str, Any]:
    """Colours and a line's width as Matplotlib names them."""
    fill, opacity = opaque(look.fill)
    drawn = look.stroke != "none"
    dash = [float(part) * POINTS for part in look.dash.split()]
    return {
        "facecolor": (fill, opacity) if fill != "none" else "none",
        "edgecolor": look.stroke,
        "linewidth": look.width * POINTS if drawn else 0,
        "linestyle": (0, dash) if dash else "solid",
    }
