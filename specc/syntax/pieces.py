"""The pieces of a text as a formatter sees them: with comments, and with the places where the author began a new line.

Each knows its text in canonical spacing (`flat`), and whether it must stand on several lines (`breaks`): it does where
the author wrote it so, or where a comment ends a line inside it. What must break has no flat text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias


class Comment(NamedTuple):
    """A comment on a line of its own; blank: an empty line stands before it."""

    text: str
    blank: bool = False


class Gap(NamedTuple):
    """What stands between two pieces besides the mark that joins them.

    after: the comment on the line of the piece before; above: those on lines of their own.
    breaks: the next piece stands on another line; blank: an empty line stands before it.
    """

    after: str = ""
    above: tuple[Comment, ...] = ()
    breaks: bool = False
    blank: bool = False

    @property
    def commented(self) -> bool:
        return bool(self.after or self.above)


class TextPiece(NamedTuple):
    """Words that stay on one line; comments: those inside its parentheses."""

    flat: str
    comments: tuple[str, ...] = ()
    breaks: bool = False


class ListPiece(NamedTuple):
    """`weight=[1 2 3]`, or `block name(a, b=1)`; comma stands behind every item, opening holds what stands before."""

    opening: str
    items: tuple[tuple[Gap, TextPiece | ListPiece], ...]
    end: Gap
    closing: str
    flat: str
    breaks: bool
    comments: tuple[str, ...]
    comma: str = ""


class StepPiece(NamedTuple):
    """A step of a chain, a setting, or a whole statement; check: its `:: shape`."""

    parts: tuple[TextPiece | ListPiece | Body, ...]
    check: str
    flat: str
    breaks: bool
    comments: tuple[str, ...]


class Link(NamedTuple):
    """A step and what stands before it."""

    gap: Gap
    step: StepPiece


class EntryPiece(NamedTuple):
    """Steps chained by `->`; bars: how many `|` stand before it, more than one where branches are empty."""

    bars: int
    links: tuple[Link, ...]


class Body(NamedTuple):
    """`{ … }`: entries, and what stands before the closing brace."""

    entries: tuple[EntryPiece, ...]
    end_bars: int
    end: Gap
    flat: str
    breaks: bool
    comments: tuple[str, ...]


Piece: TypeAlias = TextPiece | ListPiece | Body


class File(NamedTuple):
    entries: tuple[EntryPiece, ...]
    end: Gap


def _comments(parts: Iterable[TextPiece | ListPiece | Body | StepPiece]) -> tuple[str, ...]:
    return tuple(comment for part in parts for comment in part.comments)


def make_step(parts: Sequence[Piece], check: str) -> StepPiece:
    breaks = any(part.breaks for part in parts)
    flat = "" if breaks else " ".join(part.flat for part in parts)
    return StepPiece(tuple(parts), check, flat, breaks, _comments(parts))


def make_listing(
    opening: str, items: list[tuple[Gap, TextPiece | ListPiece]], end: Gap, closing: str, comma: str
) -> ListPiece:
    breaks = _ends_broken(items, end) or any(gap.breaks or item.breaks for gap, item in items)
    flat = "" if breaks else opening + f"{comma} ".join(item.flat for _, item in items) + closing
    comments = _comments(item for _, item in items)
    return ListPiece(opening, tuple(items), end, closing, flat, breaks, comments, comma)


def make_body(entries: list[EntryPiece], end_bars: int, end: Gap) -> Body:
    steps = [link.step for entry in entries for link in entry.links]
    gaps = [link.gap for entry in entries for link in entry.links]
    breaks = _ends_broken(entries, end) or any(gap.breaks for gap in gaps) or any(step.breaks for step in steps)
    flat = "" if breaks else " ".join(["{", *_flat_entries(entries), *["|"] * end_bars, "}"])
    return Body(tuple(entries), end_bars, end, flat, breaks, _comments(steps))


def _ends_broken(pieces: Sequence[object], end: Gap) -> bool:
    """Whether the closing bracket stands on a line of its own: with nothing inside it need not."""
    return end.commented or (bool(pieces) and end.breaks)


def _flat_entries(entries: list[EntryPiece]) -> Iterable[str]:
    for index, entry in enumerate(entries):
        yield from ["|"] * entry.bars or [";"] * min(index, 1)
        yield " -> ".join(_flat_step(link.step) for link in entry.links)


def _flat_step(step: StepPiece) -> str:
    """A step with its checked shape, on one line."""
    return f"{step.flat} {step.check}" if step.check else step.flat
