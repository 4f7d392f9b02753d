"""A spec that a command needs whole: its network, or the report and the exit status that it deserves."""

from __future__ import annotations

import sys

from specc.cli.fixing import Advice
from specc.cli.printing import say
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.ir.names.overrides import UnknownParameter
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse, lint
from specc.reading import read_source
from specc.source import Source


def checked_model(
    spec: str | Source,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    *,
    data: str | None = None,
    warn: bool = False,
) -> ShapedModel:
    """A spec, or the one in a file, without errors; exits for one with errors, and for one that cannot be read.

    Args: data, a data set that says what the spec leaves open. warn, whether what is doubtful is shown too, on
          standard error.
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
    show(analysis.diagnostics)
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    if warn:
        show(lint(analysis))
    return analysis.model
