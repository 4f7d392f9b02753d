"""Candidates where a layer gets another rank than it takes (E302): a vector for an image, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import fields, value_of
from specc.fixes.changes import Failure, left_out, put_before, removal, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import input_candidates
from specc.fixes.outline import Site
from specc.fixes.proposed import proposed
from specc.ir.names.scope import shown
from specc.layers.base import Shape, rank_of, written
from specc.layers.linear import Linear
from specc.layers.reshape import Flatten, Unflatten
from specc.layers.torch_call import compact
from specc.layers.weighted import Weighted


def rank_candidates(failure: Failure) -> Iterator[Candidate]:
    """E302: what the rule proposes, a `flatten` that is too early, an image for a vector, a margin as torch says it."""
    yield from input_candidates(failure)
    yield from proposed(failure)
    arriving = failure.arriving
    if arriving is None or failure.site.layer in (Linear, Unflatten):
        return
    if rank_of(arriving) > 0:
        yield from _margin_of_torch(failure, rank_of(arriving))
        return
    yield from _moved_flatten(failure)
    yield from _folded(failure, arriving)
    has_weights = failure.site.layer is not None and issubclass(failure.site.layer, Weighted)
    yield left_out(failure, failure.site, Kind.LOSS if has_weights else Kind.REMOVAL)


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
        place = failure.line_of(target)
        yield Candidate(Kind.ORDER, edits, text + place, failure.distance(earlier), placed=bool(place))
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


def _margin_of_torch(failure: Failure, rank: int) -> Iterator[Candidate]:
    """A margin as torch says it, left, right, top and bottom: height first; or one number, where all are alike."""
    value = value_of(failure.outline, failure.site, "before")
    if not isinstance(value, tuple):
        return
    if len(set(value)) == 1:
        yield set_to(failure, failure.site, Kind.WINDOW, before=value[0])
    elif len(value) == 2 * rank:
        before, after = (compact(value[start::2][::-1]) for start in (0, 1))
        text = shown(before) if before == after else f"{shown(before)} {shown(after)}"
        argument = fields(failure.outline, failure.site)["before"]
        yield told(failure, failure.site, Kind.WINDOW, (Edit(argument.span, text),))
