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
from specc.layers.base import written
from specc.layers.torch_call import NoWord


class Joined(Recorded):
    """What a model does with several tensors at once."""

    def _arithmetic(self, node: ModelCall) -> At:
        left, right = node.args[0], node.args[1]
        settings = {key: value for key, value in node.values(node.kwargs).items() if value is not None}
        alpha = settings.pop("alpha", 1)
        if settings:
            raise NoWord(f"`{functions.doing(node.target)}` with {', '.join(settings)}")
        places = [self.at.get(arg) if isinstance(arg, ModelCall) else None for arg in (left, right)]
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

    def _join(self, node: ModelCall, join: Any, places: list[At]) -> At:
        output = self._output(node, places[0])
        shapes = dict.fromkeys(map(self._shape, places))
        if join == "add" and len(shapes) > 1:
            raise NoWord(f"a sum of {' and '.join(map(written, shapes))}, which stretches one of them")
        return self._op(node, Op(node.name, tuple(place.op for place in places), output, None, join), places[0])
