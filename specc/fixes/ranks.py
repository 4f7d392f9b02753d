"""Candidates where a layer gets another rank than it takes (E302): a vector for an image, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from specc.diagnostics.spelling import counted, spelled
from specc.fixes.arguments import fields, has_field, value_of
from specc.fixes.changes import Failure, left_out, put_before, removal, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import input_candidates
from specc.fixes.outline import Site
from specc.ir.names.scope import shown
from specc.layers.base import Shape, rank_of, written
from specc.layers.linear import Linear
from specc.layers.reshape import Flatten, Unflatten, Upsample
from specc.layers.torch_call import compact
from specc.layers.weighted import Weighted

_SIZES = ("kernel", "stride", "padding", "dilation", "output_padding", "size", "before", "after", "scale")


def rank_candidates(failure: Failure) -> Iterator[Candidate]:
    """E302: a `flatten` that is missing or too early, an image for a vector, a size of another rank."""
    yield from input_candidates(failure)
    arriving = failure.arriving
    if arriving is None:
        return
    if failure.site.layer in (Linear, Unflatten):
        yield from _strung_out(failure, arriving)
    elif rank_of(arriving) == 0:
        yield from _moved_flatten(failure)
        yield from _folded(failure, arriving)
        has_weights = failure.site.layer is not None and issubclass(failure.site.layer, Weighted)
        yield left_out(failure, failure.site, Kind.LOSS if has_weights else Kind.REMOVAL)
    else:
        yield from _sizes_of_rank(failure, rank_of(arriving))
    if failure.site.layer is Upsample:
        yield set_to(failure, failure.site, Kind.REPLACEMENT, mode="linear")


def _strung_out(failure: Failure, arriving: Shape) -> Iterator[Candidate]:
    features = counted(prod(arriving), "feature", "d")
    yield put_before(failure, failure.site, "flatten", Kind.INSERTION, f": a vector of {features}")
    if prod(arriving[1:]) > 1:
        why = f": a vector of {counted(arriving[0], 'feature', 'd')}, the mean of each channel"
        yield put_before(failure, failure.site, "gap -> flatten", Kind.REPLACEMENT, why)
    if failure.site.layer is Unflatten:
        yield left_out(failure, failure.site)


def _moved_flatten(failure: Failure) -> Iterator[Candidate]:
    """A `flatten` before the step: further down, in front of the next step that wants a vector, or away."""
    earlier = next((site for site in failure.outline.before(failure.site) if site.layer is Flatten), None)
    if earlier is None:
        return
    gone = removal(failure.outline, earlier)
    for target in _wanting_vector(failure):
        start = target.step.span.start
        text = f"move `flatten` from line {failure.outline.line(earlier)} to before `{failure.outline.text(target)}`"
        edits = (gone, Edit(failure.site.step.span._replace(start=start, end=start), "flatten -> "))
        yield Candidate(Kind.ORDER, edits, f"{text}{failure.line_of(target)}", failure.distance(earlier))
    yield left_out(failure, earlier)


def _wanting_vector(failure: Failure) -> list[Site]:
    after = failure.site.step.span.end
    later = [site for site in failure.outline.sites if site.step.span.start >= after]
    return [site for site in later if site.layer in (Linear, Unflatten)][:1]


def _folded(failure: Failure, arriving: Shape) -> Iterator[Candidate]:
    """The vector as a square image, where it can be one."""
    for channels in (1, 3, 16, 32, 64, 128, 256, 512):
        side = round((arriving[0] / channels) ** 0.5)
        if side > 1 and channels * side * side == arriving[0]:
            shape = (channels, side, side)
            steps = f"unflatten {spelled(shape)}"
            yield put_before(failure, failure.site, steps, Kind.SHAPE, f": an image of {written(shape)}")


def _sizes_of_rank(failure: Failure, rank: int) -> Iterator[Candidate]:
    """One number instead of a size of another rank."""
    for name in _SIZES:
        if has_field(failure.site, name):
            value = value_of(failure.outline, failure.site, name)
            if isinstance(value, tuple) and len(value) != rank:
                yield from _size_of_rank(failure, rank, name, value)


def _size_of_rank(failure: Failure, rank: int, name: str, value: Shape) -> Iterator[Candidate]:
    """A size with a number for each dimension; a margin that says left, right, top and bottom, as in torch."""
    widest: dict[str, Any] = {name: max(value)}
    if len(set(value)) == 1 or name != "before":
        yield set_to(failure, failure.site, Kind.WINDOW, **widest)
    elif len(value) == 2 * rank:
        before, after = (compact(value[start::2][::-1]) for start in (0, 1))
        text = shown(before) if before == after else f"{shown(before)} {shown(after)}"
        argument = fields(failure.outline, failure.site)[name]
        yield told(failure, failure.site, Kind.WINDOW, (Edit(argument.span, text),))
