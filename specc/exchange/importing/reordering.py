"""Pieces of channels, changes of shape, and dimensions in another order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from specc.exchange.importing import functions
from specc.exchange.importing.calls import ModelCall, name_of
from specc.exchange.importing.recorded import Recorded
from specc.exchange.importing.tensors import (
    At,
    Cut,
    Dealt,
    order_of_dimensions,
    slices_of,
)
from specc.layers.base import Shape, ShapeError
from specc.layers.registry import LAYERS
from specc.layers.torch_call import NoWord, compact


class Reordered(Recorded):
    """What a model does with a tensor without computing new values."""

    def _cut(self, node: ModelCall, source: At) -> Cut:
        kwargs = {**node.kwargs}
        names = ("split_size_or_sections", "chunks", "dim")
        given = node.args[2] if len(node.args) > 2 else kwargs.get("dim", 0)
        axis = node.given.dim() - 1 if source.last else 1
        if not isinstance(given, int) or given % node.given.dim() != axis or set(kwargs) - {*names, "split_size"}:
            raise NoWord(f"a cut along dimension {given}, not along the channels")
        sizes = [piece.shape[axis] for piece in node.value]
        starts = [sum(sizes[:place]) for place in range(len(sizes))]
        return Cut(source, tuple((start, start + size) for start, size in zip(starts, sizes, strict=True)))

    def _item(self, node: ModelCall, first: Any) -> At | None:
        index = node.args[1]
        if isinstance(first, Cut) and isinstance(index, int):
            start, end = first.pieces[index]
            return self._step(node, first.at, "slice", start=start, end=end)
        if not isinstance(first, At):
            return None
        channels, *pixels = slices_of(node.values((index,))[0], tuple(node.given.shape), last=first.last)
        at, (count, *sizes) = first, self._shape(first)
        if (channels.start, channels.stop) != (0, count):
            at = self._step(node, at, "slice", start=channels.start, end=channels.stop)
        strides, starts = tuple(one.step for one in pixels), tuple(one.start for one in pixels)
        reach = all(_reaches(one, size) for one, size in zip(pixels, sizes, strict=True))
        if not reach or (first.last and set(strides) - {1}):
            raise NoWord("a cut that takes a piece of the picture")
        if any(starts):
            return self._phase(node, at, strides, starts)
        if set(strides) - {1}:  # every second pixel is the largest of itself alone
            at = self._step(node, at, "maxpool", kernel=1, stride=compact(strides))
        return at

    def _phase(self, node: ModelCall, at: At, strides: Shape, starts: Shape) -> At:
        """Every so manieth pixel from a later one on: those that become one of the channels of `pixelunshuffle`."""
        (channels, *sizes), stride = self._shape(at), strides[0]
        if len(sizes) != 2 or set(strides) != {stride} or any(size % stride for size in sizes) or at.last:
            raise NoWord("a cut that takes a piece of the picture")
        at = self._step(node, at, "pixelunshuffle", r=stride)
        at = self._step(node, at, "channelshuffle", groups=channels) if channels > 1 else at
        place = starts[0] * stride + starts[1]
        return self._step(node, at, "slice", start=place * channels, end=(place + 1) * channels)

    def _folded(self, node: ModelCall, source: At) -> At:
        """Dimensions of size 1 that come or go."""
        found = tuple(node.value.shape[1:])
        x = self._shape(source)
        if node.value.shape[0] != node.given.shape[0] or (source.last and not all(size == 1 for size in x[1:])):
            raise NoWord("a change of the batch dimension")
        if found == x:
            return source
        at = self._step(node, source, "flatten") if len(x) > 1 else source
        return self._step(node, at, "unflatten", shape=found) if len(found) > 1 else at

    def _turned(self, node: ModelCall, source: At) -> At | Dealt:
        """Channels moved to the last place, or back; any other order is one on the way to a word."""
        rank = node.given.dim()
        dims = order_of_dimensions(node.target, node.values(node.args[1:]), node.values(dict(node.kwargs)), rank)
        if not source.last and dims == [0, *range(2, rank), 1]:
            return At(source.op, last=True)
        if source.last and dims == [0, rank - 1, *range(1, rank - 1)]:
            return At(source.op)
        raise NoWord(f"dimensions in the order {dims}")

    def _reshaped(self, node: ModelCall, source: At) -> At | Dealt:
        x, shape = self._shape(source), tuple(node.value.shape)
        if not source.last and len(x) > 1 and shape[0] == node.given.shape[0] and _is_to_be_turned(node):
            return Dealt(source, torch.arange(node.given[0].numel()).reshape(shape[1:]))
        words = functions.reshaped(node.given, shape)
        if words and source.last and not all(size == 1 for size in x[1:]):
            raise NoWord(f"`{name_of(node.target)}` on a tensor whose channels come last")
        at = At(source.op) if words else source
        for word, fields in words:
            at = self._step(node, at, word, **fields)
        return at

    def _of_settled(self, node: ModelCall, dealt: Dealt) -> Any:
        """A function of a tensor whose values came back into their order, in a shape of their own."""
        at = self._step(node, self._step(node, dealt.at, "flatten"), "unflatten", shape=tuple(dealt.places.shape))
        return self._of_one(node, at)

    def _of_one(self, node: ModelCall, source: At) -> Any:
        """A function of one tensor of the network, as the reader of a whole model knows them."""
        raise NotImplementedError

    def _dealt(self, node: ModelCall, dealt: Dealt) -> At | Dealt:
        """A tensor on its way through several dimensions: a shuffle, or pixels that become channels."""
        places = dealt.places
        if node.target in functions.TURNING:
            rank = places.dim() + 1
            dims = order_of_dimensions(node.target, node.values(node.args[1:]), node.values(dict(node.kwargs)), rank)
            if dims[0] != 0:
                raise NoWord("a change of the batch dimension")
            return dealt._replace(places=places.permute([dim - 1 for dim in dims[1:]]))
        if node.target in functions.KEEPING:
            return dealt
        if node.target not in functions.RESHAPING and torch.equal(places.flatten(), torch.arange(places.numel())):
            found: At | Dealt = self._of_settled(node, dealt)
            return found
        if node.target not in functions.RESHAPING or node.value.shape[0] != node.given.shape[0]:
            raise NoWord(f"`{name_of(node.target)}` of a tensor with its dimensions in another order")
        places = places.reshape(node.value.shape[1:])
        x = self._shape(dealt.at)
        for words in _orders(x, tuple(places.shape)):
            if torch.equal(_run(words, x), places.double()):
                at = dealt.at
                for word, fields in words:
                    at = self._step(node, at, word, **fields)
                return at
        if _is_to_be_turned(node):
            return dealt._replace(places=places)
        raise NoWord("values in an order that no word gives")


def _reaches(piece: slice, size: int) -> bool:
    """Whether a piece goes on to the last pixel, from one of the first that its stride would pass over."""
    return piece.start < piece.step and len(range(piece.start, piece.stop, piece.step)) == len(
        range(piece.start, size, piece.step)
    )


Words = list[tuple[str, dict[str, int]]]


def _is_to_be_turned(node: ModelCall) -> bool:
    """Whether what a reshape gives goes on with its dimensions in another order."""
    users = [user for user in node.users if user.target not in functions.KEEPING]
    return node.value.dim() > 3 and bool(users) and all(user.target in functions.TURNING for user in users)


def _orders(x: Shape, found: Shape) -> Iterator[Words]:
    """What may give values in another order, for a shape that arrives and one that leaves."""
    if len(found) != len(x):
        return
    if found == x:
        yield []
        yield from ([("channelshuffle", {"groups": groups})] for groups in range(2, x[0]) if x[0] % groups == 0)
    elif len(x) == 3 and found[0] > x[0]:
        shrink: Words = [("pixelunshuffle", {"r": x[1] // found[1]})]
        yield from (shrink, [*shrink, ("channelshuffle", {"groups": x[0]})])
    elif len(x) == 3 and x[1]:
        grow: Words = [("pixelshuffle", {"r": found[1] // x[1]})]
        yield from (grow, [("channelshuffle", {"groups": (found[1] // x[1]) ** 2}), *grow])


def _run(words: Sequence[tuple[str, dict[str, int]]], x: Shape) -> torch.Tensor:
    """Where each value comes from that words give."""
    values = torch.arange(torch.Size(x).numel(), dtype=torch.float64).reshape(1, *x)
    try:
        for word, fields in words:
            layer, shape = LAYERS[word](**fields), tuple(values.shape[1:])
            layer.output(shape)
            values = layer.build(shape)(values)
    except ShapeError:
        return torch.empty(0, dtype=torch.float64)
    return values[0]
