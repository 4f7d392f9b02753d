"""A reader that goes away, `| head -1` or a terminal that is closed, does not end a run."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import ParamSpec

import click

from specc.runner.metrics import Metrics
from specc.runner.progress import Ended, Epoch, Started, Watch

P = ParamSpec("P")
GONE = frozenset((errno.EPIPE, errno.EIO, errno.ENOSPC))  # a closed pipe, a closed terminal, a file on a full disk


class Unheard(Watch):
    """Passes everything on to a watch for as long as it can be written; then the run goes on in silence."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._is_heard = watch, True

    def __enter__(self) -> Unheard:
        self._pass(self._watch.__enter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass(self._watch.__exit__, kind, error, trace)

    def say(self, line: str) -> None:
        self._pass(self._watch.say, line)

    def warn(self, message: str) -> None:
        self._pass(self._watch.warn, message)

    def run_starts(self, started: Started) -> None:
        self._pass(self._watch.run_starts, started)

    def epoch_starts(self, epoch: Epoch) -> None:
        self._pass(self._watch.epoch_starts, epoch)

    def step(self) -> None:
        self._pass(self._watch.step)

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self._pass(self._watch.epoch_ends, metrics, epochs)

    def run_ends(self, ended: Ended) -> None:
        self._pass(self._watch.run_ends, ended)

    def _pass(self, method: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> None:
        if not self._is_heard:
            return
        try:
            method(*arguments, **named)
        except OSError as error:
            if error.errno not in GONE:
                raise
            self._is_heard = False
            drop_output()
            with suppress(OSError):
                click.echo("warning: the output can no longer be written; training goes on", err=True)


def drop_output() -> None:
    """Let what is still to be written go nowhere, or Python would complain of it when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
