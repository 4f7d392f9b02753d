"""A diagnostic as a report: the lines of the source that matter, with marks under them and what to do.

Text in, text out; `style` puts colours around pieces of it, and is the identity where there are none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.source import Source

Style = Callable[[str, str], str]
"""A text and its part (`error`, `warning`, `frame`, `note`, `bold`) to the text as it is shown."""

TAB_WIDTH = 4


class Frame(NamedTuple):
    """The characters that a report is drawn with."""

    corner: str
    bar: str
    gap: str


UNICODE_FRAME = Frame("┌─", "│", "·")
ASCII_FRAME = Frame("-->", "|", ":")


class _Mark(NamedTuple):
    line: int
    start: int  # column from 0, in code points
    end: int
    text: str
    primary: bool


def plain(text: str, part: str) -> str:
    """A style without colours."""
    return text


def render(diagnostic: Diagnostic, style: Style = plain, frame: Frame = UNICODE_FRAME) -> str:
    """The report of one diagnostic, several lines without a line break at the end."""
    head = style(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    lines = [f"{head}{style(': ' + diagnostic.message, 'bold')}"]
    width = 2
    if diagnostic.source is not None:
        marks = _marks(diagnostic, diagnostic.source)
        width = max((len(str(mark.line)) for mark in marks), default=1) + 1
        lines += _place(diagnostic, diagnostic.source, style, frame, width)
        if marks:
            lines += _source_lines(diagnostic.source, marks, style, frame, width, diagnostic.severity)
    lines += _advice(diagnostic, style, width)
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic], style: Style = plain, frame: Frame = UNICODE_FRAME) -> str:
    """Reports with an empty line between them."""
    return "\n\n".join(render(diagnostic, style, frame) for diagnostic in diagnostics)


def _place(diagnostic: Diagnostic, source: Source, style: Style, frame: Frame, width: int) -> list[str]:
    where = source.path
    if diagnostic.span is not None:
        place = source.place(diagnostic.span.start)
        where += f":{place.line}:{place.column}"
    return [f"{' ' * width}{style(frame.corner, 'frame')} {where}"]


def _marks(diagnostic: Diagnostic, source: Source) -> list[_Mark]:
    if diagnostic.span is None:
        return []
    marks = [_mark(source, Label(diagnostic.span, diagnostic.label), primary=True)]
    marks += [_mark(source, other, primary=False) for other in diagnostic.others]
    return sorted(marks, key=lambda mark: (mark.line, mark.start))


def _mark(source: Source, label: Label, *, primary: bool) -> _Mark:
    """The part of a label that stands on its first line."""
    start, end = source.place(label.span.start), source.place(max(label.span.start, label.span.end))
    length = len(source.line(start.line))
    stop = end.column - 1 if end.line == start.line else length
    begin = start.column - 1
    return _Mark(start.line, begin, max(stop, begin + 1), label.text, primary)


def _source_lines(
    source: Source, marks: list[_Mark], style: Style, frame: Frame, width: int, severity: str
) -> list[str]:
    bar = style(frame.bar, "frame")
    lines, previous = [f"{' ' * width}{bar}"], None
    for number in sorted({mark.line for mark in marks}):
        if previous is not None and number > previous + 1:
            lines.append(f"{' ' * width}{style(frame.gap, 'frame')}")
        text = source.line(number)
        lines.append(f"{style(str(number).rjust(width - 1), 'frame')} {bar} {_expand(text)}".rstrip())
        for mark in [mark for mark in marks if mark.line == number]:
            underline = _underline(text, mark)
            shown = style(underline.lstrip(), severity if mark.primary else "note")
            lines.append(f"{' ' * width}{bar} {underline[: len(underline) - len(underline.lstrip())]}{shown}")
        previous = number
    return [*lines, f"{' ' * width}{bar}"]


def _underline(text: str, mark: _Mark) -> str:
    before, under = text[: mark.start], text[mark.start : mark.end]
    sign = "^" if mark.primary else "-"
    columns = _columns(_expand(before + under)) - _columns(_expand(before))
    line = " " * _columns(_expand(before)) + sign * max(columns, 1)
    return f"{line} {mark.text}" if mark.text else line


def _expand(text: str) -> str:
    """Tabs as spaces, and nothing that would move the cursor or hide text."""
    expanded = text.expandtabs(TAB_WIDTH)
    return "".join(char if char.isprintable() else "�" for char in expanded)


def _columns(text: str) -> int:
    """The width on a terminal: two columns for wide characters, none for combining ones."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _advice(diagnostic: Diagnostic, style: Style, width: int) -> list[str]:
    notes = [("help", help) for help in diagnostic.helps]
    notes += [("note", note) for note in diagnostic.notes]
    return [f"{' ' * width}{style('= ' + kind + ':', 'note')} {text}" for kind, text in notes]
