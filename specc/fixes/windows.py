"""Edits that make the picture larger which arrives at a step, and that keep pictures at their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.fixes.arguments import repeat_of, set_field, value_of
from specc.fixes.changes import Failure, left_out, removal, set_to
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site
from specc.layers.conv import Conv, DepthwiseConv
from specc.layers.pool import AvgPool, MaxPool

NEARBY = 8  # steps before the error of which one may be the cause
CONVOLUTIONS = (Conv, DepthwiseConv)
POOLS = (MaxPool, AvgPool)


def without_later(failure: Failure) -> Iterator[Candidate]:
    """The network without this pooling and those behind it."""
    start = failure.site.step.span.start
    pools = [site for site in failure.outline.sites if is_one_of(site, *POOLS) and site.step.span.start >= start]
    if len(pools) > 1:
        text = f"leave out `{failure.outline.text(failure.site)}` and the poolings after it"
        yield Candidate(Kind.SEVERAL, tuple(removal(failure.outline, site) for site in pools), text)


def larger_pictures(failure: Failure) -> Iterator[Candidate]:
    """A larger picture at the error: padding, a smaller stride, a pooling or a repeat less in the steps before."""
    before = failure.outline.before(failure.site)
    unpadded = [site for site in before if keeps_size(failure, site) is not None]
    yield from _as_in_papers(failure, [failure.site, *before])
    for site in unpadded[:NEARBY]:
        yield set_to(failure, site, Kind.PADDING, padding=keeps_size(failure, site))
    strided = [site for site in before if is_one_of(site, *CONVOLUTIONS) and _stride(failure, site) > 1]
    for site in strided[:NEARBY]:
        halved = _stride(failure, site) // 2
        yield set_to(failure, site, Kind.STRIDE, stride=halved if halved > 1 else None)
    for site in [site for site in before if is_one_of(site, *POOLS)][:NEARBY]:
        yield left_out(failure, site)
    yield from _fewer_repeats(failure)
    if len(unpadded) > 1:
        yield padded_everywhere(failure, unpadded)


def _as_in_papers(failure: Failure, sites: list[Site]) -> Iterator[Candidate]:
    """The padding of a network that has none: `p1` for all kernels of 3, as in VGG; the first of larger ones, as LeNet
    is made to fit 28×28 pixels."""
    wide = [site for site in sites if _widest(failure, site) > 1]
    unpadded = [site for site in wide if keeps_size(failure, site) is not None]
    if len(unpadded) < 2 or any(value_of(failure.outline, site, "padding") for site in wide):
        return
    if all(_widest(failure, site) == 3 for site in wide):
        everywhere = padded_everywhere(failure, unpadded)
        yield everywhere._replace(kind=Kind.PADDING, distance=-1, certain=False)
    else:
        first = set_to(failure, unpadded[-1], Kind.PADDING, padding=keeps_size(failure, unpadded[-1]))
        yield first._replace(distance=-1)


def _widest(failure: Failure, site: Site) -> int:
    """The kernel of a convolution, or of a call that has one; 0 where there is none."""
    if not is_one_of(site, *CONVOLUTIONS) and failure.outline.called(site) is None:
        return 0
    kernel = value_of(failure.outline, site, "kernel")
    sizes = kernel if isinstance(kernel, tuple) else (kernel,)
    return max((size for size in sizes if isinstance(size, int)), default=0)


def padded_everywhere(failure: Failure, sites: list[Site]) -> Candidate:
    """Padding for all of several convolutions, told by their lines."""
    edits = tuple(set_field(failure.outline, site, "padding", keeps_size(failure, site)) for site in sites)
    lines = sorted({failure.outline.line(site) for site in sites})
    sizes = sorted({edit.text.strip() for edit in edits})
    where = f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}" if len(lines) > 1 else f"line {lines[0]}"
    what = f"the {len(sites)} convolutions" if len(sites) > 1 else "the convolution"
    text = f"{' or '.join(f'`{size}`' for size in sizes)} for {what} at {where}"
    unique = tuple(dict[Any, Edit]((edit.span, edit) for edit in edits).values())
    return Candidate(Kind.PADDINGS, unique, text, failure.distance(sites[-1]), bare=True, placed=True)


def keeps_size(failure: Failure, site: Site) -> Any:
    """The padding that a convolution lacks to keep the size, None where it has one or its kernel is even or 1.

    A call of a block with parameters for kernel and padding is looked at in the same way.
    """
    is_call = failure.outline.called(site) is not None
    if not (is_one_of(site, *CONVOLUTIONS) or is_call) or value_of(failure.outline, site, "padding") != 0:
        return None
    kernel = value_of(failure.outline, site, "kernel")
    dilation = value_of(failure.outline, site, "dilation") or 1
    sizes = kernel if isinstance(kernel, tuple) else (kernel,)
    if not all(isinstance(size, int) and size % 2 for size in sizes) or not isinstance(dilation, int):
        return None
    margins = tuple(dilation * (size - 1) // 2 for size in sizes)
    if not any(margins):
        return None
    return margins if isinstance(kernel, tuple) else margins[0]


def _stride(failure: Failure, site: Site) -> int:
    stride = value_of(failure.outline, site, "stride")
    return stride if isinstance(stride, int) else 1


def _fewer_repeats(failure: Failure) -> Iterator[Candidate]:
    """A repeat less of the step, or of the group or the block around it."""
    for site in _around(failure):
        count = repeat_of(failure.outline, site)
        number = failure.outline.value(count, site) if count is not None else None
        if count is None or not isinstance(number, int):
            continue
        for fewer in range(number - 1, max(number - 4, 0), -1):
            text = f"`x{fewer}` instead of `x{number}` at line {failure.outline.line(site)}"
            shorthand = failure.outline.source.slice(count.span).startswith("x")
            edit = Edit(count.span, f"x{fewer}" if shorthand else str(fewer))
            distance = number - 1 - fewer
            yield Candidate(Kind.REMOVAL, (edit,), text, distance, certain=False, bare=True, placed=True)


def _around(failure: Failure) -> list[Site]:
    """The step, the steps around it, and the calls of the block in which it stands."""
    found, site = [failure.site], failure.site.parent
    while site is not None:
        found.append(site)
        site = site.parent
    return found + failure.outline.calls_of(failure.site.block)


def is_one_of(site: Site, *classes: type[Any]) -> bool:
    """Whether a step is one of these layers."""
    return site.layer in classes
