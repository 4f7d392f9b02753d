"""`specc train`: its options are the fields of the recipe."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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
from specc.diagnostics.spelling import typed
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import lint
from specc.reading import read_source
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.again import beginning
from specc.runner.before import Subject, require_possible, subject_of
from specc.runner.callbacks.base import Callback, best_line
from specc.runner.callbacks.lines import Unheard
from specc.runner.cpu.process import claim
from specc.runner.distributed.launch import launch
from specc.runner.distributed.world import FailedElsewhere, FailedHere, Rank, is_launched, place_of, speaks_early
from specc.runner.resume import Wish, continue_run, processes_of, what_is_left
from specc.runner.run import Run, train_subject
from specc.runner.run_folder import is_run
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
@click.option("--recipe", "like", type=click.Path(path_type=Path), metavar="RUN",
    help="Take the recipe of another run in place of the spec's own; options that are given here win.")  # fmt: skip
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
    """Train SPEC (a file, or - for standard input) and keep weights and metrics in a run folder; of the folder of a
    run or a series, the same once more, in a new one.

    The recipe comes from the spec's `train { }` block; an option given here wins. Ctrl-C stops between two steps
    and keeps the weights so far. However a run ended, `specc train --resume RUN` goes on with it, and gives the same
    weights as if it had never stopped. `--nproc N` trains with several processes, `torchrun … -m specc train …` on
    several machines; a batch is that of all processes together.

    Exit status: 0 trained to the end, 1 errors in the spec or the run failed, 2 the command was wrong or a file
    could not be read, 130 stopped by Ctrl-C.
    """
    gc.enable()  # off since the start-up; a long run makes garbage
    claim()
    like = options.pop("like")
    _require_sense(spec, out, resume, adopt, like)
    if resume is not None and (options["seeds"] or options["folds"]):
        raise click.UsageError("--resume goes on with the runs that there are; leave out --seeds and --folds.")
    find_lr = _asked_alone(options, out, resume, nproc)
    seeds, folds = options.pop("seeds"), options.pop("folds")
    try:
        asked = None if find_lr else kind_of(seeds, folds, options, spec if resume is None else None)
        count = _processes(place_of(), nproc, resume, spec)
        series = None if resume is None else read_series(resume)
        _require_one_process(asked, series, count)
        if resume is None:
            found = _checked(str(spec), like, input_shape, settings, options)
            if find_lr:
                status = _tried(found, out)
            elif asked is not None or count > 1:
                status = _many_begun(found, out, asked, count)
            else:
                with _callback(note=found.note) as callback:
                    status = _ended(train_subject(found.subject, found.recipe, out, callback, found.options), callback)
        elif series is not None:
            epochs = _epochs_alone({**options, "spec": spec, "adopt": adopt or None, "input": input_shape,
                "set": settings or None})  # fmt: skip
            with _callback() as callback:
                status = _signalled(carried_on(resume, series, callback, epochs))
        else:
            wish = Wish(None if spec is None else read_source(spec), adopt, input_shape, settings, options)
            status = _resumed(resume, wish, count)
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


def _many_begun(found: ToTrain, out: Path | None, asked: tuple[Any, int] | None, count: int) -> int:
    """A new run by several processes, or else a series of runs. Returns: the exit status."""
    subject, recipe, options, note = found
    require_possible(subject, recipe, out, count)
    if asked is None:
        return launch(click.get_current_context().meta[ARGUMENTS], count, recipe.device)
    folder, series = begun(asked, subject, recipe, out, options)
    with _callback(note=note) as callback:
        return _signalled(carried_on(folder, series, callback, is_new=True))


def _tried(found: ToTrain, out: Path | None) -> int:
    """Learning rates, in place of a run."""
    with _callback(note=found.note) as callback:
        tell_rates(found.subject, found.recipe, out, callback)
    return 0


def _resumed(run: Path, wish: Wish, count: int) -> int:
    """The rest of a run. Returns: the exit status."""
    left = what_is_left(run, wish, count) if count > 1 else None
    if left is not None:
        return launch(click.get_current_context().meta[ARGUMENTS], count, left.device, run)
    with _callback(run) as callback:
        ended = continue_run(run, wish, callback)
        return 0 if ended is None else _ended(ended, callback)


def _require_sense(spec: str | None, out: Path | None, resume: Path | None, adopt: bool, like: Path | None) -> None:
    if spec is None and resume is None:
        raise click.UsageError("Missing argument 'SPEC'; `--resume RUN` continues a run.")
    if out is not None and resume is not None:
        raise click.UsageError("--resume continues in the run's own folder; leave out --out.")
    if like is not None and resume is not None:
        raise click.UsageError("--resume goes on with the run's own recipe; leave out --recipe.")
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


def _epochs_alone(options: dict[str, Any]) -> int | None:
    """The epochs that a series is to go on to, the only thing that may change in it."""
    if any(value is not None and name != "epochs" for name, value in options.items()):
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
        again = resume if resume is not None else Path(spec or "")
        count = nproc or (processes_of(again) if is_run(again) else 1)
    if spec == "-" and max(count, place.size) > 1:
        raise click.UsageError("Standard input cannot be read by several processes; name the spec's file.")
    return count


def _failed(problem: Problem) -> int:
    """Show a problem, once where several processes have it. Returns: the exit status."""
    elsewhere = isinstance(problem, FailedElsewhere)
    silent = elsewhere or not (isinstance(problem, FailedHere) or speaks_early())
    return status_of(problem) if silent else fail(problem)


class ToTrain(NamedTuple):
    """What is to be trained, and how; options: beside the spec's own recipe; note: what else there is to say."""

    subject: Subject
    recipe: Recipe
    options: dict[str, Any]
    note: str


def _checked(
    spec: str, like: Path | None, input_shape: tuple[int, ...] | None, settings: dict[str, str], options: dict[str, Any]
) -> ToTrain:
    """What is to be trained; shows what there is to say of the spec, and ends where it has errors."""
    begun = beginning(spec, like, input_shape, settings)
    given = {name: value for name, value in options.items() if value is not None}
    filling = {"data": begun.own.recipe.data, **given} if begun.note else given
    analysis = Advice(input_shape, settings).on(completed(begun.own, filling))
    if speaks_early() and not is_launched():
        show((*analysis.diagnostics, *lint(analysis)))
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    subject = subject_of(analysis, begun.own.resolved.left_open)
    return ToTrain(subject, overridden(begun.own.recipe, given), {**begun.taken, **given}, begun.note)


@contextmanager
def _callback(run: Path | None = None, *, note: str = "") -> Iterator[Callback]:
    """What tells of a run; of several processes the first one does. Args: note, its first line."""
    with Unheard(chosen(run)) if place_of().is_first else Callback() as callback:
        if note:
            callback.say(note)
        yield callback


def _next(run: Run) -> Iterator[str]:
    """The commands that go on from a run; those that take a picture where its network does."""
    from specc.evaluate.pictures import takes_pictures

    folder = typed(run.folder)
    commands = [f"eval {folder}"]
    if takes_pictures(run.sample):
        commands += [f"predict {folder} PICTURE", f"peek {folder} --sample 0"]
    for number, command in enumerate((*commands, f"play {folder}")):
        yield f"{'      ' if number else 'next: '}specc {command}"


def _ended(run: Run, callback: Callback) -> int:
    if not prints_json():  # there the last event tells it
        if run.best:
            callback.say(best_line(run.metrics[run.adopted_after :]))
        callback.say(f"weights and metrics are in {run.folder}; report.html shows them")
        for line in () if run.stopped else _next(run):
            callback.say(line)
    return SIGNALLED + run.stopped if run.stopped else 0
