"""Diagnostics as workflow commands: GitHub shows them beside the lines that a pull request changes."""

from __future__ import annotations

from collections.abc import Sequence

from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.spelling import counted
from specc.diagnostics.told import bounded, end_of, start_of
from specc.diagnostics.visible import visible

# GitHub keeps ten annotations of a step and drops the others without a word.
MOST = 10


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """A command a line, errors before warnings; where there are more than ten, a last line sums the others up.

    Source: docs.github.com, "Workflow commands for GitHub Actions", setting a warning or an error message.
    """
    urgent = sorted(diagnostics, key=lambda diagnostic: not diagnostic.is_error)
    shown, others = urgent[:MOST], urgent[MOST:]
    lines = [_command(bounded(diagnostic)) for diagnostic in shown]
    if others:
        files = len({diagnostic.source.path for diagnostic in others if diagnostic.source})
        text = f"{len(others)} more in {counted(files, 'file')}; `specc check` shows them all"
        lines.append(f"::notice title=specc::{_escaped(text)}")
    return "\n".join(lines)


def _command(diagnostic: Diagnostic) -> str:
    fields = {"title": f"{diagnostic.code}: {CODES[diagnostic.code].title}"}
    if diagnostic.source is not None:
        fields = {"file": diagnostic.source.path, **_place(diagnostic), **fields}
    properties = ",".join(f"{name}={_escaped_property(value)}" for name, value in fields.items())
    parts = [diagnostic.message, diagnostic.label, *(f"help: {help}" for help in diagnostic.helps)]
    text = "\n".join(part for part in (*parts, *diagnostic.notes) if part)
    return f"::{diagnostic.severity} {properties}::{_escaped(text)}"


def _place(diagnostic: Diagnostic) -> dict[str, str]:
    """Lines, and columns where both are on one line: across lines GitHub takes none."""
    start, end = start_of(diagnostic), end_of(diagnostic)
    if end.line != start.line:
        return {"line": str(start.line), "endLine": str(end.line)}
    return {"line": str(start.line), "col": str(start.column), "endColumn": str(end.column)}


def _escaped(text: str) -> str:
    """A message as a workflow command takes it.

    >>> _escaped("90 % of it\\nhelp: none")
    '90 %25 of it%0Ahelp: none'
    """
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escaped_property(text: str) -> str:
    """The same for what stands before the message, where a colon and a comma mean something.

    >>> _escaped_property("E301: a, b")
    'E301%3A a%2C b'
    """
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
