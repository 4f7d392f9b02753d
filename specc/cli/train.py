"""`specc train`: its options are the fields of the recipe."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from specc.cli.options import input_option, set_option
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.ir.accepted import choices, explain_wrong, from_text, is_switch, is_whole
from specc.ir.overrides import UnknownParameter
from specc.ir.recipe import Recipe, overridden
from specc.pipeline import analyse, lint
from specc.reading import read_source
from specc.train.progress import Bar, Lines
from specc.train.run import Subject, train_subject

# These say that the command itself was wrong; any other problem is a run that failed.
USAGE_CODES = frozenset(("E220", "E221", "E601", "E612", "E613"))

SIGNALLED = 128  # and the signal's number: as a shell tells it


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field of the recipe, in the fields' order."""
    for name, field in reversed(Recipe.model_fields.items()):
        flag = f"--{name.replace('_', '-')}"
        if is_switch(name):
            option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=field.description)
        else:
            option = click.option(
                flag, name, callback=_read, metavar=_metavar(name), help=_help(name, field.description)
            )
        command = option(command)
    return command


METAVARS = {"betas": "X,Y", "data": "NAME|FOLDER", "data_dir": "DIR", "device": "DEVICE", "resize": "SIZE"}


def _metavar(name: str) -> str:
    return METAVARS.get(name) or "|".join(choices(name)) or ("N" if is_whole(name) else "X")


def _help(name: str, description: str | None) -> str:
    default = Recipe.model_fields[name].default
    return f"{description}  [{default}]" if default is not None else f"{description}"


def _read(context: click.Context, option: click.Parameter, text: str | None) -> object:
    name = option.name or ""
    if text is None:
        return None
    value = from_text(name, text)
    wrong = explain_wrong(name, value)
    if wrong:
        raise click.BadParameter(f"{wrong.message}" + (f"; {wrong.help}" if wrong.help else ""))
    return value


@click.command(short_help="Train a spec on a data set.")
@click.argument("spec")
@recipe_options
@input_option
@set_option
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
    help="The run folder.  [the next free runs/SPEC-DATA-N]")  # fmt: skip
def command(
    spec: str,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    out: Path | None,
    **options: Any,
) -> None:
    """Train SPEC (a file, or - for standard input) and keep weights and metrics in a run folder.

    The recipe comes from the spec's `train { }` block; an option given here wins. Ctrl-C stops between two steps
    and keeps the weights so far.

    Exit status: 0 trained to the end, 1 errors in the spec or the run failed, 2 the command was wrong or a file
    could not be read, 130 stopped by Ctrl-C.
    """
    try:
        sys.exit(_train(spec, input_shape, settings, out, options))
    except Problem as problem:
        status = fail(problem)
        sys.exit(EXIT_USAGE if problem.diagnostic.code in USAGE_CODES else status)
    except UnknownParameter as error:
        raise click.UsageError(f"{spec}: {error}") from error
    except KeyboardInterrupt:
        click.echo("\nstopped at once", err=True)
        sys.exit(SIGNALLED + signal.SIGINT)


def _train(
    spec: str,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    out: Path | None,
    options: dict[str, Any],
) -> int:
    source = read_source(spec)
    analysis = analyse(source, input_shape, settings)
    show((*analysis.diagnostics, *lint(analysis)))
    if analysis.model is None:
        return EXIT_ERRORS
    subject = Subject(source, analysis.model, input_shape, settings)
    recipe = overridden(analysis.recipe, options)
    with Bar() if sys.stdout.isatty() else Lines() as watch:
        run = train_subject(subject, recipe, out, watch)
        if run.best:
            watch.say(f"best test accuracy {100 * run.best.test_accuracy:.2f} % in epoch {run.best.epoch}")
        watch.say(f"weights and metrics are in {run.folder}")
    return SIGNALLED + run.stopped if run.stopped else 0
