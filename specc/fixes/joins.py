"""Edits that make branches go together: their sizes, their channels, their shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import fields, has_field, value_of
from specc.fixes.changes import Failure, put_after, set_to
from specc.fixes.channels import last_with_out
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site
from specc.fixes.windows import CONVOLUTIONS, POOLS, is_one_of, keeps_size, padded_everywhere
from specc.layers.base import Shape
from specc.layers.conv import TransposedConv
from specc.layers.reshape import Upsample
from specc.source import Span
from specc.syntax import tree

_TWICE = (2, 4, 8, 16, 32)


def alike_sizes(failure: Failure) -> Iterator[Candidate]:
    """Padding and strides inside the branches, a size that halves evenly."""
    inside = failure.outline.reached(failure.site.step.span)[1:]
    yield from _paddings(failure, inside)
    yield from _strides(failure, inside)
    yield from _odd_sizes(failure, inside)
    yield from _even_input(failure)


def shortcut_auto(failure: Failure) -> Iterator[Candidate]:
    """`shortcut auto`, alone and with padding for the body."""
    auto = _auto(failure)
    if auto is None:
        return
    kind = Kind.INSERTION if failure.site.step.shortcut is None else Kind.REPLACEMENT
    why = " brings what arrived to the shape of the body"
    yield Candidate(kind, (auto,), "`shortcut auto`", why=why, bare=True)
    inside = failure.outline.inside(failure.site.step.span)[1:]
    unpadded = [site for site in inside if keeps_size(failure, site) is not None]
    if unpadded:
        padded = padded_everywhere(failure, unpadded)
        yield padded._replace(edits=(*padded.edits, auto), text=f"{padded.text}, with `shortcut auto`")


def _auto(failure: Failure) -> Edit | None:
    """The edit that writes `shortcut auto`, None where it stands there."""
    step = failure.site.step
    if step.shortcut is None:
        braces = [token for token in failure.outline.tokens.of(step.span) if token.type == "RBRACE"]
        end = braces[-1].span.end
        return Edit(Span(end, end), " shortcut auto")
    return None if step.shortcut.kind == "auto" else Edit(step.shortcut.span, "shortcut auto")


def _paddings(failure: Failure, inside: list[Site]) -> Iterator[Candidate]:
    """Padding that keeps the size, for one step, for those of one branch, for all."""
    unpadded = [site for site in inside if keeps_size(failure, site) is not None]
    for site in unpadded:
        yield set_to(failure, site, Kind.PADDING, padding=keeps_size(failure, site))
    for site in inside:
        kernel = value_of(failure.outline, site, "kernel") if is_one_of(site, *POOLS) else None
        if isinstance(kernel, int) and kernel % 2:
            yield set_to(failure, site, Kind.PADDING, stride=1, padding=kernel // 2)
    if len(unpadded) > 1:
        yield padded_everywhere(failure, unpadded)


def _strides(failure: Failure, inside: list[Site]) -> Iterator[Candidate]:
    """The strides of the others for a branch that has none, then the other way round."""
    windows = [site for site in inside if is_one_of(site, *CONVOLUTIONS)]
    strides = [(site, value_of(failure.outline, site, "stride")) for site in windows]
    numbers = sorted({stride for _, stride in strides if isinstance(stride, int)} | {2})
    for site, own in strides:
        if own == 1:
            yield from (set_to(failure, site, Kind.STRIDE, stride=stride) for stride in numbers if stride > 1)
    for site, own in strides:
        if isinstance(own, int) and own > 1:
            yield set_to(failure, site, Kind.STRIDE, stride=None)._replace(distance=len(failure.outline.sites))


def alike_channels(failure: Failure, counts: tuple[int, ...]) -> Iterator[Candidate]:
    """The number of channels that one branch gives, for the last layer of another."""
    for branch in _branches(failure.site.step):
        last = last_with_out(list(reversed(failure.outline.inside(branch.span))))
        if last is None:
            continue
        own = value_of(failure.outline, last, "out")
        if last.block and isinstance(own, int):  # a number where the block has a parameter for it, most likely
            for parameter in last.block.parameters:
                yield set_to(failure, last, Kind.ORDER, out=parameter.name.text)
        for count in counts:
            if count != own:
                yield set_to(failure, last, Kind.CHANNELS, out=count)


def joined_by(failure: Failure, form: str) -> Iterator[Candidate]:
    """The same branches in another form."""
    word = failure.site.step.word
    if word is not None:
        told = f"`{form}` in place of `{word.text}`"
        yield Candidate(Kind.REPLACEMENT, (Edit(word.span, form),), told, certain=False, bare=True)


def _branches(step: tree.Step) -> tuple[tree.Chain, ...]:
    return (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ()))


def _odd_sizes(failure: Failure, inside: list[Site]) -> Iterator[Candidate]:
    """One pixel more behind a halving that rounded down: at the far end, or by drawing the picture larger."""
    for site in inside:
        if is_one_of(site, TransposedConv):
            yield from _exact_multiple(failure, site)
        if is_one_of(site, Upsample):
            yield from _other_factor(failure, site)
            yield from _drawn_larger(failure, site)


def _exact_multiple(failure: Failure, site: Site) -> Iterator[Candidate]:
    """A transposed convolution that gives just `stride` times as many pixels, which kernel − 2·padding decides."""
    names = ("kernel", "stride", "padding", "output_padding")
    numbers = [value_of(failure.outline, site, name) for name in names]
    if not all(isinstance(number, int) for number in numbers):
        return
    kernel, stride, padding, extra = numbers
    if stride == 1 and kernel > 1:
        yield set_to(failure, site, Kind.STRIDE, stride=kernel if kernel % 2 == 0 else kernel - 1)
    margin, odd = divmod(max(kernel - stride, 0) + 1, 2)
    wanted = {"padding": margin, "output_padding": 1 - odd}  # (n − 1)·s − 2p + k + extra = n·s
    if stride > 1 and kernel >= stride and (padding, extra) != (margin, 1 - odd):
        written = fields(failure.outline, site)
        values: dict[str, Any] = {name: value or None for name, value in wanted.items() if value or name in written}
        yield set_to(failure, site, Kind.PADDING, **values)
    if not extra:
        yield set_to(failure, site, Kind.PADDING, output_padding=1)


def _other_factor(failure: Failure, site: Site) -> Iterator[Candidate]:
    """An `upsample` that leads back to the size of the other branches."""
    heights = [shape[1:] for shape in failure.error.shapes[1:]]
    own = value_of(failure.outline, site, "scale")
    for sizes in heights:
        for other in heights:
            if isinstance(own, int) and sizes and other and sizes != other and own * other[0] % sizes[0] == 0:
                nearer = set_to(failure, site, Kind.STRIDE, scale=max(own * other[0] // sizes[0], 1))
                yield nearer._replace(distance=-1)


def _drawn_larger(failure: Failure, site: Site) -> Iterator[Candidate]:
    """A picture that came back one pixel short: padded, and cut to size by a 2×2 window of stride 1."""
    yield put_after(failure, site, "pad 1 mode=replicate -> avgpool 2 s1", Kind.REPLACEMENT)


def _even_input(failure: Failure) -> Iterator[Candidate]:
    """The next size of the input that halves evenly."""
    item = failure.outline.input
    if item is None or not isinstance(item.value, tree.SizeLiteral):
        return
    channels, *sizes = item.value.dims
    for factor in _TWICE:
        even: Shape = (channels, *(-(-size // factor) * factor for size in sizes))
        if even != item.value.dims and has_halving(failure):
            text = spelled(even)
            edit = Edit(item.value.span, text)
            why = f": sizes that {factor} divides" if factor > 2 else ": even sizes"
            distance = len(failure.outline.sites)
            yield Candidate(Kind.SHAPE, (edit,), f"`input {text}`", distance, certain=False, why=why, bare=True)


def has_halving(failure: Failure) -> bool:
    """Whether the form around the error makes pictures smaller and larger again."""
    inside = failure.outline.inside(failure.site.step.span)
    return any(is_one_of(site, *POOLS) or has_field(site, "stride") for site in inside)
