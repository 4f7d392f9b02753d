"""Go to, references and highlights: where a name is defined and used."""

from __future__ import annotations

import re

from lsprotocol import types

from specc.fixes.edit import Edit
from specc.lsp.documents import Snapshot
from specc.lsp.names import Symbol
from specc.lsp.rename import RenameRefused, rename
from specc.source import Span

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def symbol_at(snapshot: Snapshot, position: types.Position) -> Symbol | None:
    """The symbol under the cursor; in a line that could not be read, the `param` or block of that name."""
    offset = snapshot.positions.offset(position)
    found = snapshot.names.at(offset)
    if found is not None:
        return found
    word = _word_at(snapshot, offset)
    return snapshot.names.called(snapshot.source.slice(word)) if word else None


def _word_at(snapshot: Snapshot, offset: int) -> Span | None:
    line = snapshot.positions.line_span(snapshot.positions.line_of(offset))
    for match in _WORD.finditer(snapshot.text, line.start, line.end):
        if match.start() <= offset <= match.end():
            return Span(*match.span())
    return None


def definition(snapshot: Snapshot, position: types.Position) -> types.Location | None:
    """Where the name under the cursor is defined; in a half-written text, where its block's header stands."""
    symbol = symbol_at(snapshot, position)
    if symbol is not None:
        return types.Location(snapshot.uri, snapshot.range(symbol.defined))
    word = _word_at(snapshot, snapshot.positions.offset(position))
    header = snapshot.scan.headers.get(snapshot.source.slice(word)) if word else None
    return types.Location(snapshot.uri, snapshot.range(header.span)) if header else None


def references(snapshot: Snapshot, position: types.Position, *, with_definition: bool) -> list[types.Location]:
    symbol = symbol_at(snapshot, position)
    if symbol is None:
        return []
    places = symbol.places if with_definition else sorted(symbol.uses)
    return [types.Location(snapshot.uri, snapshot.range(use.span)) for use in places]


def highlights(snapshot: Snapshot, position: types.Position) -> list[types.DocumentHighlight]:
    """Every place that names the same thing."""
    symbol = symbol_at(snapshot, position)
    if symbol is None:
        return []
    kinds = types.DocumentHighlightKind
    return [
        types.DocumentHighlight(snapshot.range(use.span), kinds.Write if use.span == symbol.defined else kinds.Read)
        for use in symbol.places
    ]


def prepare_rename(snapshot: Snapshot, position: types.Position) -> types.PrepareRenamePlaceholder:
    """The name that would be changed. Raises: Refused where there is none."""
    found = snapshot.names.place_at(snapshot.positions.offset(position))
    if found is None:
        raise RenameRefused("only blocks, `param`s, parameters of blocks and labels can be renamed")
    symbol, use = found
    return types.PrepareRenamePlaceholder(range=snapshot.range(use.span), placeholder=symbol.name)


def renamed(snapshot: Snapshot, position: types.Position, name: str) -> types.WorkspaceEdit:
    """The edits of a rename. Raises: Refused."""
    found = snapshot.names.place_at(snapshot.positions.offset(position))
    if found is None:
        raise RenameRefused("only blocks, `param`s, parameters of blocks and labels can be renamed")
    edits = rename(snapshot.checked.analysis, found[0], name)
    document = types.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, [_edit(snapshot, e) for e in edits])])


def _edit(snapshot: Snapshot, edit: Edit) -> types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit:
    return types.TextEdit(snapshot.range(edit.span), edit.text)
