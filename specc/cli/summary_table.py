"""The table of `specc summary`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from math import ceil, prod
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from specc.cli.report import wants_colour
from specc.cli.summary_markup import TableText
from specc.diagnostics.amounts import in_bytes, percent
from specc.diagnostics.spelling import counted
from specc.diagnostics.visible import shortened
from specc.ir.analysis.folding import FoldedLine, folded_lines, tree_lines, unfolded_lines
from specc.ir.analysis.receptive import Seen
from specc.ir.shaped import ShapedModel
from specc.layers.base import written

PIPE_WIDTH = 200
MOST_CHARACTERS = 120_000  # of a table; what is longer, nobody looks through
MOST_NAME = 100  # characters
OTHERS = 120  # characters of a line beside the name
_TIMES = ""  # the heading of the column that tells how often a folded line stands there
TEXTS = ("name", "kind")  # columns of words
BYTES = 4  # of a number in float32


class Guides(NamedTuple):
    """What stands before a name in a tree: where others of a parent follow below, where none do; before one that others
    follow, and before the last."""

    past: str
    none: str
    one: str
    last: str


LINES = Guides("│ ", "  ", "├ ", "└ ")
STEPS = Guides(*("· ",) * 4)  # in every font, and where leading spaces are lost


class _Column(NamedTuple):
    """A heading, what stands below it, and what in the last row; rank: columns of a high rank give way first."""

    heading: str
    cell: Callable[[FoldedLine], str]
    total: str
    rank: int = 0


def print_table(model: ShapedModel, batch: int, *, unfold: bool, depth: int | None = None) -> None:
    """The lines, aligned; on a narrow terminal the columns that matter least give way. depth: of a tree of blocks."""
    shown, left_out, folded = _shown(model, unfold=unfold, depth=depth)
    colour = wants_colour(sys.stdout)
    console = Console(
        width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, force_terminal=colour, no_color=not colour
    )
    columns = _columns(model, batch, folded=folded)
    console.print(_table(_that_fit(columns, shown, console.width), shown, console.width))
    if left_out:
        console.print(left_out)
    console.print(_memory_text(model, batch))


def text_of(model: ShapedModel, batch: int, *, unfold: bool, depth: int | None = None) -> tuple[TableText, str]:
    """The same lines with all columns, to be laid out by something else, and what is left out of them."""
    shown, left_out, folded = _shown(model, unfold=unfold, depth=depth, guides=STEPS)
    columns = _columns(model, batch, folded=folded)
    table = TableText(
        [column.heading for column in columns],
        [column.heading in TEXTS for column in columns],
        [[column.cell(line) for column in columns] for line in shown],
        [column.total for column in columns],
    )
    return table, left_out


def _shown(
    model: ShapedModel, *, unfold: bool, depth: int | None, guides: Guides = LINES
) -> tuple[list[FoldedLine], str, bool]:
    """The lines that a table has, what is said of the others, and whether any stands for several."""
    if depth is not None:
        lines = _in_tree(list(tree_lines(model, depth, unfold=unfold)), guides)
    else:
        lines = list(unfolded_lines(model) if unfold else folded_lines(model))
    widest = min(MOST_NAME, max((len(line.name) for line in lines), default=0))
    shown = lines[: MOST_CHARACTERS // (widest + OTHERS)]
    more = counted(len(lines) - len(shown), "more line")
    left_out = f"the totals are of all; {more}, which `--format json` lists, are left out"
    return shown, left_out if len(lines) > len(shown) else "", any(line.times > 1 for line in lines)


def _in_tree(lines: Sequence[FoldedLine], guides: Guides) -> list[FoldedLine]:
    """The lines with a tree drawn before their names."""
    drawn: list[FoldedLine] = []
    goes_on: dict[int, bool] = {}  # by level, whether another of the same parent follows
    for line in reversed(lines):
        is_last = not goes_on.get(line.level)
        before = "".join(guides.past if goes_on.get(level) else guides.none for level in range(1, line.level))
        own = "" if not line.level else guides.last if is_last else guides.one
        drawn.append(line._replace(name=before + own + line.name))
        goes_on = {level: more for level, more in goes_on.items() if level < line.level} | {line.level: True}
    return drawn[::-1]


def _columns(model: ShapedModel, batch: int, *, folded: bool) -> list[_Column]:
    elements = prod(model.input) + model.chain.costs.elements
    columns = [
        _Column("name", lambda line: line.name, "total"),
        _Column("kind", lambda line: line.kind, "", 3),
        _Column(_TIMES, lambda line: f"×{line.times}" if line.times > 1 else "", ""),
        _Column("input", lambda line: written(line.input), written(model.input), 5),
        _Column("output", lambda line: written(line.output), written(model.gives)),
        _Column("field", lambda line: _field(line.seen), "", 2),
        _Column("params", lambda line: _count(line.params), f"{model.params:,}"),
        _Column("share", lambda line: _share(line.params, model.params), "", 4),
        _Column("MACs", lambda line: _count(line.macs), f"{model.macs:,}"),
        _Column("share", lambda line: _share(line.macs, model.macs), "", 4),
        _Column("memory", lambda line: in_bytes(line.elements * batch * BYTES), in_bytes(elements * batch * BYTES), 1),
    ]
    return [column for column in columns if folded or column.heading != _TIMES]


def _that_fit(columns: Sequence[_Column], lines: Sequence[FoldedLine], width: int) -> list[_Column]:
    """The columns without those that matter least, until all fit; a name may be folded to twenty characters."""
    kept = list(columns)
    while sum(_width(column, lines) + 2 for column in kept) > width and any(column.rank for column in kept):
        least = max(column.rank for column in kept)
        kept = [column for column in kept if column.rank != least]
    return kept


def _width(column: _Column, lines: Sequence[FoldedLine]) -> int:
    widest = max(len(column.heading), len(column.total), *(len(column.cell(line)) for line in lines), 0)
    return min(widest, 20) if column.heading == "name" else widest


def _table(columns: Sequence[_Column], lines: Sequence[FoldedLine], width: int) -> Table:
    room = width - sum(_width(column, lines) + 2 for column in columns[1:])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.heading,
            overflow="fold",
            no_wrap=column.heading != "name",
            justify="left" if column.heading in TEXTS else "right",
        )
    for line in lines:
        table.add_row(in_lines(shortened(line.name, MOST_NAME), room), *(column.cell(line) for column in columns[1:]))
    table.add_section()
    table.add_row(*(column.total for column in columns))
    return table


def in_lines(name: str, room: int) -> str:
    """A name in lines of so many characters, broken behind its dots.

    >>> in_lines("stage1.basic2.conv1", 14)
    'stage1.basic2.\\nconv1'
    """
    lines = [""]
    for part in re.findall(r"[^.]*\.|[^.]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > room:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _field(seen: Seen) -> str:
    """`28×28` pixels; `all` behind `flatten`, where every value may depend on everything."""
    return "all" if seen is None else "×".join(str(ceil(size)) for size in seen.size)


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _share(part: int, whole: int) -> str:
    """`12.5 %`, nothing for nothing."""
    return percent(part / whole) if part else ""


def _memory_text(model: ShapedModel, batch: int) -> str:
    outputs = (prod(model.input) + model.chain.costs.elements) * batch * BYTES
    weights = 2 * model.params * BYTES
    samples = "one sample" if batch == 1 else f"{batch:,} samples"
    return (
        f"memory for {samples}: {in_bytes(outputs + weights)} "
        f"({in_bytes(weights)} weights and gradients, {in_bytes(outputs)} input and outputs, float32)"
    )
