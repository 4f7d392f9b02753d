"""Diagnostics as SARIF 2.1.0, the exchange format of static analysis: code scanning services and editors read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from specc import __version__
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.told import MOST_LISTED, end_of, start_of, told
from specc.diagnostics.visible import as_json
from specc.source import Source, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One log with one run: the rules that were broken, then a result for each diagnostic.

    Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
    """
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    found = told(diagnostics, lambda diagnostic: _result(diagnostic, codes.index(diagnostic.code)), MOST_LISTED)
    driver = {"name": "specc", "version": __version__, "rules": [_rule(code) for code in codes]}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": found.written,
    }
    if found.more:
        run["invocations"] = [_invocation(found.more.values())]
    return as_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _invocation(more: Iterable[str]) -> dict[str, Any]:
    """What the log leaves out, as a notification of the tool."""
    notifications = [{"level": "note", "message": {"text": f"not listed: {text}"}} for text in more]
    return {"executionSuccessful": True, "toolExecutionNotifications": notifications}


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "help": {"text": known.explanation, "markdown": known.explanation},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    parts = (diagnostic.message, diagnostic.label, *(f"help: {help}" for help in diagnostic.helps))
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(part for part in (*parts, *diagnostic.notes) if part)},
    }
    if diagnostic.source is not None:
        result["locations"] = [_location(diagnostic)]
        if diagnostic.others:
            result["relatedLocations"] = [_related(diagnostic.source, label) for label in diagnostic.others]
    return result


def _location(diagnostic: Diagnostic) -> dict[str, Any]:
    assert diagnostic.source is not None  # noqa: S101 - the caller looked
    start, end = start_of(diagnostic), end_of(diagnostic)
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(diagnostic.source)}, "region": region}}


def _related(source: Source, label: Label) -> dict[str, Any]:
    place = Diagnostic("E301", "", source, Span(*label.span))
    return {**_location(place), "message": {"text": label.text}}


def _uri(source: Source) -> str:
    """A relative path as a relative reference; an absolute one as a `file:` URI; `gallery:NAME` is one already."""
    path = Path(source.path)
    if path.is_absolute():
        return path.as_uri()
    kept = "/:" if source.path.startswith("gallery:") else "/"  # before a colon any other name would be a scheme
    return quote(os.fsencode(path.as_posix()), safe=kept)
