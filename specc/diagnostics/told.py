"""Findings as they are told: sentences of a bounded length, and of each file no more than somebody reads.

In:         diagnostics, in the order of their files.
Out:        what a format writes for each, and how many of a file are left out.
Guarantees: a report is bounded, whatever was found: a text of a kind that was never meant has a mistake in every word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.spelling import counted
from specc.diagnostics.visible import shortened, visible
from specc.source import Place

MOST = 100  # findings of a file that a person is told
MOST_BYTES = 100_000  # of the report on one file
MOST_LABELS = 4
MOST_HELPS = 5
MOST_NOTES = 10
MOST_LINES = 50  # of a note
MOST_LISTED = 1000  # findings of a file that a program is told

Written = TypeVar("Written")


class Told(NamedTuple, Generic[Written]):
    """What is written, in order, and a sentence for each file of which more was found."""

    written: list[Written]
    more: dict[str, str]


def told(diagnostics: Iterable[Diagnostic], write: Callable[[Diagnostic], Written], most: int = MOST) -> Told[Written]:
    """Each finding written, until those of its file are too many.

    Args: write, from a finding with sentences of a bounded length to what a format makes of it.
    """
    kept: list[Written] = []
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    left: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        path = diagnostic.source.path if diagnostic.source else ""
        if count[path] >= most or size[path] >= MOST_BYTES:
            left.setdefault(path, []).append(diagnostic)
            continue
        made = write(bounded(diagnostic))
        count[path] += 1
        size[path] += len(str(made).encode(errors="replace"))
        kept.append(made)
    return Told(kept, {path: f"{tally(others, 'more ')} in {_name(path)}" for path, others in left.items()})


def bounded(diagnostic: Diagnostic) -> Diagnostic:
    """A finding without the middle of sentences that would fill a page."""
    others = tuple(Label(label.span, shortened(label.text)) for label in diagnostic.others[:MOST_LABELS])
    return diagnostic._replace(
        message=shortened(diagnostic.message),
        label=shortened(diagnostic.label),
        others=others,
        help="\n".join(map(shortened, diagnostic.helps[:MOST_HELPS])) if diagnostic.help else None,
        notes=tuple(map(_bounded_note, diagnostic.notes[:MOST_NOTES])),
    )


def tally(found: Sequence[Diagnostic], more: str = "") -> str:
    """`2 errors and 1 warning`"""
    errors = sum(diagnostic.is_error for diagnostic in found)
    counts = {"error": errors, "warning": len(found) - errors}
    return " and ".join(counted(count, f"{more}{word}") for word, count in counts.items() if count)


def _bounded_note(note: str) -> str:
    return "\n".join(map(shortened, note.split("\n")[:MOST_LINES]))


def _name(path: str) -> str:
    return f"`{visible(path)}`"


def start_of(diagnostic: Diagnostic) -> Place:
    """Where a diagnostic begins; 1:1 where it concerns the whole file."""
    if diagnostic.source is None or diagnostic.span is None:
        return Place(1, 1)
    return diagnostic.source.place(diagnostic.span.start)


def end_of(diagnostic: Diagnostic) -> Place:
    """Where a diagnostic ends, exclusive."""
    if diagnostic.source is None or diagnostic.span is None:
        return Place(1, 1)
    return diagnostic.source.place(max(diagnostic.span.start, diagnostic.span.end))
