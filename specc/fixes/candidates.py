"""Which candidates belong to which error: every maker stands beside the codes that it knows something about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.changes import Failure
from specc.fixes.edit import Candidate
from specc.fixes.inputs import input_candidates
from specc.fixes.lines import syntax_candidates
from specc.fixes.notes import note_candidates
from specc.fixes.outline import SpecOutline
from specc.fixes.places import place_candidates
from specc.fixes.proposed import proposed
from specc.fixes.ranks import margin_of_torch
from specc.fixes.statements import STATEMENT_MAKERS
from specc.fixes.values import missing_candidates, surplus_candidates, value_candidates
from specc.fixes.words import key_candidates, step_candidates

Maker = Callable[[Failure], Iterable[Candidate]]
MAKERS: dict[str, tuple[Maker, ...]] = {
    "E201": (step_candidates,),
    "E202": (key_candidates,),
    "E203": (missing_candidates,),
    "E204": (value_candidates,),
    "E205": (surplus_candidates,),
    "E206": (surplus_candidates,),
    "E207": (key_candidates,),
    "E209": (place_candidates,),
    "E211": (place_candidates,),
    "E215": (place_candidates, value_candidates),
    "E216": (place_candidates,),
    "E223": (proposed,),
    "E301": (proposed, input_candidates),
    "E302": (input_candidates, proposed, margin_of_torch),
    "E303": (proposed,),
    "E304": (proposed,),
    "E305": (proposed,),
    "E306": (note_candidates,),
    "E307": (proposed, input_candidates),
    "E308": (proposed,),
    "E309": (proposed,),
}


def candidates_for(error: Diagnostic, outline: SpecOutline) -> list[Candidate]:
    """Every edit worth trying, in the order in which they are to be tried."""
    found = [candidate for candidate in _made_for(error, outline) if candidate.edits and _is_apart(candidate)]
    return sorted(found, key=lambda candidate: (candidate.kind, candidate.distance))  # stable: a maker's order counts


def _is_apart(candidate: Candidate) -> bool:
    """Whether no edit of a candidate touches what another one changes."""
    spans = sorted(edit.span for edit in candidate.edits)
    return all(left.end <= right.start for left, right in pairwise(spans))


def _made_for(error: Diagnostic, outline: SpecOutline) -> Iterator[Candidate]:
    if error.code.startswith("E1"):
        yield from syntax_candidates(error, outline)
        return
    for statement_maker in STATEMENT_MAKERS.get(error.code, ()):
        yield from statement_maker(error, outline)
    site = outline.at(error.span) if error.span is not None else None
    if site is not None:
        failure = Failure(error, outline, site)
        for maker in MAKERS.get(error.code, ()):
            yield from maker(failure)
