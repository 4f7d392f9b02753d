"""The network's table, as `specc summary` shows it: repeats folded."""

from __future__ import annotations

from specc.ir.folding import folded_lines
from specc.ir.shaped import ShapedModel
from specc.layers.base import written
from specc.report.table import table


def network_of(model: ShapedModel) -> str:
    """A row for each layer, with the totals below."""
    rows = [
        [
            line.name, line.kind, f"×{line.times}" if line.times > 1 else "", written(line.input),
            written(line.output), _count(line.params), _count(line.macs),
        ]
        for line in folded_lines(model)
    ]  # fmt: skip
    heads = ["name", "kind", "", "input", "output", "parameters", "MACs"]
    foot = ["total", "", "", written(model.input), written(model.output), f"{model.params:,}", f"{model.macs:,}"]
    return f'<div class="scroll text2">{table(heads, rows, foot)}</div>'


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
