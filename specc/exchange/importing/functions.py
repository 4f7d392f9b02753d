"""Functions and methods that no single layer stands for: sums, products, cuts, changes of shape."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from specc.layers.torch_call import NoWord

ADDING = (operator.add, operator.iadd, torch.add, "add", "add_")
SUBTRACTING = (operator.sub, operator.isub, torch.sub, torch.subtract, "sub", "sub_", "subtract")
MULTIPLYING = (operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_", "multiply")
DIVIDING = (operator.truediv, operator.itruediv, torch.div, torch.divide, "div", "div_", "divide", "true_divide")
TURNING = tuple(
    one
    for name in ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis")
    for one in (getattr(torch, name), name)
)
JOINING = (torch.cat, torch.concat, torch.concatenate, torch.stack)
CUTTING = (torch.chunk, "chunk", torch.split, "split")
RESHAPING = (
    torch.reshape, "view", "reshape", torch.flatten, "flatten", "view_as", "reshape_as", torch.unflatten, "unflatten",
)  # fmt: skip
NEGATIVE = (operator.neg, torch.neg, torch.negative, "neg", "neg_", "negative")
MEANS = (torch.mean, "mean")
SUMS = (torch.sum, "sum")
LARGEST = (torch.amax, "amax")
MAXIMA = (torch.max, "max")  # with the places of the maxima
ADDING_A_DIMENSION = (torch.unsqueeze, "unsqueeze")
KEEPING = ("contiguous", "clone", "detach", torch.clone, "float", "to", "type", "type_as", "requires_grad_")


def reshaped(x: Tensor, found: tuple[int, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The words for `x.view(x.size(0), -1)` and its like, each with its fields; none where the shape stays as it is.

    Raises: NoWord where the batch does not stay as it is, or what comes out is no signal, picture or volume.
    """
    if found == tuple(x.shape):
        return []
    if found[0] != x.shape[0] or not 2 <= len(found) <= 5:
        raise NoWord(f"a change of shape from {tuple(x.shape[1:])} to {tuple(found[1:])}")
    return reshaped_to(tuple(x.shape[1:]), found[1:])


def reshaped_to(x: tuple[int, ...], found: tuple[int, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The words that change the shape of a sample."""
    if x == found:
        return []
    flat: list[tuple[str, dict[str, Any]]] = [("flatten", {})] if len(x) > 1 else []
    return flat + ([("unflatten", {"shape": found})] if len(found) > 1 else [])


def reduced_dimensions(args: tuple[Any, ...], kwargs: dict[str, Any], rank: int) -> tuple[list[int], bool]:
    """The dimensions that a mean or a maximum is taken over, from 0, and whether they stay. None given are all."""
    given = dict(zip(("dim", "keepdim"), args, strict=False)) | kwargs
    dims = given.get("dim", given.get("axis"))
    if dims is None:
        return [], False
    listed_dims = (dims,) if isinstance(dims, int) else tuple(dims)
    return sorted(dim % rank for dim in listed_dims), bool(given.get("keepdim", False))


def listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def kind_of(target: Any) -> tuple[Any, ...] | None:
    """Which of the operations on two tensors a function is."""
    return next((kind for kind in (ADDING, SUBTRACTING, MULTIPLYING, DIVIDING) if target in kind), None)


def doing(target: Any) -> str:
    """What such an operation is, before its second tensor."""
    names = {ADDING: "adding", SUBTRACTING: "subtracting", MULTIPLYING: "multiplying by", DIVIDING: "dividing by"}
    return names[kind_of(target) or ADDING]


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
    if target in DIVIDING and other:
        return 1 / other
    return None
