"""The running epoch as a bar on a terminal, above it a line for each finished one.

Drawn from the training loop itself, a few times a second: a thread of its own would take turns with the training. The
cursor is never hidden and no mode of the terminal is changed, so there is nothing to put back however a run ends.
"""

from __future__ import annotations

import shutil
import sys
from time import perf_counter
from types import TracebackType
from typing import TextIO

import click

from specc.train.metrics import Metrics
from specc.train.progress import Ended, Epoch, Started, Watch, epoch_line, numbered, percent, short_epoch_line

EVERY = 0.25  # seconds between two drawings
LOSS_EVERY = 1.0  # the same for the loss, which may have to wait for the device
NARROWEST, WIDEST = 8, 30  # cells of the bar itself
COLUMN = 2  # cells between two columns


class Bar(Watch):
    """A bar with time left, loss, accuracy and rate, as many of them as the terminal is wide."""

    def __init__(self, stream: TextIO | None = None, *, colour: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.colour = colour
        self._full, self._empty = ("━", "─") if _can_show(self.stream, "━─…") else ("#", "-")
        self._epoch: Epoch | None = None
        self._metrics: Metrics | None = None
        self._drawn = 0  # cells of the line that stands there
        self._loss = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def say(self, line: str) -> None:
        self._clear()
        click.echo(line, file=self.stream)

    def run_starts(self, started: Started) -> None:
        self._metrics = started.metrics[-1] if started.metrics else None

    def epoch_starts(self, epoch: Epoch) -> None:
        self._epoch, self._done, self._loss = epoch, epoch.done, ""
        self._started = self._last = self._loss_read = perf_counter()
        self._draw(self._started)

    def step(self) -> None:
        self._done += 1
        now = perf_counter()
        if now - self._last >= EVERY or (self._epoch is not None and self._done == self._epoch.steps):
            self._draw(now)

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self._metrics = metrics
        line = epoch_line(metrics, epochs)
        self.say(line if len(line) < _width() else short_epoch_line(metrics, epochs))

    def run_ends(self, ended: Ended) -> None:
        self._clear()

    def _draw(self, now: float) -> None:
        if self._epoch is None:
            return
        if now - self._loss_read >= LOSS_EVERY or (not self._loss and self._done > self._epoch.done):
            self._loss, self._loss_read = f"loss {self._epoch.loss():.4f}", now
        self._last = now
        line, cells = self._line(self._epoch, now - self._started)
        padding = " " * max(0, self._drawn - cells)
        click.echo(f"\r{line}{padding}", file=self.stream, nl=False, color=True)
        self.stream.flush()
        self._drawn = cells

    def _line(self, epoch: Epoch, seconds: float) -> tuple[str, int]:
        """The line as it is printed, and how many cells it takes."""
        share = self._done / epoch.steps if epoch.steps else 1.0
        name = f"epoch {numbered(epoch.number, epoch.epochs)}"
        room = _width() - 1 - len(name) - COLUMN  # the last cell stays free: some terminals wrap when it is filled
        if room < NARROWEST:
            return name[: _width() - 1], min(len(name), _width() - 1)
        shown = []
        for text in self._columns(epoch, share, seconds):
            if text and room - len(text) - COLUMN >= NARROWEST:
                shown.append(text)
                room -= len(text) + COLUMN
        length = min(room, WIDEST)
        full = min(length, int(length * share))
        bar = self._styled(self._full * full) + self._empty * (length - full)
        line = (" " * COLUMN).join([name, bar, *shown])
        return line, len(name) + COLUMN + length + sum(len(text) + COLUMN for text in shown)

    def _columns(self, epoch: Epoch, share: float, seconds: float) -> list[str]:
        """What stands behind the bar; the first ones matter most."""
        here = self._done - epoch.done
        left = rate = ""
        if here and seconds > 0:
            per_step = seconds / here
            left = f"{clock(self._left(epoch, per_step))} left"
            rate = f"{in_thousands(epoch.pictures / per_step)} pictures/s"
        phase = "testing" if self._done == epoch.steps else f"{100 * share:3.0f} %"
        accuracy = self._metrics.test_accuracy if self._metrics else None
        return [phase, left, self._loss, "" if accuracy is None else f"accuracy {percent(accuracy)}", rate]

    def _left(self, epoch: Epoch, per_step: float) -> float:
        """Seconds until the run ends; an epoch that is finished tells what testing takes."""
        whole = max(epoch.steps * per_step, self._metrics.seconds if self._metrics and not epoch.done else 0)
        return whole - self._done * per_step + (epoch.epochs - epoch.number) * whole

    def _styled(self, text: str) -> str:
        return click.style(text, fg="cyan") if self.colour else text

    def _clear(self) -> None:
        if self._drawn:
            click.echo("\r" + " " * self._drawn + "\r", file=self.stream, nl=False)
            self.stream.flush()
            self._drawn = 0


def _width() -> int:
    return max(10, shutil.get_terminal_size().columns)


def _can_show(stream: TextIO, characters: str) -> bool:
    try:
        characters.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def clock(seconds: float) -> str:
    """A time as it is read.

    >>> clock(75), clock(3725)
    ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def in_thousands(number: float) -> str:
    """A number in few characters.

    >>> in_thousands(87.4), in_thousands(12_345)
    ('87', '12.3k')
    """
    return f"{number / 1000:.1f}k" if number >= 1000 else f"{number:.0f}"
