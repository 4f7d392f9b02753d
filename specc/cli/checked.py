"""A spec that a command needs whole: its network, or the report and the exit status that it deserves."""

from __future__ import annotations

import sys

from specc.cli.fixing import Advice
from specc.cli.printing import say
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.ir.names.holes import OPEN_HOLE
from specc.ir.names.overrides import UnknownParameter
from specc.ir.shaped import ShapedModel
from specc.pipeline import Analysis, analyse, lint
from specc.reading import read_source
from specc.source import Source


def checked_model(
    spec: str | Source,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    *,
    data: str | None = None,
    warn: bool = False,
    drawn: bool = False,
) -> ShapedModel:
    """A spec, or the one in a file, without errors; exits for one with errors, and for one that cannot be read.

    Args: data, a data set that says what the spec leaves open. warn, whether what is doubtful is shown too, on
          standard error. drawn, whether it is for a picture, in which the holes of a lesson are boxes.
    """
    try:
        source = read_source(spec) if isinstance(spec, str) else spec
        analysis = analyse(source, input_shape, settings)
        if analysis.resolved.left_open:
            from specc.data.fit import completed

            analysis = completed(analysis, {"data": data})
        analysis = Advice(input_shape, settings).on(analysis)
    except UnknownParameter as error:
        say(f"Error: {source.path}: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except Problem as problem:
        sys.exit(fail(problem))
    sketch = analysis.drawable if drawn and analysis.model is None else None
    if sketch is not None:
        say(f"{source.path}: {counted(len(analysis.diagnostics), 'hole')} to be filled, drawn as boxes", err=True)
        return sketch
    show(analysis.diagnostics)
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    if warn:
        show(lint(analysis))
    return analysis.model


def read_lesson(path: str) -> Analysis:
    """A lesson, in which nothing is wrong but that it has holes; exits for any other."""
    try:
        lesson = analyse(read_source(path))
    except Problem as problem:
        sys.exit(fail(problem))
    wrong = [found for found in lesson.diagnostics if found.is_error and found.code != OPEN_HOLE]
    if wrong:
        show(wrong)
        say(f"Error: {path} is no lesson: something else is wrong in it than that it has holes", err=True)
        sys.exit(EXIT_ERRORS)
    return lesson
