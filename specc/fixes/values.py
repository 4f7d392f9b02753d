"""Candidates for the arguments of a step (E203 to E206): what is missing, what its field refuses, what is too much."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specc.fixes.arguments import behind_arguments, fields, set_field, value_of, without
from specc.fixes.changes import Failure, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.inputs import torch_order
from specc.fixes.proposed import proposed, value_span
from specc.layers.registry import positional_fields, required_fields
from specc.source import Span
from specc.syntax import tree


def missing_candidates(failure: Failure) -> Iterator[Candidate]:
    """E203: what is most often meant; a guess, so never applied without asking."""
    site = failure.site
    if site.layer is None:
        return
    missing = [name for name in required_fields(site.layer) if name not in fields(failure.outline, site)]
    if missing == ["kernel"] and site.layer.family == "convolution":
        yield from _kernels(failure)
    elif len(missing) == 1 and missing != ["out"]:
        behind = behind_arguments(failure.outline, site)
        end, usual = Span(behind, behind), site.layer.example.rpartition(site.layer.keyword)[2]
        yield told(failure, site, Kind.WINDOW, (Edit(end, usual),), certain=False)


def _kernels(failure: Failure) -> Iterator[Candidate]:
    """A kernel of 3, padded where nothing is said; the one for which the padding that stands there keeps the size."""
    padding = value_of(failure.outline, failure.site, "padding")
    given = "padding" in fields(failure.outline, failure.site)
    kernels = [2 * padding + 1] if given and isinstance(padding, int) else [3]
    for kernel in kernels:
        edit = set_field(failure.outline, failure.site, "kernel", kernel)
        if not given:
            yield told(failure, failure.site, Kind.WINDOW, (Edit(edit.span, f"{edit.text} p1"),), certain=False)
        yield told(failure, failure.site, Kind.WINDOW, (edit,), certain=False)


def value_candidates(failure: Failure) -> Iterator[Candidate]:
    """E204 and E215: what the rule proposes, whole division, two arguments the other way round, a text as a word."""
    span = value_span(failure)
    text = failure.outline.source.slice(span)
    if re.search(r"(?<!/)/(?!/)", text):
        whole = re.sub(r"(?<!/)/(?!/)", "//", text)
        yield told(failure, failure.site, Kind.SPELLING, (Edit(span, whole),))
    yield from proposed(failure)
    yield from _exchanged(failure)
    if re.fullmatch(r'"\w+"', text):
        yield told(failure, failure.site, Kind.SPELLING, (Edit(span, text[1:-1]),))


def _exchanged(failure: Failure) -> Iterator[Candidate]:
    """`conv 3x3 64` with its first two arguments in each other's place."""
    bare = [item for item in failure.site.step.arguments if isinstance(item, tree.Positional)]
    if len(bare) > 1 and bare[0].span == failure.error.span and isinstance(bare[0].value, tree.SizeLiteral):
        first, second = (failure.outline.source.slice(item.span) for item in bare[:2])
        yield told(failure, failure.site, Kind.ORDER, (Edit(bare[0].span, second), Edit(bare[1].span, first)))


def surplus_candidates(failure: Failure) -> Iterator[Candidate]:
    """E205 and E206: torch's number of input features left out, else what is too much."""
    yield from torch_order(failure)
    surplus = next((item for item in failure.site.step.arguments if item.span == failure.error.span), None)
    if surplus is not None:
        layer = failure.site.layer
        takes_any = layer is None or bool(positional_fields(layer))  # else it is another framework's
        kind = Kind.REMOVAL if takes_any else Kind.SPELLING
        edits = (without(failure.outline, surplus.span),)
        yield told(failure, failure.site, kind, edits, certain=failure.says_what_arrives(surplus.value))
