"""What follows a network's weights while they are trained: averages, which are tested and kept, and slow weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from specc.build.known import trained_tensors
from specc.runner.state import Weights, misfit_of

if TYPE_CHECKING:
    from specc.data.batches import Batches
    from specc.recipe.recipe import Recipe


class Follower(Protocol):
    """Is told of each step."""

    def follow(self, step: int) -> None:
        """After a step, counted over the whole run from 0."""


class Average(Weights):
    """A second network, whose weights follow those of the one that is trained.

    Statistics of normalisations are averaged like weights; what else a module keeps, such as a count, is copied.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(deepcopy(model).requires_grad_(False), "average")
        moving = {id(tensor) for tensor in trained_tensors(model) if tensor.is_floating_point()}
        mine, theirs = ([*one.parameters(), *one.buffers()] for one in (self.model, model))
        pairs = list(zip(mine, theirs, strict=True))
        self._moving = [(mine, theirs) for mine, theirs in pairs if id(theirs) in moving]
        self._copied = [(mine, theirs) for mine, theirs in pairs if id(theirs) not in moving]

    @torch.no_grad()
    def move(self, share: float) -> None:
        """A share of the way towards the network."""
        mine, theirs = ([pair[side] for pair in self._moving] for side in (0, 1))
        torch._foreach_lerp_(mine, theirs, share)
        for own, other in self._copied:
            own.copy_(other)

    def follow(self, step: int) -> None:
        """After a step, counted over the whole run from 0."""

    def end_epoch(self, epoch: int) -> bool:
        """After the steps of an epoch, counted from 1. Returns: whether statistics are to be renewed."""
        return False


class EMA(Average):
    """An exponential moving average of everything that training changes in a network."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    def follow(self, step: int) -> None:
        """Further in the first steps, so that the random weights of the beginning do not stay."""
        self.move(1 - min(self.decay, (1 + step) / (10 + step)))


class SWA(Average):
    """The mean of the weights that each epoch from one on ended with; before it, those of the network.

    Source: Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization".
    """

    COUNTS = "averaged"

    def __init__(self, model: nn.Module, first: int) -> None:
        super().__init__(model)
        self.first = first
        self.count = self.last = 0  # epochs that are in the mean, and the latest that was looked at

    def end_epoch(self, epoch: int) -> bool:
        """Once for each epoch, however often a run is stopped while that one is tested."""
        if epoch <= self.last:
            return False
        self.last = epoch
        self.count += epoch >= self.first
        self.move(1 / max(1, self.count))
        return self.count > 1

    def state_dict(self) -> dict[str, Tensor]:
        return {**super().state_dict(), self.COUNTS: torch.tensor([self.count, self.last])}

    def load_state_dict(self, state: dict[str, Tensor], step: int) -> None:
        self.count, self.last = state[self.COUNTS].tolist()
        super().load_state_dict({name: tensor for name, tensor in state.items() if name != self.COUNTS}, step)

    def adopt(self, state: dict[str, Tensor]) -> list[str]:
        """The mean of another network's weights is none of this one's."""
        self.count = self.last = 0
        return []


class Lookahead:
    """Slow weights, which go a share of the way to the fast ones every few steps, and the fast ones begin there again.

    Source: Zhang et al. 2019, "Lookahead Optimizer: k steps forward, 1 step back"; of a share that falls, Jordan 2024,
    "94% on CIFAR-10 in 3.29 Seconds on a Single GPU".
    """

    def __init__(self, model: nn.Module, steps: int, share: Callable[[int], float]) -> None:
        """share: of the way, after so many steps of the run."""
        self.steps, self.share = steps, share
        self._fast: dict[str, Tensor] = dict(model.named_parameters())
        self._slow = {name: weight.detach().clone() for name, weight in self._fast.items()}

    def restart(self) -> None:
        """The slow weights are where the fast ones are."""
        for name, weight in self._fast.items():
            self._slow[name].copy_(weight.detach())

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """After a step, counted over the whole run from 0."""
        if (step + 1) % self.steps == 0:
            slow, fast = list(self._slow.values()), list(self._fast.values())
            torch._foreach_lerp_(slow, fast, self.share(step + 1))
            torch._foreach_copy_(fast, slow)

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self._slow)

    def objection(self, state: dict[str, Tensor], step: int) -> str | None:
        return misfit_of("slow", self._slow, state)

    def load_state_dict(self, state: dict[str, Tensor], step: int) -> None:
        for name, tensor in state.items():
            self._slow[name].copy_(tensor)


def lookahead_of(model: nn.Module, recipe: Recipe, total: int) -> Lookahead | None:
    """The slow weights that a recipe asks for. Args: total, steps of the whole run."""
    if recipe.lookahead is None:
        return None
    alpha, falls = recipe.lookahead_alpha, recipe.lookahead_schedule == "cubic"
    return Lookahead(model, recipe.lookahead, lambda step: 1 - (1 - alpha) * (step / total) ** 3 if falls else alpha)


def average_of(model: nn.Module, recipe: Recipe) -> Average | None:
    """What is tested in place of the network, None where that is the network itself."""
    if recipe.swa_from is not None:
        return SWA(model, recipe.swa_from)
    return None if recipe.average is None else EMA(model, recipe.average)


@torch.no_grad()
def renew_statistics(network: nn.Module, norms: Sequence[nn.Module], batches: Batches) -> None:
    """Let batch normalisations have the statistics of all training samples as this network sees them; nothing is
    augmented, dropped or drawn.

    Args: network, as it is run. norms, those of its modules that are meant.
    """
    meant = [module for module in norms if isinstance(module, _BatchNorm) and module.track_running_stats]
    if not meant:
        return
    network.eval()
    momenta = [module.momentum for module in meant]
    for module in meant:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
        module.train()
    for x in _samples(batches):
        network(x)
    for module, momentum in zip(meant, momenta, strict=True):
        module.momentum = momentum
    network.eval()


def _samples(batches: Batches) -> Iterator[Tensor]:
    """A batch of one says nothing of how samples differ."""
    return (x for x, _ in batches.in_order() if len(x) > 1)
