"""Tables and numbers of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specc.diagnostics.amounts import percent


class ReportTable(NamedTuple):
    """Plain texts; the first column is text, the others are numbers."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str] = ()


def share_text(share: float | None) -> str:
    """A part of 1 in percent.

    >>> share_text(0.98765), share_text(None)
    ('98.77 %', '–')
    """
    return "–" if share is None else percent(share, 2)
