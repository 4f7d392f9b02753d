"""Diagnostics for other programs: one line each, JSON, and what GitHub and code scanners read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.told import MOST_LISTED, end_of, start_of, told
from specc.diagnostics.visible import as_json as json_text
from specc.diagnostics.visible import visible, visible_line


def concise(diagnostic: Diagnostic) -> str:
    """`lenet.cnn:7:13: error[E301]: maxpool window … (help: …)`, with the first of several ways out."""
    place = start_of(diagnostic)
    where = visible_line(diagnostic.source.path) if diagnostic.source else "specc"
    text = f":{place.line}:{place.column}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
    return where + visible(f"{text} (help: {diagnostic.helps[0]})" if diagnostic.help else text)


def all_concise(diagnostics: Iterable[Diagnostic]) -> str:
    """A line each; of a file with very many findings the first, and a line that counts the others."""
    found = told(diagnostics, concise)
    return "\n".join([*found.written, *(f"and {more}" for more in found.more.values())])


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A list of objects; lines and columns in code points, from 1; `end_column` exclusive; `help` a way out a line.

    Of a file with very many findings the last that is listed notes how many more there are.
    """
    found = told(diagnostics, _object, MOST_LISTED)
    for path, more in found.more.items():
        last = next(one for one in reversed(found.written) if one["file"] == _readable(path))
        last["notes"] = [*last["notes"], f"and {more}"]
    return json_text(found.written)


def _object(diagnostic: Diagnostic) -> dict[str, Any]:
    start, end = start_of(diagnostic), end_of(diagnostic)
    notes = [*([diagnostic.label] if diagnostic.label else []), *diagnostic.notes]
    notes += [_other(diagnostic, label.span.start, label.text) for label in diagnostic.others]
    return {
        "file": _readable(diagnostic.source.path) if diagnostic.source else "",
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


def _readable(path: str) -> str:
    """A file's name as JSON can hold it: bytes in it that are no UTF-8 become `�`."""
    return path.encode(errors="surrogateescape").decode(errors="replace")


def _other(diagnostic: Diagnostic, offset: int, text: str) -> str:
    assert diagnostic.source is not None  # noqa: S101 - a label stands in a source
    place = diagnostic.source.place(offset)
    return f"line {place.line}, column {place.column}: {text}"


def _as_github(diagnostics: Sequence[Diagnostic]) -> str:
    from specc.diagnostics.github import as_github

    return as_github(diagnostics)


def _as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    from specc.diagnostics.sarif import as_sarif

    return as_sarif(diagnostics)


# From the name of a format to all findings as one text, empty where there is nothing to say.
FORMATTERS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "concise": all_concise,
    "json": as_json,
    "github": _as_github,
    "sarif": _as_sarif,
}
