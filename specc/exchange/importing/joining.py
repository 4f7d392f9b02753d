"""Sums, products and concatenations: of several of the network's tensors, or of one and something constant."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from specc.exchange.importing import functions
from specc.exchange.importing.calls import ModelCall, name_of
from specc.exchange.importing.graph import Op
from specc.exchange.importing.recorded import Recorded
from specc.exchange.importing.steps import step
from specc.exchange.importing.tensors import At, Stacked, starting_value
from specc.layers.base import Shape, written
from specc.layers.torch_call import NoWord, compact


class Joined(Recorded):
    """What a model does with several tensors at once."""

    def _arithmetic(self, node: ModelCall) -> At | Stacked:
        left, right = node.args[0], node.args[1]
        settings = {key: value for key, value in node.values(node.kwargs).items() if value is not None}
        alpha = settings.pop("alpha", 1)
        if settings:
            raise NoWord(f"`{functions.doing(node.target)}` with {', '.join(settings)}")
        places = [self.at.get(arg) if isinstance(arg, ModelCall) else None for arg in (left, right)]
        if any(isinstance(place, Stacked) for place in places) and alpha == 1:
            return self._of_stacks(node, places)
        if isinstance(places[0], At) and isinstance(places[1], At):
            return self._of_two(node, places[0], places[1], alpha)
        mine, other = (places[0], right) if isinstance(places[0], At) else (places[1], left)
        if not isinstance(mine, At) or alpha != 1:
            raise NoWord(f"{functions.doing(node.target)} something that does not come from the network")
        return self._with_constant(node, mine, node.values((other,))[0])

    def _of_two(self, node: ModelCall, left: At, right: At, alpha: float) -> At:
        if left.last != right.last:
            raise NoWord("tensors with different orders of dimensions, joined")
        if node.target in functions.DIVIDING:
            raise NoWord("dividing by a tensor of the network")
        factor = -alpha if node.target in functions.SUBTRACTING else alpha
        if factor != 1:
            right = self._step(node, right, "scale", value=factor)
        return self._join(node, "mul" if node.target in functions.MULTIPLYING else "add", [left, right])

    def _with_constant(self, node: ModelCall, source: At, other: Any) -> At:
        """A number that is added or multiplied by, or one of the model's parameters with a value for each channel."""
        if isinstance(other, Tensor) and self._is_for_channels(other, node, source):
            weight = ("weight", other.detach().reshape(-1))
            if node.target not in (*functions.ADDING, *functions.MULTIPLYING):
                raise NoWord(f"{functions.doing(node.target)} a parameter")
            word = "layershift" if node.target in functions.ADDING else "layerscale"
            leaf = step(word, self._shape(source), value=starting_value(other))
            return self._add(node, leaf._replace(weights=(weight,)), source)
        summand, factor = functions.scalar_summand(node.target, other), functions.scalar_factor(node.target, other)
        if summand is not None:
            return self._step(node, source, "shift", value=summand) if summand else source
        if factor is None:
            what = f"a tensor of shape {'×'.join(map(str, other.shape))}" if isinstance(other, Tensor) else repr(other)
            raise NoWord(f"{functions.doing(node.target)} {what}")
        return self._step(node, source, "scale", value=factor) if factor != 1 else source

    def _is_for_channels(self, other: Tensor, node: ModelCall, source: At) -> bool:
        """Whether it is the whole of one of the model's parameters, with a value for each channel."""
        known = self.own.get(other.data_ptr())
        if known is None or known.numel() != other.numel() or other.data_ptr() not in self.trained:
            return False
        rank = node.value.dim()
        wanted = [1] * rank
        wanted[-1 if source.last else 1] = self._shape(source)[0]
        return [1] * (rank - other.dim()) + list(other.shape) == wanted

    def _concat(self, node: ModelCall) -> At | Stacked:
        parts = node.args[0] if node.args else node.kwargs.get("tensors")
        dim = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        rank = node.value.dim()
        listed = list(parts) if isinstance(parts, tuple | list) else []
        places = [self.at.get(part) if isinstance(part, ModelCall) else None for part in listed]
        known = [place for place in places if isinstance(place, At)]
        if len(known) < len(places) or not known:
            raise NoWord("a concatenation of something that does not come from the network")
        if len({place.last for place in known}) > 1:
            raise NoWord("tensors with different orders of dimensions, joined")
        if node.target is torch.stack:
            return Stacked(tuple(known), dim % rank)
        if not isinstance(dim, int) or dim % rank != (rank - 1 if known[0].last else 1):
            raise NoWord(f"a concatenation along dimension {dim}, not along the channels")
        return self._join(node, "concat", known) if len(known) > 1 else known[0]

    def _stacked(self, node: ModelCall, stack: Stacked) -> At:
        """The sum or the mean of tensors that were stacked."""
        means = node.target in functions.MEANS
        if not means and node.target not in functions.SUMS:
            raise NoWord(f"`{name_of(node.target)}` of tensors in a dimension of their own")
        rank = node.given.dim()
        dims, keeps = functions.reduced_dimensions(node.values(node.args[1:]), node.values(node.kwargs), rank)
        if dims != [stack.dim] or keeps:
            raise NoWord(f"`{name_of(node.target)}` of tensors in a dimension of their own")
        at = self._join(node, "add", list(stack.places))
        return self._step(node, at, "scale", value=1 / len(stack.places)) if means else at

    def _of_stacks(self, node: ModelCall, places: list[Any]) -> Stacked:
        """A sum or a product of tensors that are stacked: that of all their channels, cut into pieces again."""
        kind = functions.kind_of(node.target)
        count, channels, *sides = node.value.shape[1:]
        strung = [self._strung(node, place, (count, channels)) for place in places]
        if kind not in (functions.ADDING, functions.MULTIPLYING):
            raise NoWord(f"`{name_of(node.target)}` of tensors in a dimension of their own")
        output = (count * channels, *sides)
        at = self._op(
            node,
            Op(node.name, tuple(one.op for one in strung), output, None, "add" if kind == functions.ADDING else "mul"),
            strung[0],
        )
        starts = range(0, count * channels, channels)
        pieces = (self._step(node, at, "slice", start=start, end=start + channels) for start in starts)
        return Stacked(tuple(pieces), 1)

    def _strung(self, node: ModelCall, place: Any, sizes: tuple[int, int]) -> At:
        """What is stacked as one tensor, which has the channels of all. Args: sizes, how many of how many channels."""
        if isinstance(place, Stacked) and place.dim == 1:
            _, *sides = self._shape(place.places[0])
            output = (sizes[0] * sizes[1], *sides)
            return self._op(
                node, Op(node.name, tuple(one.op for one in place.places), output, None, "concat"), place.places[0]
            )
        if not isinstance(place, At) or place.last or self._shape(place)[:2] != sizes:
            raise NoWord(f"`{name_of(node.target)}` of tensors in a dimension of their own")
        _, _, *sides = self._shape(place)
        at = self._step(node, place, "flatten")
        return self._step(node, at, "unflatten", shape=(sizes[0] * sizes[1], *sides))

    def _join(self, node: ModelCall, join: Any, places: list[At]) -> At:
        output = self._output(node, places[0])
        if join == "add":
            places = [self._stretched(node, place, output) for place in places]
        return self._op(node, Op(node.name, tuple(place.op for place in places), output, None, join), places[0])

    def _stretched(self, node: ModelCall, place: At, output: Shape) -> At:
        """A summand of one pixel where the sum has several, as often as it is added."""
        x = self._shape(place)
        if x == output:
            return place
        fits = len(x) == len(output) > 1 and x[0] == output[0] and not place.last
        if not fits or any(size not in (1, wanted) for size, wanted in zip(x, output, strict=True)):
            raise NoWord(f"a sum of {' and '.join(map(written, (output, x)))}, which stretches one of them")
        return self._step(node, place, "upsample", size=compact(output[1:]))
