"""From the recipe to torch's optimizer and learning rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler

from specc.diagnostics.diagnostic import Problem
from specc.ir.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

TORCH_NAMES: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
FUSED = frozenset(("adam", "adamw", "sgd"))  # in one kernel over all weights; torch has none for rmsprop


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are not frozen.

    Raises: Problem E617 where the network has none.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise Problem.of("E617", "the network has no weights to train",
            help="add a layer that has weights, such as `linear 10`, or take `frozen` away")  # fmt: skip
    arguments: dict[str, Any] = recipe.optimizer_arguments()
    if recipe.optimizer in FUSED:
        arguments["fused"] = True
    return TORCH_NAMES[recipe.optimizer](weights, **arguments)


def make_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The recipe's learning rate over a run of so many steps; it is to be told of each of them."""
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    return ConstantLR(optimizer, factor=1.0, total_iters=0)
