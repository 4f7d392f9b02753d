"""Lints of what a network sees of the picture, and what it passes over."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from specc.diagnostics.spelling import counted
from specc.ir.analysis import receptive
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding
from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, borrows
from specc.layers.base import Shape, written
from specc.layers.windows import Window

# What a slice along a spatial dimension is called, by rank.
_SLICES = {1: ("value",), 2: ("row", "column"), 3: ("slice", "row", "column")}


def discarded_pixels(network: Network) -> Iterator[Finding]:
    for placed, windows in network.strided:
        x, output = placed.node.input[1:], placed.node.output[1:]
        lost = [window.unread(*sizes) for window, *sizes in zip(windows, x, output, strict=True)]
        if any(lost):
            yield Finding(
                placed.span,
                f"`{placed.word}` never reads the last {_slices(lost)} of {written(x)} pixels",
                _way_out(placed, lost),
                label=f"the last of {written(output)} windows ends before the edge",
                notes=_where(placed),
            )


def _slices(lost: list[int]) -> str:
    """`row and column`, `2 rows`"""
    names = _SLICES[len(lost)]
    parts = [name if count == 1 else counted(count, name) for name, count in zip(names, lost, strict=True) if count]
    return " and ".join(parts)


def _way_out(placed: Placed, lost: list[int]) -> str:
    sizes = "`specc check --sizes` lists the sizes that lose nothing"
    if "ceil" in type(placed.layer).model_fields:
        return f"`ceil` keeps a last window that reaches over the edge\n{sizes}"
    padding = _enough_padding(placed)
    return f"`p{padding}` reads them\n{sizes}" if padding is not None else sizes


def _enough_padding(placed: Placed) -> int | None:
    """The smallest number of pixels on each side with which nothing is lost, up to half of the window."""
    x = placed.node.input
    for padding in range(1, max(window.reach for window in placed.layer.windows(x)) // 2 + 1):
        wider = placed.layer.model_copy(update={"padding": padding})
        numbers = zip(wider.windows(x), x[1:], wider.output(x)[1:], strict=True)
        if not any(window.unread(size, count) for window, size, count in numbers):
            return padding
    return None


def _where(placed: Placed) -> tuple[str, ...]:
    """Which of several layers it is, for one in a block or a group."""
    return (f"this is `{placed.name}`",) if "." in placed.name else ()


def stride_above_kernel(network: Network) -> Iterator[Finding]:
    for placed, windows in network.strided:
        numbers = zip(windows, placed.node.input[1:], placed.node.output[1:], strict=True)
        skipping = [window for window, size, count in numbers if window.skips(size, count)]
        if skipping:
            kernel, stride, _, dilation = skipping[0]
            dilated = f", dilation {dilation}" if dilation > 1 else ""
            yield Finding(
                placed.span,
                f"`{placed.word}` passes over pixels that no window reads: kernel {kernel}, stride {stride:g}{dilated}",
                _without_gaps(skipping[0]),
                notes=_where(placed),
            )


def _without_gaps(window: Window) -> str:
    """Windows of the same stride, then of the same kernel, that leave no pixel out between them."""
    kernel, stride, _, dilation = window
    step = int(stride)
    ways = []
    if gcd(step, dilation) == 1:
        ways.append(f"use a kernel of at least {step}")
    elif kernel >= step:
        ways.append(f"leave out the dilation: kernel {kernel} is enough for stride {step}")
    else:
        ways.append(f"use a kernel of at least {step} without the dilation")
    smaller = next((less for less in range(min(step - 1, kernel), 1, -1) if gcd(less, dilation) == 1), 1)
    return "\n".join([*ways, f"use a stride of {smaller}"])


def narrow_receptive_field(network: Network) -> Iterator[Finding]:
    model = network.model
    if len(model.input) == 1 or any(size > 1 for size in model.output[1:]):
        return
    for node, seen in _global_pools(model.chain, receptive.of_input(model.input), model.input):
        if not _is_narrow(seen, model.input, network.widest_kernel):
            continue
        yield Finding(
            node.span,
            f"`{node.layer.keyword}` joins values of which none has seen more than "
            f"{written(_whole(seen.size))} of {written(model.input[1:])} pixels",
            "more layers, strides or poolings before it widen the receptive field; `specc summary` shows it",
        )


def _is_narrow(seen: receptive.Receptive, x: Shape, widest: int) -> bool:
    """Whether a field is too small for what a picture shows; widest, the reach of the widest window by itself."""
    if all(size == 1 for size in seen.size):
        return False
    if len(x) == 2:  # a signal
        return seen.size[0] <= widest
    return any(2 * size < whole for size, whole in zip(seen.size, x[1:], strict=True))


def _global_pools(
    chain: ShapedChain, seen: receptive.Seen, x: Shape
) -> Iterator[tuple[ShapedLayer, receptive.Receptive]]:
    """The pooling to one pixel outside all branches, where nothing before it sees all; stops where something does."""
    for node in _outside_branches(chain):
        if seen is None or seen.covers(x) or borrows(node):
            return
        if isinstance(node, ShapedLayer) and node.layer.family == "pooling" and _to_one_pixel(node):
            yield node, seen
            return
        seen = receptive.through(node, seen)


def _outside_branches(chain: ShapedChain) -> Iterator[ShapedLayer | ShapedForm]:
    for _, node in chain.steps:
        if isinstance(node, ShapedChain):
            yield from _outside_branches(node)
        else:
            yield node


def _to_one_pixel(node: ShapedLayer) -> bool:
    return all(size == 1 for size in node.output[1:]) and any(size > 1 for size in node.input[1:])


def _whole(sizes: tuple[float, ...]) -> Shape:
    return tuple(int(size) for size in sizes)
