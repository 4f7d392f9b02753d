"""`curves.png`: the charts beside each other, drawn with Pillow.

Not with matplotlib: importing it takes about as long as a short run, and lines, dots and words are all that is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from specc.report.chart import Chart, Drawing, drawn

SCALE = 2  # pixels of the picture for one of the chart
FINER = 2  # drawn so many times larger and scaled down: Pillow draws lines without antialiasing
SHADES = 64  # colours in the file, which makes it a fifth as large
COLOURS = ("#9a6700", "#0b62c4", "#7d3fbf")  # by hue, as on the page
PAPER, INK, GRID = "#ffffff", "#3b424a", "#dde1e6"
ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def curves_png(charts: Sequence[Chart]) -> bytes:
    """The charts on white, beside each other."""
    drawings = [drawn(chart) for chart in charts]
    factor = SCALE * FINER
    width, height = sum(one.width for one in drawings), max(one.height for one in drawings)
    picture = Image.new("RGB", (round(width * factor), round(height * factor)), PAPER)
    pen = ImageDraw.Draw(picture)
    left = 0.0
    for one in drawings:
        _draw(pen, one, left, factor)
        left += one.width
    small = picture.reduce(FINER).quantize(SHADES, Image.Quantize.FASTOCTREE)
    content = BytesIO()
    small.save(content, "PNG")
    return content.getvalue()


def _draw(pen: ImageDraw.ImageDraw, one: Drawing, left: float, factor: int) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return ((left + x) * factor, y * factor)

    for x1, y1, x2, y2 in one.grid:
        pen.line([at(x1, y1), at(x2, y2)], fill=GRID, width=factor)
    for hue, points in one.curves:
        pen.line([at(*point) for point in points], fill=COLOURS[hue], width=2 * factor, joint="curve")
    for hue, (x, y) in one.dots:
        pen.circle(at(x, y), 2.5 * factor, fill=COLOURS[hue])
    for hue, x, y in one.keys:
        pen.line([at(x, y), at(x + 16, y)], fill=COLOURS[hue], width=2 * factor)
    for text in one.texts:
        font = ImageFont.load_default((13 if text.strong else 11) * factor)
        pen.text(at(text.x, text.y), text.words, fill=INK, font=font, anchor=ANCHORS[text.anchor])
