"""A model that was followed in, its graph out: each step of its code becomes a word.

In:         what `following` found, for an input of some shape.
Out:        a `Graph`, or everything in the model that has no word.
Guarantees: each operation of the graph is a step of the language, or a join of branches.
Leaves:     how joins become forms to `structure`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing import functions
from specc.exchange.importing.calls import ModelCall, name_of
from specc.exchange.importing.drops import chance_of, is_drop_path
from specc.exchange.importing.following import DROPOUTS, Followed, Unfollowable, follow, read_again
from specc.exchange.importing.graph import Leaf, Op, TracedGraph, Wordless, reached
from specc.exchange.importing.idioms import with_idioms
from specc.exchange.importing.joining import Joined
from specc.exchange.importing.reducing import Reduced, margin_of
from specc.exchange.importing.reordering import Reordered
from specc.exchange.importing.tensors import (
    At,
    Cut,
    Dealt,
    Margin,
    Maxima,
    Place,
    Stacked,
    chance,
    channels_with,
    is_response_norm,
    kind_of_result,
    mixing,
    response_norm,
)
from specc.exchange.importing.weighted import LayerCall, is_weighted, layer_of_function
from specc.exchange.importing.words import layer_of, leaf_of, leaf_of_function
from specc.layers.base import Shape
from specc.layers.registry import LAYERS
from specc.layers.torch_call import NoWord


class Unimportable(Exception):
    """A model with parts that have no word; they are in `parts`."""

    def __init__(self, parts: list[Wordless]) -> None:
        super().__init__("; ".join(map(str, parts)))
        self.parts = parts


Special = Callable[[ModelCall, At], "Place | None"]


def trace(model: nn.Module, input: Shape) -> TracedGraph:
    """Raises: ModelFails where the model does not run on that input; Unimportable."""
    try:
        followed = follow(model, input)
    except Unfollowable as error:
        raise Unimportable([Wordless("", f"its code cannot be followed: {error}")]) from error
    trained = {parameter.data_ptr(): parameter.requires_grad for parameter in model.parameters()}
    return _TraceReader(followed, input, trained).read()


class _TraceReader(Joined, Reordered, Reduced):
    """A model's steps as words, one after another."""

    def __init__(self, followed: Followed, input: Shape, trained: dict[int, bool]) -> None:
        super().__init__(followed, input, trained)
        self.special: tuple[tuple[tuple[Any, ...], Special], ...] = (
            (functions.CUTTING, self._cut),
            (functions.TURNING, self._turned),
            (functions.RESHAPING, self._reshaped),
            (functions.KEEPING, lambda node, source: source),
            (("expand_as", "expand"), lambda node, source: source),  # a product stretches by itself
            ((torch.squeeze, "squeeze", torch.unsqueeze, "unsqueeze"), self._folded),
            ((*functions.MEANS, *functions.SUMS, *functions.LARGEST, *functions.MAXIMA), self._over),
            (functions.NEGATIVE, lambda node, source: self._step(node, source, "scale", value=-1)),
            (("__rsub__", "rsub", torch.rsub), self._reversed),
            ((torch.square, "square", torch.pow, "pow", "__pow__"), self._squared),
            ((torch.clamp, "clamp", "clamp_", torch.clip, "clip", "clamp_min", torch.clamp_min), self._clamped),
        )

    def read(self) -> TracedGraph:
        *calls, output = self.followed.calls
        for node in calls:
            found = self._found(node)
            if found is not None:
                self.at[node] = found
        result = self._result(output.args[0])
        self._check_sharing()
        if self.wordless:
            raise Unimportable(self.wordless)
        return with_idioms(reached(self.ops, result))

    # one node

    def _found(self, node: ModelCall) -> Place | None:
        """Where a node's tensor is; what has no word is noted, and a stand-in goes on, so that the rest is read too."""
        if any(given in self.unknown for given in node.sources()):
            return self._unknown(node)
        try:
            found = self._node(node)
            for source in self.followed.changed.get(node, ()):
                self._follow_change(node, source, found)
        except NoWord as error:
            self.wordless.append(Wordless(self._where(node), str(error), node.place))
            return self._unknown(node)
        except Exception as error:  # a fault of ours in reading one step is told at that step
            what = f"`{name_of(node.target)}` is used in a way that is not understood here"
            self.wordless.append(Wordless(self._where(node), f"{what} ({type(error).__name__}: {error})", node.place))
            return self._unknown(node)
        return found

    def _follow_change(self, node: ModelCall, source: ModelCall, found: Place | None) -> None:
        """What reads a tensor again after it was changed in place reads what it was changed into."""
        again = read_again(self.followed, node, source)
        whole = isinstance(found, At) and node.value.shape == source.value.shape
        was = self.at.get(source)
        if any(other is not source and self.at.get(other) != was for other in again) or (again and not whole):
            raise NoWord(f"`{name_of(node.target)}` changes in place a tensor that is read again in another form")
        if isinstance(found, At):
            self.at |= dict.fromkeys(again, found)
        elif not again:
            raise NoWord(f"`{name_of(node.target)}` changes a part of a tensor in place")

    def _node(self, node: ModelCall) -> Place | None:
        if node.kind == "input":
            self.ops.append(Op("input", (), self.input))
            return At(0)
        return self._module(node, node.target) if node.kind == "module" else self._function(node)

    def _module(self, node: ModelCall, module: nn.Module) -> At:
        given = self.at.get(node.args[0]) if node.args and isinstance(node.args[0], ModelCall) else None
        if isinstance(given, Margin):
            x = channels_with(self._shape(given.at), node.given.shape)
            return self._pooled(node, given, leaf_of(layer_of(module), x, self._output(node, given.at)))
        source = self._source(node)
        if not isinstance(node.value, Tensor):
            leaf_of(layer_of(module), self._shape(source), self._shape(source))
            raise NoWord(f"`{name_of(module)}` gives {kind_of_result(node.value)}")
        if is_drop_path(module):
            return self._dropped(node, source, chance_of(module))
        if is_response_norm(module):
            return self._add(node, response_norm(module, self._shape(source)), source)
        return self._layer(node, source, layer_of(module))

    def _layer(self, node: ModelCall, source: At, layer: LayerCall) -> At:
        """A layer of torch's, whether it was called as a module or as a function."""
        x = self._shape(source)
        if layer.name == "Linear" and source.last:
            return self._add(node, mixing(layer, x), source)
        if layer.name == "LayerNorm" and len(x) > 1 and not source.last:
            over = "×".join(map(str, layer.arguments["normalized_shape"]))
            raise NoWord(f"layer normalisation over {over}, not over the channels")
        leaf = leaf_of(layer, x, self._output(node, source))
        if source.last and not LAYERS[leaf.word].pointwise:
            raise NoWord(f"`{name_of(node.target)}` on a tensor whose channels come last")
        return self._add(node, leaf, source)

    def _function(self, node: ModelCall) -> Place | None:
        target, args = node.target, node.args
        first = self.at.get(args[0]) if args and isinstance(args[0], ModelCall) else None
        if target in functions.JOINING:
            return self._concat(node)
        if isinstance(first, Maxima):
            return self._largest(node, first)
        if target is operator.getitem and not isinstance(first, Stacked | Dealt | Margin):
            return self._item(node, first)
        if isinstance(first, Cut):
            raise NoWord("an operation on a list of tensors")
        if target is operator.setitem:
            raise NoWord("values are put into a part of a tensor")
        if isinstance(first, Stacked):
            return self._stacked(node, first) if functions.kind_of(target) is None else self._arithmetic(node)
        if isinstance(first, Dealt):
            return self._dealt(node, first)
        if functions.kind_of(target) is not None:
            return self._arithmetic(node)
        if isinstance(first, Margin):
            return self._pooled(node, first, self._leaf(node, channels_with(self._shape(first.at), node.given.shape)))
        if first is None:
            raise NoWord(f"`{name_of(target)}` of something that does not come from the network")
        return self._of_one(node, first)

    def _of_one(self, node: ModelCall, source: At) -> Place | None:
        """A function of one tensor of the network."""
        special = next((read for targets, read in self.special if node.target in targets), None)
        if special is not None:
            return special(node, source)
        if node.target in (F.conv1d, F.conv2d, F.conv3d) and (blurred := self._blurred(node, source)) is not None:
            return blurred
        if is_weighted(node.target):
            return self._layer(node, source, layer_of_function(node, self.own))
        if node.target in DROPOUTS and self._is_off(node):
            return source
        if node.target is F.pad and (sides := margin_of(*self._arguments(node), self._shape(source))) is not None:
            return Margin(source, sides)
        leaf = self._leaf(node, self._shape(source))
        if source.last and not LAYERS[leaf.word].pointwise and not all(size == 1 for size in leaf.input[1:]):
            raise NoWord(f"`{name_of(node.target)}` on a tensor whose channels come last")
        return self._add(node, leaf, source)

    def _leaf(self, node: ModelCall, x: Shape) -> Leaf:
        """The layer that does what a function does."""
        if not isinstance(node.value, Tensor):
            raise NoWord(f"no layer does what `{name_of(node.target)}` does")
        source = next(
            (at for one in node.args if isinstance(one, ModelCall) and isinstance(at := self.at[one], At)), At(0)
        )
        output = self._output(node, source)
        return leaf_of_function(node.target, node.values(node.args), node.values(node.kwargs), x, output)

    def _arguments(self, node: ModelCall) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A function's arguments but for the tensor."""
        return node.values(node.args[1:]), node.values(node.kwargs)

    def _is_off(self, node: ModelCall) -> bool:
        """Whether a dropout never drops: its `training` is False whatever happens.

        Raises: NoWord for one that is at work in evaluation too, by its `training` or by its default.
        """
        args, kwargs = self._arguments(node)
        if kwargs.get("training", args[1] if len(args) > 1 else True):
            raise NoWord(f"`{name_of(node.target)}` drops in evaluation too, without `training=self.training`")
        return not node.follows_mode

    def _dropped(self, node: ModelCall, source: At, p: float) -> At:
        return self._step(node, source, "droppath", p=chance(p))

    def _reversed(self, node: ModelCall, source: At) -> At:
        """`1 - x`"""
        summand = node.values(node.args[1:])[0]
        if not isinstance(summand, int | float):
            raise NoWord("a tensor minus one of the network's")
        at = self._step(node, source, "scale", value=-1)
        return self._step(node, at, "shift", value=float(summand))

    def _squared(self, node: ModelCall, source: At) -> At:
        args, kwargs = self._arguments(node)
        if "square" not in name_of(node.target) and (*args, *kwargs.values()) != (2,):
            raise NoWord(f"no layer does what `{name_of(node.target)}` does")
        return self._join(node, "mul", [source, source])

    def _clamped(self, node: ModelCall, source: At) -> At:
        args, kwargs = self._arguments(node)
        limits = dict(zip(("min", "max"), args, strict=False)) | kwargs
        low, high = limits.get("min"), limits.get("max")
        if (low, high) == (0, None):
            return self._step(node, source, "relu")
        if (low, high) == (0, 6):
            return self._step(node, source, "relu6")
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            raise NoWord(f"`{name_of(node.target)}` on one side, or by tensors")
        return self._step(node, source, "hardtanh", min_val=float(low), max_val=float(high))
