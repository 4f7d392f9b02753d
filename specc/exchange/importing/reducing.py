"""Means and maxima: of all pixels, of some dimensions, of all channels; and poolings with a margin of their own."""

from __future__ import annotations

from math import comb, prod
from typing import Any

import torch
from torch import Tensor

from specc.exchange.importing import functions
from specc.exchange.importing.calls import ModelCall, name_of
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.recorded import Recorded
from specc.exchange.importing.steps import step
from specc.exchange.importing.tensors import At, Margin, Maxima
from specc.layers.base import Shape, ShapeError, spread
from specc.layers.torch_call import NoWord, compact


class Reduced(Recorded):
    """What a model makes of many values at once."""

    def _over(self, node: ModelCall, source: At) -> At | Maxima:
        """A mean, a sum or a maximum over some dimensions."""
        rank = node.given.dim()
        dims, keeps = functions.reduced_dimensions(node.values(node.args[1:]), node.values(node.kwargs), rank)
        channel = rank - 1 if source.last else 1
        is_mean = node.target in (*functions.MEANS, *functions.SUMS)
        if dims == [channel]:
            at = self._step(node, source, "channelmean" if is_mean else "channelmax")
        elif dims and not {0, channel} & set(dims):
            at = self._over_pixels(node, source, dims, "avg" if is_mean else "max")
        else:
            raise NoWord(f"`{name_of(node.target)}` over {functions.listed(dims) if dims else 'everything'}")
        if node.target in functions.SUMS:  # the mean as often as there are values
            at = self._step(node, at, "scale", value=float(prod(node.given.shape[dim] for dim in dims)))
        if node.target in functions.MAXIMA:
            return Maxima(at, keeps)
        return at if keeps else self._without(node.value, node, at)

    def _over_pixels(self, node: ModelCall, source: At, dims: list[int], kind: str) -> At:
        x = self._shape(source)
        first = 1 if source.last else 2
        if len(dims) == len(x) - 1:
            return self._step(node, source, "gap" if kind == "avg" else "gmp")
        if source.last:
            raise NoWord(f"`{name_of(node.target)}` on a tensor whose channels come last")
        sizes = tuple(size if place + first in dims else 1 for place, size in enumerate(x[1:]))
        return self._step(node, source, f"{kind}pool", kernel=compact(sizes))

    def _largest(self, node: ModelCall, maxima: Maxima) -> At:
        """`x.max(1)[0]` and `x.max(1).values`."""
        if node.args[1] not in (0, "values"):
            raise NoWord("the places of maxima")
        return maxima.at if maxima.keeps else self._without(node.value, node, maxima.at)

    def _without(self, value: Tensor, node: ModelCall, at: At) -> At:
        """What is left without the dimensions of size 1 that were reduced, unless they come back at once."""
        x = self._shape(at)
        if len(x) > 1 and all(user.target in functions.ADDING_A_DIMENSION for user in node.users):
            return at._replace(last=False)  # `unsqueeze` finds it as it wants it
        for word, fields in functions.reshaped_to(x, tuple(value.shape[1:])):
            at = self._step(node, at._replace(last=False), word, **fields)
        return at._replace(last=False)

    def _pooled(self, node: ModelCall, margin: Margin, leaf: Leaf) -> At:
        """A pooling of a tensor with a margin, as one with a padding that takes the same windows."""
        x = self._shape(margin.at)
        settings = {token.name: token.value for token in leaf.tokens}
        sides = margin.sides
        before = tuple(sides[2 * place] for place in range(len(sides) // 2))[::-1]
        padding = spread(settings.get("padding", 0), len(x) - 1, "padding")
        own = {name: settings[name] for name in ("kernel", "stride", "dilation") if settings.get(name) is not None}
        for ceil in (False, True):
            try:
                found = step("maxpool", x, **own, padding=compact(before), ceil=ceil)
            except ShapeError:
                continue
            if found.output == self._output(node, margin.at) and not any(padding):
                return self._add(node, found, margin.at)
        kernel = spread(settings["kernel"], len(x) - 1, "kernel")
        after = tuple(sides[2 * place + 1] for place in range(len(sides) // 2))[::-1]
        if any(padding) or any(max(both) >= size for both, size in zip(zip(before, after), kernel)):  # noqa: B905 - all of one rank
            raise NoWord(f"a margin of {functions.listed(sides)} before a pooling, which no padding of it gives")
        # The pixel at the edge again changes no maximum that it is in.
        at = self._step(node, margin.at, "pad", before=compact(before), after=compact(after), mode="replicate")
        return self._add(node, step("maxpool", self._shape(at), **own), at)

    def _blurred(self, node: ModelCall, source: At) -> At | None:
        """A convolution with fixed weights that blurs each channel; None for any other.

        Weights in the proportions 1 2 1, 1 3 3 1 and so on are those of means of two that follow each other.
        """
        given = dict(zip(_CONVOLUTION, node.args, strict=False)) | node.kwargs
        weight, x = given["weight"], self._shape(source)
        rank = len(x) - 1
        if not isinstance(weight, Tensor) or weight.data_ptr() in self.trained or given.get("bias") is not None:
            return None
        plain = given.get("groups", 1) == len(weight) == x[0] and not isinstance(given.get("padding", 0), str)
        if not plain or source.last or set(spread(given.get("dilation", 1), rank, "dilation")) != {1}:
            return None
        if not _is_binomial(weight):
            return None
        at, padding = source, spread(given.get("padding", 0), rank, "padding")
        if any(padding):
            at = self._step(node, at, "pad", before=compact(padding))
        for _ in range(weight.shape[-1] - 2):
            at = self._step(node, at, "avgpool", kernel=2, stride=1)
        stride = compact(tuple(spread(given.get("stride", 1), rank, "stride")))
        return self._step(node, at, "avgpool", kernel=2, stride=None if stride == 2 else stride)


_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def _is_binomial(weight: Tensor) -> bool:
    """Whether all filters are the same, and each the product of binomial coefficients that sum to 1."""
    size = weight.shape[-1]
    if size < 2 or weight.shape[1] != 1 or set(weight.shape[2:]) != {size}:
        return False
    row = torch.tensor([comb(size - 1, place) for place in range(size)], dtype=torch.float64) / 2 ** (size - 1)
    wanted = row
    for _ in range(weight.dim() - 3):
        wanted = wanted[..., None] * row
    return torch.allclose(weight.double(), wanted.expand_as(weight), rtol=1e-6, atol=0)


def margin_of(args: tuple[Any, ...], kwargs: dict[str, Any], x: Shape) -> tuple[int, ...] | None:
    """The sides of a margin that no maximum is taken from; None for any other."""
    given = dict(zip(("pad", "mode", "value"), args, strict=False)) | kwargs
    sides = tuple(given["pad"])
    endless = given.get("mode", "constant") == "constant" and given.get("value") == -float("inf")
    return sides if endless and len(sides) == 2 * (len(x) - 1) and min(sides) >= 0 else None
