"""The network's table, as `specc summary` shows it, and its picture, as `specc draw` does: repeats folded."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.picture import draw
from specc.ir.analysis.folding import folded_lines
from specc.ir.shaped import ShapedModel
from specc.layers.base import written
from specc.report.table import ReportTable

LARGEST = 100_000  # bytes of a picture that is still read on a page; beyond, it would be most of the page


def network_of(model: ShapedModel) -> ReportTable:
    """A row for each layer, with the totals below."""
    rows = [
        [
            line.name, line.kind, f"×{line.times}" if line.times > 1 else "", written(line.input),
            written(line.output), _count(line.params), _count(line.macs),
        ]
        for line in folded_lines(model)
    ]  # fmt: skip
    heads = ["name", "kind", "", "input", "output", "parameters", "MACs"]
    foot = ["total", "", "", written(model.input), written(model.gives), f"{model.params:,}", f"{model.macs:,}"]
    return ReportTable(heads, rows, foot)


def picture_of(model: ShapedModel) -> str:
    """The network as SVG, empty where it is too large for a picture; the table has it all."""
    try:
        picture = draw(model)
    except Problem:
        return ""
    return picture if len(picture) <= LARGEST else ""


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
