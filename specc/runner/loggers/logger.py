"""What a logger has to do, and how a run tells several of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from specc.runner.metrics import Metrics
from specc.runner.progress import Ended, Started

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


class Loggers:
    """Some loggers, of which those that fail are left out."""

    def __init__(self, loggers: Iterable[Logger], warn: Callable[[str], None]) -> None:
        self.working, self._warn = list(loggers), warn

    def start(self, started: Started) -> None:
        self._each(lambda one: one.start(started))

    def log(self, metrics: Metrics) -> None:
        values = measures(metrics)
        self._each(lambda one: one.log(values, metrics.epoch))

    def end(self, ended: Ended) -> None:
        self._each(lambda one: one.end(ended))

    def _each(self, action: Callable[[Logger], None]) -> None:
        for logger in list(self.working):
            try:
                action(logger)
            except Exception as error:  # another program's package may fail in any way
                self.working.remove(logger)
                said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                self._warn(f"{logger.name} failed, and hears no more of this run ({said}); training goes on")


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
