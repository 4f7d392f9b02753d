"""Functions and methods that no single layer stands for: sums, products, cuts, changes of shape."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor

from specc.layers.torch_call import NoWord

ADDING = (operator.add, operator.iadd, torch.add, "add", "add_")
SUBTRACTING = (operator.sub, operator.isub, torch.sub, "sub", "sub_")
MULTIPLYING = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
JOINING = (torch.cat, torch.concat, torch.concatenate)
CUTTING = (torch.chunk, "chunk", torch.split, "split")
RESHAPING = (torch.reshape, "view", "reshape")
MEANS = (torch.mean, "mean")
LARGEST = (torch.amax, "amax")
MAXIMA = (torch.max, "max")  # with the places of the maxima
ADDING_A_DIMENSION = (torch.unsqueeze, "unsqueeze")
KEEPING = ("contiguous", "clone", "detach", torch.clone)


def reshaped(x: Tensor, found: tuple[int, ...]) -> tuple[str, dict[str, Any]] | None:
    """The word for `x.view(x.size(0), -1)` and its like, with its fields; None where the shape stays as it is.

    Raises: NoWord where it is neither a picture made a vector nor a vector made a picture.
    """
    if found == tuple(x.shape):
        return None
    if found[0] == x.shape[0] and len(found) == 2:
        return "flatten", {}
    if found[0] == x.shape[0] and x.dim() == 2:
        return "unflatten", {"shape": found[1:]}
    raise NoWord(f"a change of shape from {tuple(x.shape[1:])} to {tuple(found[1:])}")


def is_global_mean(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], x: Tensor) -> bool:
    """Whether a mean is one over all pixels of each channel."""
    if target not in MEANS:
        return False
    dims = kwargs.get("dim", args[0] if args else None)
    dims = (dims,) if isinstance(dims, int) else dims
    return dims is not None and sorted(dim % x.dim() for dim in dims) == list(range(2, x.dim()))


def over_channels(args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> bool | None:
    """Whether a mean or a maximum over the channels keeps their dimension; None where it is over something else."""
    given = dict(zip(("dim", "keepdim"), args, strict=False)) | kwargs
    dims = given.get("dim")
    dims = (dims,) if isinstance(dims, int) else dims
    if not isinstance(dims, tuple | list) or [dim % rank for dim in dims] != [1]:
        return None
    return bool(given.get("keepdim", False))


def scalar_summand(target: Any, other: Any) -> float | None:
    """The constant that a function adds to its first argument; None where it does something else."""
    if isinstance(other, bool) or not isinstance(other, int | float):
        return None
    if target in ADDING:
        return float(other)
    return -float(other) if target in SUBTRACTING else None


def scalar_factor(target: Any, other: Any) -> float | None:
    """The constant by which a function multiplies its first argument; None where it does something else."""
    if isinstance(other, bool) or not isinstance(other, int | float):
        return None
    if target in MULTIPLYING:
        return float(other)
    if target in (operator.truediv, operator.itruediv, torch.div, "div", "div_") and other:
        return 1 / other
    return None
