"""How far a run has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from specc.runner.metrics import Metrics


@dataclass
class Position:
    """A place between two steps of a run.

    epoch:   finished epochs. step: finished steps of the epoch that runs.
    seconds: spent in that epoch before this process went on with it.
    metrics: of each finished epoch.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: list[Metrics] = field(default_factory=list)

    def next_epoch(self, metrics: Metrics) -> None:
        """The running epoch is finished."""
        self.metrics.append(metrics)
        self.epoch, self.step, self.seconds = self.epoch + 1, 0, 0.0
