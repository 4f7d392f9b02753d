"""The table of `specc summary` as Markdown and as LaTeX, for a README and for a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from specc.emit.latex import in_latex

Cells = Sequence[str]


class TableText(NamedTuple):
    """A table before it is laid out. is_text: of each column, whether its cells stand at the left."""

    heads: Cells
    is_text: Sequence[bool]
    rows: Sequence[Cells]
    total: Cells


def as_markdown(table: TableText) -> str:
    """A table of GitHub's Markdown, which other dialects have taken over."""
    rules = [":--" if left else "--:" for left in table.is_text]
    lines = [table.heads, rules, *table.rows, [f"**{cell}**" if cell else "" for cell in table.total]]
    return "\n".join(_row(line, "| ", " | ", " |", lambda cell: cell.replace("|", r"\|")) for line in lines)


def as_latex(table: TableText) -> str:
    r"""A `tabular` with the rules of the package `booktabs`; a document says `\usepackage{booktabs}` for it."""
    places = "".join("l" if left else "r" for left in table.is_text)
    heads, *rows, total = (_row(line, "", " & ", r" \\", in_latex) for line in (table.heads, *table.rows, table.total))
    body = "\n".join([r"\toprule", heads, r"\midrule", *rows, r"\midrule", total, r"\bottomrule"])
    return f"\\begin{{tabular}}{{{places}}}\n{body}\n\\end{{tabular}}"


def _row(cells: Cells, before: str, between: str, behind: str, written: Callable[[str], str]) -> str:
    return before + between.join(map(written, cells)) + behind


MARKUPS = {"markdown": as_markdown, "latex": as_latex}
