"""What `specc check` is asked beyond "is it right?": which data sets a spec fits, which sizes it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.spelling import counted
from specc.layers.base import written
from specc.pipeline import Analysis, lint

if TYPE_CHECKING:
    from specc.data.fit import Known


class TextAnswer(NamedTuple):
    """Findings about one spec, and lines that answer what was asked.

    network: what a right spec says in one line, for somebody who looks; empty for a wrong one.
    """

    found: tuple[Diagnostic, ...]
    lines: tuple[str, ...] = ()
    network: str = ""


class Question(NamedTuple):
    """data: names of data sets, with commas between them. known: what was found of the data."""

    data: str | None
    sizes: bool
    known: Known


def answers(analysis: Analysis, asked: Question, advised: Callable[[Analysis], Analysis]) -> Iterator[TextAnswer]:
    """What there is to say of a spec: once, or for each data set to which it leaves its input or its classes.

    Args:   advised, puts the edits that mend an error in the place of its general help.
    Raises: as `answer`; Problem E610 for pictures of different sizes.
    """
    if not analysis.resolved.left_open:
        yield answer(advised(analysis), asked)
        return
    from specc.data.fit import completed

    for name in _names(asked.data) if asked.data else [None]:
        whole = completed(analysis, {"data": name}, asked.known)
        yield answer(advised(whole), asked._replace(data=name))


def answer(analysis: Analysis, asked: Question) -> TextAnswer:
    """Errors and warnings of a spec, those that its data sets give rise to among them, and what it was asked.

    Raises: Problem for a name that no data set has, and for a folder of pictures that is none.
    """
    found = _against_data(analysis, asked)
    if not any(diagnostic.is_error for diagnostic in found.found):
        found = found._replace(network=_network_line(analysis))
    return found._replace(lines=(*found.lines, *_size_lines(analysis))) if asked.sizes else found


def _network_line(analysis: Analysis) -> str:
    """`lenet.cnn: 1×28×28 → 10, 61,706 parameters`"""
    model = analysis.model
    if model is None:
        return ""
    shapes = f"{written(model.input)} → {written(model.gives)}"
    return f"{analysis.source.path}: {shapes}, {counted(model.params, 'parameter')}"


def _size_lines(analysis: Analysis) -> tuple[str, ...]:
    """The sizes that a spec takes; nothing where its mistakes are not about shapes."""
    from specc.cli.size_lines import size_lines
    from specc.ir.analysis.sizes import sizes_of

    if any(not diagnostic.code.startswith("E3") for diagnostic in analysis.diagnostics if diagnostic.is_error):
        return ()
    if analysis.resolved.input is None:
        return ()
    source = analysis.source
    sizes = sizes_of(analysis.resolved, analysis.model)
    return tuple(size_lines(source.path, sizes, has_notes="::" in source.text))


def _against_data(analysis: Analysis, asked: Question) -> TextAnswer:
    if asked.data is None or analysis.model is None:
        return TextAnswer((*analysis.diagnostics, *lint(analysis)))
    against = {name: _compare(analysis, name, asked) for name in _names(asked.data)}
    found = [diagnostic for each in against.values() for diagnostic in each]
    warnings = tuple(diagnostic for diagnostic in found if not diagnostic.is_error)
    errors = (diagnostic for diagnostic in found if diagnostic.is_error)
    fits = (f"{analysis.source.path} fits {name}" for name, speaking in against.items() if not speaking)
    return TextAnswer((*analysis.diagnostics, *errors, *lint(analysis, warnings)), tuple(fits))


def _names(data: str) -> list[str]:
    """The data sets that are meant; a folder or file may have a comma in its name."""
    return [data] if os.path.exists(data) else [name.strip() for name in data.split(",")]  # noqa: PTH110 - also odd ones


def _compare(analysis: Analysis, name: str, asked: Question) -> tuple[Diagnostic, ...]:
    from specc.data.fit import compare

    return compare(analysis, name, asked.known)
