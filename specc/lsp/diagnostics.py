"""Findings as the protocol has them: a range, a severity, a code that leads to its explanation, further places."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from specc.diagnostics.diagnostic import Diagnostic
from specc.lsp.documents import Snapshot
from specc.source import Span

MOST = 500  # more marks than a person reads; a file of another kind would have one on every line
# What has no effect: an editor shows it faded. W502: that bias; W504: the second activation; W510: the unused name;
# W512: the comment.
UNNECESSARY = ("W502", "W504", "W510", "W512")

Address = Callable[[str], str | None]


def publish(snapshot: Snapshot, address: Address) -> list[types.Diagnostic]:
    """Everything that is wrong or doubtful about a text, in its order."""
    return [as_protocol(snapshot, found, address) for found in snapshot.diagnostics[:MOST]]


def as_protocol(snapshot: Snapshot, found: Diagnostic, address: Address) -> types.Diagnostic:
    page = address(found.code)
    return types.Diagnostic(
        range=snapshot.range(place(snapshot, found)),
        message=message(found),
        severity=types.DiagnosticSeverity.Error if found.is_error else types.DiagnosticSeverity.Warning,
        code=found.code,
        code_description=types.CodeDescription(page) if page else None,
        source="specc",
        tags=[types.DiagnosticTag.Unnecessary] if found.code in UNNECESSARY else None,
        related_information=[
            types.DiagnosticRelatedInformation(types.Location(snapshot.uri, snapshot.range(other.span)), other.text)
            for other in found.others
        ]
        or None,
    )


def place(snapshot: Snapshot, found: Diagnostic) -> Span:
    """Where to mark a finding: the first line for what concerns the whole file; never nothing at all."""
    if found.span is None:
        return snapshot.positions.line_span(0)
    start, end = found.span
    if start < end:
        return found.span
    line = snapshot.positions.line_span(snapshot.positions.line_of(start))
    return Span(start, start + 1) if start < line.end else Span(max(line.start, start - 1), start)


def message(found: Diagnostic) -> str:
    """What is wrong, the formula with the numbers, what to write instead, and how the network came here."""
    parts = [found.message, found.label, *(f"help: {help}" for help in found.helps), *found.notes]
    return "\n".join(part for part in parts if part)
