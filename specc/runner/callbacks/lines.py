"""A run in lines, for a pipe or a file: of text, of JSON, or only warnings; `bar` has the callback for a terminal.

A reader that goes away, `| head -1` or a terminal that is closed, does not end a run.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec

import click

from specc.diagnostics.visible import visible_line
from specc.runner.callbacks.base import Callback, Ended, Epoch, Started
from specc.runner.metrics import Metrics, best_of

P = ParamSpec("P")
GONE = frozenset((errno.EPIPE, errno.EIO, errno.ENOSPC))  # a closed pipe, a closed terminal, a file on a full disk


class Quiet(Callback):
    """Warnings only, to standard error."""

    def warn(self, message: str) -> None:
        click.echo(visible_line(f"warning: {message}"), err=True)


class Lines(Callback):
    """A plain line an epoch, for a pipe or a file."""

    def say(self, line: str) -> None:
        click.echo(visible_line(line))


class JsonLines(Quiet):
    """A JSON object a line on standard output, each with an `event`; `docs/runs.md` lists the fields."""

    def say(self, line: str) -> None:
        write_event("note", text=line)

    def warn(self, message: str) -> None:
        write_event("warning", text=message)

    def run_starts(self, started: Started) -> None:
        write_event("start", run=str(started.folder), data=started.recipe["data"], epochs=started.recipe["epochs"],
            epochs_done=len(started.metrics), parameters=started.parameters)  # fmt: skip

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        write_event("epoch", epochs=epochs, **metrics.row())

    def run_ends(self, ended: Ended) -> None:
        own = ended.metrics[ended.adopted_after :]
        best, last = best_of(own), own[-1] if own else None
        write_event("end", run=str(ended.folder), state=ended.state, epochs_done=len(ended.metrics),
            best=best and best.row(), chosen_on=best and best.judged_on, last=last and last.row(),
            report=ended.report and str(ended.report))  # fmt: skip


def write_event(event: str, **fields: Any) -> None:
    """A line of JSON."""
    click.echo(json.dumps({"event": event, **fields}))


class Unheard(Callback):
    """Passes everything on to a callback for as long as it can be written; then the run goes on in silence."""

    def __init__(self, callback: Callback) -> None:
        self._callback, self._is_heard = callback, True

    def __enter__(self) -> Unheard:
        self._pass(self._callback.__enter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass(self._callback.__exit__, kind, error, trace)

    def say(self, line: str) -> None:
        self._pass(self._callback.say, line)

    def warn(self, message: str) -> None:
        self._pass(self._callback.warn, message)

    def run_starts(self, started: Started) -> None:
        self._pass(self._callback.run_starts, started)

    def epoch_starts(self, epoch: Epoch) -> None:
        self._pass(self._callback.epoch_starts, epoch)

    def step(self) -> None:
        self._pass(self._callback.step)

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self._pass(self._callback.epoch_ends, metrics, epochs)

    def run_ends(self, ended: Ended) -> None:
        self._pass(self._callback.run_ends, ended)

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
