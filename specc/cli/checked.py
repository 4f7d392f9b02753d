"""A spec that a command needs whole: its network, or the report and the exit status that it deserves."""

from __future__ import annotations

import sys

import click

from specc.cli.fixing import Advice
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.ir.overrides import UnknownParameter
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.reading import read_source


def checked_model(path: str, input_shape: tuple[int, ...] | None, settings: dict[str, str]) -> ShapedModel:
    """A spec without errors; exits for one with errors, and for one that cannot be read."""
    try:
        analysis = Advice(input_shape, settings).on(analyse(read_source(path), input_shape, settings))
    except UnknownParameter as error:
        click.echo(f"Error: {path}: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except Problem as problem:
        sys.exit(fail(problem))
    show(analysis.diagnostics)
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    return analysis.model
