"""Lints of what a network sees of the picture, and what it passes over."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from specc.diagnostics.spelling import counted
from specc.ir.analysis import receptive
from specc.ir.lint.network import Network, Placed
from specc.ir.lint.rule import Finding, lint
from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, borrows
from specc.layers.base import Shape, written
from specc.layers.windows import Window

# What a slice along a spatial dimension is called, by rank.
_SLICES = {1: ("value",), 2: ("row", "column"), 3: ("slice", "row", "column")}


@lint(
    "W505",
    "rows or columns are discarded",
    """\
A window that moves by more than one pixel does not always end on the last pixel. The number of
windows is

    ⌊(n + 2p − d·(k−1) − 1) / s⌋ + 1

and what the rounding takes off are pixels that no window reads: `maxpool 2` on 7 pixels has
⌊(7 − 1 − 1) / 2⌋ + 1 = 3 windows, which read 6 of them. The last row and the last column are
never looked at, in no picture.

Often that is of no consequence; published networks do it. But a whole row of features is thrown
away, and three poolings with a rounding each can lose a good part of the picture: of 31 pixels
that become 15, 7 and 3, the last window ends at pixel 24.

Wrong:

    input 3x30x30
    conv 8 k3 p1 -> relu -> maxpool 2
    conv 8 k3 p1 -> relu -> maxpool 2
    flatten -> linear 10

Right:

    input 3x32x32
    conv 8 k3 p1 -> relu -> maxpool 2
    conv 8 k3 p1 -> relu -> maxpool 2
    flatten -> linear 10

Ways out: pictures of a size that divides evenly (`specc check --sizes` lists them), `ceil` for
a pool, so that a last window reaches over the edge, or a padding. Padding that is left over is
not counted, and neither is what another branch reads, as the body of a residual does beside its
shortcut.
""",
)
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


@lint(
    "W506",
    "a stride larger than the kernel",
    """\
The stride is the number of pixels from one window to the next. Where it is larger than the
window, pixels lie between two windows that neither of them reads: with `k1 s2` three of four
pixels of a picture might as well not be there. The same happens where kernel and stride are both
2 and the dilation is 2 as well: only every second pixel is read, and read twice.

It is nearly always a slip; a larger kernel with the same stride gives an output of the same
size and sees everything. With a dilation that shares a divisor with the stride no kernel is
large enough.

Wrong:

    input 3x32x32
    conv 16 k2 s3 -> relu
    flatten -> linear 10

Right:

    input 3x32x32
    conv 16 k4 s4 -> relu
    flatten -> linear 10

Nothing is said where another branch reads those pixels: the `conv c k1 s2` of a residual's
shortcut only brings what arrived to the size of the body, and the body has seen the rest.
""",
)
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


@lint(
    "W509",
    "no value sees the whole picture",
    """\
The receptive field of a value is the part of the input that it depends on. Every convolution
and every pooling widens it, the more the farther apart its pixels have moved by then: a kernel
of k adds (k − 1) · j pixels, where j is the product of all strides before it.

    layer            adds         field   j
    conv k3          2 · 1         3      1
    maxpool 2        1 · 1         4      2
    conv k3          2 · 2         8      2
    maxpool 2        1 · 2        10      4

A global pooling then takes the mean (or the largest) over all places, and the order of places is
lost. If until then no value has seen more than 10×10 of 32×32 pixels, the network knows that
there is a wheel and that there is a door, but not where they are to each other: it is a bag of
small patches. For textures that may be right, for things it seldom is.

It is reported for pictures and volumes where the field is less than half of a side. Published
networks such as NIN see most of the picture (27 of 32 pixels) and let every place vote. Nothing
is said

- of `flatten -> linear`, which has a weight for every place and sees everything at once;
- where every kernel before the pooling is 1, as in PointNet: the places are a set, and have no
  neighbours;
- of a signal on which windows of windows slide, as in M5: how long a recording lasts says
  nothing about how much of it belongs together. A single convolution is reported.

Wrong:

    input 3x32x32
    conv 16 k3 p1 -> relu -> maxpool 2
    conv 32 k3 p1 -> relu -> maxpool 2
    gap -> flatten -> linear 10

Right:

    input 3x32x32
    { conv 16 k3 p1 -> relu } x2 -> maxpool 2
    { conv 32 k3 p1 -> relu } x2 -> maxpool 2
    { conv 64 k3 p1 -> relu } x2
    gap -> flatten -> linear 10

More layers, a stride or a pooling earlier on, larger kernels or a dilation widen the field;
`specc summary` shows it for every layer. Source: Araujo, Norris and Sim, "Computing Receptive
Fields of Convolutional Neural Networks", Distill 2019.
""",
)
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
