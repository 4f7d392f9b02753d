"""What a logger has to do, and the callback that tells several of them, beside another one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from specc import files
from specc.runner.callbacks.base import Callback, Ended, Epoch, Started
from specc.runner.callbacks.listeners import Listeners
from specc.runner.metrics import Metrics
from specc.runner.run_folder import told

IDENTITY = "loggers.json"  # in the run folder: which loggers it has, and how each knows the run


class Logger:
    """One program. Whatever a method raises is told once; the logger is then left out, and the run goes on.

    name: the word after `--log`. identity: how the program knows the run, for when it is continued.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.identity: str | None = None

    def prepare(self) -> None:
        """Import the package. Raises: ImportError; Problem E645 where the program cannot be reached."""
        raise NotImplementedError

    def start(self, started: Started) -> None:
        """Begin a run, or go on with the one that `identity` names."""
        raise NotImplementedError

    def log(self, values: Mapping[str, float], epoch: int) -> None:
        """The measures of an epoch, by name."""
        raise NotImplementedError

    def end(self, ended: Ended) -> None:
        """Send what is left."""
        raise NotImplementedError


def measures(metrics: Metrics) -> dict[str, float]:
    """What is logged of an epoch: `train_loss`, `test_loss`, `test_accuracy` and so on."""
    return {name: float(value) for name, value in metrics.row().items() if value is not None and name != "epoch"}


def flat_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's settings as plain values: what is not said is left out."""
    return {
        name: value if isinstance(value, (int, float, str)) else str(value)
        for name, value in recipe.items()
        if value is not None and value != {} and name != "options"
    }


class Logging(Callback):
    """Is entered and left as the other one."""

    def __init__(self, inner: Callback, loggers: Sequence[Logger]) -> None:
        self.inner = inner
        self.loggers = Listeners([(one.name, one) for one in loggers], inner.warn, "; training goes on")
        self._ended: Ended | None = None  # what loggers are told if the run fails; None where none goes on

    def __enter__(self) -> Logging:
        self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and self._ended is not None:  # or a server would show it as running for ever
            self._end(self._ended)
        self.inner.__exit__(kind, error, trace)

    def _end(self, ended: Ended) -> None:
        self.loggers.each(lambda one: one.end(ended))

    def say(self, line: str) -> None:
        self.inner.say(line)

    def warn(self, message: str) -> None:
        self.inner.warn(message)

    def run_starts(self, started: Started) -> None:
        self.inner.run_starts(started)
        _recall(started.folder, self.loggers.working)
        self._ended = Ended(started.folder, "failed", started.metrics)
        self.loggers.each(lambda one: one.start(started))
        _remember(started.folder, self.loggers.working)

    def epoch_starts(self, epoch: Epoch) -> None:
        self.inner.epoch_starts(epoch)

    def step(self) -> None:
        self.inner.step()

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self.inner.epoch_ends(metrics, epochs)
        if self._ended is not None:
            self._ended = self._ended._replace(metrics=(*self._ended.metrics, metrics))
        values = measures(metrics)
        self.loggers.each(lambda one: one.log(values, metrics.epoch))

    def run_ends(self, ended: Ended) -> None:
        if self._ended is not None:  # a run that was complete already had nothing to tell
            self._ended = None
            self._end(ended)
        self.inner.run_ends(ended)


def identities(folder: Path) -> dict[str, Any]:
    try:
        found = files.read_json(folder / IDENTITY)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recall(folder: Path, loggers: Sequence[Logger]) -> None:
    found = identities(folder)
    for logger in loggers:
        known = found.get(logger.name)
        logger.identity = known if isinstance(known, str) else None


def _remember(folder: Path, loggers: Sequence[Logger]) -> None:
    found = {**identities(folder), **{logger.name: logger.identity for logger in loggers}}
    with told(folder / IDENTITY):
        files.write(folder / IDENTITY, (json.dumps(found, indent=2) + "\n").encode(), own=True)
