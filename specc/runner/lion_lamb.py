"""Optimizers that torch has not, each by its paper's formula: Lion and LAMB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _Optimizer(torch.optim.Optimizer):
    """Has its settings as they are given; `foreach`, which is given to every optimizer, changes nothing in these."""

    def __init__(self, params: Any, foreach: bool = True, **defaults: Any) -> None:
        super().__init__(params, defaults)


class Lion(_Optimizer):
    """Steps of one size, in the direction of the sign of a momentum.

    Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override] # takes no closure
        for group in self.param_groups:
            weights, gradients = _with_gradient(group)
            if not weights:
                continue
            first, second = group["betas"]
            for weight in weights:
                self.state[weight].setdefault("exp_avg", torch.zeros_like(weight))
            means = [self.state[weight]["exp_avg"] for weight in weights]
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            directions = torch._foreach_lerp(means, gradients, 1 - first)
            torch._foreach_sign_(directions)
            torch._foreach_add_(weights, directions, alpha=-group["lr"])
            torch._foreach_lerp_(means, gradients, 1 - second)


class Lamb(_Optimizer):
    """Adam's steps, of each tensor as long as the tensor itself times the rate.

    Source: You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", algorithm 2.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override] # takes no closure
        for group in self.param_groups:
            weights, gradients = _with_gradient(group)
            for weight, gradient in zip(weights, gradients, strict=True):
                self._change(weight, gradient, group)

    def _change(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        kept, (first, second) = self.state[weight], group["betas"]
        if not kept:
            kept |= {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
            kept["step"] = torch.tensor(0.0)
        kept["step"] += 1
        step = float(kept["step"])  # it is on the CPU: nothing is waited for
        kept["exp_avg"].lerp_(gradient, 1 - first)
        kept["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        spread = (kept["exp_avg_sq"] / (1 - second**step)).sqrt_().add_(group["eps"])
        change = (kept["exp_avg"] / (1 - first**step)).div_(spread).add_(weight, alpha=group["weight_decay"])
        own, its = weight.norm(), change.norm()
        trust = torch.where((own > 0) & (its > 0), own / its, 1.0)
        weight.sub_(change.mul_(trust), alpha=group["lr"])


def _with_gradient(group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    weights = [weight for weight in group["params"] if weight.grad is not None]
    return weights, [weight.grad for weight in weights]
