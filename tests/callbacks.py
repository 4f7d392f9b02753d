"""Callbacks for tests: one that hears what a run says, and one that stops it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from specc.runner.callbacks.base import Callback

if TYPE_CHECKING:
    from torch import Tensor

    from specc.runner.loop import Step


class Heard(Callback):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


class Stop(Heard):
    """Stops the run after so many steps of this process, by Ctrl-C if nothing else is said; never for -1."""

    def __init__(self, after: int = -1, how: Callable[[], Any] = lambda: signal.raise_signal(signal.SIGINT)) -> None:
        super().__init__()
        self.left, self.how = after, how

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.how()


class Interrupted(Exception):
    """Stands for a process that is killed."""


def interrupt(patch: pytest.MonkeyPatch, stop: int) -> None:
    """Let runs end where the step with this number, from 0 over the whole run, would be taken."""
    from specc.runner.loop import make_step

    def made(*arguments: Any, **more: Any) -> Step:
        step = make_step(*arguments, **more)

        def failing(number: int, *batches: Any) -> Tensor:
            if number == stop:
                raise Interrupted
            return step(number, *batches)

        return failing

    patch.setattr("specc.runner.loop.make_step", made)
