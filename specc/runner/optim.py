"""From the recipe to torch's optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.muon import MuonAdamW, muon_weights
from specc.runner.process import leave_compiler_alone

if TYPE_CHECKING:
    from torch import nn

TORCH_NAMES: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
FUSED = frozenset(("adam", "adamw", "sgd"))  # in one kernel over all weights; torch has none for rmsprop

# What each keeps for a weight: of the weight's shape, but for `step`, which is one number. Momenta are kept where there
# is momentum; muon's other weights are AdamW's.
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
MEMORY = {
    "adam": MOMENTS,
    "adamw": MOMENTS,
    "sgd": ("momentum_buffer",),
    "rmsprop": ("step", "square_avg", "momentum_buffer"),
    "muon": ("momentum_buffer",),
}


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are not frozen.

    Raises: Problem E617 where the network has none, E631 where this torch has no such optimizer.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not weights:
        raise Problem.of("E617", "the network has no weights to train",
            help="add a layer that has weights, such as `linear 10`, or remove `frozen`")  # fmt: skip
    leave_compiler_alone()
    arguments: dict[str, Any] = recipe.optimizer_arguments()
    if recipe.optimizer == "muon":
        return MuonAdamW(_muon_groups(model, weights, recipe), **arguments)
    # One kernel over all weights; where the bits of torch's own loop are asked for, an operation over all weights.
    fused = recipe.optimizer in FUSED and not recipe.exact
    arguments["fused" if fused else "foreach"] = True
    if recipe.decay_weights_only:
        # A weight of one dimension is a bias, or belongs to a normalisation or an activation.
        groups: list[dict[str, Any]] = [
            {"params": [weight for weight in weights if weight.dim() > 1]},
            {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
        ]
        return TORCH_NAMES[recipe.optimizer]([group for group in groups if group["params"]], **arguments)
    return TORCH_NAMES[recipe.optimizer](weights, **arguments)


def _muon_groups(model: nn.Module, weights: list[nn.Parameter], recipe: Recipe) -> list[dict[str, Any]]:
    inside = {id(weight) for weight in muon_weights(model)}
    rest = [weight for weight in weights if id(weight) not in inside]
    spared = [weight for weight in rest if recipe.decay_weights_only and weight.dim() <= 1]
    decayed = [weight for weight in rest if not recipe.decay_weights_only or weight.dim() > 1]
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in weights if id(weight) in inside], "muon": True},
        {"params": decayed, "muon": False},
        {"params": spared, "muon": False, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def layout_of_memory(model: nn.Module, recipe: Recipe) -> dict[str, torch.Tensor]:
    """What the recipe's optimizer keeps for this network from the first step on, as `WEIGHT/SLOT`; without numbers."""
    arguments = recipe.optimizer_arguments()
    own = MEMORY[recipe.optimizer]
    if recipe.optimizer != "muon" and not arguments.get("momentum"):
        own = tuple(slot for slot in own if slot != "momentum_buffer")
    muons = {id(weight) for weight in muon_weights(model)} if recipe.optimizer == "muon" else None
    one = torch.empty((), device="meta")
    return {
        f"{name}/{slot}": one if slot == "step" else weight.detach().to("meta")
        for name, weight in model.named_parameters()
        if weight.requires_grad
        for slot in (own if muons is None or id(weight) in muons else MEMORY["adamw"])
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
