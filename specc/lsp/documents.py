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
from specc.ir.names.uses import find_uses
from specc.ir.names.words import Uses
from specc.ir.shapes.infer import Visits
from specc.layers.registry import find_layer
from specc.lsp.cursor import CursorState, cursor_state, word_before
from specc.lsp.positions import Positions
from specc.pipeline import Analysis, analyse, lint
from specc.source import Source, Span
from specc.syntax.parse import Parsed, parse, read_tokens
from specc.syntax.tokens import Tokens

LANGUAGES = ("cnn", "specc")
BYTE_ORDER_MARK = "\ufeff"


class Checked(NamedTuple):
    """What the compiler says of a text. visits: the shapes at each step; reliable_to: where they become guesses."""

    analysis: Analysis
    visits: Visits
    reliable_to: int


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
        analysis = analyse(self.source, visits=visits, parsed=self.parsed)
        self.seconds = time.perf_counter() - started
        return Checked(analysis, visits, _reliable_to(analysis))

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong, and then what is doubtful, which shapes and pictures need not wait for."""
        analysis = self.checked.analysis
        started = time.perf_counter()
        warnings = lint(analysis, apart=True)
        self.seconds += time.perf_counter() - started
        return (*analysis.diagnostics, *warnings)

    @cached_property
    def tokens(self) -> Tokens:
        """The text's tokens, of which everything else is made."""
        return read_tokens(self.text)

    @cached_property
    def parsed(self) -> Parsed:
        """The text's tree, and what is wrong with its syntax."""
        return parse(self.source, self.tokens)

    @cached_property
    def uses(self) -> Uses:
        """What the text defines, where that is used, and what each word is for."""
        return find_uses(self.parsed.tree)

    def cursor(self, offset: int) -> tuple[int, CursorState]:
        """Where the word before a place begins, and the state there."""
        start = word_before(self.tokens, offset)
        state = cursor_state(self.tokens, start, self._names_step)
        if state.item.kind == "setting" and (first := word_before(self.tokens, offset, hyphens=True)) < start:
            return first, cursor_state(self.tokens, first, self._names_step)
        return start, state

    def _names_step(self, word: str) -> bool:
        return find_layer(word) is not None or any(
            one.name == word and one.kind != "label" for one in self.uses.symbols
        )

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
