"""One step of training: the gradient of one or more batches, then one change of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from specc.ir.recipe import Recipe
from specc.train.average import Average
from specc.train.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn


class Step:
    """Changes a network's weights as a recipe says."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        recipe: Recipe,
        average: Average | None = None,
    ) -> None:
        self.model, self.optimizer, self.schedule, self.average = model, optimizer, schedule, average
        self.smoothing, self.clip = recipe.label_smoothing, recipe.clip
        self._rates: list[float] = [group["lr"] for group in optimizer.param_groups]
        self._weights = [weight for group in optimizer.param_groups for weight in group["params"]]

    def __call__(self, number: int, batches: Iterable[tuple[Tensor, Tensor]], pictures: int) -> Tensor:
        """Take the step with this number, counted from 0 over the whole run.

        Args:    batches of so many pictures together; the gradient is that of the mean picture.
        Returns: its loss, on the device, not waited for.
        """
        factor = self.schedule(number)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        losses = [self._gradient(images, targets, len(images) / pictures) for images, targets in batches]
        if self.clip is not None:
            clip_grad_norm_(self._weights, self.clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.follow(number)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _gradient(self, images: Tensor, targets: Tensor, share: float) -> Tensor:
        loss = cross_entropy(self.model(images), targets, label_smoothing=self.smoothing)
        if share != 1:
            loss = loss * share
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        return loss.detach()
