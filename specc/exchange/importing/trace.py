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
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing import functions
from specc.exchange.importing.drops import chance_of, is_drop_path
from specc.exchange.importing.following import (
    BATCH,
    DROPOUTS,
    FOLLOWS_MODE,
    Followed,
    Unfollowable,
    follow,
    read_again,
)
from specc.exchange.importing.graph import Op, TracedGraph, Wordless
from specc.exchange.importing.recorded import Recorded
from specc.exchange.importing.steps import step
from specc.exchange.importing.tensors import (
    At,
    Cut,
    Dealt,
    Maxima,
    chance,
    channel_bounds,
    is_response_norm,
    kind_of_result,
    mixing,
    order_of_dimensions,
    response_norm,
    starting_value,
)
from specc.exchange.importing.words import leaf_of, leaf_of_function, name_of
from specc.layers.base import Shape, written
from specc.layers.registry import LAYERS
from specc.layers.torch_call import NoWord


class Unimportable(Exception):
    """A model with parts that have no word; they are in `parts`."""

    def __init__(self, parts: list[Wordless]) -> None:
        super().__init__("; ".join(map(str, parts)))
        self.parts = parts


Special = Callable[[fx.Node, At], "At | Cut | Dealt | Maxima | None"]


def trace(model: nn.Module, input: Shape) -> TracedGraph:
    """Raises: ModelFails where the model does not run on that input; Unimportable."""
    try:
        followed = follow(model, input)
    except Unfollowable as error:
        raise Unimportable([Wordless("", f"its code cannot be followed without running it: {error}")]) from error
    trained = {parameter.data_ptr(): parameter.requires_grad for parameter in model.parameters()}
    return _TraceReader(followed, input, trained).read()


class _TraceReader(Recorded):
    """A model's steps as words, one after another."""

    def __init__(self, followed: Followed, input: Shape, trained: dict[int, bool]) -> None:
        super().__init__(followed, input, trained)
        self.special: tuple[tuple[tuple[Any, ...], Special], ...] = (
            (functions.CUTTING, self._cut),
            ((torch.permute, "permute", torch.transpose, "transpose"), self._turned),
            ((F.layer_norm,), self._layer_norm),
            (("expand_as", "expand"), lambda node, source: source),  # a product stretches by itself
            ((torch.squeeze, "squeeze", torch.unsqueeze, "unsqueeze"), self._folded),
        )

    def read(self) -> TracedGraph:
        result = 0
        for node in self.traced.graph.nodes:
            if node.op == "output":
                result = self._result(node)
                continue
            found = self._found(node)
            if found is not None:
                self.at[node] = found
        self._check_sharing()
        if self.wordless:
            raise Unimportable(self.wordless)
        return TracedGraph(tuple(self.ops), result)

    # one node

    def _found(self, node: fx.Node) -> At | Cut | Dealt | Maxima | None:
        """Where a node's tensor is; what has no word is noted, and a stand-in goes on, so that the rest is read too."""
        if any(given in self.unknown for given in node.all_input_nodes):
            return self._unknown(node)
        try:
            found = self._node(node)
            for source in self.followed.changed.get(node, ()):
                self._follow_change(node, source, found)
        except NoWord as error:
            self.wordless.append(Wordless(self._where(node), str(error)))
            return self._unknown(node)
        except Exception as error:  # a fault of ours in reading one step is told at that step
            what = f"`{name_of(node.target)}` is used in a way that is not understood here"
            self.wordless.append(Wordless(self._where(node), f"{what} ({type(error).__name__}: {error})"))
            return self._unknown(node)
        return found

    def _follow_change(self, node: fx.Node, source: fx.Node, found: At | Cut | Dealt | Maxima | None) -> None:
        """What reads a tensor again after it was changed in place reads what it was changed into."""
        again = read_again(self.followed, node, source)
        whole = isinstance(found, At) and self.values[node].shape == self.values[source].shape
        was = self.at.get(source)
        if any(other is not source and self.at.get(other) != was for other in again) or (again and not whole):
            raise NoWord(f"`{self._called(node)}` changes in place a tensor that is read again in another form")
        if isinstance(found, At):
            self.at |= dict.fromkeys(again, found)
        elif not again:
            raise NoWord(f"`{self._called(node)}` changes a part of a tensor in place")

    def _node(self, node: fx.Node) -> At | Cut | Dealt | Maxima | None:
        value = self.values[node]
        if node.op == "placeholder":
            if self.ops:
                if node.args:
                    return None
                raise NoWord("a second input")
            self.ops.append(Op("input", (), self.input))
            return At(0)
        if node.op == "get_attr" or isinstance(value, torch.Size) or not isinstance(value, Tensor | tuple | list):
            return None  # a size is told by the run
        if node.op == "call_module":
            return self._module(node, self.modules[str(node.target)])
        return self._function(node)

    def _module(self, node: fx.Node, module: nn.Module) -> At:
        source = self._source(node)
        x = self._shape(source)
        if not isinstance(self.values[node], Tensor):
            leaf_of(module, x, x)
            raise NoWord(f"`{type(module).__name__}` gives {kind_of_result(self.values[node])}")
        if is_drop_path(module):
            return self._dropped(node, source, chance_of(module))
        if is_response_norm(module):
            return self._add(node, response_norm(module, x), source)
        output = self._output(node, source)
        if isinstance(module, nn.Linear) and source.last:
            return self._add(node, mixing(module, x), source)
        if isinstance(module, nn.LayerNorm) and len(x) > 1 and not source.last:
            raise NoWord(
                f"layer normalisation over {'×'.join(map(str, module.normalized_shape))}, not over the channels"
            )
        leaf = leaf_of(module, x, output)
        if source.last and not LAYERS[leaf.word].pointwise:
            raise NoWord(f"`{type(module).__name__}` on a tensor whose channels come last")
        return self._add(node, leaf, source)

    def _function(self, node: fx.Node) -> At | Cut | Dealt | Maxima | None:
        target, args = node.target, node.args
        first = self.at.get(args[0]) if args and isinstance(args[0], fx.Node) else None
        if target in functions.JOINING:
            return self._concat(node)
        if target is operator.getitem and not isinstance(first, Maxima):
            return self._item(node, first)
        if isinstance(first, Maxima):
            return self._largest(node, first)
        if isinstance(first, Cut):
            raise NoWord("an operation on a list of tensors")
        if target in functions.ADDING or target in functions.MULTIPLYING:
            return self._arithmetic(node)
        if isinstance(first, Dealt):
            return self._shuffled(node, first)
        if first is None:
            raise NoWord(f"`{name_of(target)}` of something that does not come from the network")
        return self._special(node, first) or self._like_module(node, first)

    def _special(self, node: fx.Node, source: At) -> At | Cut | Dealt | Maxima | None:
        """Functions that no single module stands for."""
        for targets, read in self.special:
            if node.target in targets:
                return read(node, source)
        args, kwargs = self._values(node.args[1:]), self._values(node.kwargs)
        x = self._given(node)
        if functions.is_global_mean(node.target, args, kwargs, x) and not source.last:
            return self._mean(node, source)
        if name_of(node.target) == "stochastic_depth":
            if "batch" in (*args[1:], *kwargs.values()):
                raise NoWord("stochastic depth of a whole batch at once")
            return self._dropped(node, source, args[0] if args else kwargs["p"])
        if node.target in DROPOUTS:
            self._require_mode(node, args, kwargs)
        if node.target in (*functions.MEANS, *functions.LARGEST, *functions.MAXIMA) and not source.last:
            return self._over_channels(node, source, functions.over_channels(args, kwargs, x.dim()))
        summand = functions.scalar_summand(node.target, args[0] if args else None)
        if summand is not None:
            return self._step(node, source, "shift", value=summand)
        factor = functions.scalar_factor(node.target, args[0] if args else None)
        if factor is not None:
            return self._step(node, source, "scale", value=factor)
        if node.target in ("view", "reshape", torch.reshape) and self.values[node].dim() == x.dim() + 1 == 5:
            return self._dealt(node, source, x)
        return None

    def _over_channels(self, node: fx.Node, source: At, keeps: bool | None) -> At | Maxima | None:
        """The mean or the largest of all channels, which `unsqueeze` may bring back as one."""
        if keeps is None:
            return None
        at = self._step(node, source, "channelmean" if node.target in functions.MEANS else "channelmax")
        if node.target in functions.MAXIMA:
            return Maxima(at)
        return at if keeps else self._brought_back(node, at)

    def _largest(self, node: fx.Node, maxima: Maxima) -> At:
        """`x.max(1)[0]` and `x.max(1).values`."""
        if node.args[1] not in (0, "values"):
            raise NoWord("the places of maxima")
        keeps = self.values[node].dim() == len(self._shape(maxima.at)) + 1
        return maxima.at if keeps else self._brought_back(node, maxima.at)

    def _brought_back(self, node: fx.Node, at: At) -> At:
        """Raises: NoWord where the dimension that was lost does not come back at once."""
        back = all(user.target in functions.ADDING_A_DIMENSION and user.args[1:] == (1,) for user in node.users)
        if not back:
            raise NoWord(f"`{name_of(node.target)}` over the channels without `keepdim=True`")
        return at

    def _dropped(self, node: fx.Node, source: At, p: float) -> At:
        return self._step(node, source, "droppath", p=chance(p)) if p else source

    def _require_mode(self, node: fx.Node, args: Any, kwargs: dict[str, Any]) -> None:
        """Raises: NoWord for a dropout that is at work in evaluation too, by its `training` or by its default."""
        if kwargs.get("training", args[1] if len(args) > 1 else True):
            raise NoWord(f"`{self._called(node)}` drops in evaluation too, without `training=self.training`")

    def _like_module(self, node: fx.Node, source: At) -> At:
        is_off = node.target in DROPOUTS and FOLLOWS_MODE not in node.meta  # its `training` is False whatever happens
        if is_off or node.target in functions.KEEPING:
            return source
        x = self._shape(source)
        if node.target in functions.RESHAPING:
            found = functions.reshaped(self._given(node), tuple(self.values[node].shape))
            if found is None:
                return source
            leaf = step(found[0], x, **found[1])
        else:
            args, kwargs = self._values(node.args), self._values(node.kwargs)
            if not isinstance(self.values[node], Tensor):
                raise NoWord(f"no layer does what `{name_of(node.target)}` does")
            leaf = leaf_of_function(node.target, args, kwargs, x, self._output(node, source))
        if source.last and not LAYERS[leaf.word].pointwise and not all(size == 1 for size in x[1:]):
            raise NoWord(f"`{name_of(node.target)}` on a tensor whose channels come last")
        return self._add(node, leaf, source)

    # joins

    def _arithmetic(self, node: fx.Node) -> At:
        join = "add" if node.target in functions.ADDING else "mul"
        left, right = node.args[0], node.args[1]
        if node.kwargs:
            raise NoWord(f"`{join}` with {', '.join(node.kwargs)}")
        places = [self.at.get(arg) if isinstance(arg, fx.Node) else None for arg in (left, right)]
        if isinstance(places[0], At) and isinstance(places[1], At):
            if places[0].last != places[1].last:
                raise NoWord("tensors with different orders of dimensions, joined")
            return self._join(node, join, [places[0], places[1]])
        mine, other = (places[0], right) if isinstance(places[0], At) else (places[1], left)
        if not isinstance(mine, At):
            raise NoWord(f"`{join}` of something that does not come from the network")
        return self._with_constant(node, join, mine, self._values((other,))[0])

    def _with_constant(self, node: fx.Node, join: str, source: At, other: Any) -> At:
        channels = self._shape(source)[0]
        if isinstance(other, nn.Parameter) and other.numel() == channels:
            weight = ("weight", other.detach().reshape(-1))
            word = "layerscale" if join == "mul" else "layershift"
            leaf = step(word, self._shape(source), value=starting_value(other))
            return self._add(node, leaf._replace(weights=(weight,)), source)
        summand, factor = functions.scalar_summand(node.target, other), functions.scalar_factor(node.target, other)
        if summand is not None:
            return self._step(node, source, "shift", value=summand)
        if factor is None:
            what = f"a tensor of shape {'×'.join(map(str, other.shape))}" if isinstance(other, Tensor) else repr(other)
            raise NoWord(f"{'adding' if join == 'add' else 'multiplying by'} {what}")
        return self._step(node, source, "scale", value=factor)

    def _concat(self, node: fx.Node) -> At:
        parts = node.args[0]
        dim = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        rank = self.values[node].dim()
        listed = list(parts) if isinstance(parts, tuple | list) else []
        places = [self.at.get(part) if isinstance(part, fx.Node) else None for part in listed]
        known = [place for place in places if isinstance(place, At)]
        if len(known) < len(places) or not known:
            raise NoWord("a concatenation of something that does not come from the network")
        if not isinstance(dim, int) or dim % rank != 1 or any(place.last for place in known):
            raise NoWord(f"a concatenation along dimension {dim}, not along the channels")
        return self._join(node, "concat", known) if len(known) > 1 else known[0]

    def _join(self, node: fx.Node, join: Any, places: list[At]) -> At:
        output = self._output(node, places[0])
        shapes = dict.fromkeys(map(self._shape, places))
        if join == "add" and len(shapes) > 1:
            raise NoWord(f"a sum of {' and '.join(map(written, shapes))}, which stretches one of them")
        self.ops.append(Op(node.name, tuple(place.op for place in places), output, None, join))
        return At(len(self.ops) - 1, places[0].last)

    # pieces of channels

    def _cut(self, node: fx.Node, source: At) -> Cut:
        kwargs = {**node.kwargs}
        dim = kwargs.get("dim", node.args[2] if len(node.args) > 2 else 0)
        axis = self._given(node).dim() - 1 if source.last else 1
        if not isinstance(dim, int) or dim % self._given(node).dim() != axis:
            raise NoWord(f"a cut along dimension {dim}, not along the channels")
        sizes = [piece.shape[axis] for piece in self.values[node]]
        starts = [sum(sizes[:place]) for place in range(len(sizes))]
        return Cut(source, tuple((start, start + size) for start, size in zip(starts, sizes, strict=True)))

    def _item(self, node: fx.Node, first: Any) -> At | None:
        index = node.args[1]
        if isinstance(first, Cut) and isinstance(index, int):
            start, end = first.pieces[index]
            return self._step(node, first.at, "slice", start=start, end=end)
        if isinstance(first, At):
            start, end = channel_bounds(self._values((index,))[0], self._shape(first)[0])
            return self._step(node, first, "slice", start=start, end=end)
        return None

    # shapes

    def _mean(self, node: fx.Node, source: At) -> At:
        at = self._step(node, source, "gap")
        return self._step(node, at, "flatten") if self.values[node].dim() == 2 else at

    def _folded(self, node: fx.Node, source: At) -> At:
        """Dimensions of size 1 that come or go."""
        found = tuple(self.values[node].shape[1:])
        x = self._shape(source)
        if self.values[node].shape[0] != BATCH or source.last:
            raise NoWord("a change of the batch dimension")
        if found == x:
            return source
        at = self._step(node, source, "flatten") if len(x) > 1 else source
        return self._step(node, at, "unflatten", shape=found) if len(found) > 1 else at

    def _turned(self, node: fx.Node, source: At) -> At | Dealt:
        """Channels moved to the last place, or back."""
        rank = self._given(node).dim()
        dims = order_of_dimensions(node.target, self._values(node.args[1:]), self._values(dict(node.kwargs)), rank)
        if not source.last and dims == [0, *range(2, rank), 1]:
            return At(source.op, last=True)
        if source.last and dims == [0, rank - 1, *range(1, rank - 1)]:
            return At(source.op)
        raise NoWord(f"dimensions in the order {dims}")

    def _layer_norm(self, node: fx.Node, source: At) -> At:
        names = ("normalized_shape", "weight", "bias", "eps")
        given = dict(zip(names, self._values(node.args[1:]), strict=False)) | self._values(node.kwargs)
        x = self._shape(source)
        if tuple(given["normalized_shape"]) != x[:1] or (len(x) > 1 and not source.last) or given.get("weight") is None:
            raise NoWord(f"layer normalisation over {given['normalized_shape']}, not over the channels")
        leaf = step("layernorm", x, eps=given.get("eps", 1e-5), affine=True, bias=given.get("bias") is not None)
        weights = tuple((name, given[name].detach()) for name in ("weight", "bias") if given.get(name) is not None)
        return self._add(node, leaf._replace(weights=weights), source)

    def _dealt(self, node: fx.Node, source: At, x: Tensor) -> Dealt:
        shape = self.values[node].shape
        if source.last or shape[1] * shape[2] != x.shape[1] or shape[3:] != x.shape[2:]:
            raise NoWord(f"a change of shape from {tuple(x.shape[1:])} to {tuple(shape[1:])}")
        return Dealt(source, shape[1])

    def _shuffled(self, node: fx.Node, dealt: Dealt) -> At | Dealt:
        if node.target in (torch.transpose, "transpose") and sorted(self._values(node.args[1:])) == [1, 2]:
            return dealt._replace(turned=not dealt.turned)
        if node.target == "contiguous":
            return dealt
        x = self._shape(dealt.at)
        if not dealt.turned or tuple(self.values[node].shape[1:]) != x:
            raise NoWord("channels in an order that no shuffle gives")
        return self._step(node, dealt.at, "channelshuffle", groups=dealt.groups)
