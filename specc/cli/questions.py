"""What `specc check` is asked beyond "is it right?": which data sets a spec fits, which sizes it takes."""

from __future__ import annotations

from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.pipeline import Analysis, lint
from specc.reading import Unreadable


class Answer(NamedTuple):
    """Findings about one spec, and lines that answer what was asked."""

    found: tuple[Diagnostic, ...]
    lines: tuple[str, ...] = ()


def answer(analysis: Analysis, data: str | None, *, sizes: bool) -> Answer:
    """Errors and warnings of a spec, those that its data sets give rise to among them, and what it was asked.

    Raises: Unreadable for a name that no data set has, Problem for a folder of pictures that is none.
    """
    found = _against_data(analysis, data)
    return found._replace(lines=(*found.lines, *_size_lines(analysis))) if sizes else found


def _size_lines(analysis: Analysis) -> tuple[str, ...]:
    """The sizes that a spec takes; nothing where its mistakes are not about shapes."""
    from specc.cli.size_lines import size_lines
    from specc.ir.sizes import sizes_of

    if any(not diagnostic.code.startswith("E3") for diagnostic in analysis.diagnostics if diagnostic.is_error):
        return ()
    if analysis.resolved.input is None:
        return ()
    source = analysis.source
    sizes = sizes_of(analysis.resolved, analysis.model)
    return tuple(size_lines(source.path, sizes, has_notes="::" in source.text))


def _against_data(analysis: Analysis, data: str | None) -> Answer:
    if data is None or analysis.model is None:
        return Answer((*analysis.diagnostics, *lint(analysis)))
    against = {name.strip(): _compare(analysis, name.strip()) for name in data.split(",")}
    found = [diagnostic for each in against.values() for diagnostic in each]
    warnings = tuple(diagnostic for diagnostic in found if not diagnostic.is_error)
    errors = (diagnostic for diagnostic in found if diagnostic.is_error)
    fits = (f"{analysis.source.path} fits {name}" for name, speaking in against.items() if not speaking)
    return Answer((*analysis.diagnostics, *errors, *lint(analysis, warnings)), tuple(fits))


def _compare(analysis: Analysis, name: str) -> tuple[Diagnostic, ...]:
    from specc.data.compare import compare

    try:
        return compare(analysis, name)
    except Problem as problem:
        if problem.diagnostic.code == "E601":  # the command line names something that is not there
            raise Unreadable(problem.diagnostic) from None
        raise
