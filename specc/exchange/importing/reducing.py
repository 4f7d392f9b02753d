"""Means and maxima: of all pixels, of some dimensions, of all channels; and poolings with a margin of their own."""

from __future__ import annotations

from typing import Any

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
        """A mean or a maximum over some dimensions."""
        rank = node.given.dim()
        dims, keeps = functions.reduced_dimensions(node.values(node.args[1:]), node.values(node.kwargs), rank)
        channel = rank - 1 if source.last else 1
        is_mean = node.target in functions.MEANS
        if dims == [channel]:
            at = self._step(node, source, "channelmean" if is_mean else "channelmax")
        elif dims and not {0, channel} & set(dims):
            at = self._over_pixels(node, source, dims, "avg" if is_mean else "max")
        else:
            raise NoWord(f"`{name_of(node.target)}` over {functions.listed(dims) if dims else 'everything'}")
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


def margin_of(args: tuple[Any, ...], kwargs: dict[str, Any], x: Shape) -> tuple[int, ...] | None:
    """The sides of a margin that no maximum is taken from; None for any other."""
    given = dict(zip(("pad", "mode", "value"), args, strict=False)) | kwargs
    sides = tuple(given["pad"])
    endless = given.get("mode", "constant") == "constant" and given.get("value") == -float("inf")
    return sides if endless and len(sides) == 2 * (len(x) - 1) and min(sides) >= 0 else None
