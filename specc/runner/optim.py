"""From the recipe to torch's optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from specc.diagnostics.diagnostic import Problem
from specc.recipe.entries import resolved
from specc.recipe.optimizers import OPTIMIZERS
from specc.recipe.recipe import Recipe
from specc.runner.cpu.process import leave_compiler_alone

if TYPE_CHECKING:
    from torch import nn

Group = dict[str, Any]


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are not frozen.

    Raises: Problem E617 where the network has none, E631 where this torch has no such optimizer.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise Problem.of("E617", "the network has no weights to train",
            help="add a layer that has weights, such as `linear 10`, or remove `frozen`")  # fmt: skip
    leave_compiler_alone()
    entry, arguments = OPTIMIZERS[recipe.optimizer], dict(recipe.optimizer_arguments())
    make, spared = resolved(entry.torch), recipe.decay_weights_only
    if entry.parts:
        return make(resolved(entry.parts).groups(model, weights, spared), **arguments)  # type: ignore[no-any-return] # by name
    # One kernel over all weights; where the bits of torch's own loop are asked for, an operation over all weights.
    arguments["fused" if entry.fused and not recipe.exact else "foreach"] = True
    return make(decayed_apart(weights) if spared else weights, **arguments)  # type: ignore[no-any-return] # by name


def decayed_apart(weights: list[nn.Parameter]) -> list[Group]:
    """Kernels and matrices, and the others, which do not decay: a weight of one dimension is a bias, or belongs to a
    normalisation or an activation."""
    groups: list[Group] = [
        {"params": [weight for weight in weights if weight.dim() > 1]},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def optimizer_note(model: nn.Module, recipe: Recipe) -> str:
    """What the first line of a run says of an optimizer beside its arguments; empty for most."""
    parts = OPTIMIZERS[recipe.optimizer].parts
    return str(resolved(parts).note(model)) if parts else ""


def layout_of_memory(model: nn.Module, recipe: Recipe) -> dict[str, torch.Tensor]:
    """What the recipe's optimizer keeps for this network from the first step on, as `WEIGHT/SLOT`; without numbers."""
    entry = OPTIMIZERS[recipe.optimizer]
    own = entry.memory
    if not recipe.optimizer_arguments().get("momentum"):
        own = tuple(slot for slot in own if slot != "momentum_buffer")
    kept: dict[int, tuple[str, ...]] = resolved(entry.parts).memory(model) if entry.parts else {}
    one = torch.empty((), device="meta")
    return {
        f"{name}/{slot}": one if slot == "step" else weight.detach().to("meta")
        for name, weight in model.named_parameters()
        if weight.requires_grad
        for slot in kept.get(id(weight), own)
    }


def memory_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What the optimizer keeps, as `WEIGHT/SLOT`; empty before the first step."""
    return {
        f"{name}/{slot}": tensor
        for name, weight in model.named_parameters()
        for slot, tensor in optimizer.state.get(weight, {}).items()
        if tensor is not None
    }


def set_memory(model: nn.Module, optimizer: torch.optim.Optimizer, memory: dict[str, torch.Tensor]) -> None:
    """Put back what `memory_of` gave, or a part of it, each tensor in the layout of its weight."""
    named = dict(model.named_parameters())
    kept: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
    for name, tensor in memory.items():
        owner, _, slot = name.rpartition("/")
        weight = named[owner]
        value = torch.empty_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor.clone()
        kept.setdefault(weight, {})[slot] = value
    content = optimizer.state_dict()
    order = [weight for group in optimizer.param_groups for weight in group["params"]]
    if kept and isinstance(optimizer, torch.optim.SGD):
        # The fused form takes momenta for all weights or for none; one of zero is as good as none.
        kept |= {weight: {"momentum_buffer": torch.zeros_like(weight)} for weight in order if weight not in kept}
    content["state"] = {number: kept[weight] for number, weight in enumerate(order) if weight in kept}
    optimizer.load_state_dict(content)
