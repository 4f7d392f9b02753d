"""From the recipe to torch's optimizer, and to the learning rate in each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.recipe.entries import resolved
from specc.recipe.optimizers import OPTIMIZERS, SHAPES
from specc.recipe.recipe import Recipe
from specc.recipe.schedules import SCHEDULES, Course
from specc.runner.cpu.process import leave_compiler_alone

if TYPE_CHECKING:
    from torch import nn

Group = dict[str, Any]
Schedule = Callable[[int], float]  # what the recipe's rate is multiplied by in a step, counted from 0


class Parts(NamedTuple):
    """What is treated otherwise than the rest of the weights.

    factors: of the rate and of the weight decay, by a weight's `id`. later: weights that begin to learn later.
    """

    factors: Mapping[int, tuple[float, float]]
    later: Sequence[nn.Parameter]


NO_PARTS = Parts({}, ())
BY_PART = ("freeze_after", "rates", "layer_decay", "decays")  # what the first line of a run says as the recipe does


def make_optimizer(model: nn.Module, recipe: Recipe, parts: Parts = NO_PARTS) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are trained, now or later.

    Args:   parts, of the network that are treated otherwise.
    Raises: Problem E617 where the network has none, E631 where this torch has no such optimizer.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    later = {id(weight) for weight in parts.later}
    if all(id(weight) in later for weight in weights):
        way_out = "add a layer that has weights, such as `linear 10`, or remove `frozen`"
        way_out = "leave something out of `freeze`" if recipe.freeze else way_out
        raise Problem.of("E617", "the network has no weights to train", help=way_out)
    leave_compiler_alone()
    entry, arguments = OPTIMIZERS[recipe.optimizer], dict(recipe.optimizer_arguments())
    make, spared = resolved(entry.torch), recipe.decay_weights_only
    if entry.parts:
        groups = resolved(entry.parts).groups(model, weights, spared, arguments)
    else:
        groups = decayed_apart(weights) if spared else [{"params": weights}]
    groups = list(parted(groups, parts, arguments))
    if not entry.parts:
        # One kernel over all weights; where the bits of torch's own loop are asked for, an operation over all weights.
        arguments["fused" if entry.fused and not recipe.exact else "foreach"] = True
    return make(groups, **arguments)  # type: ignore[no-any-return] # by name


def parted(groups: list[Group], parts: Parts, arguments: Mapping[str, Any]) -> Iterator[Group]:
    """Groups of which each has one rate, one decay, and weights that begin to learn in one epoch: a kernel over all
    weights of a group wants the memory of all or of none."""
    later = {id(weight) for weight in parts.later}
    for group in groups:
        found: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
        for weight in group["params"]:
            key = (*parts.factors.get(id(weight), (1.0, 1.0)), id(weight) in later)
            found.setdefault(key, []).append(weight)
        for (rate, decay, _), weights in found.items():
            decayed = group.get("weight_decay", arguments["weight_decay"])
            own = {"lr": group.get("lr", arguments["lr"]) * rate} if rate != 1 else {}
            own |= {"weight_decay": decayed * decay} if decay != 1 else {}
            yield {**group, "params": weights, **own}


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
    said = [str(resolved(parts).note(model, recipe.optimizer_arguments()))] if parts else []
    for name in BY_PART:
        value = getattr(recipe, name)
        said += [f"{name.replace('_', ' ')} {value}"] if value != Recipe.model_fields[name].default else []
    if recipe.unfreeze_after is not None:
        said.append(f"{recipe.freeze} frozen for {counted(recipe.unfreeze_after, 'epoch')}")
    return "; ".join(said)


def layout_of_memory(model: nn.Module, recipe: Recipe, later: Sequence[nn.Parameter] = ()) -> dict[str, torch.Tensor]:
    """What the recipe's optimizer keeps for this network from the first step on, as `WEIGHT/SLOT`; without numbers.

    Args: later, weights that do not learn yet and are counted, too.
    """
    entry = OPTIMIZERS[recipe.optimizer]
    own, arguments = entry.memory, recipe.optimizer_arguments()
    if not arguments.get("momentum"):
        own = tuple(slot for slot in own if slot != "momentum_buffer")
    kept: dict[int, tuple[str, ...]] = resolved(entry.parts).memory(model, arguments) if entry.parts else {}
    counted = {id(weight) for weight in later}
    return {
        f"{name}/{slot}": _empty(weight, slot)
        for name, weight in model.named_parameters()
        if weight.requires_grad or id(weight) in counted
        for slot in kept.get(id(weight), entry.of_vectors if entry.of_vectors and weight.dim() < 2 else own)
    }


def _empty(weight: nn.Parameter, slot: str) -> torch.Tensor:
    """What is kept of a weight in a slot, without numbers."""
    shape = SHAPES[slot](tuple(weight.shape)) if slot in SHAPES else weight.shape
    dtype = torch.float32 if slot == "step" else weight.dtype
    return torch.empty(shape, dtype=dtype, device="meta")


def memory_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What the optimizer keeps for what learns, as `WEIGHT/SLOT`; empty before the first step."""
    return {
        f"{name}/{slot}": tensor
        for name, weight in model.named_parameters()
        if weight.requires_grad
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
    for group in optimizer.param_groups:
        # SGD's fused form takes momenta for all weights of a group or for none; one of zero is as good as none.
        if isinstance(optimizer, torch.optim.SGD) or group.get("rest_momentum"):
            missing = [weight for weight in group["params"] if weight not in kept]
            if len(missing) < len(group["params"]):
                kept |= {weight: {"momentum_buffer": torch.zeros_like(weight)} for weight in missing}
    content["state"] = {number: kept[weight] for number, weight in enumerate(order) if weight in kept}
    optimizer.load_state_dict(content)


def make_schedule(recipe: Recipe, steps: int, results: Callable[[], Sequence[float]] = tuple) -> Schedule:
    """What the recipe's learning rate is multiplied by in each step, counted from 0.

    Args: steps, in an epoch. results, gives the scores of the finished epochs, more is better.
    """
    entry, total = SCHEDULES[recipe.schedule], recipe.steps(steps)
    warmup = round(recipe.warmup * steps + recipe.warmup_ratio * total)
    if entry.warms:
        warmup = 0
    course = Course(0, total, warmup, steps, recipe, results)
    return lambda step: (step + 1) / warmup if step < warmup else entry.factor(course._replace(step=step))
