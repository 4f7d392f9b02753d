"""Candidates for numbers of channels and features: groups (E303), folds and cuts (E304), weights (E308, E309)."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import drop_field, fields, has_field, value_of
from specc.fixes.changes import Failure, left_out, put_before, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site
from specc.layers.base import Shape
from specc.layers.reshape import PixelShuffle, Slice, Unflatten
from specc.layers.weighted import Weighted
from specc.source import Span
from specc.syntax import tree

_MOST_DIVISORS = 4096


def group_candidates(failure: Failure) -> Iterator[Candidate]:
    """E303: a number of groups that divides the channels, or channels that the groups divide."""
    site, arriving = failure.site, failure.arriving
    if arriving is None:
        return
    if site.word == "split" and site.step.arguments:
        yield from _last_part(failure)
        return
    parts = _parts(failure)
    out = value_of(failure.outline, site, "out")
    if has_field(site, "groups") and isinstance(parts, int):
        counts = [arriving[0], *([out] if isinstance(out, int) else [])]
        for groups in _near_divisors(counts, parts):
            yield set_to(failure, site, Kind.CHANNELS, groups=groups)
        if isinstance(out, int):
            yield from _multiples(failure, site, out, parts)
    if has_field(site, "num_parameters"):
        yield set_to(failure, site, Kind.CHANNELS, num_parameters=arriving[0])
    if isinstance(parts, int):
        yield from _arriving_multiples(failure, arriving[0], parts)


def _last_part(failure: Failure) -> Iterator[Candidate]:
    """`_` for the last part of a `split`: what the others leave."""
    numbers = [argument.value for argument in failure.site.step.arguments if isinstance(argument.value, tree.Number)]
    if numbers:
        yield told(failure, failure.site, Kind.CHANNELS, (Edit(numbers[-1].span, "_"),), certain=False)


def _parts(failure: Failure) -> int | None:
    """Into how many parts the step cuts the channels."""
    site = failure.site
    if site.word == "split" and site.step.branches:
        return len(site.step.branches)
    name = "r" if site.layer is PixelShuffle else "groups"
    value = value_of(failure.outline, site, name)
    if not isinstance(value, int):
        return None
    return value * value if site.layer is PixelShuffle else value


def _near_divisors(counts: list[int], wanted: int) -> list[int]:
    """Common divisors of the counts nearest to a number, without 1 where there is another."""
    most = min(*counts, _MOST_DIVISORS) if len(counts) > 1 else min(counts[0], _MOST_DIVISORS)
    divisors = [number for number in range(1, most + 1) if not any(count % number for count in counts)]
    return sorted(divisors, key=lambda number: (number == 1, abs(number - wanted), number))[:2]


def _multiples(failure: Failure, site: Site, count: int, parts: int) -> Iterator[Candidate]:
    for near in sorted({count // parts * parts, -(-count // parts) * parts}, key=lambda number: abs(number - count)):
        if near > 0 and near != count:
            yield set_to(failure, site, Kind.CHANNELS, out=near)


def _arriving_multiples(failure: Failure, count: int, parts: int) -> Iterator[Candidate]:
    """The layer before the step with another number of output channels."""
    maker = last_with_out(failure, failure.outline.before(failure.site))
    if maker is not None and value_of(failure.outline, maker, "out") == count:
        yield from _multiples(failure, maker, count, parts)
    if failure.site.word in ("split", PixelShuffle.keyword):
        near = -(-count // parts) * parts
        projected = put_before(failure, failure.site, f"conv {near} k1", Kind.REPLACEMENT)
        yield projected._replace(certain=False)
        yield from _input_of(failure, near)


def _input_of(failure: Failure, channels: int) -> Iterator[Candidate]:
    """The input with another number of channels."""
    item = failure.outline.input
    if item is not None and isinstance(item.value, tree.SizeLiteral):
        text = spelled((channels, *item.value.dims[1:]))
        edits = (Edit(item.value.span, text),)
        yield Candidate(Kind.SHAPE, edits, f"`input {text}`", len(failure.outline.sites), certain=False)


def last_with_out(failure: Failure, sites: list[Site]) -> Site | None:
    """The first of some steps that says how many channels it gives."""
    return next((site for site in sites if has_field(site, "out")), None)


def fold_candidates(failure: Failure) -> Iterator[Candidate]:
    """E304: the shape that the features fold into, the features that the shape needs, channels that are there."""
    arriving = failure.arriving
    if arriving is None:
        return
    if failure.site.layer is Unflatten:
        yield from _unfolded(failure, arriving[0])
    if failure.site.layer is Slice:
        yield from _cut(failure, arriving[0])


def _unfolded(failure: Failure, features: int) -> Iterator[Candidate]:
    shape = value_of(failure.outline, failure.site, "shape")
    if not isinstance(shape, tuple):
        return
    maker = last_with_out(failure, failure.outline.before(failure.site))
    if maker is not None:
        yield set_to(failure, maker, Kind.CHANNELS, out=prod(shape))
    spatial, side = prod(shape[1:]), isqrt(features // shape[0])
    if features % shape[0] == 0 and len(shape) == 3 and shape[0] * side * side == features:
        yield set_to(failure, failure.site, Kind.SHAPE, shape=(shape[0], side, side))
    if features % spatial == 0:
        yield set_to(failure, failure.site, Kind.SHAPE, shape=(features // spatial, *shape[1:]))


def _cut(failure: Failure, channels: int) -> Iterator[Candidate]:
    start, end = (value_of(failure.outline, failure.site, name) for name in ("start", "end"))
    if not isinstance(start, int) or not isinstance(end, int):
        return
    if start < channels < end:
        yield set_to(failure, failure.site, Kind.SHAPE, end=channels)
    if end <= channels and start > end:
        yield set_to(failure, failure.site, Kind.SHAPE, start=end, end=start)


def weight_candidates(failure: Failure) -> Iterator[Candidate]:
    """E308: the layer without one of the arguments that set its weights; a kernel of the literal's size."""
    site = failure.site
    if site.layer is None or not issubclass(site.layer, Weighted):
        return
    weight = value_of(failure.outline, site, "weight")
    if has_field(site, "kernel") and (size := _last_two(weight)) is not None:
        yield set_to(failure, site, Kind.WINDOW, kernel=size)
    for name in ("affine", "init", "bias", "gamma", "beta", "weight"):
        edit = drop_field(failure.outline, site, name) if name in fields(failure.outline, site) else None
        if edit is not None:
            yield told(failure, site, Kind.REMOVAL, (edit,), certain=False)


def _last_two(weight: object) -> Shape | None:
    """Height and width of a literal filter."""
    sizes: list[int] = []
    while isinstance(weight, tuple) and weight:
        sizes.append(len(weight))
        weight = weight[0]
    return (sizes[-2], sizes[-1]) if len(sizes) > 1 else None


def norm_candidates(failure: Failure) -> Iterator[Candidate]:
    """E309: a normalisation that does not need several pixels, or none."""
    word = failure.site.step.word
    if word is None:
        return
    for other in ("layernorm", "bn"):
        span = Span(word.span.start, failure.site.step.head.end)
        yield told(failure, failure.site, Kind.REPLACEMENT, (Edit(span, other),))
    yield left_out(failure, failure.site)
