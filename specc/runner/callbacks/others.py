"""Callbacks that other packages bring, under the entry point group `specc.callbacks`: each a `Callback` that is made
without arguments, and its name is what stands after `--callback`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from types import TracebackType

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest
from specc.runner.callbacks.base import Callback, Ended, Epoch, Started
from specc.runner.callbacks.listeners import Listeners, reason
from specc.runner.metrics import Metrics

GROUP = "specc.callbacks"


def others(text: str) -> list[tuple[str, Callback]]:
    """The callbacks in `one,two`, each once, with their names.

    Raises: Problem E694 where no installed package has one of that name, or it cannot be made.
    """
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    return [(name, _made(name)) for name in names]


def _made(name: str) -> Callback:
    point: EntryPoint | None = next(iter(entry_points(group=GROUP, name=name)), None)
    if point is None:
        known = sorted({one.name for one in entry_points(group=GROUP)})
        guess = nearest(name, known)
        listed = f"those that are installed are {', '.join(known)}" if known else "no package that has any is installed"
        raise Problem.of("E694", f"there is no callback `{name}`", help=f"did you mean `{guess}`?" if guess else listed)
    try:
        found = point.load()()
    except Exception as error:  # a package's own code may fail in any way
        raise Problem.of("E694", f"the callback `{name}` cannot be used: {reason(error)}",
            help=f"leave out `--callback {name}`, or mend the package that brings it") from error  # fmt: skip
    if not isinstance(found, Callback):
        raise Problem.of("E694", f"the callback `{name}` is no `specc.runner.callbacks.base.Callback`",
            help=f"leave out `--callback {name}`, or mend the package that brings it")  # fmt: skip
    return found


class Together(Callback):
    """A callback and others, which are told the same after it. One that fails is told once, and hears no more."""

    def __init__(self, first: Callback, others: Sequence[tuple[str, Callback]]) -> None:
        self._first = first
        self._others = Listeners([(f"the callback `{name}`", one) for name, one in others], first.warn)

    def __enter__(self) -> Together:
        self._first.__enter__()
        self._others.each(lambda one: one.__enter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._others.each(lambda one: one.__exit__(kind, error, trace))
        self._first.__exit__(kind, error, trace)

    def say(self, line: str) -> None:
        self._first.say(line)
        self._others.each(lambda one: one.say(line))

    def warn(self, message: str) -> None:
        self._first.warn(message)
        self._others.each(lambda one: one.warn(message))

    def run_starts(self, started: Started) -> None:
        self._first.run_starts(started)
        self._others.each(lambda one: one.run_starts(started))

    def epoch_starts(self, epoch: Epoch) -> None:
        self._first.epoch_starts(epoch)
        self._others.each(lambda one: one.epoch_starts(epoch))

    def step(self) -> None:
        self._first.step()
        self._others.each(lambda one: one.step())

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self._first.epoch_ends(metrics, epochs)
        self._others.each(lambda one: one.epoch_ends(metrics, epochs))

    def run_ends(self, ended: Ended) -> None:
        self._first.run_ends(ended)
        self._others.each(lambda one: one.run_ends(ended))
