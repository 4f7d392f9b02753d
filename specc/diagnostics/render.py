"""A diagnostic as a report: the lines of the source that matter, with marks under them and what to do.

Text in, text out; `style` puts colours around pieces of it, and is the identity where there are none. `width` is that
of the terminal: sentences are broken between words to fit it. Without one, in a pipe or a file, each stays in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.excerpt import Excerpt, Mark, Underline, excerpts
from specc.diagnostics.told import told
from specc.diagnostics.visible import visible
from specc.diagnostics.wrapping import NARROWEST, columns, wrapped
from specc.source import Source

Style = Callable[[str, str], str]
"""A text and its part (`error`, `warning`, `frame`, `note`, `bold`) to the text as it is shown."""

WIDEST = 120  # columns of a source's line, where there is no terminal
ENDLESS = 1_000_000


class Frame(NamedTuple):
    """The characters that a report is drawn with; cut: what stands where a line goes on."""

    corner: str
    bar: str
    gap: str
    cut: str


UNICODE_FRAME = Frame("┌─", "│", "·", "…")
ASCII_FRAME = Frame("-->", "|", ":", "...")


def plain(text: str, part: str) -> str:
    """A style without colours."""
    return text


def render(diagnostic: Diagnostic, style: Style = plain, frame: Frame = UNICODE_FRAME, width: int | None = None) -> str:
    """The report of one diagnostic, several lines without a line break at the end."""
    return "\n".join(_Report(diagnostic, style, frame, width).lines())


def render_all(
    diagnostics: Iterable[Diagnostic], style: Style = plain, frame: Frame = UNICODE_FRAME, width: int | None = None
) -> str:
    """Reports with an empty line between them; of a file with very many findings the first."""
    found = told(diagnostics, lambda diagnostic: render(diagnostic, style, frame, width))
    return "\n\n".join([*found.written, *(f"and {more}" for more in found.more.values())])


class _Report:
    """How one diagnostic is laid out. margin: columns left of the frame."""

    def __init__(self, diagnostic: Diagnostic, style: Style, frame: Frame, width: int | None) -> None:
        self.diagnostic, self.style, self.frame, self.width = diagnostic, style, frame, width
        self.marks = _marks(diagnostic, diagnostic.source) if diagnostic.source is not None else []
        self.margin = 2
        if diagnostic.source is not None:
            self.margin = max((len(str(mark.line)) for mark in self.marks), default=1) + 1

    def lines(self) -> Iterator[str]:
        diagnostic = self.diagnostic
        head = f"{diagnostic.severity}[{diagnostic.code}]"
        first, *others = self._wrapped(diagnostic.message, len(head) + 2, 2)
        yield f"{self.style(head, diagnostic.severity)}{self.style(f': {first}', 'bold')}"
        yield from (f"  {self.style(line, 'bold')}" for line in others)
        if diagnostic.source is not None:
            yield self._place(diagnostic.source)
            if self.marks:
                yield from self._source_lines(diagnostic.source)
        for help in diagnostic.helps:
            yield from self._advice("help", help)
        for note in diagnostic.notes:
            first, *others = note.split("\n")
            yield from self._advice("note", first)
            yield from (f"{self._bar()} {visible(line)}".rstrip() for line in others)

    def _wrapped(self, text: str, first: int, others: int) -> list[str]:
        """A sentence of the diagnostic in lines, of which the first begins further right, and the others too."""
        width = self.width or ENDLESS
        return wrapped(visible(text), width - first, width - others)

    def _bar(self) -> str:
        return " " * self.margin + self.style(self.frame.bar, "frame")

    def _place(self, source: Source) -> str:
        where = visible(source.path)
        if self.diagnostic.span is not None:
            where += f":{self.diagnostic.line}:{self.diagnostic.column}"
        return f"{' ' * self.margin}{self.style(self.frame.corner, 'frame')} {where}"

    def _source_lines(self, source: Source) -> Iterator[str]:
        room = max((self.width or WIDEST + self.margin + 2) - self.margin - 2, NARROWEST)
        yield self._bar()
        previous = None
        for number, marks in groupby(self.marks, key=lambda mark: mark.line):
            if previous is not None and number > previous + 1:
                yield f"{' ' * self.margin}{self.style(self.frame.gap, 'frame')}"
            for excerpt in excerpts(source.line(number), list(marks), room, self.frame.cut):
                yield from self._excerpt(number, excerpt, room)
            previous = number
        yield self._bar()

    def _excerpt(self, number: int, excerpt: Excerpt, room: int) -> Iterator[str]:
        shown = self.style(str(number).rjust(self.margin - 1), "frame")
        yield f"{shown} {self.style(self.frame.bar, 'frame')} {excerpt.text}".rstrip()
        for underline in excerpt.underlines:
            yield from self._underline(underline, room)

    def _underline(self, underline: Underline, room: int) -> Iterator[str]:
        """The mark with its text beside it, or below where that has no room beside it on a terminal."""
        mark, at = underline.mark, underline.offset + underline.width + 1
        part = self.diagnostic.severity if mark.primary else "note"
        sign = ("^" if mark.primary else "-") * underline.width
        text, left = visible(mark.text), room - at
        if self.width is None:
            lines = [text]
        elif left >= min(NARROWEST, columns(text)):
            lines = wrapped(text, left)
        else:
            at = max(0, min(underline.offset, room - 2 * NARROWEST))
            lines = ["", *wrapped(text, room - at)]
        yield f"{self._bar()} {' ' * underline.offset}{self.style(f'{sign} {lines[0]}'.rstrip(), part)}"
        yield from (f"{self._bar()} {' ' * at}{self.style(line, part)}" for line in lines[1:])

    def _advice(self, kind: str, text: str) -> Iterator[str]:
        indent = self.margin + len(f"= {kind}: ")
        first, *others = self._wrapped(text, indent, indent)
        yield f"{' ' * self.margin}{self.style(f'= {kind}:', 'note')} {first}"
        yield from (f"{' ' * indent}{line}" for line in others)


def _marks(diagnostic: Diagnostic, source: Source) -> list[Mark]:
    if diagnostic.span is None:
        return []
    marks = [_mark(source, Label(diagnostic.span, diagnostic.label), primary=True)]
    marks += [_mark(source, other, primary=False) for other in diagnostic.others]
    return sorted(marks, key=lambda mark: (mark.line, mark.start))


def _mark(source: Source, label: Label, *, primary: bool) -> Mark:
    """The part of a label that stands on its first line."""
    start, end = source.place(label.span.start), source.place(max(label.span.start, label.span.end))
    begin = start.column - 1
    stop = end.column - 1 if end.line == start.line else len(source.line(start.line))
    return Mark(start.line, begin, max(stop, begin + 1), label.text, primary)
