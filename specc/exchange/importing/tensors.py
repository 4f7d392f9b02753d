"""Where a model's tensors are among the operations, how they are cut and turned, and leaves that need no module."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from specc.diagnostics.spelling import counted
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.steps import step
from specc.exchange.importing.weighted import LayerCall
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
    """Maxima and their places, as one result. keeps: whether the dimensions that they are over are there."""

    at: At
    keeps: bool


class Stacked(NamedTuple):
    """Tensors that stand behind each other in a dimension of their own."""

    places: tuple[At, ...]
    dim: int


class Dealt(NamedTuple):
    """A tensor with its values in another order, on its way to one that has a word.

    places: of one sample's values, where each was.
    """

    at: At
    places: Tensor


class Margin(NamedTuple):
    """A tensor with a margin that no maximum is taken from, for a pooling that follows. sides: as torch has them."""

    at: At
    sides: tuple[int, ...]


Place: TypeAlias = At | Cut | Maxima | Stacked | Dealt | Margin
"""Where a value of the model is among the operations."""


def channels_first(shape: Shape, *, last: bool) -> Shape:
    """A shape with its channels first."""
    return (shape[-1], *shape[:-1]) if last else shape


def channels_with(x: Shape, given: Shape) -> Shape:
    """A shape with the channels of one and the pixels of a batch."""
    return (x[0], *given[2:])


def slices_of(index: Any, shape: Shape, *, last: bool = False) -> list[slice]:
    """The channels, then the pixels that an index takes of a batch: from, up to, and every so manieth.

    Args:   shape, of the batch as it stands.
    Raises: NoWord where it takes anything else than a piece of each dimension, and all of the first.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    place = next((place for place, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[place : place + 1] = [slice(None)] * (len(shape) - len(parts) + (place < len(parts)))
    if len(parts) != len(shape) or not all(isinstance(part, slice) for part in parts):
        raise NoWord("a cut that is not along the channels, nor one of pixels")
    samples, *found = (slice(*part.indices(size)) for part, size in zip(parts, shape, strict=True))
    if last:
        found.insert(0, found.pop())
    if samples != slice(0, shape[0], 1) or found[0].step != 1:
        raise NoWord("a cut of the batch, or of every so manieth channel")
    return found


def order_of_dimensions(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> list[int]:
    """The dimensions of a tensor as `permute`, `movedim` and their like put them, counted from 0.

    Args: target, a function or the name of a method; args, kwargs, without the tensor.
    """
    told_apart = torch.empty(tuple(range(1, rank + 1)), device="meta")
    turn = getattr(torch.Tensor, target) if isinstance(target, str) else target
    return [size - 1 for size in turn(told_apart, *args, **kwargs).shape]


def mixing(layer: LayerCall, x: Shape) -> Leaf:
    """A linear layer over the channels of every position: a convolution of 1×1."""
    ones = (1,) * (len(x) - 1)
    weights = tuple(
        (name, tensor.reshape(*tensor.shape, *ones) if name == "weight" else tensor) for name, tensor in layer.weights
    )
    leaf = step("conv", x, out=layer.arguments["out_features"], kernel=1, bias=len(weights) > 1)
    return leaf._replace(weights=weights)


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


def outputs_of(given: Any) -> dict[str, Any]:
    """The tensors that a model gives, by names that a spec can have; none where it gives something else."""
    if isinstance(given, dict):
        named = list(given.items())
    elif isinstance(given, tuple | list):
        named = list(zip(getattr(given, "_fields", range(1, len(given) + 1)), given, strict=True))
    else:
        return {}
    found: dict[str, Any] = {}
    for key, value in named:
        name = key if isinstance(key, str) and re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) else f"out{key}"
        if isinstance(value, tuple | list | dict):
            found |= {f"{name}_{inner}".replace("_out", "_"): one for inner, one in outputs_of(value).items()}
        else:
            found[name] = value
    return found


def kind_of_result(given: Any) -> str:
    if isinstance(given, dict):
        return "a dictionary"
    return counted(len(given), "result") if isinstance(given, tuple | list) else "something other than a tensor"
