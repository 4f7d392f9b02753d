"""Edits for numbers of channels: of the layer in front, of the input, of the last part of a `split`."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import has_field, value_of
from specc.fixes.changes import Failure, put_before, set_to, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import Site
from specc.syntax import tree


def given_channels(failure: Failure, count: int, *, anyhow: bool) -> Iterator[Candidate]:
    """Another number of channels in front. Args: anyhow, as for `GiveChannels`."""
    if anyhow:
        projected = put_before(failure, failure.site, f"conv {count} k1", Kind.REPLACEMENT)
        yield projected._replace(certain=False)
        yield from _input_of(failure, count)
        return
    maker = last_with_out(failure.outline.before(failure.site))
    if maker is not None and failure.arriving and value_of(failure.outline, maker, "out") == failure.arriving[0]:
        yield set_to(failure, maker, Kind.CHANNELS, out=count)


def rest_in_last(failure: Failure) -> Iterator[Candidate]:
    """`_` for the last part of a `split`: what the others leave."""
    numbers = [argument.value for argument in failure.site.step.arguments if isinstance(argument.value, tree.Number)]
    if numbers:
        yield told(failure, failure.site, Kind.CHANNELS, (Edit(numbers[-1].span, "_"),), certain=False)


def _input_of(failure: Failure, channels: int) -> Iterator[Candidate]:
    """The input with another number of channels."""
    item = failure.outline.input
    if item is not None and isinstance(item.value, tree.SizeLiteral):
        text = spelled((channels, *item.value.dims[1:]))
        edits = (Edit(item.value.span, text),)
        yield Candidate(Kind.SHAPE, edits, f"`input {text}`", len(failure.outline.sites), certain=False, bare=True)


def last_with_out(sites: list[Site]) -> Site | None:
    """The first of some steps that says how many channels it gives."""
    return next((site for site in sites if has_field(site, "out")), None)
