"""Where a model's tensors are among the operations, how they are cut and turned, and leaves that need no module."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.diagnostics.spelling import counted
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.steps import step
from specc.layers.base import Shape
from specc.layers.torch_call import NoWord


class At(NamedTuple):
    """A tensor of the model: which operation gives it, and whether its channels stand last."""

    op: int
    last: bool = False


class Cut(NamedTuple):
    """A tensor cut into pieces of channels, each from and up to."""

    at: At
    pieces: tuple[tuple[int, int], ...]


class Maxima(NamedTuple):
    """The maxima over channels and their places, as one result."""

    at: At


class Dealt(NamedTuple):
    """A tensor on its way through a channel shuffle: folded into groups, and then turned."""

    at: At
    groups: int
    turned: bool = False


def channels_first(shape: Shape, *, last: bool) -> Shape:
    """A shape with its channels first."""
    return (shape[-1], *shape[:-1]) if last else shape


def channel_bounds(index: Any, channels: int) -> tuple[int, int]:
    """The channels that `x[:, a:b]` takes, from and up to. Raises: NoWord where it cuts in another way."""
    whole = slice(None, None, None)
    parts = index if isinstance(index, tuple) else (index,)
    fits = len(parts) > 1 and parts[0] == whole and isinstance(parts[1], slice)
    if not fits or any(part not in (whole, Ellipsis) for part in parts[2:]) or parts[1].step not in (None, 1):
        raise NoWord("a cut that is not along the channels")
    start, end, _ = parts[1].indices(channels)
    return start, end


def order_of_dimensions(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> list[int]:
    """The dimensions of a tensor as `permute` or `transpose` puts them, counted from 0.

    Args: args, kwargs, without the tensor; permute takes its dimensions one by one, as one list, or as `dims=`,
          transpose as two numbers or as `dim0=` and `dim1=`.
    """
    if target in (torch.transpose, "transpose"):
        order = list(range(rank))
        first, second = args or (kwargs["dim0"], kwargs["dim1"])
        order[first], order[second] = order[second], order[first]
        return order
    listed = len(args) == 1 and isinstance(args[0], tuple | list)
    return [dim % rank for dim in (args[0] if listed else args or kwargs.get("dims", ()))]


def mixing(module: nn.Linear, x: Shape) -> Leaf:
    """A linear layer over the channels of every position: a convolution of 1×1."""
    ones = (1,) * (len(x) - 1)
    weights = [("weight", module.weight.detach().reshape(*module.weight.shape, *ones))]
    weights += [("bias", module.bias.detach())] if module.bias is not None else []
    leaf = step("conv", x, out=module.out_features, kernel=1, bias=module.bias is not None)
    return leaf._replace(weights=tuple(weights))


def is_response_norm(module: nn.Module) -> bool:
    """Whether a module is called as what `grn` is called elsewhere; its code is compared with the rest."""
    return type(module).__name__.lower() in ("grn", "globalresponsenorm") and len(list(module.parameters())) == 2


def response_norm(module: nn.Module, x: Shape) -> Leaf:
    """Global response normalisation, the factor first, whatever its two tensors are called."""
    tensors = sorted(module.named_parameters(), key=lambda named: named[0].startswith("b"))
    weights = zip(("weight", "bias"), (tensor.detach().reshape(-1) for _, tensor in tensors), strict=True)
    return step("grn", x, eps=getattr(module, "eps", 1e-6))._replace(weights=tuple(weights))


def chance(p: float) -> float:
    """A probability as people write it: in eight digits, which is more than float32 keeps."""
    return float(f"{p:.8g}")


def starting_value(factors: Tensor) -> float:
    """The value that all factors have, or their mean."""
    return float(f"{float(factors.detach().mean()):.6g}")


def kind_of_result(given: Any) -> str:
    if isinstance(given, dict):
        return "a dictionary"
    return counted(len(given), "result") if isinstance(given, tuple | list) else "something other than a tensor"
