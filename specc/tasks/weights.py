"""What the classes count in the loss: rare ones more."""

from __future__ import annotations

from typing import Literal, TypeAlias

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.tasks.task import Targets, not_learned

Weights: TypeAlias = "Literal['balanced'] | tuple[float, ...] | None"


def refused(weights: Weights, targets: Targets) -> Problem | None:
    """Why the weights are not those of the data's classes."""
    if not isinstance(weights, tuple) or len(weights) == targets.number:
        return None
    message = f"`class_weights` has {counted(len(weights), 'number')}, and {targets.data} has {targets}"
    return not_learned(message, "give one number for each class, in the order of their names, or `balanced`")


def weights_of(weights: Weights, targets: Targets) -> tuple[float, ...] | None:
    """What a sample of each class counts, the mean training sample 1; balanced, each class counts alike as a whole.

    >>> weights_of("balanced", Targets("pets", ("cat", "dog"), counts=(30, 10)))
    (0.6666666666666666, 2.0)
    >>> weights_of((1, 5), Targets("pets", ("cat", "dog"), counts=(30, 10)))
    (0.5, 2.5)
    """
    counts = targets.counts
    if weights is None or counts is None:
        return None if weights == "balanced" else weights
    shares = [1 / count if count else 0.0 for count in counts] if weights == "balanced" else weights
    whole = sum(share * count for share, count in zip(shares, counts, strict=True))
    return tuple(share * sum(counts) / whole for share in shares) if whole else None
