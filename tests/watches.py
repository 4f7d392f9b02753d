"""Watches for tests: one that hears what a run says, and one that stops it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from specc.train.progress import Watch


class Heard(Watch):
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
