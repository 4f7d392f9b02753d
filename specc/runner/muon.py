"""Muon for the kernels and matrices inside a network, AdamW or SGD for the rest: one optimizer for the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from specc.diagnostics.diagnostic import Problem
from specc.recipe.optimizers import MOMENTS
from specc.runner.cpu.process import plain_step_of

if TYPE_CHECKING:
    from torch import Tensor

# Muon's step is scaled to the size of AdamW's, so that both take one learning rate and one weight decay
# (Liu et al. 2025, "Muon is Scalable for LLM Training").
SCALED_LIKE_ADAMW = "match_rms_adamw"
AS_IT_IS = "original"  # Jordan's, where Muon has a rate of its own


def muon_weights(model: nn.Module) -> list[nn.Parameter]:
    """The weights that Muon changes: kernels and matrices that are neither in the first nor in the last layer with any.

    Jordan 2024 leaves the first and the last layer to AdamW. So does this with the kernels of grouped convolutions:
    they are many small matrices, and one flattened would mix them.
    """
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    grouped = {id(module.weight) for module in model.modules() if isinstance(module, _ConvNd) and module.groups > 1}
    return [weight for weight in matrices[1:-1] if weight.requires_grad and id(weight) not in grouped]


def groups(
    model: nn.Module, weights: list[nn.Parameter], spared: bool, arguments: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Muon's weights, and the rest. Args: spared, whether biases and normalisations do not decay; arguments, ours."""
    inside = {id(weight) for weight in muon_weights(model)}
    rest = [weight for weight in weights if id(weight) not in inside]
    own: dict[str, Any] = {} if arguments["muon_lr"] is None else {"lr": arguments["muon_lr"]}
    own |= {"weight_decay": 0.0} if arguments["renormalize"] else {}
    found: list[dict[str, Any]] = [
        {"params": [weight for weight in weights if id(weight) in inside], "muon": True, **own},
        {"params": [weight for weight in rest if not spared or weight.dim() > 1], "muon": False},
        {"params": [weight for weight in rest if spared and weight.dim() <= 1], "muon": False, "weight_decay": 0.0},
    ]
    return [group for group in found if group["params"]]


def memory(model: nn.Module, arguments: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """What is kept for each weight, by its `id`: a momentum for Muon's, for the rest AdamW's moments, or SGD's."""
    inside = {id(weight) for weight in muon_weights(model)}
    momentum = ("momentum_buffer",)
    rest = MOMENTS if arguments["rest_optimizer"] == "adamw" else momentum if arguments["rest_momentum"] else ()
    return {id(one): momentum if id(one) in inside else rest for one in model.parameters()}


def note(model: nn.Module, arguments: Mapping[str, Any]) -> str:
    """Which weights are whose, in half a sentence."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    inside, rest = len(muon_weights(model)), {"adamw": "AdamW", "sgd": "SGD"}[arguments["rest_optimizer"]]
    if not inside:
        return f"Muon has no weights to train here: {rest} trains the first and the last layer, biases and norms"
    return f"Muon trains {inside} of {len(weights)} weight tensors, those of the inner layers, and {rest} the rest"


class MuonAndRest(torch.optim.Optimizer):
    """torch's Muon, and its AdamW or SGD, behind one `param_groups` and one `state`.

    torch's Muon takes matrices only. A kernel (out, in, height, width) is shown to it as the matrix (out, the rest) of
    the same memory; which of the columns is which makes no difference to Muon.
    """

    def __init__(self, groups: list[dict[str, Any]], **arguments: Any) -> None:
        """Args: groups, each with `params` and whether they are Muon's, `muon`; arguments, those of `OPTIMIZERS`.

        Raises: Problem E631 where this torch has no Muon.
        """
        if not hasattr(torch.optim, "Muon"):
            raise Problem.of("E631", f"torch {torch.__version__} has no optimizer Muon",
                help="`pip install --upgrade torch`: Muon came with 2.9\n`--optimizer adamw` works too")  # fmt: skip
        super().__init__(groups, arguments)
        self._renormalizes = arguments["renormalize"]
        self._inner = [_made(group, arguments) for group in self.param_groups]
        # The hooks of a step are this optimizer's: they are called once, whatever it is made of.
        self._steps = [plain_step_of(inner) for inner in self._inner]
        self._shares = False

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override] # takes no closure
        if not self._shares:
            self._share_state()
        for group, inner, step in zip(self.param_groups, self._inner, self._steps, strict=True):
            (own,) = inner.param_groups
            own["lr"] = group["lr"]
            if group["muon"]:
                if self._renormalizes:
                    _renormalize([weight for weight in group["params"] if weight.grad is not None])
                for weight, matrix in zip(group["params"], own["params"], strict=True):
                    matrix.grad = None if weight.grad is None else _matrix(_laid_out(weight.grad, weight))
            step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._shares = False

    def _share_state(self) -> None:
        """Let the two optimizers keep their memory in this one's state, from the first step on, as torch's do."""
        self._shares = True
        for group, inner in zip(self.param_groups, self._inner, strict=True):
            (own,) = inner.param_groups
            for weight, mine in zip(group["params"], own["params"], strict=True):
                if group["muon"]:
                    kept = self.state[weight].get("momentum_buffer")
                    kept = torch.zeros_like(weight) if kept is None else _laid_out(kept, weight)
                    self.state[weight] = {"momentum_buffer": kept}
                    inner.state[mine] = {"momentum_buffer": _matrix(kept)}
                else:
                    inner.state[mine] = self.state[weight]


def _made(group: dict[str, Any], arguments: Mapping[str, Any]) -> torch.optim.Optimizer:
    """torch's optimizer for a group."""
    common = {"lr": group["lr"], "weight_decay": group["weight_decay"]}
    nesterov = arguments["nesterov"]
    if group["muon"]:
        matrices = [nn.Parameter(_matrix(weight.detach())) for weight in group["params"]]
        scaled = SCALED_LIKE_ADAMW if arguments["muon_lr"] is None else AS_IT_IS
        return torch.optim.Muon(
            matrices, adjust_lr_fn=scaled, ns_steps=arguments["ns_steps"], momentum=arguments["momentum"],
            nesterov=nesterov, **common,
        )  # fmt: skip
    if arguments["rest_optimizer"] == "sgd":
        momentum = arguments["rest_momentum"]
        return torch.optim.SGD(
            group["params"], momentum=momentum, nesterov=nesterov and momentum > 0, fused=True, **common
        )
    return torch.optim.AdamW(
        group["params"], betas=arguments["betas"], eps=arguments["eps"], fused=True, **common
    )  # fmt: skip


def _renormalize(weights: list[nn.Parameter]) -> None:
    """Give each weight the norm of the root of its rows; one that is zero stays so."""
    for weight in weights:
        weight.mul_(len(weight) ** 0.5 / weight.norm().clamp_min(1e-12))


def _matrix(weight: Tensor) -> Tensor:
    """A weight (out, …) as (out, the rest) of the same memory, whichever way it lies there."""
    order = sorted(range(1, weight.dim()), key=weight.stride, reverse=True)
    return weight.permute(0, *order).view(len(weight), -1)


def _laid_out(tensor: Tensor, weight: Tensor) -> Tensor:
    """A tensor in the memory layout of a weight."""
    return tensor if tensor.stride() == weight.stride() else torch.empty_like(weight).copy_(tensor)
