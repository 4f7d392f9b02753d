"""What the branch forms do with what their branches give."""

from __future__ import annotations

import torch
from torch import Tensor

from generate_from_page.tree import Argument, Branch, Name, Number, Sized, Step
from generate_from_page.values import WrongError


def joined(word: str, results: list[Tensor]) -> Tensor:
    """The outputs of the branches made one. A tensor without dimensions is one that adds nothing."""
    first, *others = results
    if any(other.dim() != first.dim() for other in others if other.dim()):
        raise WrongError("different ranks")
    if word in ("concat", "split"):
        if any(other.shape[2:] != first.shape[2:] for other in others):
            raise WrongError("shapes that cannot be joined")
        return torch.cat(results, 1)
    for other in others:
        if word in ("mul", "gate"):
            if any(1 not in (n, m) and n != m for n, m in zip(first.shape, other.shape, strict=True)):
                raise WrongError("shapes that cannot be multiplied")
            first = first * other
        elif other.dim() and other.shape != first.shape:
            raise WrongError("shapes that cannot be added")
        else:
            first = first + other
    return first


def projected(step: Step, x: Tensor, y: Tensor) -> Branch:
    """The chain that `shortcut auto` stands for, where the shapes do not agree."""
    if x.dim() != y.dim():
        raise WrongError("no projection")
    line = step.shortcut_line
    out, nobias = Argument(Number(str(y.shape[1]))), Argument(Name("nobias"))
    first = Step("linear", [out, nobias], line=line)
    if x.dim() > 2:
        strides = projection_strides(tuple(x.shape[2:]), tuple(y.shape[2:]))
        first = Step("conv", [out, Argument(Number("1"), "k"), Argument(Sized(strides), "s"), nobias], line=line)
        if len(strides) == 1:
            first.arguments[2] = Argument(Number(str(strides[0])), "s")
    return Branch([first, Step("bn", line=line)])


def projection_strides(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest stride, for all dimensions where one number does, with which a 1×1 window gives the size after."""

    def fits(stride: int, n: int, m: int) -> bool:
        return (n - 1) // stride + 1 == m

    pairs = list(zip(before, after, strict=True))
    for stride in range(1, max(before) + 1):
        if all(fits(stride, n, m) for n, m in pairs):
            return (stride,) * len(pairs)
    each = [next((s for s in range(1, n + 1) if fits(s, n, m)), None) for n, m in pairs]
    if None in each:
        raise WrongError("no stride fits")
    return tuple(stride for stride in each if stride is not None)


def parts_of(said: list[int | None], branches: int, total: int) -> list[int]:
    """The channels of each branch of a `split`."""
    if not said:
        if total % branches:
            raise WrongError("an uneven cut")
        return [total // branches] * branches
    left = total - sum(n for n in said if n is not None)
    sizes = [left if n is None else n for n in said]
    if len(sizes) != branches or said.count(None) > 1 or sum(sizes) != total or min(sizes) < 1:
        raise WrongError("the parts do not add up")
    return sizes
