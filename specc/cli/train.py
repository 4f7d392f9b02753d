"""`specc train`: its options are the fields of the recipe."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from specc.api import SpecError
from specc.cli.fixing import Advice
from specc.cli.options import input_option, set_option
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.ir.accepted import choices, explain_wrong, from_text, is_switch, is_whole
from specc.ir.overrides import UnknownParameter
from specc.ir.recipe import Recipe, overridden
from specc.pipeline import analyse, lint
from specc.reading import read_source
from specc.train.progress import Bar, Lines, Watch
from specc.train.resume import Wish, continue_run
from specc.train.run import Run, Subject, train_subject

# These say that the command itself was wrong; any other problem is a run that failed.
USAGE_CODES = frozenset(("E220", "E221", "E601", "E612", "E613", "E620", "E623", "E624"))

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
@click.argument("spec", required=False)
@recipe_options
@input_option
@set_option
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
    help="The run folder.  [the next free runs/SPEC-DATA-N]")  # fmt: skip
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN",
    help="Go on with the run in this folder, where it stopped; --epochs may be raised.")  # fmt: skip
@click.option("--adopt", is_flag=True,
    help="With --resume: take a changed spec or recipe, and load the weights that fit.")  # fmt: skip
def command(
    spec: str | None,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    out: Path | None,
    resume: Path | None,
    adopt: bool,
    **options: Any,
) -> None:
    """Train SPEC (a file, or - for standard input) and keep weights and metrics in a run folder.

    The recipe comes from the spec's `train { }` block; an option given here wins. Ctrl-C stops between two steps
    and keeps the weights so far. However a run ended, `specc train --resume RUN` goes on with it, and gives the same
    weights as if it had never stopped.

    Exit status: 0 trained to the end, 1 errors in the spec or the run failed, 2 the command was wrong or a file
    could not be read, 130 stopped by Ctrl-C.
    """
    gc.enable()  # off since the start-up; a long run makes garbage
    _require_sense(spec, out, resume, adopt)
    try:
        if resume is not None:
            source = None if spec is None else read_source(spec)
            sys.exit(_resume(resume, Wish(source, adopt, input_shape, settings, options)))
        sys.exit(_train(str(spec), input_shape, settings, out, options))
    except Problem as problem:
        status = fail(problem)
        sys.exit(EXIT_USAGE if problem.diagnostic.code in USAGE_CODES else status)
    except UnknownParameter as error:
        raise click.UsageError(f"{spec or resume}: {error}") from error
    except SpecError as error:
        show(error.diagnostics)
        sys.exit(EXIT_ERRORS)
    except KeyboardInterrupt:
        click.echo("\nstopped at once", err=True)
        sys.exit(SIGNALLED + signal.SIGINT)


def _require_sense(spec: str | None, out: Path | None, resume: Path | None, adopt: bool) -> None:
    if spec is None and resume is None:
        raise click.UsageError("Missing argument 'SPEC'; `--resume RUN` goes on with a run.")
    if out is not None and resume is not None:
        raise click.UsageError("--resume goes on in the run's own folder; leave --out away.")
    if adopt and resume is None:
        raise click.UsageError("--adopt goes with --resume RUN.")


def _train(
    spec: str,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    out: Path | None,
    options: dict[str, Any],
) -> int:
    source = read_source(spec)
    analysis = Advice(input_shape, settings).on(analyse(source, input_shape, settings))
    show((*analysis.diagnostics, *lint(analysis)))
    if analysis.model is None:
        return EXIT_ERRORS
    subject = Subject(source, analysis.model, input_shape, settings)
    recipe = overridden(analysis.recipe, options)
    with Bar() if sys.stdout.isatty() else Lines() as watch:
        return _ended(train_subject(subject, recipe, out, watch, options), watch)


def _resume(folder: Path, wish: Wish) -> int:
    with Bar() if sys.stdout.isatty() else Lines() as watch:
        run = continue_run(folder, wish, watch)
        return 0 if run is None else _ended(run, watch)


def _ended(run: Run, watch: Watch) -> int:
    if run.best:
        watch.say(f"best test accuracy {100 * run.best.test_accuracy:.2f} % in epoch {run.best.epoch}")
    watch.say(f"weights and metrics are in {run.folder}")
    return SIGNALLED + run.stopped if run.stopped else 0
