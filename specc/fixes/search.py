"""Candidates in, suggestions out: each was made in the text and the checker found the error gone and no new one.

In:         an analysis with errors, and how it was asked for (`--input`, `--set`).
Out:        its diagnostics, the help of each error replaced by its suggestions where there are any.
Guarantees: a suggestion was tried; at most `MOST_SHOWN` an error; all searches of one `Budget` end with it.
Leaves:     which edits are worth trying to `fixes.candidates`, applying one to `fixes.apply`.

Suggestions are ranked by, in this order,

1. how many errors of the file remain: one that leaves a file without errors goes first;
2. the `Kind` of change, in the order of that class: what keeps the network as it was meant goes first, so a
   spelling before an order, a missing `flatten` before a padding, a padding before a stride, a stride before a kernel,
   these before channels, all before leaving a layer out;
3. how many steps lie between the change and the error;
4. the order in which the makers of `fixes.candidates` name them, which is the likeliest first.

At most two of one kind are shown; edits in several places, and those that leave out weights, only where nothing else
helps. Where no single edit does, two are tried one after the other.

A suggestion is unambiguous, so that `--fix` applies it, where

- it is the best of those found, and no guess (`Candidate.certain`): a kernel that was never given, a shape of the
  input that was never said, and a network changed to suit a note are guesses;
- no other suggestion of its kind changes the same step, or, where the best one changes another step, any step.

So `maxpool 5` on 4×4 pixels stays: 4 and 2 would both do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from time import process_time
from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.candidates import candidates_for
from specc.fixes.edit import Candidate, Kind, edited, moved, origin
from specc.fixes.outline import SpecOutline
from specc.ir.shaped import ShapedChain, ShapedForm, SomeShaped
from specc.layers.base import Shape, written
from specc.pipeline import Analysis, analyse
from specc.source import Source

MOST_SHOWN = 3
MOST_OF_A_KIND = 2
MOST_FIRST_STEPS = 4  # edits that reveal one more error, from which a second edit is looked for
ENOUGH_TRIES = 12  # where other errors are left anyway, a better suggestion is looked for so long
SECONDS = 0.2
SECONDS_A_CHARACTER = 1.5e-5  # of checking a text, until it has been measured

Settings = Mapping[str, Any]


class SearchTime:
    """The processor time that is left for searching."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._end = process_time() + seconds

    @property
    def left(self) -> float:
        return self._end - process_time()

    def share(self, parts: int) -> SearchTime:
        """An equal part of what is left."""
        return SearchTime(self.left / max(parts, 1))


class Asked(NamedTuple):
    """How a spec is checked: a shape in place of its input, values for its parameters."""

    input_shape: tuple[int, ...] | None = None
    settings: Settings | None = None


class Suggestion(NamedTuple):
    """A tried edit.

    why: what may follow how it is told. spec: the whole text with the edit made. line: where the edit begins, before
    it was made. remaining: errors that it leaves. partner: a second edit that it needs, with its line.
    """

    candidate: Candidate
    why: str
    spec: str
    line: int
    remaining: int
    partner: tuple[str, int] | None = None

    @property
    def kind(self) -> Kind:
        return self.candidate.kind

    @property
    def certain(self) -> bool:
        return self.candidate.certain

    @property
    def here(self) -> bool:
        """Whether the step with the error is what it changes."""
        return self.candidate.distance == 0

    @property
    def text(self) -> str:
        """The whole advice; a second edit has a line of its own."""
        edit = self.candidate.text
        return f"{edit}\nthen {self.partner[0]}" if self.partner else edit + self.why


class _Try(NamedTuple):
    """A candidate with what the checker says of it: errors that were not there, errors left in all."""

    before: Source
    candidate: Candidate
    analysis: Analysis
    new: tuple[Diagnostic, ...]
    remaining: int


def advise(analysis: Analysis, asked: Asked = Asked(), budget: SearchTime | None = None) -> tuple[Diagnostic, ...]:  # noqa: B008 - immutable
    """The diagnostics of an analysis; an error's help says which edits were tried and mend it."""
    budget = budget or SearchTime()
    if budget.left <= _first_guess(analysis):
        return analysis.diagnostics
    errors = [found for found in analysis.diagnostics if found.is_error]
    outline = SpecOutline(analysis)
    found: list[list[Suggestion]] = []
    for number, error in enumerate(errors):
        if budget.left <= 0:
            break
        share = budget.share(len(errors) - number)
        found.append(suggest(analysis, error, asked, share, outline) or _spelled(analysis, error, asked, share))
    told = _partners_once([error.line for error in errors], found)
    mended = {id(error): helps for error, helps in zip(errors, told, strict=False) if helps}
    return tuple(found._replace(help=mended.get(id(found), found.help)) for found in analysis.diagnostics)


def _spelled(analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime) -> list[Suggestion]:
    """The spelling that leaves fewer errors, though it brings others to light; a missing input is not counted."""
    outline, errors = SpecOutline(analysis), sum(found.is_error for found in analysis.diagnostics)
    for tried in _tries(analysis, error, asked, budget, outline, Counter()):
        without_input = any(found.code == "E214" for found in tried.new)
        if tried.candidate.kind is Kind.SPELLING and tried.remaining - without_input < errors:
            return [_suggestion(tried)]
    return []


def _partners_once(lines: list[int], found: list[list[Suggestion]]) -> list[str]:
    """The helps of each error; a second edit that several need is told where it is made, or else the first time."""
    beside: dict[tuple[str, int], int] = {}
    for number, suggestions in enumerate(found):
        for partner in [suggestion.partner for suggestion in suggestions if suggestion.partner]:
            if partner not in beside or lines[number] == partner[1] != lines[beside[partner]]:
                beside[partner] = number
    return [
        "\n".join(
            suggestion.candidate.text
            if suggestion.partner and beside[suggestion.partner] != number
            else suggestion.text
            for suggestion in suggestions
        )
        for number, suggestions in enumerate(found)
    ]


def suggest(
    analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime, outline: SpecOutline | None = None
) -> list[Suggestion]:
    """What mends an error, best first."""
    outline = outline or SpecOutline(analysis)
    accepted, revealing = _single(analysis, error, asked, budget, outline)
    if not accepted:
        accepted = _pairs(analysis, revealing, asked, budget)
    return sorted(accepted, key=lambda found: found.remaining)[:MOST_SHOWN]


def _single(
    analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime, outline: SpecOutline
) -> tuple[list[Suggestion], list[_Try]]:
    """Suggestions of one edit, and the edits that mend the error and reveal one other."""
    accepted: list[Suggestion] = []
    revealing: list[_Try] = []
    kinds: Counter[Kind] = Counter()
    for number, tried in enumerate(_tries(analysis, error, asked, budget, outline, kinds)):
        if not tried.new and tried.candidate.text not in (suggestion.candidate.text for suggestion in accepted):
            kinds[tried.candidate.kind] += 1
            accepted.append(_suggestion(tried))
        if len(tried.new) == 1:
            revealing.append(tried)
        whole = sum(suggestion.remaining == 0 for suggestion in accepted)
        if whole >= MOST_SHOWN or (len(accepted) >= MOST_SHOWN and number >= ENOUGH_TRIES):
            break
    return accepted, revealing


def _tries(
    analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime, outline: SpecOutline, kinds: Counter[Kind]
) -> Iterator[_Try]:
    """Every candidate that mends the error, while there is time; none in a lesson, where that is the question."""
    if analysis.lesson:
        return
    before = {_place(found) for found in analysis.diagnostics if found.is_error}
    seen, longest = {analysis.source.text}, _first_guess(analysis)
    for candidate in candidates_for(error, outline):
        if budget.left <= longest:
            return
        if kinds[candidate.kind] >= MOST_OF_A_KIND or (kinds and candidate.kind.is_last_resort):
            continue
        source = Source(analysis.source.path, edited(analysis.source.text, candidate.edits))
        if source.text in seen:
            continue
        seen.add(source.text)
        started = budget.left
        after = analyse(source, asked.input_shape, asked.settings)
        longest = max(longest, started - budget.left)
        errors = [found for found in after.diagnostics if found.is_error]
        places = {_place(found, candidate) for found in errors}
        if _place(error) not in places:
            new = tuple(found for found in errors if _place(found, candidate) not in before)
            yield _Try(analysis.source, candidate, after, new, len(errors))


def clear_choice(suggestions: list[Suggestion]) -> Suggestion | None:
    """The best suggestion, where no other one has as good a claim."""
    if not suggestions or not suggestions[0].certain:
        return None
    best = suggestions[0]
    rivals = [other for other in suggestions[1:] if other.kind == best.kind and other.remaining == best.remaining]
    if best.kind is Kind.SPELLING or not any(other.here or not best.here for other in rivals):
        return best
    return None


def _first_guess(analysis: Analysis) -> float:
    """How long checking a text may take."""
    return len(analysis.source.text) * SECONDS_A_CHARACTER


def _place(found: Diagnostic, candidate: Candidate | None = None) -> tuple[str, int]:
    """What makes an error the same before and after an edit: its code, and where it stood in the old text."""
    start = found.span.start if found.span is not None else -1
    return found.code, origin(start, candidate.edits) if candidate is not None and start >= 0 else start


def _pairs(analysis: Analysis, first: list[_Try], asked: Asked, budget: SearchTime) -> list[Suggestion]:
    """The best suggestion of two edits: the second mends what the first revealed, and fewer errors are left."""
    errors = sum(found.is_error for found in analysis.diagnostics)
    for tried in first[:MOST_FIRST_STEPS]:
        outline = SpecOutline(tried.analysis)
        found, _ = _single(tried.analysis, tried.new[0], asked, budget, outline)
        # A word respelled and its step then left out would be two steps sideways.
        most = Kind.REMOVAL if tried.candidate.kind is Kind.SPELLING else Kind.LOSS
        seconds = [second for second in found if second.remaining < errors and second.kind < most]
        if seconds:
            return [_both(tried, seconds[0], certain=clear_choice(seconds) is not None)]
    return []


def _both(first: _Try, second: Suggestion, *, certain: bool) -> Suggestion:
    line, last = _revealed_at(first), second.candidate
    place = "" if last.placed else f" at line {line}"
    verb = "write " if last.bare else ""
    both = first.candidate._replace(kind=Kind.SEVERAL, certain=certain and first.candidate.certain)
    partner = f"{verb}{last.elsewhere or last.text}{place}", line
    return Suggestion(both, "", second.spec, second.line, second.remaining, partner)


def _revealed_at(first: _Try) -> int:
    """The line of the error that an edit revealed, in the text before the edit."""
    span = first.new[0].span
    start = origin(span.start, first.candidate.edits) if span is not None else 0
    return first.before.place(start).line


def _suggestion(tried: _Try) -> Suggestion:
    candidate, why = tried.candidate, tried.candidate.why
    if candidate.shows is not None and tried.analysis.model is not None:
        start = moved(candidate.shows, candidate.edits)
        outputs = set(_outputs(tried.analysis.model.chain, start))
        if len(outputs) == 1:
            why = f" gives {written(outputs.pop())}"
    source = tried.analysis.source
    line = source.place(min(edit.span.start for edit in candidate.edits)).line
    return Suggestion(candidate, why, source.text, line, tried.remaining)


def _outputs(chain: ShapedChain, start: int) -> Iterator[Shape]:
    """What the step that begins at a place gives, wherever it is used; a node that is shared is looked at once."""
    waiting: list[SomeShaped] = [chain]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.span.start == start and not isinstance(node, ShapedChain):
            yield from (node.output,) * bool(node.output)
        if isinstance(node, ShapedChain):
            waiting += [child for _, child in node.steps]
        elif isinstance(node, ShapedForm):
            waiting += [branch for _, branch in node.branches if branch is not None]


def suggest_words(analysis: Analysis, error: Diagnostic, asked: Asked, budget: SearchTime) -> list[Suggestion]:
    """Other spellings that mend an error, those too that bring one to light which the wrong word hid."""
    outline = SpecOutline(analysis)
    errors = sum(found.is_error for found in analysis.diagnostics)
    tries = _tries(analysis, error, asked, budget, outline, Counter())
    return [
        _suggestion(tried) for tried in tries if tried.candidate.kind is Kind.SPELLING and tried.remaining <= errors
    ]
