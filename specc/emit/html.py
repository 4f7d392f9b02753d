"""What `specc check` found, as HTML for a notebook: the report in colours, or the picture and a table of the layers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.render import render_all
from specc.diagnostics.spelling import counted
from specc.emit.draw.picture import Options, draw
from specc.emit.draw.styles import Style
from specc.ir.analysis.folding import FoldedLine, folded_lines
from specc.ir.shaped import ShapedModel
from specc.layers.base import written

MOST_ROWS = 200
# A page may give `pre` another font, as nbconvert's does, and the marks would no longer stand below what they mark.
MONOSPACED = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"
# Dark enough for white paper and bright enough for black.
_COLOURS = {"error": "#d1383d", "warning": "#a87100", "frame": "#3f7fbf", "note": "#2f8f8f", "bold": ""}
_OPENED = re.compile(r"\x00([a-z]+)\x01")
_COLUMNS = ("layer", "", "output", "parameters", "MACs")


def report_html(diagnostics: Sequence[Diagnostic], model: ShapedModel | None, style: Style = "flow") -> str:
    """The cell's output: what is wrong or doubtful; of a spec without errors the picture and the layers."""
    parts = [_coloured(diagnostics)] if diagnostics else []
    if model is not None:
        parts += [f"<p>{totals(model)}</p>", _picture(model, style), _table(model)]
    return "".join(parts)


def _coloured(diagnostics: Sequence[Diagnostic]) -> str:
    """The report that a terminal shows, its colours as spans. What the spec wrote stays text."""
    text = escape(render_all(diagnostics, _mark))
    opened = _OPENED.sub(lambda found: f'<span style="{_css(found[1])}">', text)
    return f'<pre style="font-family:{MONOSPACED};line-height:1.3">{opened.replace(chr(2), "</span>")}</pre>'


def _mark(text: str, part: str) -> str:
    return f"\x00{part}\x01{text}\x02"


def _css(part: str) -> str:
    colour = _COLOURS.get(part, "")
    bold = "font-weight:bold;" if part in ("error", "warning", "bold") else ""
    return bold + (f"color:{colour}" if colour else "")


def totals(model: ShapedModel) -> str:
    """What comes in, what goes out, what it costs: a line of text."""
    costs = model.chain.costs
    sizes = f"{written(model.input)} → {written(model.gives)}"
    counts = ((costs.layers, "layer"), (costs.parameters, "parameter"), (costs.macs, "MAC"))
    return f"{sizes}: " + ", ".join(counted(*count) for count in counts)


def _picture(model: ShapedModel, style: Style) -> str:
    """The picture as an image of its own, so that its colours touch nothing else on the page."""
    try:
        svg = draw(model, "svg", Options(style))
    except Problem as problem:
        return f"<p>No picture: {escape(problem.diagnostic.message)}.</p>"
    data = b64encode(svg.encode()).decode()
    alt = f"from {written(model.input)} to {written(model.gives)}"
    return f'<img alt="The network, {alt}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def _table(model: ShapedModel) -> str:
    lines = list(folded_lines(model))
    rows = "".join(_row(line) for line in islice(lines, MOST_ROWS))
    more = f"<p>… and {counted(len(lines) - MOST_ROWS, 'more row')}</p>" if len(lines) > MOST_ROWS else ""
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in _COLUMNS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div style="max-height:30em;overflow:auto">{table}{more}</div>'


def _row(line: FoldedLine) -> str:
    return "<tr>" + "".join(_cells(line)) + "</tr>"


def _cells(line: FoldedLine) -> Iterator[str]:
    times = f" ×{line.times}" if line.times > 1 else ""
    for text in (line.name + times, line.kind, written(line.output)):
        yield f'<td style="text-align:left">{escape(text)}</td>'
    for count in (line.params, line.macs):
        yield f'<td style="text-align:right">{count:,}</td>' if count else "<td></td>"
