"""Tables and numbers of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()) -> str:
    """A table of plain texts; the first column is text, the others are numbers."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    last = f"<tfoot><tr>{''.join(f'<td>{escape(cell)}</td>' for cell in foot)}</tr></tfoot>\n" if foot else ""
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n{last}</table>"


def share_text(share: float | None) -> str:
    """A part of 1 in percent.

    >>> share_text(0.98765), share_text(None)
    ('98.77 %', '–')
    """
    return "–" if share is None else f"{100 * share:.2f} %"
