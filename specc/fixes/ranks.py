"""Edits where a layer gets another rank than it takes: a `flatten` that is too early, a margin as torch says it."""

from __future__ import annotations

from collections.abc import Iterator

from specc.fixes.arguments import fields, value_of
from specc.fixes.changes import Failure, left_out, removal, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.ir.names.scope import shown
from specc.layers.base import rank_of
from specc.layers.linear import Linear
from specc.layers.reshape import Flatten, Unflatten
from specc.layers.torch_call import compact


def flatten_later(failure: Failure) -> Iterator[Candidate]:
    """A `flatten` before the step: further down, in front of the next step that wants a vector, or away."""
    earlier = next((site for site in failure.outline.before(failure.site) if site.layer is Flatten), None)
    if earlier is None:
        return
    after = failure.site.step.span.end
    later = [site for site in failure.outline.sites if site.step.span.start >= after]
    for target in [site for site in later if site.layer in (Linear, Unflatten)][:1]:
        start = target.step.span.start
        text = f"move `flatten` from line {failure.outline.line(earlier)} to before `{failure.outline.text(target)}`"
        edits = (
            removal(failure.outline, earlier),
            Edit(target.step.span._replace(end=start), "flatten -> "),
        )
        place = failure.line_of(target)
        yield Candidate(Kind.ORDER, edits, text + place, failure.distance(earlier), placed=bool(place))
    yield left_out(failure, earlier)


def margin_of_torch(failure: Failure) -> Iterator[Candidate]:
    """A margin as torch says it, left, right, top and bottom: height first; or one number, where all are alike."""
    rank = rank_of(failure.arriving) if failure.arriving else 0
    value = value_of(failure.outline, failure.site, "before")
    if not rank or not isinstance(value, tuple):
        return
    if len(set(value)) == 1:
        yield set_to(failure, failure.site, Kind.WINDOW, before=value[0])
    elif len(value) == 2 * rank:
        before, after = (compact(value[start::2][::-1]) for start in (0, 1))
        text = shown(before) if before == after else f"{shown(before)} {shown(after)}"
        argument = fields(failure.outline, failure.site)["before"]
        yield told(failure, failure.site, Kind.WINDOW, (Edit(argument.span, text),))
