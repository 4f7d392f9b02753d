"""What the rules propose, as edits: the driver knows the places that a rule does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.diagnostics.proposal import (
    AlikeChannels,
    AlikeSizes,
    AsTorchCounts,
    BecomeStep,
    Enlarge,
    FlattenLater,
    GiveChannels,
    JoinBy,
    LeaveOut,
    Proposal,
    PutBefore,
    Rename,
    Replace,
    RestInLast,
    SetFields,
    ShortcutAuto,
    Whole,
)
from specc.fixes.arguments import fields, has_field, long_key, value_of
from specc.fixes.changes import Failure, left_out, put_before, set_to, told
from specc.fixes.channels import given_channels, rest_in_last
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import torch_order
from specc.fixes.joins import alike_channels, alike_sizes, joined_by, shortcut_auto
from specc.fixes.ranks import flatten_later
from specc.fixes.windows import larger_pictures, without_later
from specc.layers.weighted import Weighted
from specc.source import Span
from specc.syntax import tree

# What a change of each field changes of the network; of a value that cannot be, it is a slip of the pen.
_KINDS = {
    **dict.fromkeys(("padding", "output_padding", "before", "after"), Kind.PADDING),
    **dict.fromkeys(("stride",), Kind.STRIDE),
    **dict.fromkeys(("kernel", "dilation", "scale", "size"), Kind.WINDOW),
    **dict.fromkeys(("out", "groups", "num_parameters"), Kind.CHANNELS),
    **dict.fromkeys(("shape", "start", "end", "r"), Kind.SHAPE),
    **dict.fromkeys(("mode",), Kind.REPLACEMENT),
}


def proposed(failure: Failure) -> Iterator[Candidate]:
    """The candidates that the rule itself names, the likeliest first."""
    for proposal in failure.error.proposals:
        yield from _at_the_step(failure, proposal)
        yield from _around_it(failure, proposal)


def _at_the_step(failure: Failure, proposal: Proposal) -> Iterator[Candidate]:
    match proposal:
        case Rename(word):
            yield Candidate(Kind.SPELLING, (Edit(value_span(failure), word),), proposal.text)
        case SetFields(values):
            yield from _with_fields(failure, values)
        case Whole():
            yield from _whole(failure)
        case Replace(text):
            edits = (Edit(value_span(failure), text),)
            yield told(failure, failure.site, Kind.SPELLING, edits, certain=False)
        case PutBefore(steps, why):
            # Two steps in one say more than that a shape was forgotten: the picture is averaged.
            kind = Kind.REPLACEMENT if "->" in steps else Kind.SHAPE if " " in steps else Kind.INSERTION
            yield put_before(failure, failure.site, steps, kind, why)
        case BecomeStep(text):
            yield from _another(failure, text)
        case LeaveOut(and_later=False) if (layer := failure.site.layer) is not None:
            is_loss = issubclass(layer, Weighted) and not proposal.no_loss
            yield left_out(failure, failure.site, Kind.LOSS if is_loss else Kind.REMOVAL)
        case AsTorchCounts():
            yield from torch_order(failure, failure.arriving[0] if failure.arriving else None)


def _around_it(failure: Failure, proposal: Proposal) -> Iterator[Candidate]:
    """What needs to know the steps around the one that is wrong."""
    match proposal:
        case LeaveOut(and_later=True):
            yield from without_later(failure)
        case FlattenLater():
            yield from flatten_later(failure)
        case GiveChannels(channels, anyhow):
            yield from given_channels(failure, channels, anyhow=anyhow)
        case RestInLast():
            yield from rest_in_last(failure)
        case Enlarge():
            yield from larger_pictures(failure)
        case ShortcutAuto():
            yield from shortcut_auto(failure)
        case AlikeSizes():
            yield from alike_sizes(failure)
        case AlikeChannels(counts):
            yield from alike_channels(failure, counts)
        case JoinBy(form):
            yield from joined_by(failure, form)


def value_span(failure: Failure) -> Span:
    """Where the value stands that is wrong, without its key; the place of the error where that is no argument."""
    assert failure.error.span is not None  # noqa: S101 - an error at a step has a place
    argument = _argument(failure)
    return argument.value.span if argument is not None else failure.error.span


def _argument(failure: Failure) -> tree.Argument | None:
    return next((item for item in failure.site.step.arguments if item.span == failure.error.span), None)


def _with_fields(failure: Failure, values: dict[str, Any]) -> Iterator[Candidate]:
    if failure.error.code.startswith("E2"):
        if not _is_worked_out(failure):
            is_keyed = isinstance(
                _argument(failure), tree.Keyword
            )  # `bias=0` has one meaning, a bare 0 may be too much
            certain = is_keyed and all(isinstance(value, bool) for value in values.values())
            yield set_to(failure, failure.site, Kind.SPELLING, certain=certain, **values)
        return
    kind = _KINDS.get(next(iter(values)), Kind.REMOVAL)
    by_call = _set_by_call(failure)  # what was worked out for one call may not be meant for another
    if all(has_field(failure.site, name) and name not in by_call for name in values):
        yield set_to(failure, failure.site, kind, certain=not by_call, **values)
    elif by_call.keys() >= values.keys() and None not in values.values():
        for call in failure.outline.calls_of(failure.site.block):
            named = {by_call[name]: value for name, value in values.items()}
            yield set_to(failure, call, kind, certain=False, **named)


def _set_by_call(failure: Failure) -> dict[str, str]:
    """The fields of the step whose values the calls of the block around it give, with the parameter of each."""
    given = fields(failure.outline, failure.site)
    return {
        name: long_key(argument.value.text) if isinstance(argument.value, tree.Word) else ""
        for name, argument in given.items()
        if value_of(failure.outline, failure.site, name) is None
    }


def _another(failure: Failure, text: str) -> Iterator[Candidate]:
    word, head = failure.site.step.word, failure.site.step.head
    if word is not None:
        yield told(failure, failure.site, Kind.REPLACEMENT, (Edit(Span(word.span.start, head.end), text),))


def _is_worked_out(failure: Failure) -> bool:
    """Whether the value that is wrong is a calculation: another number would say something else than its terms."""
    argument = _argument(failure)
    return argument is not None and isinstance(argument.value, tree.Operation | tree.Call)


def _whole(failure: Failure) -> Iterator[Candidate]:
    """A calculation with a whole result: a multiple of 8, as for channels, or rounded down."""
    argument = _argument(failure)
    if argument is None or not isinstance(argument.value, tree.Operation):
        return
    inner = failure.outline.source.slice(argument.value.span)[1:-1]
    for text in (f"divisible({inner}, 8)", f"({inner} // 1)"):
        edits = (Edit(argument.value.span, text),)
        yield told(failure, failure.site, Kind.CHANNELS, edits, certain=False)
