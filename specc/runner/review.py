"""What a network answers to the samples of a split, and where it is wrong: for `specc eval` and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch

from specc.data.batches import Batches
from specc.runner.device import explained

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.tasks.review import Review
    from specc.tasks.task import Goal


def ignored(outputs: Tensor, y: Tensor) -> None:
    """Nobody watches."""


@torch.no_grad()
def reviewed(
    model: nn.Module,
    batches: Batches,
    goal: Goal,
    examples: int = 0,
    outputs: Iterable[Tensor] | None = None,
    watch: Callable[[Tensor, Tensor], None] = ignored,
) -> Review:
    """A pass over a split as `specc.runner.loop.evaluate` makes it, looked at closely: answers, their mistakes, so many
    samples to show.

    Args:   outputs, of each batch where they have been kept. watch, is told what the network gives for each batch,
            and what is true.
    Raises: Problem E618.
    """
    model.eval()
    reviewer, kept = goal.reviewer(batches.device, examples), iter(outputs or ())
    with explained():
        for x, y in batches.in_order():
            found = next(kept, None)
            found = model(x) if found is None else found
            reviewer.update(found, x, y)
            watch(found, y)
    return reviewer.result(len(batches))
