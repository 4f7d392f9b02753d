"""What a run tells while it goes on: a callback hears of each step and epoch. How an epoch is put in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from specc.diagnostics.amounts import duration
from specc.runner.metrics import LOSS_WIDTH, Metrics, best_of, loss_text


class Started(NamedTuple):
    """A run that is about to train, or to go on.

    folder: its own. recipe: the content of `recipe.json`. parameters: trainable ones. metrics: of finished epochs.
    weights: the content of a weights file with the network as it is when it is asked for; may wait for the device.
    """

    folder: Path
    recipe: Mapping[str, Any]
    parameters: int
    metrics: tuple[Metrics, ...] = ()
    weights: Callable[[], bytes] = bytes


class Epoch(NamedTuple):
    """An epoch that begins, or goes on.

    number:   from 1, of so many epochs.
    steps:    training steps in it; done: those that are done already.
    pictures: in a step.
    loss:     the mean loss of the latest steps, when it is asked for; may wait for the device.
    """

    number: int
    epochs: int
    steps: int
    done: int
    pictures: int
    loss: Callable[[], float]


class Ended(NamedTuple):
    """A run that has ended. report: its page, None where there is none.

    state: "done", "stopped" by a signal, or for loggers "failed". adopted_after: as in its record.
    """

    folder: Path
    state: str
    metrics: tuple[Metrics, ...]
    report: Path | None = None
    adopted_after: int = 0


class Callback:
    """Is told what happens in a run; this one keeps it to itself."""

    def __enter__(self) -> Callback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, line: str) -> None:
        """One sentence for the person."""

    def warn(self, message: str) -> None:
        """Something went wrong that does not end the run."""
        self.say(f"warning: {message}")

    def run_starts(self, started: Started) -> None:
        """Everything fits and is loaded; training begins."""

    def epoch_starts(self, epoch: Epoch) -> None:
        """An epoch begins, or goes on where some of its steps are done."""

    def step(self) -> None:
        """One training step is done."""

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        """An epoch is trained, evaluated and written."""
        self.say(epoch_line(metrics, epochs))

    def run_ends(self, ended: Ended) -> None:
        """Everything that the run leaves behind is written."""


def epoch_line(metrics: Metrics, epochs: int) -> str:
    """An epoch in one line.

    >>> epoch_line(Metrics(1, 0.5, 0.25, 1.5, measures={"train_accuracy": 0.875, "test_accuracy": 0.9375}), 10)
    'epoch  1/10  train loss 0.5000  train accuracy 87.50 %  test loss 0.2500  test accuracy 93.75 %  1.5 s'
    """
    parts = [f"epoch {numbered(metrics.epoch, epochs)}", f"train {loss_of(metrics.train_loss)}"]
    parts += _measures(metrics, "train")
    if metrics.validation_loss is not None:
        parts += _measures(metrics, "validation") or [f"validation {loss_of(metrics.validation_loss)}"]
    parts += [f"test {loss_of(metrics.test_loss)}", *_measures(metrics, "test")]
    return "  ".join([*parts, f"{duration(metrics.seconds)}"])


def _measures(metrics: Metrics, split: str) -> list[str]:
    """What the line of an epoch tells of a split besides its loss."""
    return [f"{split} {one.title} {one.text(value)}" for one, value in metrics.told(split).items() if one.in_line]


def best_line(metrics: Sequence[Metrics]) -> str:
    """The result of a run with these epochs, of which there is at least one, in one line.

    >>> best_line([Metrics(1, 0.5, 0.25, 1.5, measures={"test_accuracy": 0.9375})])
    'test accuracy 93.75 % in epoch 1'
    """
    best = best_of(metrics)
    assert best is not None  # noqa: S101 - there is an epoch
    return f"test {result(best)} in epoch {best.epoch}" + (f", {why_best(best)}" if len(metrics) > 1 else "")


def result(metrics: Metrics, split: str = "test") -> str:
    """What epochs are compared by, of a split, in words: `accuracy 93.75 %`."""
    found = metrics.compared(split)
    if found is not None:
        return f"{found[0].title} {found[0].text(found[1])}"
    loss = metrics.validation_loss if split == "validation" else metrics.test_loss
    return f"loss {0.0 if loss is None else loss:.4g}"


def why_best(best: Metrics) -> str:
    """Why an epoch is the best one, and what follows for its figures; to be read after the number of the epoch.

    >>> why_best(Metrics(7, 0.5, 0.25, 1.5, 0.26, {"test_accuracy": 0.9375, "validation_accuracy": 0.94}))
    'chosen for its validation accuracy of 94.00 %'
    """
    if best.judged_on == "test":
        return "chosen on the same test samples, so it flatters; `--validation 0.1` chooses on others"
    found = best.compared("validation")
    if found is None:
        return f"chosen for its validation {loss_of(best.validation_loss or 0.0)}"
    return f"chosen for its validation {found[0].title} of {found[0].text(found[1])}"


def short_epoch_line(metrics: Metrics, epochs: int) -> str:
    """The same for a narrow terminal.

    >>> short_epoch_line(Metrics(1, 0.5, 0.25, 1.5, measures={"test_accuracy": 0.9375}), 10)
    ' 1/10  loss 0.2500  93.75 %  1.5 s'
    """
    found = metrics.compared("test")
    shown = f"  {found[0].text(found[1])}" if found else ""
    return f"{numbered(metrics.epoch, epochs)}  {loss_of(metrics.test_loss)}{shown}  {duration(metrics.seconds)}"


def loss_of(value: float) -> str:
    """`loss 0.2500`, as wide for every value."""
    return f"loss {loss_text(value):>{LOSS_WIDTH}}"


def numbered(epoch: int, epochs: int) -> str:
    return f"{epoch}/{epochs}".rjust(2 * len(str(epochs)) + 1)
