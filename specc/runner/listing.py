"""What run folders tell of themselves, read without torch; nothing in them is trusted to be whole."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specc import files
from specc.data.survey import shortened
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, nearest, typed
from specc.runner.changed import is_same_spec
from specc.runner.metrics import Metrics, are_in_order, best_of, is_complete, metrics_of
from specc.runner.run_folder import METRICS, RECIPE, SERIES, SPEC, Record, is_held, is_run, read_record
from specc.runner.series import RunSeries, read_series, series_at, spread
from specc.source import Source
from specc.tasks.measure import Best
from specc.tasks.registry import TASKS
from specc.tasks.task import Task

LARGEST = 64_000_000  # bytes of a metrics file that are looked at
# Of recipe.json: where the run began, and what was asked for; not how.
NOT_COMPARED = ("path", "options")


class Listed(NamedTuple):
    """A run in a folder.

    state:   running, done, stopped or damaged. record: None where it is damaged.
    spec:    the file's name that it began with. metrics: of the finished epochs, of which `own` are those of the
             network and the data that it has now.
    changed: when something was last written, in seconds of the system's clock.
    """

    path: Path
    state: str
    spec: str
    record: Record | None
    metrics: tuple[Metrics, ...]
    changed: float

    @property
    def runs(self) -> tuple[Listed, ...]:
        """Itself, as a series has several."""
        return (self,)

    @property
    def own(self) -> tuple[Metrics, ...]:
        return self.metrics[self.record.adopted_after :] if self.record else self.metrics

    @property
    def best(self) -> Metrics | None:
        return best_of(self.own)

    @property
    def flatters(self) -> bool:
        """Whether the best epoch was chosen among several on the test pictures that its figure is of."""
        return len(self.own) > 1 and self.own[-1].judged_on == "test"

    @property
    def last(self) -> Metrics | None:
        return self.own[-1] if self.own else None

    @property
    def seconds(self) -> float:
        return math.fsum(one.seconds for one in self.metrics)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What is compared of two runs: the resolved recipe, `input` and each `param`."""
        return {} if self.record is None else _recipe(self.record)

    def as_json(self) -> dict[str, Any]:
        """The fields of `specc runs --json`."""
        best, last = self.best, self.last
        return {
            "run": str(self.path), "state": self.state, "spec": self.spec,
            "data": self.record.recipe.data if self.record else None,
            "epochs_done": len(self.metrics), "epochs": self.record.recipe.whole_epochs if self.record else None,
            "best": best and best.row(), "chosen_on": best and best.judged_on, "last": last and last.row(),
            "seconds": round(self.seconds, 3), "recipe": dict(self.recipe),
        }  # fmt: skip


def _recipe(record: Record) -> dict[str, Any]:
    content = record.as_json()
    params = {f"set {name}": value for name, value in content.pop("set").items()}
    return {name: value for name, value in content.items() if name not in NOT_COMPARED} | params


class ListedSeries(NamedTuple):
    """Several runs in one folder, which differ in their seed or in the fold of the data."""

    path: Path
    series: RunSeries
    runs: tuple[Listed, ...]

    @property
    def state(self) -> str:
        """running, done, stopped or damaged: the first that holds for any of them, done for all."""
        states = {one.state for one in self.runs}
        found = next((state for state in ("running", "damaged", "stopped") if state in states), "done")
        return "stopped" if found == "done" and len(self.runs) < self.series.count else found

    @property
    def record(self) -> Record:
        return self.series.record

    @property
    def spec(self) -> str:
        return Path(self.record.path).name if self.record.path else SPEC

    @property
    def changed(self) -> float:
        return max((one.changed for one in self.runs), default=_changed(self.path))

    @property
    def seconds(self) -> float:
        return math.fsum(one.seconds for one in self.runs)

    @property
    def flatters(self) -> bool:
        return any(one.flatters for one in self.runs)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """As of a run, with the number of runs in place of what is different in each."""
        content = dict(_recipe(self.record))
        content.pop("seed" if self.series.kind == "seeds" else "fold")
        return {**content, self.series.kind: self.series.count}

    def as_json(self) -> dict[str, Any]:
        """The fields of `specc runs --json`."""
        best = [one.best for one in self.runs if one.best is not None]
        last = [one.last for one in self.runs if one.last is not None]
        return {
            "series": str(self.path), "state": self.state, "spec": self.spec, "data": self.record.recipe.data,
            "kind": self.series.kind, "count": self.series.count,
            "best": spread(best).as_json() if best else None, "chosen_on": best[0].judged_on if best else None,
            "last": spread(last).as_json() if last else None, "seconds": round(self.seconds, 3),
            "recipe": dict(self.recipe), "runs": [one.as_json() for one in self.runs],
        }  # fmt: skip


def way_to_a_run(folder: Path) -> str | None:
    """What to do where a folder of runs is given for that of a run, or a name that is mistyped; None where neither is.

    Raises: Problem E691 where it is a series that is damaged.
    """
    if not os.path.lexists(folder):
        known = [one.name for one in _folders(folder.parent) if is_run(one) or os.path.lexists(one / SERIES)]
        guess = nearest(folder.name, known)
        return f"did you mean `{typed(folder.with_name(guess))}`?" if guess else None
    series = series_at(folder)
    if series is None:
        names = sorted(path.name for path in _folders(folder) if is_run(path))
        what = f"it holds {counted(len(names), 'run')}"
    else:
        names = [name for name, _ in series.members() if is_run(folder / name)]
        what = f"it is a series of {series.count} {series.kind}"
    if not names:
        return None if series is None else f"{what}: `specc train --resume {typed(folder)}` begins them"
    return f"{what}, {shortened(names)}: name one of them, such as `{typed(folder / names[0])}`"


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def runs_in(folder: Path) -> list[Listed | ListedSeries]:
    """The runs and series in a folder, or the one that it is, the latest first; of a series its runs.

    Raises: Problem E640 where there is no such folder.
    """
    if is_run(folder):
        return [listed(folder)]
    series = listed_series(folder)
    if series is not None:
        return list(series.runs)
    try:
        found = [_found(path) for path in folder.iterdir() if path.is_dir()]
    except OSError as error:
        raise Problem.of("E640", f"the folder {folder} cannot be read: {error.strerror}",
            help="`specc runs DIR` lists the runs in another folder than `runs`") from None  # fmt: skip
    return sorted((one for one in found if one is not None), key=lambda one: (-one.changed, one.path.name))


def run_at(path: Path) -> Listed | ListedSeries:
    """The run or the series in a folder. Raises: Problem E640 where there is none."""
    found = _found(path)
    if found is not None:
        return found
    kind = "holds no run" if path.is_dir() else "does not exist" if not path.exists() else "is a file"
    raise Problem.of("E640", f"{path} {kind}", help=way_to_a_run(path) or "`specc runs` lists the runs in `runs`")


def _found(path: Path) -> Listed | ListedSeries | None:
    return listed(path) if is_run(path) else listed_series(path)


def listed_series(path: Path) -> ListedSeries | None:
    """The series in a folder, as far as it has begun; None where there is none that can be read."""
    try:
        series = read_series(path)
    except Problem:
        return None
    if series is None:
        return None
    names = (path / name for name, _ in series.members())
    return ListedSeries(path, series, tuple(listed(one) for one in names if is_run(one)))


def listed(path: Path) -> Listed:
    """A run's folder, as far as it can be read."""
    record = read_record(path / SPEC, path / RECIPE)
    rows = _rows(path / METRICS, TASKS[record.recipe.task].best if record else Task.best)
    metrics = tuple(rows) if rows is not None else ()
    spec = Path(record.path).name if record and record.path else SPEC
    return Listed(path, _state(path, record, rows), spec, record, metrics, _changed(path))


def _state(path: Path, record: Record | None, rows: Sequence[Metrics] | None) -> str:
    if is_held(path):
        return "running"
    if record is None or rows is None:
        return "damaged"
    return "done" if is_complete(rows, record.recipe, record.adopted_after) else "stopped"


def _rows(path: Path, best: Best) -> list[Metrics] | None:
    """The epochs in a metrics file; none where there is no file, None where it is no such file."""
    try:
        lines = files.read(path, LARGEST).decode().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return None
    rows = [_row(line, best) for line in lines]
    # A process that was killed may have left half of its last line; the state file has it whole.
    if rows and rows[-1] is None:
        rows.pop()
    found = [row for row in rows if row is not None]
    return found if are_in_order(found) and len(found) == len(rows) else None


def _row(line: str, best: Best) -> Metrics | None:
    try:
        return metrics_of({**json.loads(line)}, best)
    except (ValueError, TypeError, RecursionError):
        return None


def _changed(path: Path) -> float:
    def times() -> Iterator[float]:
        for name in (METRICS, RECIPE):
            try:
                yield (path / name).stat().st_mtime
            except OSError:
                continue

    return max(times(), default=0.0)


def differences(runs: Sequence[Listed | ListedSeries]) -> dict[str, tuple[Any, ...]]:
    """The settings in which runs differ, each with its value in every run; None where a run has none.

    The seed is one of them: two runs that differ in nothing else tell the spread.
    """
    names = dict.fromkeys(name for run in runs for name in run.recipe)
    found = {name: tuple(run.recipe.get(name) for run in runs) for name in names}
    found["spec"] = _specs(runs)
    different = {name: values for name, values in found.items() if any(value != values[0] for value in values)}
    if "spec" in different:  # the texts are long: `specc diff` shows where they differ
        different["spec"] = tuple(run.spec for run in runs)
    return different


def _specs(runs: Sequence[Listed | ListedSeries]) -> tuple[str | None, ...]:
    """The spec of each run: the same text where two are the same spec, however each is written."""
    known: list[Record] = []
    texts: list[str | None] = []
    for record in (run.record for run in runs):
        if record is None:
            texts.append(None)
            continue
        like = next((one for one in known if is_same_spec(record, Source("", one.spec))), record)
        known += [] if like is not record else [record]
        texts.append(like.spec)
    return tuple(texts)
