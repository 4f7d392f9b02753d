"""Diagnostics for other programs: one line each, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Place


def concise(diagnostic: Diagnostic) -> str:
    """`lenet.cnn:7:13: error[E301]: maxpool window …`"""
    place = _start(diagnostic)
    where = diagnostic.source.path if diagnostic.source else "specc"
    text = f"{where}:{place.line}:{place.column}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
    return f"{text} (help: {diagnostic.help})" if diagnostic.help else text


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One list of objects; lines and columns in code points, from 1; `end_column` exclusive."""
    return json.dumps([_object(diagnostic) for diagnostic in diagnostics], indent=2, ensure_ascii=False)


def _start(diagnostic: Diagnostic) -> Place:
    if diagnostic.source is None or diagnostic.span is None:
        return Place(1, 1)
    return diagnostic.source.place(diagnostic.span.start)


def _end(diagnostic: Diagnostic) -> Place:
    if diagnostic.source is None or diagnostic.span is None:
        return Place(1, 1)
    return diagnostic.source.place(max(diagnostic.span.start, diagnostic.span.end))


def _object(diagnostic: Diagnostic) -> dict[str, Any]:
    start, end = _start(diagnostic), _end(diagnostic)
    notes = [*([diagnostic.label] if diagnostic.label else []), *diagnostic.notes]
    notes += [_other(diagnostic, label.span.start, label.text) for label in diagnostic.others]
    return {
        "file": diagnostic.source.path if diagnostic.source else "",
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "help": diagnostic.help,
        "notes": notes,
    }


def _other(diagnostic: Diagnostic, offset: int, text: str) -> str:
    assert diagnostic.source is not None  # noqa: S101 - a label stands in a source
    place = diagnostic.source.place(offset)
    return f"line {place.line}, column {place.column}: {text}"
