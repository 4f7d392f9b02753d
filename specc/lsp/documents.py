"""Open texts: a `Snapshot` for each version of each, and the edits that lead from one to the next.

What a snapshot knows is found when it is first asked for, and then kept; a snapshot never changes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from specc.diagnostics.diagnostic import Diagnostic
from specc.ir.shapes.infer import Visits
from specc.lsp.names import Names, find_names
from specc.lsp.positions import Positions
from specc.lsp.scan import Scan, scan
from specc.pipeline import Analysis, analyse, lint
from specc.source import Source, Span
from specc.syntax.parse import MAX_CHARACTERS

LANGUAGES = ("cnn", "specc")
BYTE_ORDER_MARK = "\ufeff"


class Checked(NamedTuple):
    """What the compiler says of a text. visits: the shapes at each step; reliable_to: where they become guesses."""

    analysis: Analysis
    warnings: tuple[Diagnostic, ...]
    visits: Visits
    reliable_to: int

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return (*self.analysis.diagnostics, *self.warnings)


class Snapshot:
    """One version of an open text."""

    def __init__(self, uri: str, version: int | None, text: str, encoding: str = "utf-16") -> None:
        self.uri, self.version, self.encoding = uri, version, encoding
        self.written = text
        # A mark at the start of a file means nothing. The place that it takes stays, so that places agree.
        text = " " + text[1:] if text.startswith(BYTE_ORDER_MARK) else text
        self.source = Source(file_name(uri), text)
        self.positions = Positions(text, encoding)
        self.seconds = 0.0  # what checking it took

    @property
    def text(self) -> str:
        return self.source.text

    @cached_property
    def checked(self) -> Checked:
        visits: Visits = {}
        started = time.perf_counter()
        analysis = analyse(self.source, visits=visits)
        warnings = lint(analysis, apart=True)
        self.seconds = time.perf_counter() - started
        return Checked(analysis, warnings, visits, _reliable_to(analysis))

    @cached_property
    def scan(self) -> Scan:
        """The text's tokens, each with what it is for."""
        return scan(self.text if len(self.text) <= MAX_CHARACTERS else "")

    @cached_property
    def names(self) -> Names:
        """What the text defines, and where that is used."""
        return find_names(self.checked.analysis.tree)

    def changed(self, version: int | None, changes: Sequence[types.TextDocumentContentChangeEvent]) -> Snapshot:
        """The next version."""
        positions = Positions(self.written, self.encoding)
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = positions.span(change.range)
                text = positions.text[:start] + change.text + positions.text[end:]
            else:
                text = change.text
            positions = Positions(_paired(text), self.encoding)
        return Snapshot(self.uri, version, positions.text, self.encoding)

    def range(self, span: Span) -> types.Range:
        return self.positions.range(span)


def is_spec(uri: str, language: str) -> bool:
    """Whether a document is for us: by its language, else by its name."""
    return language in LANGUAGES or file_name(uri).endswith(".cnn")


def file_name(uri: str) -> str:
    """The name under which a document is known: the last part of its address.

    >>> file_name("file:///home/me/my%20net.cnn"), file_name("untitled:Untitled-1")
    ('my net.cnn', 'Untitled-1')
    """
    return unquote(urlsplit(uri).path).rpartition("/")[2] or uri


def _paired(text: str) -> str:
    """The text with the halves of characters joined that were typed one after the other."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _reliable_to(analysis: Analysis) -> int:
    """The place of the first syntax error: what could not be read makes every shape after it a guess."""
    broken = [found.span.start for found in analysis.diagnostics if found.code.startswith("E1") and found.span]
    return min(broken, default=len(analysis.source.text) + 1)
