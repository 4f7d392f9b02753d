"""Candidates for numbers of channels and features: groups (E303), folds and cuts (E304), weights (E308, E309)."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import drop_field, fields, has_field, value_of
from specc.fixes.changes import Failure, put_before, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site
from specc.fixes.proposed import proposed
from specc.layers.base import Shape, near_multiples
from specc.layers.reshape import PixelShuffle
from specc.layers.weighted import Weighted
from specc.syntax import tree


def group_candidates(failure: Failure) -> Iterator[Candidate]:
    """E303: a number of groups that divides the channels, or channels that the groups divide."""
    site, arriving = failure.site, failure.arriving
    if arriving is None:
        return
    if site.word == "split" and site.step.arguments:
        yield from _last_part(failure)
        return
    yield from proposed(failure)
    parts = _parts(failure)
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


def _arriving_multiples(failure: Failure, count: int, parts: int) -> Iterator[Candidate]:
    """The layer before the step with another number of output channels."""
    maker = last_with_out(failure, failure.outline.before(failure.site))
    if maker is not None and value_of(failure.outline, maker, "out") == count:
        for near in near_multiples(count, parts):
            yield set_to(failure, maker, Kind.CHANNELS, out=near)
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
        yield Candidate(Kind.SHAPE, edits, f"`input {text}`", len(failure.outline.sites), certain=False, bare=True)


def last_with_out(failure: Failure, sites: list[Site]) -> Site | None:
    """The first of some steps that says how many channels it gives."""
    return next((site for site in sites if has_field(site, "out")), None)


def fold_candidates(failure: Failure) -> Iterator[Candidate]:
    """E304: the features that a shape needs, from the layer before it; what the rule proposes."""
    shape = value_of(failure.outline, failure.site, "shape")
    maker = last_with_out(failure, failure.outline.before(failure.site))
    if isinstance(shape, tuple) and maker is not None:
        yield set_to(failure, maker, Kind.CHANNELS, out=prod(shape))
    yield from proposed(failure)


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
