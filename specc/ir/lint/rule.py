"""What a lint is: a rule that looks for places, and what it finds there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Label
from specc.ir.lint.network import Network
from specc.source import Span


class Finding(NamedTuple):
    """A doubtful place: where, what, and what to do about it; `specc.ir.lint` makes it a diagnostic."""

    span: Span
    message: str
    help: str | None = None
    label: str = ""
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Network], Iterator[Finding]]
