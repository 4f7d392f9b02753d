"""A run's folder: claimed by one run, never written over, and explaining itself before the first step.

What was asked for (`spec.cnn`, `recipe.json`), what the run runs on (`environment.json`), the metrics of its epochs
(`metrics.jsonl`, `metrics.csv`), and the lock of the run that is at work in it. `checkpoint.py` has what it is
continued from.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specc import files
from specc.diagnostics.amounts import in_bytes
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled, typed
from specc.recipe.recipe import Recipe
from specc.runner.metrics import Metrics

RUNS = Path("runs")
WEIGHTS = ("best", "last")  # the weights of a run; who says nothing gets the first that is there
SPEC, RECIPE, ENVIRONMENT, STATE = "spec.cnn", "recipe.json", "environment.json", "state.safetensors"
METRICS, TABLE = "metrics.jsonl", "metrics.csv"
SERIES = "series.json"  # in a folder of several runs
FILES = (SPEC, RECIPE, ENVIRONMENT, METRICS, TABLE, STATE, *(f"{name}.safetensors" for name in WEIGHTS))
LOCK, HOLDER = ".lock", ".lock.json"  # the kernel's lock; for people, and where there is none, who holds it
CODE, ELSEWHERE = "E614", "put the run elsewhere with `--out DIR`"
# What a file system without locks says.
UNLOCKABLE = frozenset(getattr(errno, name) for name in ("ENOSYS", "ENOLCK", "ENOTSUP") if hasattr(errno, name))


class Record(BaseModel):
    """A run's spec and recipe.

    spec:    the text. path: the file that it was read from, None where it came another way.
    input:   `--input`. params: `--set`, by name. options: settings given beside the spec's own, by name.
    recipe:  the spec's and the options together.
    processes: how many train together; machines: on how many.
    adopted_after: finished epochs when another network or other data were adopted: they are not compared with later
               ones, and are none of the network that the run has now.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    spec: str
    path: str | None
    input: tuple[int, ...] | None
    params: dict[str, Any]
    options: dict[str, Any]
    recipe: Recipe
    processes: Annotated[int, Field(ge=1, le=2**20)] = 1
    machines: Annotated[int, Field(ge=1, le=2**20)] = 1
    adopted_after: Annotated[int, Field(ge=0, le=2**53)] = 0

    def as_json(self) -> dict[str, Any]:
        """The content of `recipe.json`: the resolved recipe, and what else was asked for."""
        shape = spelled(self.input) if self.input else None
        more: dict[str, Any] = {"input": shape, "set": self.params, "path": self.path, "options": self.options}
        if self.processes > 1:
            more |= {"processes": self.processes, "machines": self.machines}
        if self.adopted_after:
            more["adopted_after"] = self.adopted_after
        return {**self.recipe.resolved().model_dump(), **more}

    def meaning(self) -> str:
        """What every process of a run has to have in common; folders may have other names on other machines."""
        recipe = self.recipe.model_dump_json(exclude={"data", "data_dir", "device"})
        return f"{self.spec}\n{self.input} {self.params}\n{recipe}\n"

    def metadata(self) -> dict[str, str]:
        """What the weights carry, so that they can be used without the run folder."""
        content = self.as_json()
        overrides = {"input": content["input"], "set": content["set"]}
        return {
            "spec": self.spec,
            "overrides": json.dumps(overrides),
            "recipe": json.dumps(self.recipe.resolved().model_dump()),
        }


def read_record(spec: Path, recipe: Path) -> Record | None:
    """The record of a run that has written no state yet, from its spec and `recipe.json`; None where they are none."""
    try:
        content = files.read_json(recipe)
        shape = content.pop("input")
        more = {"params": content.pop("set"), "path": content.pop("path"), "options": content.pop("options")}
        counts = {name: content.pop(name) for name in ("processes", "machines", "adopted_after") if name in content}
        sizes = [int(size) for size in shape.split("x")] if shape else None
        text = files.read(spec).decode()
        whole = {"spec": text, "input": sizes, "recipe": content, **more, **counts}
        return Record.model_validate_json(json.dumps(whole))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, ValidationError):
        return None


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as they come back from JSON: pairs are tuples again."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items() if value is not None
    }


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
                raise damaged(self.path / name, files.reason(error)) from error

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
        best, aside = (self.path / file_of(name) for name in ("best", f"best-before-epoch-{epochs + 1}"))
        if not (self.writes and best.exists()):
            return None
        with told(aside):
            best.replace(aside)
        return aside

    def require_space(self, needed: int) -> None:
        """Raise Problem E614 where the disk has fewer free bytes than the run will write."""
        try:
            free = shutil.disk_usage(self.path).free
        except OSError:
            return  # not every file system tells; a write that fails will
        if self.writes and needed > free:
            message = f"the run needs about {in_bytes(needed)} on disk, and {self.path} has {in_bytes(free)} free"
            raise Problem.of(CODE, message, help=f"make room, or {ELSEWHERE}")


def file_of(weights: str) -> str:
    """The file in a run's folder that has these weights."""
    return f"{weights}.safetensors"


def _measures(metrics: Sequence[Metrics]) -> list[str]:
    """The names of all measures that any of these epochs has, in the order of the latest one that has them."""
    return list(dict.fromkeys(name for one in reversed(metrics) for name in one.row()))


def _cells(metrics: Metrics, names: Sequence[str]) -> str:
    row = metrics.row()
    return ",".join("" if row.get(name) is None else str(row[name]) for name in names)


def is_run(path: Path) -> bool:
    """Whether a run was begun in a folder."""
    return os.path.lexists(path / RECIPE) and os.path.lexists(path / SPEC)


def require_free(out: Path | None) -> None:
    """Raise Problem E613 where `--out` names something that is already there; an empty folder is none."""
    if out is not None and out.exists() and not (out.is_dir() and not _holds_anything(out)):
        kind = "already holds files" if out.is_dir() else "is a file"
        help = "name another folder with `--out`: specc never overwrites a run"
        if is_run(out):
            help += f"\n`specc train --resume {typed(out)}` continues the run in it"
        elif (out / SERIES).exists():
            help += f"\n`specc train --resume {typed(out)}` continues the runs in it"
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
        return any(path.name not in (LOCK, HOLDER) for path in folder.iterdir())
    except OSError as error:
        raise unwritable(folder, error) from error


def _plain(name: str) -> str:
    """A name that is safe as part of a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "unnamed"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While entered, no other run can enter for the same folder.

    The lock is the kernel's, so that nothing is left behind by a killed process.

    Raises: Problem E624 where another run holds it, E614 where the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _in_use(folder) from None
    except OSError as error:
        if error.errno not in UNLOCKABLE:
            raise unwritable(folder / LOCK, error) from error
        if _lives(_holder(folder)):  # a file system without locks: all that is known is who signed last
            raise _in_use(folder) from None
    try:
        with told(folder / HOLDER):
            signature = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}) + "\n"
            files.write(folder / HOLDER, signature.encode(), own=True)
        yield
    finally:
        # First away, then open to others: nobody can lock a file that is about to vanish unnoticed.
        for name in (HOLDER, LOCK):
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run is at work in a folder, as far as can be told from here."""
    holder = _holder(folder)
    if not (folder / LOCK).exists() or not _lives(holder):
        return False
    if holder.get("host") != socket.gethostname():
        return True
    from filelock import FileLock

    try:
        # The number of a process that was killed may be another's by now; the kernel's lock is not.
        with FileLock(folder / LOCK, blocking=False, fallback_to_soft=False):
            return False
    except OSError:
        return True


def _holder(folder: Path) -> dict[str, Any]:
    try:
        found = files.read_json(folder / HOLDER)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lives(holder: dict[str, Any]) -> bool:
    """Whether the process that signed may still run; on another host nobody can tell."""
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return bool(holder)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _in_use(folder: Path) -> Problem:
    holder = _holder(folder)
    who = f"process {holder.get('pid')} on {holder.get('host')}" if holder else "another process"
    return Problem.of("E624", f"another run is working in {folder}: {who}",
        help="wait until it ends, or stop it; `--resume` then continues from where it stopped")  # fmt: skip


def told(path: Path) -> AbstractContextManager[None]:
    """Within, an error of the system's is the problem that a path of the run cannot be written: E614."""
    return files.told(CODE, path, ELSEWHERE)


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that a path of the run cannot be written: E614."""
    return files.unwritable(CODE, path, error, ELSEWHERE)


def damaged(path: Path, reason: str) -> Problem:
    """The problem that a run's file cannot be used."""
    return Problem.of("E621", f"the run cannot continue from {path}: {reason}",
        help="nothing was loaded; put the file back from a copy, or start again with another `--out`")  # fmt: skip
