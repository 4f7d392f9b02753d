"""`specc train --seeds N` and `--folds K`: several runs in one folder, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from specc.cli.printing import print_json
from specc.cli.telling import prints_json
from specc.diagnostics.spelling import counted, typed
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject
from specc.runner.callbacks.base import Callback
from specc.runner.series import MOST, RunSeries, series_at, spread

Command = TypeVar("Command", bound=Callable[..., Any])
SHOWN = 20  # runs of which each has its figure in the line


def series_options(command: Command) -> Command:
    """`--seeds` and `--folds`."""
    for option in (
        click.option("--folds", type=click.IntRange(2, MOST), metavar="K",
            help="Cross-validation: K runs in one folder, each tested on another one of K equal parts of all pictures, "
            "each class in proportion, and trained on the others; mean and deviation are told."),
        click.option("--seeds", type=click.IntRange(2, MOST), metavar="N",
            help="N runs in one folder, with the seeds from --seed on; mean and deviation are told."),
    ):  # fmt: skip
        command = option(command)
    return command


def kind_of(
    seeds: int | None, folds: int | None, options: Mapping[str, Any], spec: str | None
) -> tuple[Any, int] | None:
    """What series is asked for, and of how many runs, or which one is to be repeated; None for a single run.

    Raises: Problem E691 for a series that is damaged.
    """
    before = None if seeds or folds or spec is None else series_at(Path(spec))
    if before is not None:
        seeds, folds = (before.count, None) if before.kind == "seeds" else (None, before.count)
    if seeds and folds:
        raise click.UsageError("--seeds and --folds cannot be used together.")
    if folds and options.get("fold"):
        raise click.UsageError("--folds goes through all folds; leave out --fold.")
    return ("seeds", seeds) if seeds else ("folds", folds) if folds else None


def begun(
    asked: tuple[Any, int], subject: Subject, recipe: Recipe, out: Path | None, options: Mapping[str, Any]
) -> tuple[Path, RunSeries]:
    """A new series, and its folder. Raises: Problem E613, E614."""
    from specc.search.series import begin_series

    return begin_series(*asked, subject, recipe, out, options)


def carried_on(
    folder: Path, series: RunSeries, callback: Callback, epochs: int | None = None, *, is_new: bool = False
) -> int:
    """Make what is left of a series, and tell what it comes to. Args: as `go_on`.

    Returns: the signal that ended it, or 0.
    """
    from specc.search.series import Interrupted, go_on

    way_on = f"`specc train --resume {typed(folder)}` goes on with the {series.kind}"
    try:
        found = go_on(folder, series, callback, epochs, is_new=is_new)
    except Interrupted as stopped:
        callback.say(way_on)
        return stopped.number
    except KeyboardInterrupt:
        callback.say(way_on)
        raise
    runs = found.runs
    if prints_json():
        print_json({"event": "series", **found.as_json()}, default=str)
    for name in ("best", "last"):
        epochs_of = [epoch for one in runs if (epoch := getattr(one, name)) is not None]
        whole = spread(epochs_of)
        each = ", ".join(whole.measure.text(value).removesuffix(" %") for value in whole.each[:SHOWN])
        callback.say(
            f"{name} epoch of {counted(len(runs), series.kind.removesuffix('s'))}: "
            f"test {whole.measure.title} {whole} (mean and deviation; {each}{', …' if len(runs) > SHOWN else ''})"
        )
    if found.flatters:
        callback.say("note: the best epochs were chosen on the samples that they are told of; the last were not")
    callback.say(f"the runs are in {folder}; `specc runs {typed(folder)}` lists them")
    return 0
