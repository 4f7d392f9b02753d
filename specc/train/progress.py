"""What a person sees of a run: nothing, a line an epoch, or a bar."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import click

from specc.train.metrics import Metrics

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Watch:
    """Is told what happens in a run; this one keeps it to itself."""

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, line: str) -> None:
        """One sentence for the person."""

    def epoch_starts(self, epoch: int, epochs: int, steps: int, done: int) -> None:
        """An epoch of so many training steps begins, or goes on where some of them are done."""

    def step(self) -> None:
        """One training step is done."""

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        """An epoch is trained, evaluated and written."""
        self.say(epoch_line(metrics, epochs))


class Lines(Watch):
    """A plain line an epoch, for a pipe or a file."""

    def say(self, line: str) -> None:
        click.echo(line)


class Bar(Watch):
    """A bar for the running epoch above which the finished ones stay, for a terminal."""

    def __enter__(self) -> Bar:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress: Progress = Progress(*columns, transient=True)
        self._task: TaskID = self._progress.add_task("", total=None, visible=False)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)

    def epoch_starts(self, epoch: int, epochs: int, steps: int, done: int) -> None:
        description = f"epoch {epoch}/{epochs}"
        self._progress.reset(self._task, total=steps, completed=done, visible=True, description=description)

    def step(self) -> None:
        self._progress.advance(self._task)


def epoch_line(metrics: Metrics, epochs: int) -> str:
    """An epoch in one line.

    >>> epoch_line(Metrics(1, 0.5, 0.25, 0.9375, 1.5), 10)
    'epoch  1/10  train loss 0.5000  test loss 0.2500  test accuracy 93.75 %  1.5 s'
    """
    number = f"{metrics.epoch}/{epochs}".rjust(2 * len(str(epochs)) + 1)
    return (
        f"epoch {number}  train loss {metrics.train_loss:.4f}  test loss {metrics.test_loss:.4f}  "
        f"test accuracy {100 * metrics.test_accuracy:.2f} %  {metrics.seconds:.1f} s"
    )
