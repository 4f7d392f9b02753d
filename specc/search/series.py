"""A series: the same run for several seeds, or for each fold of the data, one after the other in one folder.

What the runs have in common is written down before the first of them begins, so that a series goes on wherever it was
cut off: what is complete is not repeated, and a run that was stopped is resumed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

from specc.api import SpecError
from specc.data.fit import completed
from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject, anchored, subject_of
from specc.runner.callbacks.base import Callback
from specc.runner.listing import ListedSeries, listed
from specc.runner.resume import Wish, continue_run
from specc.runner.run import Run, record_of, train_subject
from specc.runner.run_folder import SERIES, RunFolder, create, is_run, locked, require_free
from specc.runner.series import RunSeries, read_series
from specc.source import Source


class Interrupted(Exception):
    """A signal has ended a run, and the series with it."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder, number)
        self.folder, self.number = folder, number


def begin_series(
    kind: Literal["seeds", "folds"],
    count: int,
    subject: Subject,
    recipe: Recipe,
    out: Path | None,
    options: Mapping[str, Any],
) -> tuple[Path, RunSeries]:
    """A new series, and its folder. Raises: Problem E613, E614."""
    require_free(out)
    record = record_of(subject, anchored(recipe), options)
    folder = create(out, subject.name, kind)
    series = RunSeries(kind=kind, count=count, first=recipe.seed, record=record)
    _write(folder, series)
    return folder.path, series


def go_on(
    folder: Path, series: RunSeries, callback: Callback, epochs: int | None = None, *, is_new: bool = False
) -> ListedSeries:
    """Make every run that is not complete.

    Args:    epochs, in place of those that it began with, not fewer. is_new, whether nothing is to be left of it where
             it is refused before a run has begun.
    Returns: the series as it is then.
    Raises:  Interrupted; Problem E623; as `train_subject` and `continue_run`.
    """
    with _kept_if_begun(folder), locked(folder):
        series = _raised(folder, read_series(folder) or series, epochs)
        for number, (name, own) in enumerate(series.members(), 1):
            callback.say(f"run {number} of {series.count}: {name.replace('-', ' ')}")
            with _withdrawn(folder, series) if is_new else nullcontext():
                run = _made(folder / name, series, own, callback)
            if run is not None and run.stopped:
                raise Interrupted(folder, run.stopped)
    return ListedSeries(folder, series, tuple(listed(folder / name) for name, _ in series.members()))


@contextmanager
def _kept_if_begun(folder: Path) -> Iterator[None]:
    """Within it, a folder that is empty in the end is removed."""
    try:
        yield
    finally:
        with suppress(OSError):  # it holds runs
            folder.rmdir()


@contextmanager
def _withdrawn(folder: Path, series: RunSeries) -> Iterator[None]:
    """Within it, a series that is refused before any of its runs has begun takes back what was written of it."""
    try:
        yield
    except (Problem, SpecError):
        if not any(is_run(folder / name) for name, _ in series.members()):
            (folder / SERIES).unlink(missing_ok=True)
        raise


def _raised(folder: Path, series: RunSeries, epochs: int | None) -> RunSeries:
    """The series with so many epochs, written down before any run has them: whoever goes on goes on to as many.

    Raises: Problem E623 where they are fewer.
    """
    before = series.record.recipe.epochs
    if epochs is None or epochs == before:
        return series
    if epochs < before:
        raise Problem.of("E623", f"the {series.kind} began differently: `epochs` was {before}, and can only be raised",
            help="leave out `--epochs` to go on as they began")  # fmt: skip
    more: dict[str, Any] = {"epochs": epochs}
    changed = {"recipe": overridden(series.record.recipe, more), "options": {**series.record.options, **more}}
    series = series.model_copy(update={"record": series.record.model_copy(update=changed)})
    _write(RunFolder(folder), series)
    return series


def _write(folder: RunFolder, series: RunSeries) -> None:
    folder.write_json(SERIES, json.loads(series.model_dump_json()))


def _made(folder: Path, series: RunSeries, own: Mapping[str, Any], callback: Callback) -> Run | None:
    """A run of the series from where it stands; None where it is complete."""
    record = series.record
    if is_run(folder):
        before = listed(folder).record
        is_behind = before is not None and before.recipe.epochs < record.recipe.epochs
        return continue_run(folder, Wish(options={"epochs": record.recipe.epochs} if is_behind else {}), callback)
    options = {**record.options, **own}
    analysed = analyse(Source(record.path or "<string>", record.spec), record.input, record.params)
    subject = subject_of(completed(analysed, options), analysed.resolved.left_open)
    return train_subject(subject, overridden(record.recipe, dict(own)), folder, callback, options)
