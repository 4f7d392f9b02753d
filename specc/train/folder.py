"""The run folder: claimed by one run, never written over, and explaining itself before the first step."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.train.metrics import Metrics
from specc.train.storage import append_line, unwritable, write_whole

RUNS = Path("runs")


class RunFolder:
    """Where everything that a run leaves behind is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        write_whole(self.path / name, (json.dumps(content, indent=2) + "\n").encode())

    def write_weights(self, name: str, content: bytes) -> None:
        write_whole(self.path / f"{name}.safetensors", content)

    def add_metrics(self, metrics: Metrics) -> None:
        append_line(self.path / "metrics.jsonl", json.dumps(metrics._asdict()))


def require_free(out: Path | None) -> None:
    """Raise Problem E613 where `--out` names something that is already there; an empty folder is none."""
    if out is not None and out.exists() and not (out.is_dir() and not _holds_anything(out)):
        kind = "holds files already" if out.is_dir() else "is a file"
        raise Problem.of("E613", f"the run folder {out} {kind}",
            help="name another one with `--out`: specc never writes over a run")  # fmt: skip


def create(out: Path | None, spec: str, data: str, text: str) -> RunFolder:
    """A new run folder with the spec in it: `out`, or the next free `runs/SPEC-DATA-N`.

    Args:   spec, data: names for the folder. text: the spec's.
    Raises: Problem E613 where it is taken, E614 where it cannot be written.
    """
    path = out
    try:
        path = out if out is not None else _numbered(RUNS, f"{_plain(spec)}-{_plain(data)}")
        path.mkdir(parents=True, exist_ok=True)
        require_free(path)
        _claim(path / "spec.cnn", text)
    except OSError as error:
        raise unwritable(Path(error.filename or path or RUNS), error) from error
    return RunFolder(path)


def _claim(spec: Path, text: str) -> None:
    """Write the spec; of two runs that start at once in one folder, one gets it."""
    try:
        with spec.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError as error:
        raise Problem.of("E613", f"another run has just started in {spec.parent}",
            help="name another folder with `--out`") from error  # fmt: skip


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
    try:
        return any(folder.iterdir())
    except OSError as error:
        raise unwritable(folder, error) from error


def _plain(name: str) -> str:
    """A name that is safe as part of a folder's."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "unnamed"
