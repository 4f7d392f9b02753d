"""Candidates made of one step: another argument, a step before it, the step left out, with the words that tell it."""

from __future__ import annotations

from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.proposal import Rename
from specc.fixes.arguments import drop_field, repeat_of, set_field, without_line
from specc.fixes.edit import Candidate, Edit, Kind, edited
from specc.fixes.outline import Site, SpecOutline
from specc.layers.base import Shape
from specc.source import Span
from specc.syntax import tree
from specc.syntax.tokens import COMMENT, NEWLINE


class Failure(NamedTuple):
    """An error, the step at which it stands, and what is around it."""

    error: Diagnostic
    outline: SpecOutline
    site: Site

    @property
    def arriving(self) -> Shape | None:
        """What arrives at the step; for a note that does not hold, what is there."""
        return self.error.shapes[0] if self.error.shapes else None

    @property
    def renaming(self) -> Rename | None:
        """The word that the rule takes to be meant."""
        return next((proposal for proposal in self.error.proposals if isinstance(proposal, Rename)), None)

    def says_what_arrives(self, value: tree.Value) -> bool:
        """Whether a value is the number of channels that arrive at the step: left out, it is inferred."""
        visits = self.outline.visits.get(self.site.step.span, ())
        arriving = {visit.arriving[0] for visit in visits if visit.arriving}
        return arriving == {self.outline.value(value, self.site)}

    def line_of(self, site: Site) -> str:
        """` at line 5`, or nothing for the step with the error."""
        return "" if site is self.site else f" at line {self.outline.line(site)}"

    def distance(self, site: Site) -> int:
        """How many steps apart two steps stand in the text."""
        return abs(self.outline.sites.index(site) - self.outline.sites.index(self.site))


def set_to(failure: Failure, site: Site, kind: Kind, *, certain: bool = True, **values: Any) -> Candidate:
    """A step with other values for some fields; None leaves the argument out, which is never certain."""
    edits = []
    for name, value in values.items():
        edit = (
            drop_field(failure.outline, site, name) if value is None else set_field(failure.outline, site, name, value)
        )
        if edit is not None:
            edits.append(edit)
    whole = None not in values.values()
    return told(failure, site, kind, _joined(edits), certain=certain and whole)


def told(failure: Failure, site: Site, kind: Kind, edits: tuple[Edit, ...], *, certain: bool = True) -> Candidate:
    """Edits of one step, told by what the step is then; of a `param`, by its new definition."""
    outline = failure.outline
    head = site.step.head
    inside = [edit for edit in edits if head.start <= edit.span.start and edit.span.end <= head.end]
    if not edits:
        return Candidate(kind, (), "", failure.distance(site))  # what is to be left out is not there; never tried
    if not inside:
        text, distance = _statement(outline, edits[0]), failure.distance(site)
        return Candidate(kind, edits, text, distance, certain, bare=True, placed=True)
    shifted = [Edit(Span(edit.span.start - head.start, edit.span.end - head.start), edit.text) for edit in inside]
    text = " ".join(edited(outline.text(site), shifted).split())
    shows = head.start if site is failure.site else None
    place = failure.line_of(site)
    return Candidate(
        kind, edits, f"`{text}`{place}", failure.distance(site), certain, shows, bare=True, placed=bool(place)
    )


def put_before(failure: Failure, site: Site, steps: str, kind: Kind, why: str = "") -> Candidate:
    """More steps in front of one; `why` ends the sentence."""
    start = site.step.span.start
    place = failure.line_of(site)
    named = f"`{failure.outline.text(site)}`{place}"
    edits = (Edit(Span(start, start), f"{steps} -> "),)
    elsewhere = f"put `{steps}` before {named}"
    text = f"put `{steps}` before it" if site is failure.site else elsewhere
    return Candidate(kind, edits, text, failure.distance(site), why=why, elsewhere=elsewhere, placed=bool(place))


def put_after(failure: Failure, site: Site, steps: str, kind: Kind) -> Candidate:
    """More steps behind one."""
    end = site.step.span.end
    place = failure.line_of(site)
    text = f"put `{steps}` after `{failure.outline.text(site)}`{place}"
    edits = (Edit(Span(end, end), f" -> {steps}"),)
    return Candidate(kind, edits, text, failure.distance(site), placed=bool(place))


def left_out(failure: Failure, site: Site, kind: Kind = Kind.REMOVAL) -> Candidate:
    """The network without a step, which is a guess: its author meant it to be there.

    Within a block or a repeat it is then gone everywhere where that is used, so it ranks lower.
    """
    place = failure.line_of(site)
    text = f"leave out `{failure.outline.text(site)}`{place}"
    used_often = site.block is not None or _is_repeated(failure.outline, site)
    distance = failure.distance(site) + (len(failure.outline.sites) if used_often else 0)
    return Candidate(kind, (removal(failure.outline, site),), text, distance, certain=False, placed=bool(place))


def _is_repeated(outline: SpecOutline, site: Site) -> bool:
    """Whether a step or one around it is repeated."""
    if repeat_of(outline, site) is not None:
        return True
    return site.parent is not None and _is_repeated(outline, site.parent)


def removal(outline: SpecOutline, site: Site) -> Edit:
    """Takes a step and the arrow or the line that joined it; one that stands alone becomes `id`."""
    tokens, span = outline.tokens, site.step.span
    before, after = tokens.before(span.start, NEWLINE), tokens.after(span.end, NEWLINE)
    if before is not None and before.type == "ARROW":
        arrow = before.span.start
        joined = tokens.before(arrow, NEWLINE)
        start = joined.span.end if joined is not None and joined.type != COMMENT else arrow
        return Edit(Span(start, span.end), "")
    if after is not None and after.type == "ARROW":
        following = tokens.after(after.span.end, NEWLINE)
        return Edit(Span(span.start, (following or after).span.start), "")
    if len(site.body) == 1:
        return Edit(span, "id")
    return without_line(outline, span)


def _joined(edits: list[Edit]) -> tuple[Edit, ...]:
    """Insertions at one place become one edit, in the order in which they were asked for."""
    joined: dict[Span, str] = {}
    for edit in edits:
        joined[edit.span] = joined.get(edit.span, "") + edit.text
    return tuple(Edit(span, text) for span, text in joined.items())


def _statement(outline: SpecOutline, edit: Edit) -> str:
    """A line with an edit made, as `param groups = 6` at line 2."""
    place = outline.source.place(edit.span.start)
    line, start = outline.source.line(place.line), edit.span.start - (place.column - 1)
    text = edited(line, [Edit(Span(edit.span.start - start, edit.span.end - start), edit.text)])
    return f"`{text.partition('#')[0].strip()}` at line {place.line}"
