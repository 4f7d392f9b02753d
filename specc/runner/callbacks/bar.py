"""The running epoch as a bar on a terminal, above it a line for each finished one; `rich` draws it.

Drawn from the training loop itself, a few times a second: a thread of its own would take turns with the training. The
cursor is never hidden and no mode of the terminal is changed, so there is nothing to put back however a run ends.
"""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Column

from specc.diagnostics.visible import visible_line
from specc.diagnostics.wrapping import wrapped
from specc.runner.callbacks.base import (
    Callback,
    Ended,
    Epoch,
    Started,
    epoch_line,
    loss_of,
    numbered,
    short_epoch_line,
)
from specc.runner.metrics import Metrics

EVERY = 0.25  # seconds between two drawings
LOSS_EVERY = 1.0  # the same for the loss, which may have to wait for the device
NARROWEST, WIDEST = 8, 30  # cells of the bar itself
FIELDS = ("name", "phase", "left", "loss", "result", "rate")  # after the name and the bar, the first matter most


class Terminal(Console):
    """A console that leaves the cursor visible: a process that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class Bar(Callback):
    """A bar with time left, loss, the last test's result and rate, as many of them as the terminal is wide."""

    def __init__(self, stream: TextIO | None = None, *, colour: bool = False) -> None:
        self._console = Terminal(
            file=stream, force_terminal=True, color_system="auto" if colour else None, no_color=not colour,
            markup=False, emoji=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        self._bar = BarColumn(complete_style="cyan", finished_style="cyan")
        self._texts = {name: _text(name) for name in FIELDS}
        # Other output is not taken over: standard error may go to a file of its own.
        self._progress = Progress(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )  # fmt: skip
        self._task = self._progress.add_task("", start=False, total=None)
        self._epoch: Epoch | None = None
        self._metrics: Metrics | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """The line, broken between words, takes the bar's place, which comes back with the next drawing."""
        self._progress.stop()
        encoding = self._console.encoding
        shown = visible_line(line).encode(encoding, errors="replace").decode(encoding)
        first, *others = wrapped(shown, self._console.width, self._console.width - 2)
        self._console.print("\n".join([first, *(f"  {line}" for line in others)]))

    def run_starts(self, started: Started) -> None:
        self._metrics = started.metrics[-1] if started.metrics else None

    def epoch_starts(self, epoch: Epoch) -> None:
        self._epoch, self._done, self._loss = epoch, epoch.done, ""
        self._started = self._loss_read = perf_counter()
        self._progress.reset(self._task, total=epoch.steps, completed=epoch.done)
        self._draw(self._started)

    def step(self) -> None:
        self._done += 1
        now = perf_counter()
        if now - self._last >= EVERY or (self._epoch is not None and self._done == self._epoch.steps):
            self._draw(now)

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self._metrics = metrics
        line = epoch_line(metrics, epochs)
        self.say(line if len(line) < self._console.width else short_epoch_line(metrics, epochs))

    def run_ends(self, ended: Ended) -> None:
        self._progress.stop()

    def _draw(self, now: float) -> None:
        if self._epoch is None:
            return
        if now - self._loss_read >= LOSS_EVERY or (not self._loss and self._done > self._epoch.done):
            self._loss, self._loss_read = loss_of(self._epoch.loss()), now
        self._last = now
        texts: dict[str, Any] = self._texts_now(self._epoch, now - self._started)
        self._progress.columns = self._fitting(texts)
        self._progress.update(self._task, completed=self._done, **texts)
        self._progress.start()
        self._progress.refresh()

    def _fitting(self, texts: dict[str, str]) -> tuple[ProgressColumn, ...]:
        """The name, the bar, and what has room beside them; the last cell stays free: some terminals wrap there."""
        name, *others = FIELDS
        room = self._console.width - 1 - len(texts[name]) - 1  # a cell between two columns
        if room < NARROWEST:
            return (self._texts[name],)
        shown = []
        for other in others:
            needed = len(texts[other]) + 2  # the same, and one that each of these begins with
            if texts[other] and room - needed >= NARROWEST:
                shown.append(self._texts[other])
                room -= needed
        self._bar.bar_width = min(room, WIDEST)
        return (self._texts[name], self._bar, *shown)

    def _texts_now(self, epoch: Epoch, seconds: float) -> dict[str, str]:
        """What stands beside the bar, by its name in `FIELDS`."""
        here = self._done - epoch.done
        left = rate = ""
        if here and seconds > 0:
            per_step = seconds / here
            left = f"{clock(self._left(epoch, per_step))} left"
            rate = f"{in_thousands(epoch.pictures / per_step)} pictures/s"
        share = self._done / epoch.steps if epoch.steps else 1.0
        phase = "testing" if self._done == epoch.steps else f"{100 * share:3.0f} %"
        found = self._metrics.compared("test") if self._metrics else None
        shown = f"{found[0].title} {found[0].text(found[1])}" if found else ""
        name = f"epoch {numbered(epoch.number, epoch.epochs)}"
        return {"name": name, "phase": phase, "left": left, "loss": self._loss, "result": shown, "rate": rate}

    def _left(self, epoch: Epoch, per_step: float) -> float:
        """Seconds until the run ends; an epoch that is finished tells what testing takes."""
        whole = max(epoch.steps * per_step, self._metrics.seconds if self._metrics and not epoch.done else 0)
        return whole - self._done * per_step + (epoch.epochs - epoch.number) * whole


def _text(name: str) -> TextColumn:
    place = Column(no_wrap=True, overflow="crop")
    margin = "" if name == FIELDS[0] else " "
    return TextColumn(f"{margin}{{task.fields[{name}]}}", style="none", markup=False, table_column=place)


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
