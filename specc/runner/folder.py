"""The run folder: claimed by one run, never written over, and explaining itself before the first step."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import typed
from specc.runner import lock, state
from specc.runner.metrics import Metrics
from specc.runner.record import Record
from specc.runner.storage import require_space, told, unwritable

RUNS = Path("runs")
WEIGHTS = ("best", "last")  # the weights of a run; who says nothing gets the first that is there
SPEC, RECIPE, ENVIRONMENT = "spec.cnn", "recipe.json", "environment.json"
METRICS, TABLE = "metrics.jsonl", "metrics.csv"
FILES = (SPEC, RECIPE, ENVIRONMENT, METRICS, TABLE, state.NAME, *(f"{name}.safetensors" for name in WEIGHTS))


class RunFolder:
    """Where everything that a run leaves behind is written.

    writes: whether this process does it; of several that train together, the first.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes

    def write_record(self, record: Record) -> None:
        """What is asked for; the recipe first: a folder with a spec in it can be continued."""
        self.write_json(RECIPE, record.as_json())
        self.write(SPEC, record.spec.encode())

    def require_files(self) -> None:
        """Raise Problem E621 where something else stands in the place of one of a run's files."""
        for name in FILES:
            try:
                files.require_regular(self.path / name)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise state.damaged(self.path / name, files.reason(error)) from error

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        self.write(name, (json.dumps(content, indent=2) + "\n").encode())

    def write(self, name: str, content: bytes) -> None:
        """A file, whole or not at all. Raises: Problem E614."""
        if self.writes:
            with told(self.path / name):
                files.write(self.path / name, content, own=True)

    def write_environment(self, found: dict[str, Any], *, resumed: bool) -> None:
        """What a run runs on; each time that it is continued is added to the first."""
        before: Any = None
        if resumed:
            with suppress(OSError, ValueError):
                before = files.read_json(self.path / ENVIRONMENT)
        if isinstance(before, dict) and isinstance(before.setdefault("resumed", []), list):
            before["resumed"].append(found)
            found = before
        self.write_json(ENVIRONMENT, found)

    def write_weights(self, name: str, content: bytes) -> None:
        self.write(f"{name}.safetensors", content)

    def write_state(self, content: bytes) -> None:
        self.write(state.NAME, content)

    def add_metrics(self, metrics: Sequence[Metrics]) -> None:
        """A line for the last epoch in each of the two tables; the second one, which begins with the names, is written
        anew where that epoch has other measures than those before."""
        if not self.writes:
            return
        self._append(METRICS, json.dumps(metrics[-1].row()))
        names = _measures(metrics)
        if names == _measures(metrics[:-1]):
            self._append(TABLE, _cells(metrics[-1], names))
        else:
            self._write_table(metrics)

    def _append(self, name: str, line: str) -> None:
        with told(self.path / name):
            files.append_line(self.path / name, line)

    def restore_metrics(self, metrics: Sequence[Metrics]) -> None:
        """Make both tables tell of these epochs and no others, whatever a killed process had added."""
        if metrics or (self.path / METRICS).exists():
            self._write_lines(METRICS, [json.dumps(one.row()) for one in metrics])
            self._write_table(metrics)

    def _write_table(self, metrics: Sequence[Metrics]) -> None:
        names = _measures(metrics)
        self._write_lines(TABLE, [",".join(names), *(_cells(one, names) for one in metrics)] if metrics else [])

    def _write_lines(self, name: str, lines: Sequence[str]) -> None:
        self.write(name, "".join(line + "\n" for line in lines).encode())

    def set_best_aside(self, epochs: int) -> Path | None:
        """Give the best weights of the first epochs another name: they are not of the network that the run has now.

        Returns: their place, None where there are none.
        """
        best, aside = (self.path / f"{name}.safetensors" for name in ("best", f"best-before-epoch-{epochs + 1}"))
        if not (self.writes and best.exists()):
            return None
        with told(aside):
            best.replace(aside)
        return aside

    def require_space(self, needed: int) -> None:
        if self.writes:
            require_space(self.path, needed)


def _measures(metrics: Sequence[Metrics]) -> list[str]:
    """The names of all measures that any of these epochs has, in their order."""
    found = {name for one in metrics for name in one.row()}
    return [name for name in Metrics._fields if name in found]


def _cells(metrics: Metrics, names: Sequence[str]) -> str:
    row = metrics.row()
    return ",".join("" if row.get(name) is None else str(row[name]) for name in names)


def require_free(out: Path | None) -> None:
    """Raise Problem E613 where `--out` names something that is already there; an empty folder is none."""
    if out is not None and out.exists() and not (out.is_dir() and not _holds_anything(out)):
        kind = "already holds files" if out.is_dir() else "is a file"
        help = "name another folder with `--out`: specc never overwrites a run"
        if (out / SPEC).exists() and (out / RECIPE).exists():
            help += f"\n`specc train --resume {typed(out)}` continues the run in it"
        raise Problem.of("E613", f"the run folder {out} {kind}", help=help)


def create(out: Path | None, spec: str, data: str) -> RunFolder:
    """A folder for a new run: `out`, or the next free `runs/SPEC-DATA-N`.

    Args:   spec, data: names for the folder.
    Raises: Problem E613 where it is taken, E614 where it cannot be written.
    """
    path = out
    try:
        path = out if out is not None else _numbered(RUNS, f"{_plain(spec)}-{_plain(data)}")
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(Path(error.filename or path or RUNS), error) from error
    return RunFolder(path)


def _numbered(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = parent / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError("unreachable: the numbers do not end")


def _holds_anything(folder: Path) -> bool:
    """Whether there is more than the lock that every run begins with."""
    try:
        return any(path.name != lock.NAME for path in folder.iterdir())
    except OSError as error:
        raise unwritable(folder, error) from error


def _plain(name: str) -> str:
    """A name that is safe as part of a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "unnamed"
