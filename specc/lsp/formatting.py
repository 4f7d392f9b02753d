"""The canonical form as edits: only the lines that change, so that marks and the cursor stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from lsprotocol import types

from specc.lsp.documents import Snapshot
from specc.syntax.format import format_source

MOST_COMPARED = 2000  # lines: comparing more of them takes longer than it is worth


def format_whole(snapshot: Snapshot) -> list[types.TextEdit] | None:
    """The edits that bring a text into canonical form; None where it has syntax errors."""
    formatted = format_source(snapshot.source).text
    if formatted is None:
        return None
    return text_edits(snapshot, formatted.replace("\r\n", "\n").replace("\n", _line_end(snapshot.text)))


def format_range(snapshot: Snapshot, within: types.Range) -> list[types.TextEdit] | None:
    """Those of the edits that touch the lines of a range."""
    edits = format_whole(snapshot)
    first, last = within.start.line, within.end.line - (within.end.character == 0 and within.end != within.start)
    return edits and [
        edit
        for edit in edits
        if edit.range.start.line <= last and max(edit.range.start.line, edit.range.end.line - 1) >= first
    ]


def text_edits(snapshot: Snapshot, after: str) -> list[types.TextEdit]:
    """The edits, of whole lines, that turn a text into another one."""
    old, new = snapshot.text.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    positions = snapshot.positions
    return [
        types.TextEdit(
            types.Range(positions.position(starts[first]), positions.position(starts[last])), "".join(new[start:end])
        )
        for first, last, start, end in _changes(old, new)
    ]


def _changes(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Lines to replace, and the lines that take their place."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    if not before and not after:
        return
    if len(before) + len(after) > MOST_COMPARED:
        yield head, len(old) - tail, head, len(new) - tail
        return
    for tag, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield head + first, head + last, head + start, head + end


def _line_end(text: str) -> str:
    """How the text ends its lines: as the first one does."""
    end = text.find("\n")
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"
