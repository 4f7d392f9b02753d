"""Pieces in, lines out: where lines begin and end, and how far they are indented.

In:         what `syntax.concrete` read.
Out:        `Line`s, each with its code, its checked shape and its comment apart.
Guarantees: a line ends where the author ended it in a chain, a body or a list; elsewhere only where more than `WIDTH`
            columns would stand in it. Every comment is kept, in order.
Leaves:     columns to `syntax.columns`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from specc.syntax.pieces import Body, Comment, EntryPiece, File, Gap, Link, ListPiece, Piece, StepPiece, TextPiece

WIDTH = 120
INDENT = 2
_ARROW = " -> "
_INSTRUCTION = re.compile(r"#.*?\bspecc:")  # `# specc: ignore[W505]` is about its line


@dataclass(slots=True)
class Line:
    """One line of the output; without code it is a comment's own.

    home: how far the lines around it are indented, where this one hangs before them, as `| …` and `}` do; a comment
    that must leave this line goes there. blank: an empty line stands before it. is_row: it is a row of a list.
    """

    indent: int
    code: str
    home: int
    blank: bool = False
    check: str = ""
    comment: str = ""
    is_row: bool = False

    @property
    def depth(self) -> int:
        """How deep it lies: a closing bracket as deep as what it closes."""
        return self.indent if self.code.startswith((")", "]", "}")) else self.home

    @property
    def width(self) -> int:
        return self.indent + len(self.code)

    @property
    def column(self) -> int:
        """Where the next character would stand, counted from 0; a checked shape has two spaces before it."""
        return self.width + (len(self.check) + 2 if self.check else 0)


def lay_out(file: File) -> list[Line]:
    """The lines of a whole file."""
    layout = _Layout()
    layout.entries(file.entries, file.end, 0)
    return layout.lines


class _Layout:
    """The lines so far; the last one is still being written.

    opened: it ends in an opening bracket. widest: how many columns a line may have here.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.opened = True  # as at the start of a file: no empty line comes next
        self.widest = WIDTH

    # lines

    def start(self, indent: int, code: str, *, home: int, blank: bool = False, is_row: bool = False) -> None:
        self.lines.append(Line(indent, code, home, blank and not self.opened, is_row=is_row))
        self.opened = False

    def add(self, text: str, comments: Iterable[str] = ()) -> None:
        """More code for the last line. The comments stood inside it and go above it."""
        line = self.lines[-1]
        if line.check:
            line.code, line.check = f"{line.code} {line.check}", ""
        line.code += text
        for comment in comments:
            self.lines.insert(-1, Line(line.home, "", line.home, line.blank, comment=comment))
            line.blank = False

    def comments(self, gap: Gap, indent: int) -> None:
        """The comments of a gap: one ends the last line, the others have lines of their own."""
        if gap.after:
            self.lines[-1].comment = gap.after
        for comment in gap.above:
            self.own_comment(comment, indent)

    def own_comment(self, comment: Comment, indent: int) -> None:
        self.start(indent, "", home=indent, blank=comment.blank)
        self.lines[-1].comment = comment.text

    def fits(self, *lengths: int) -> bool:
        return self.lines[-1].column + sum(lengths) <= self.widest

    # chains

    def entries(self, entries: Sequence[EntryPiece], end: Gap, indent: int) -> None:
        """Entries and the comments behind them. A line with an instruction behind it is not broken: it is about all."""
        around = self.widest
        for index, entry in enumerate(entries):
            following = entries[index + 1].links[0].gap if index + 1 < len(entries) else end
            behind = [following.after, *(link.gap.after for link in entry.links[1:])]
            self.widest = sys.maxsize if any(map(_INSTRUCTION.match, behind)) else around
            self.entry(entry, indent)
        self.widest = around
        self.comments(end, indent)

    def entry(self, entry: EntryPiece, indent: int) -> None:
        gap = entry.links[0].gap
        self.comments(gap, indent)
        hanging = INDENT if entry.bars else 0
        self.start(indent - hanging, "| " * entry.bars, home=indent, blank=gap.blank)
        self.step(entry.links[0].step, indent)
        base = indent
        for link in entry.links[1:]:
            base = self.next_step(link, indent, base)

    def next_step(self, link: Link, indent: int, base: int) -> int:
        """A step after `->`, on the same line where that is wanted and there is room. Returns: its line's indent."""
        if not link.gap.breaks and self.has_room(link.step, indent + INDENT):
            self.add(_ARROW)
        else:
            base = indent + INDENT
            self.comments(link.gap, base)
            self.start(base, "-> ", home=base)
        self.step(link.step, base)
        return base

    def has_room(self, step: StepPiece, fresh: int) -> bool:
        """Whether a step goes on the last line: all of it, or where it needs several lines anyway, its beginning."""
        length = _length(step)
        if not step.breaks and self.fits(len(_ARROW), length):
            return True
        needs_lines = step.breaks or fresh + len("-> ") + length > self.widest
        return needs_lines and self.fits(len(_ARROW), _tail(step.parts, step.check))

    def step(self, step: StepPiece, base: int) -> None:
        if not step.breaks and self.fits(_length(step)):
            self.add(step.flat, step.comments)
        else:
            for index, part in enumerate(step.parts):
                tail = (
                    0 if isinstance(part, TextPiece) else _tail(step.parts[index + 1 :], step.check)
                )  # a text asks for none
                self.part(part, base, " " if index else "", tail)
        self.lines[-1].check = step.check

    def part(self, part: Piece, base: int, space: str, tail: int) -> None:
        if isinstance(part, TextPiece) or (not part.breaks and self.fits(len(space), len(part.flat), tail)):
            self.add(space + part.flat, part.comments)
        elif isinstance(part, Body):
            self.add(space)
            self.body(part, base)
        else:
            self.add(space)
            self.listing(part, base)

    # brackets

    def body(self, body: Body, base: int) -> None:
        """An entry a line; where there are branches, each hangs its `|` before it."""
        has_branches = body.end_bars or any(entry.bars for entry in body.entries)
        inner = base + (2 * INDENT if has_branches else INDENT)
        self.open("{")
        self.entries(body.entries, body.end, inner)
        if body.end_bars:
            self.start(inner - INDENT, "| " * body.end_bars, home=inner)
        self.start(base, "}", home=inner)

    def open(self, bracket: str) -> None:
        self.add(bracket)
        self.opened = True

    def listing(self, listing: ListPiece, base: int) -> None:
        """The author's rows, or a row for each item, or as many items a row as fit where they are plain values."""
        inner = base + INDENT
        only = _only_list(listing)
        if only is not None and (only.breaks or inner + len(only.flat) > self.widest):
            self.add(listing.opening)
            self.listing(only, base)
            self.add(listing.closing)
            return
        self.open(listing.opening)
        has_rows = any(gap.breaks for gap, _ in listing.items)
        row_each = bool(listing.comma) or (
            not has_rows and any(isinstance(item, ListPiece) for _, item in listing.items)
        )
        for index, (gap, item) in enumerate(listing.items):
            if not index or row_each or gap.breaks or not self.fits(1, len(item.flat), len(listing.comma)):
                self.comments(gap, inner)
                self.start(inner, "", home=inner, blank=gap.blank, is_row=not listing.comma)
            else:
                self.add(" ")
            self.part(item, inner, "", len(listing.comma))
            self.add(listing.comma)
        self.comments(listing.end, inner)
        self.start(base, listing.closing, home=inner)


def _only_list(listing: ListPiece) -> ListPiece | None:
    """The list inside a list of one, which then shares its brackets' lines: `[[`."""
    if len(listing.items) != 1 or listing.end.commented:
        return None
    gap, item = listing.items[0]
    return item if isinstance(item, ListPiece) and not gap.commented else None


def _length(step: StepPiece) -> int:
    return len(step.flat) + (len(step.check) + 2 if step.check else 0)


def _tail(parts: Iterable[Piece], check: str) -> int:
    """The columns that parts need up to the first bracket that can be opened there, the spaces before them counted."""
    length = 0
    for part in parts:
        if isinstance(part, TextPiece):
            length += len(part.flat) + 1
        else:
            return length + len(part.opening if isinstance(part, ListPiece) else "{") + 1
    return length + (len(check) + 2 if check else 0)
