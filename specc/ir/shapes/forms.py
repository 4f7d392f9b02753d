"""Shape rules of the branch forms: what the outputs of the branches must have in common, and what they give."""

from __future__ import annotations

from collections.abc import Sequence

from specc.diagnostics.proposal import AlikeChannels, AlikeSizes, JoinBy, Proposal, RestInLast, ShortcutAuto
from specc.layers.base import Shape, ShapeError, kind_of, other_channels, written
from specc.layers.windows import window_count


def concat_shape(outputs: list[Shape]) -> Shape:
    """Joined along channels; everything else agrees. Raises: ShapeError."""
    first = outputs[0]
    for number, other in enumerate(outputs[1:], start=2):
        if other[1:] != first[1:]:
            raise ShapeError(
                "E307",
                f"`concat` joins pictures of the same size, but branch 1 gives {written(first)} "
                f"and branch {number} gives {written(other)}",
                help="give both branches the same strides and paddings: only channels may differ",
                proposals=(AlikeSizes(),),
            )
    return (sum(output[0] for output in outputs), *first[1:])


def add_shape(outputs: list[Shape], names: list[str], word: str) -> Shape:
    """All alike. Raises: ShapeError."""
    for name, other in zip(names[1:], outputs[1:], strict=True):
        if other != outputs[0]:
            raise ShapeError(
                "E307",
                f"`{word}` needs equal shapes, but {names[0]} gives {written(outputs[0])} "
                f"and {name} gives {written(other)}",
                help=_shortcut_help(outputs[0], other) if word == "residual" else _sum_help(outputs[0], other),
                proposals=_alike(word, outputs),
            )
    return outputs[0]


def _alike(word: str, outputs: Sequence[Shape]) -> tuple[Proposal, ...]:
    """What makes branches agree: in sizes, in channels, or by another way to join them."""
    found: list[Proposal] = [ShortcutAuto()] if word == "residual" else []
    found += [AlikeSizes(), AlikeChannels(tuple(dict.fromkeys(output[0] for output in outputs)))]
    return (*found, JoinBy("mul")) if word == "add" else tuple(found)


def _sum_help(first: Shape, other: Shape) -> str:
    """What to do about branches that differ, by the dimension in which they do."""
    if len(first) != len(other):
        return "end both branches with shapes of the same kind: two vectors, or two pictures"
    if first[1:] == other[1:]:
        return "give the last layers of the branches the same number of channels"
    if all(1 in pair or pair[0] == pair[1] for pair in zip(first, other, strict=True)):
        return "`mul` stretches a dimension of 1 to any other; `add` does not"
    return "give the branches the same strides and paddings"


def _shortcut_help(body: Shape, arriving: Shape) -> str:
    """What to do about a residual whose sides differ: a projection, where there is one."""
    try:
        projection_stride(arriving, body)
    except ShapeError:
        return "give the body paddings and strides that keep it at the size of its shortcut"
    return "`shortcut auto` brings what arrived to the shape of the body"


def mul_shape(outputs: list[Shape], names: list[str], word: str) -> Shape:
    """All alike, where a dimension of 1 goes with every other. Raises: ShapeError."""
    joined = outputs[0]
    for name, other in zip(names[1:], outputs[1:], strict=True):
        fits = len(other) == len(joined) and all(
            1 in pair or pair[0] == pair[1] for pair in zip(joined, other, strict=True)
        )
        if not fits:
            raise ShapeError(
                "E307",
                f"`{word}` needs equal shapes, but {names[0]} gives {written(joined)} "
                f"and {name} gives {written(other)}",
                help="a dimension may be 1 in one of them, as after `gap`",
                proposals=_alike(word, outputs),
            )
        joined = tuple(max(pair) for pair in zip(joined, other, strict=True))
    return joined


def split_input(x: Shape, branches: int, sizes: Sequence[int | None] = ()) -> list[Shape]:
    """What each branch of a `split` gets.

    Args:   sizes, the channels of each part, one of them None for what is left; none of them: equal parts.
    Raises: ShapeError where the parts are not the channels that arrive.
    """
    if not sizes:
        return [(_equal_part(x[0], branches), *x[1:])] * branches
    return [(size, *x[1:]) for size in _parts(x[0], sizes)]


def _equal_part(channels: int, branches: int) -> int:
    if channels % branches:
        raise ShapeError(
            "E303",
            f"`split` cuts the channels into {branches} equal parts, but {channels} arrive{'s' * (channels == 1)}",
            label=f"{channels} / {branches} leaves {channels % branches}",
            help=f"{channels // branches * branches or branches} or {-(-channels // branches) * branches} channels "
            "can be cut",
            proposals=other_channels(channels, branches, anyhow=True),
        )
    return channels // branches


def _parts(channels: int, sizes: Sequence[int | None]) -> list[int]:
    """The parts with what is left in its place."""
    known = [size for size in sizes if size is not None]
    left = channels - sum(known)
    total = " + ".join(map(str, known)) + (f" = {sum(known)}" if len(known) > 1 else "")
    if len(known) < len(sizes):
        if left >= 1:
            return [left if size is None else size for size in sizes]
        what = f"the parts of `split` leave nothing for `_`: {total}, and {channels} arrive{'s' * (channels == 1)}"
        help = f"the numbers may come to {channels - 1} at most" if channels > 1 else "one channel cannot be cut"
        raise ShapeError("E303", what, label=f"{channels} − {sum(known)} = {left}", help=help)
    if left:
        what = f"the parts of `split` come to {total}, but {channels} arrive{'s' * (channels == 1)}"
        help = f"{_fitting(channels, known)}, or `_` for what is left"
        raise ShapeError("E303", what, help=help, proposals=(RestInLast(),))
    return known


def _fitting(channels: int, known: Sequence[int]) -> str:
    """The same parts with the last one as large as what arrives allows."""
    last = channels - sum(known[:-1])
    if last < 1:
        return f"let the parts come to {channels}"
    return f"`split {' '.join(map(str, (*known[:-1], last)))}`"


def projection_stride(arriving: Shape, wanted: Shape) -> int | tuple[int, ...]:
    """The smallest stride of a 1×1 convolution that turns one spatial size into the other.

    Raises: ShapeError where no stride does.

    >>> projection_stride((64, 32, 32), (128, 16, 16)), projection_stride((64, 7), (64, 4))
    (2, 2)
    """
    if len(arriving) != len(wanted):
        raise ShapeError(
            "E307",
            f"`shortcut auto` cannot turn {kind_of(arriving)} into {kind_of(wanted)}",
            help="give the body an output of the same rank, or write the shortcut out: `shortcut { … }`",
            proposals=(AlikeSizes(),),
        )
    sizes = list(zip(arriving[1:], wanted[1:], strict=True))
    strides = [(size - 1) // target + 1 for size, target in sizes]
    common = max(strides, default=1)
    if all(_fits(size, common, target) for size, target in sizes):
        return common
    if all(_fits(size, stride, target) for (size, target), stride in zip(sizes, strides, strict=True)):
        return tuple(strides)
    raise ShapeError(
        "E307",
        f"no stride of a 1×1 convolution turns {written(arriving)} into {written(wanted)}",
        label="`shortcut auto` can make a picture smaller, never larger",
        help="change the padding or the stride of the body, or write the shortcut out: `shortcut { … }`",
        proposals=(AlikeSizes(),),
    )


def _fits(size: int, stride: int, target: int) -> bool:
    return window_count(size, 1, stride, 0) == target
