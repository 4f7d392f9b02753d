"""A watch that passes everything on to another one, and the measures to loggers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.runner.loggers import LOGGERS, ready
from specc.runner.loggers.logger import IDENTITY, Logger, Loggers
from specc.runner.metrics import Metrics
from specc.runner.progress import Ended, Epoch, Started, Watch
from specc.runner.run_folder import told


class Logging(Watch):
    """Is entered and left as the other one."""

    def __init__(self, inner: Watch, loggers: Sequence[Logger]) -> None:
        self.inner, self.loggers = inner, Loggers(loggers, inner.warn)
        self._ended: Ended | None = None  # what loggers are told if the run fails; None where none goes on

    def __enter__(self) -> Logging:
        self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and self._ended is not None:  # or a server would show it as running for ever
            self.loggers.end(self._ended)
        self.inner.__exit__(kind, error, trace)

    def say(self, line: str) -> None:
        self.inner.say(line)

    def warn(self, message: str) -> None:
        self.inner.warn(message)

    def run_starts(self, started: Started) -> None:
        self.inner.run_starts(started)
        _recall(started.folder, self.loggers.working)
        self._ended = Ended(started.folder, "failed", started.metrics)
        self.loggers.start(started)
        _remember(started.folder, self.loggers.working)

    def epoch_starts(self, epoch: Epoch) -> None:
        self.inner.epoch_starts(epoch)

    def step(self) -> None:
        self.inner.step()

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self.inner.epoch_ends(metrics, epochs)
        if self._ended is not None:
            self._ended = self._ended._replace(metrics=(*self._ended.metrics, metrics))
        self.loggers.log(metrics)

    def run_ends(self, ended: Ended) -> None:
        if self._ended is not None:  # a run that was complete already had nothing to tell
            self._ended = None
            self.loggers.end(ended)
        self.inner.run_ends(ended)


def logging(watch: Watch, names: Sequence[str]) -> Watch:
    """The watch with loggers, which are ready to log. Raises: Problem E644, E645."""
    return Logging(watch, [ready(name) for name in names]) if names else watch


def logging_again(watch: Watch, folder: Path) -> Watch:
    """The watch with the loggers of a run that is continued: one that cannot be told keeps no run from going on."""
    found = []
    for name in _identities(folder):
        try:
            if name in LOGGERS:
                found.append(ready(name))
        except Problem as problem:
            watch.warn(f"{problem.diagnostic.message}; the run goes on without it")
    return Logging(watch, found) if found else watch


def _identities(folder: Path) -> dict[str, Any]:
    try:
        found = files.read_json(folder / IDENTITY)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recall(folder: Path, loggers: Sequence[Logger]) -> None:
    found = _identities(folder)
    for logger in loggers:
        known = found.get(logger.name)
        logger.identity = known if isinstance(known, str) else None


def _remember(folder: Path, loggers: Sequence[Logger]) -> None:
    found = {**_identities(folder), **{logger.name: logger.identity for logger in loggers}}
    with told(folder / IDENTITY):
        files.write(folder / IDENTITY, (json.dumps(found, indent=2) + "\n").encode(), own=True)
