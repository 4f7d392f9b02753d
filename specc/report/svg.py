"""A chart as SVG inside a page; colours are the page's."""

from __future__ import annotations

from html import escape

from specc.report.chart import Chart, drawn


def svg_of(chart: Chart, number: int) -> str:
    """The chart, told to those who cannot see it by its last values.

    Args: number, for the names of its parts, unique on the page.
    """
    drawing = drawn(chart)
    said = "; ".join(f"{one.name} {one.points[-1][1]:.4g} after epoch {one.points[-1][0]:g}" for one in chart.series)
    lines = [
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-labelledby="t{number} d{number}">',
        f'<title id="t{number}">{escape(chart.title)} over the epochs</title>',
        f'<desc id="d{number}">{escape(said)}</desc>',
    ]
    lines += [f'<path class="grid" d="M{a:.1f} {b:.1f}H{c:.1f}"/>' for a, b, c, _ in drawing.grid]
    for x, y, words, anchor, strong in drawing.texts:
        kind = ' class="strong"' if strong else ""
        lines.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>')
    lines += [f'<path class="key h{hue}" d="M{x:.1f} {y:.1f}h16"/>' for hue, x, y in drawing.keys]
    for hue, points in drawing.curves:
        lines.append(f'<path class="curve h{hue}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>')
    lines += [f'<circle class="h{hue}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for hue, (x, y) in drawing.dots]
    return "".join([*lines, "</svg>"])
