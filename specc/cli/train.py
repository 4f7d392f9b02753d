"""`specc train`: its options are the fields of the recipe."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import Any

import click

from specc.api import SpecError
from specc.cli.find_lr import tell_rates
from specc.cli.fixing import Advice
from specc.cli.options import input_option, set_option
from specc.cli.printing import show_page
from specc.cli.recipe_options import recipe_options
from specc.cli.report import EXIT_ERRORS, fail, show, status_of
from specc.cli.series import begun, carried_on, kind_of, series_options
from specc.cli.telling import callback_options, chosen, prints_json
from specc.data.fit import completed
from specc.diagnostics.diagnostic import Problem
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import analyse, lint
from specc.reading import read_source
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback, best_line
from specc.runner.callbacks.lines import Unheard
from specc.runner.cpu.process import claim
from specc.runner.distributed.launch import launch
from specc.runner.distributed.world import FailedElsewhere, FailedHere, Rank, is_launched, place_of, speaks_early
from specc.runner.resume import Wish, continue_run, processes_of, what_is_left
from specc.runner.run import Run, Subject, require_possible, subject_of, train_subject
from specc.runner.series import RunSeries, read_series

ARGUMENTS = "specc.runner.arguments"
SIGNALLED = 128  # and the signal's number: as a shell tells it


class TrainCommand(click.Command):
    """Remembers its arguments as they were written, for the processes that `--nproc` starts."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)


@click.command(cls=TrainCommand, short_help="Train a spec on a data set.")
@click.argument("spec", required=False)
@recipe_options
@input_option
@set_option
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
    help="The run folder.  [the next free runs/SPEC-DATA-N]")  # fmt: skip
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN",
    help="Continue the run in this folder from where it stopped; --epochs may be raised.")  # fmt: skip
@click.option("--adopt", is_flag=True,
    help="With --resume: accept a changed spec or recipe, and load the weights that fit.")  # fmt: skip
@click.option("--nproc", type=click.IntRange(1, 1024), metavar="N",
    help="Train with N processes on this machine, each with its own GPU or part of the cores.  [1]")  # fmt: skip
@click.option("--find-lr", is_flag=True,
    help="Train nothing: try learning rates from 1e-7 to 10 in 100 steps, and tell the loss at each and a suggestion; "
    "--out names a picture of the curve, FILE.svg or FILE.png.")  # fmt: skip
@series_options
@callback_options
def command(
    spec: str | None,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    out: Path | None,
    resume: Path | None,
    adopt: bool,
    nproc: int | None,
    **options: Any,
) -> None:
    """Train SPEC (a file, or - for standard input) and keep weights and metrics in a run folder.

    The recipe comes from the spec's `train { }` block; an option given here wins. Ctrl-C stops between two steps
    and keeps the weights so far. However a run ended, `specc train --resume RUN` goes on with it, and gives the same
    weights as if it had never stopped. `--nproc N` trains with several processes, `torchrun … -m specc train …` on
    several machines; a batch is that of all processes together.

    Exit status: 0 trained to the end, 1 errors in the spec or the run failed, 2 the command was wrong or a file
    could not be read, 130 stopped by Ctrl-C.
    """
    gc.enable()  # off since the start-up; a long run makes garbage
    claim()
    _require_sense(spec, out, resume, adopt)
    find_lr = _asked_alone(options, out, resume, nproc)
    asked = kind_of(options.pop("seeds"), options.pop("folds"), options)
    try:
        count = _processes(place_of(), nproc, resume, spec)
        series = None if resume is None else read_series(resume)
        _require_one_process(asked, series, count)
        if series is not None and resume is not None:
            epochs = _epochs_alone(spec, adopt, options)
            with _callback() as callback:
                status = _signalled(carried_on(resume, series, callback, epochs))
        elif resume is not None:
            wish = Wish(None if spec is None else read_source(spec), adopt, input_shape, settings, options)
            left = what_is_left(resume, wish, count) if count > 1 else None
            if left is not None:
                sys.exit(launch(click.get_current_context().meta[ARGUMENTS], count, left.device, resume))
            with _callback(resume) as callback:
                run = continue_run(resume, wish, callback)
                status = 0 if run is None else _ended(run, callback)
        else:
            subject, recipe = _checked(str(spec), input_shape, settings, options)
            if find_lr:
                with _callback() as callback:
                    tell_rates(subject, recipe, out, callback)
                sys.exit(0)
            if asked is not None:
                require_possible(subject, recipe, out, 1)
                folder, series = begun(asked, subject, recipe, out, options)
                with _callback() as callback:
                    sys.exit(_signalled(carried_on(folder, series, callback)))
            if count > 1:
                require_possible(subject, recipe, out, count)
                sys.exit(launch(click.get_current_context().meta[ARGUMENTS], count, recipe.device))
            with _callback() as callback:
                status = _ended(train_subject(subject, recipe, out, callback, options), callback)
    except Problem as problem:
        sys.exit(_failed(problem))
    except UnknownParameter as error:
        raise click.UsageError(f"{spec or resume}: {error}") from error
    except SpecError as error:
        show(error.diagnostics)
        sys.exit(EXIT_ERRORS)
    except KeyboardInterrupt:
        show_page("\nstopped at once", stream=sys.stderr)
        sys.exit(SIGNALLED + signal.SIGINT)
    sys.exit(status)


def _require_sense(spec: str | None, out: Path | None, resume: Path | None, adopt: bool) -> None:
    if spec is None and resume is None:
        raise click.UsageError("Missing argument 'SPEC'; `--resume RUN` continues a run.")
    if out is not None and resume is not None:
        raise click.UsageError("--resume continues in the run's own folder; leave out --out.")
    if adopt and resume is None:
        raise click.UsageError("--adopt goes with --resume RUN.")


def _asked_alone(options: dict[str, Any], out: Path | None, resume: Path | None, nproc: int | None) -> bool:
    """Whether rates are to be tried, which goes with no other kind of run. Raises: Problem E692 for a wrong `--out`."""
    if not options.pop("find_lr"):
        return False
    if resume is not None or nproc is not None or options["seeds"] or options["folds"] or place_of().size > 1:
        raise click.UsageError("--find-lr trains nothing; leave out --resume, --nproc, --seeds and --folds.")
    return True


def _require_one_process(asked: object, series: RunSeries | None, count: int) -> None:
    if (asked or series) and (count > 1 or place_of().size > 1):
        raise click.UsageError("--seeds and --folds train in one process; leave out --nproc.")


def _epochs_alone(spec: str | None, adopt: bool, options: dict[str, Any]) -> int | None:
    """The epochs that a series is to go on to, the only thing that may change in it."""
    said = [name for name, value in options.items() if value is not None and name != "epochs"]
    if spec is not None or adopt or said:
        raise click.UsageError("A series goes on as it began; besides --resume only --epochs can be given.")
    epochs: int | None = options["epochs"]
    return epochs


def _signalled(number: int) -> int:
    """The exit status of what a signal has ended; 0 where none has."""
    return SIGNALLED + number if number else 0


def _processes(place: Rank, nproc: int | None, resume: Path | None, spec: str | None) -> int:
    """How many processes are to be started; 1 where this one trains itself."""
    if place.size > 1:
        if nproc is not None and not is_launched():
            raise click.UsageError(f"torchrun has started {place.size} processes already; leave out --nproc.")
        count = 1
    else:
        count = nproc or (processes_of(resume) if resume is not None else 1)
    if spec == "-" and max(count, place.size) > 1:
        raise click.UsageError("Standard input cannot be read by several processes; name the spec's file.")
    return count


def _failed(problem: Problem) -> int:
    """Show a problem, once where several processes have it. Returns: the exit status."""
    elsewhere = isinstance(problem, FailedElsewhere)
    silent = elsewhere or not (isinstance(problem, FailedHere) or speaks_early())
    return status_of(problem) if silent else fail(problem)


def _checked(
    spec: str, input_shape: tuple[int, ...] | None, settings: dict[str, str], options: dict[str, Any]
) -> tuple[Subject, Recipe]:
    """What is to be trained, and how; shows what there is to say of the spec, and ends where it has errors."""
    own = analyse(read_source(spec), input_shape, settings)
    analysis = Advice(input_shape, settings).on(completed(own, options))
    if speaks_early() and not is_launched():
        show((*analysis.diagnostics, *lint(analysis)))
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    return subject_of(analysis, own.resolved.left_open), overridden(analysis.recipe, options)


def _callback(run: Path | None = None) -> Callback:
    """What tells of a run; of several processes the first one does."""
    return Unheard(chosen(run)) if place_of().is_first else Callback()


def _ended(run: Run, callback: Callback) -> int:
    if not prints_json():  # there the last event tells it
        if run.best:
            callback.say(best_line(run.metrics[run.adopted_after :]))
        callback.say(f"weights and metrics are in {run.folder}; report.html shows them")
    return SIGNALLED + run.stopped if run.stopped else 0
