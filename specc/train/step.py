"""One step of training: the gradient of one or more batches, then one change of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_

from specc.ir.recipe import Recipe
from specc.train.average import Average
from specc.train.halves import Halves
from specc.train.objective import objective_of
from specc.train.plain_step import step_of
from specc.train.precision import Precision
from specc.train.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.train.distributed.group import Group


class Step:
    """Changes a network's weights as a recipe says."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        recipe: Recipe,
        average: Average | None = None,
        group: Group | None = None,
        precision: Precision | None = None,
        halves: Halves | None = None,
    ) -> None:
        """group: the processes that share the gradient, where there are more than this one.
        halves: of the network, where it is faster in two."""
        self.model = model if group is None else group.parallel(model)
        self.optimizer, self.schedule, self.average, self.group = optimizer, schedule, average, group
        self.precision, self._step, self.halves = precision or Precision(), step_of(optimizer), halves
        self.objective, self.clip = objective_of(recipe), recipe.clip
        self._rates: list[float] = [group["lr"] for group in optimizer.param_groups]
        self._weights = [weight for group in optimizer.param_groups for weight in group["params"]]

    def __call__(self, number: int, batches: Iterable[tuple[Tensor, Tensor]], sizes: Sequence[int]) -> Tensor:
        """Take the step with this number, counted from 0 over the whole run.

        Args:    batches of these sizes, of which each process has its part; the gradient is that of the mean picture.
        Returns: its loss, on the device, not waited for; the mean over all processes is that of the mean picture.
        """
        with self.cores():
            return self._taken(number, batches, sizes)

    def close(self) -> None:
        """End what runs beside this thread, once the last step is taken."""
        if self.halves is not None:
            self.halves.close()

    def cores(self) -> AbstractContextManager[None]:
        """While entered, torch has the threads that it has in a step."""
        return nullcontext() if self.halves is None else self.halves.cores()

    def _taken(self, number: int, batches: Iterable[tuple[Tensor, Tensor]], sizes: Sequence[int]) -> Tensor:
        factor = self.schedule(number)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        pictures = sum(sizes)
        losses = [
            self._gradient(images, targets, len(images) / pictures, is_last=part == len(sizes))
            for part, (images, targets) in enumerate(batches, 1)
        ]
        self.precision.unscale(self.optimizer)
        if self.clip is not None:
            clip_grad_norm_(self._weights, self.clip)
        self.precision.step(self.optimizer, self._step)
        if self.average is not None:
            self.average.follow(number)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _gradient(self, images: Tensor, targets: Tensor, share: float, *, is_last: bool) -> Tensor:
        group = self.group
        with nullcontext() if group is None or is_last else group.apart(self.model):
            if self.halves is None:
                return self._part(self.model, images, targets, share)
            return self.halves.gradient(self._part, images, targets, share)

    def _part(self, model: nn.Module, images: Tensor, targets: Tensor, share: float) -> Tensor:
        """Add the gradient of some pictures, which count by a share; returns their loss."""
        loss = self._loss(model, images, targets)
        if share != 1:
            loss = loss * share
        if self.group is not None and self.group.place.size > 1:  # the exchange takes the mean over the processes
            loss = loss * self.group.place.size
        self.precision.backward(loss)
        return loss.detach()

    def _loss(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        if not len(images):  # no part of a last batch is this process's: it takes part in the exchange with nothing
            return model(images.new_zeros((1, *images.shape[1:]))).sum()  # type: ignore[no-any-return] # a module
        return self.objective.loss(model(images), images, targets)
