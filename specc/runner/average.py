"""The moving average of the weights: a second network that follows the first."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch

from specc.runner.known import trained_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn


class Average:
    """An exponential moving average of everything that training changes in a network.

    Statistics of normalisations are averaged like weights; what else a module keeps, such as a count, is copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = deepcopy(model).requires_grad_(False)
        self.decay = decay
        moving = {id(tensor) for tensor in trained_tensors(model) if tensor.is_floating_point()}
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        self._moving = [(mine, theirs) for mine, theirs in pairs if id(theirs) in moving]
        self._copied = [(mine, theirs) for mine, theirs in pairs if id(theirs) not in moving]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move towards the network after a step, counted from 0; further in the first steps, so that the random
        weights of the beginning do not stay."""
        kept = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = ([pair[side] for pair in self._moving] for side in (0, 1))
        torch._foreach_lerp_(mine, theirs, 1 - kept)
        for own, other in self._copied:
            own.copy_(other)


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
