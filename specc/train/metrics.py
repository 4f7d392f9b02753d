"""What a run measures."""

from __future__ import annotations

from typing import NamedTuple


class Metrics(NamedTuple):
    """One epoch, a line of `metrics.jsonl`; the field names are its keys.

    epoch:         from 1.
    train_loss:    mean cross-entropy over the epoch's steps, while the weights change, in nats.
    test_loss:     mean cross-entropy over the test split after the epoch.
    test_accuracy: share of right answers there, 0 to 1.
    seconds:       wall time of training and evaluation.
    """

    epoch: int
    train_loss: float
    test_loss: float
    test_accuracy: float
    seconds: float
