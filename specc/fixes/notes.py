"""Candidates where a checked shape does not hold (E306): the network that the note means, or the note."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import value_of
from specc.fixes.changes import Failure, set_to
from specc.fixes.channels import last_with_out
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.windows import NEARBY, POOLS, is_one_of, keeps_size
from specc.layers.base import Shape


def note_candidates(failure: Failure) -> Iterator[Candidate]:
    """E306. A note may be out of date or right: only the note itself is changed without asking."""
    check, actual = failure.site.step.check, failure.arriving
    if check is None or check.dims is None or actual is None:
        return
    yield from _network(failure, actual, check.dims)
    text = _agreeing(check.dims, actual)
    yield Candidate(Kind.NOTE, (Edit(check.span, f":: {text}"),), f"if that is what you mean, write `:: {text}`")


def _network(failure: Failure, actual: Shape, wanted: tuple[int | None, ...]) -> Iterator[Candidate]:
    """Padding in one step that leads here, another stride of it, another number of channels."""
    nearest = [failure.site, *failure.outline.inside(failure.site.step.span), *failure.outline.before(failure.site)]
    for site in nearest[: 2 * NEARBY]:
        if keeps_size(failure, site) is not None:
            yield set_to(failure, site, Kind.PADDING, certain=False, padding=keeps_size(failure, site))
        if is_one_of(site, *POOLS) and site is failure.site:
            yield set_to(failure, site, Kind.WINDOW, certain=False, kernel=2)
    maker = last_with_out(nearest)
    if maker is not None and wanted[0] is not None and value_of(failure.outline, maker, "out") == actual[0]:
        yield set_to(failure, maker, Kind.CHANNELS, certain=False, out=wanted[0])


def _agreeing(dims: tuple[int | None, ...], actual: Shape) -> str:
    """What is there, with the `_` of the note kept."""
    if len(dims) != len(actual):
        return spelled(actual)
    return "x".join("_" if old is None else str(size) for old, size in zip(dims, actual, strict=True))
