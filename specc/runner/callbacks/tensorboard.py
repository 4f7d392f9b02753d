"""TensorBoard: event files in the run folder; `tensorboard --logdir runs` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from specc.runner.callbacks.base import Ended, Started
from specc.runner.callbacks.logger import Logger, flat_recipe

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class TensorBoard(Logger):
    """Scalars under `loss/…` and `accuracy/…`, so that curves that belong together share a chart."""

    def prepare(self) -> None:
        import_module("tensorboard")  # only whether it is there: torch's writer is imported when it is needed

    def start(self, started: Started) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # What a stopped run had logged of epochs that it runs again is hidden by the step at which this file begins.
        again = len(started.metrics) + 1 if started.metrics else None
        self._writer: SummaryWriter = SummaryWriter(started.folder / FOLDER, purge_step=again)
        rows = "\n".join(f"| {name} | {value} |" for name, value in flat_recipe(started.recipe).items())
        self._writer.add_text("recipe", f"| setting | value |\n|---|---|\n{rows}", len(started.metrics))

    def log(self, values: Mapping[str, float], epoch: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(grouped(name), value, epoch)
        self._writer.flush()

    def end(self, ended: Ended) -> None:
        self._writer.close()


def grouped(name: str) -> str:
    """`test_loss` as `loss/test`.

    >>> grouped("test_loss"), grouped("seconds")
    ('loss/test', 'seconds')
    """
    split, _, measure = name.rpartition("_")
    return f"{measure}/{split}" if split else name
