"""Everything that `specc check` does with a file's bytes, but for printing."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.formats import FORMATTERS
from specc.diagnostics.render import render_all
from specc.fixes.search import SECONDS, Asked, SearchTime, advise
from specc.pipeline import analyse, lint
from specc.reading import decode


def check(data: bytes, seconds: float = SECONDS) -> None:
    """Reads, checks and lints a spec, searches suggestions, and writes the findings in every format.

    Args: seconds, of processor time for the suggestions.
    """
    try:
        analysis = analyse(decode("fuzz.cnn", data))
    except Problem as problem:
        found: tuple[Diagnostic, ...] = (problem.diagnostic,)
    else:
        advised = analysis.diagnostics if analysis.ok else advise(analysis, Asked(), SearchTime(seconds))
        found = (*advised, *lint(analysis))
    render_all(found)
    for form in FORMATTERS.values():
        form(found)
