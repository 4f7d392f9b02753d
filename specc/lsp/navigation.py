"""Go to, references and highlights: where a name is defined and used."""

from __future__ import annotations

from lsprotocol import types

from specc.fixes.edit import Edit
from specc.ir.names.words import Symbol
from specc.lsp.documents import Snapshot
from specc.lsp.rename import RenameRefused, rename


def symbol_at(snapshot: Snapshot, position: types.Position) -> Symbol | None:
    """The symbol under the cursor."""
    found = snapshot.uses.named_at(snapshot.positions.offset(position))
    return found[0] if found else None


def definition(snapshot: Snapshot, position: types.Position) -> types.Location | None:
    """Where the name under the cursor is defined."""
    symbol = symbol_at(snapshot, position)
    return types.Location(snapshot.uri, snapshot.range(symbol.defined)) if symbol is not None else None


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
    found = snapshot.uses.named_at(snapshot.positions.offset(position))
    if found is None:
        raise RenameRefused("only blocks, `param`s, parameters of blocks and labels can be renamed")
    symbol, use = found
    return types.PrepareRenamePlaceholder(range=snapshot.range(use.span), placeholder=symbol.name)


def renamed(snapshot: Snapshot, position: types.Position, name: str) -> types.WorkspaceEdit:
    """The edits of a rename. Raises: Refused."""
    found = snapshot.uses.named_at(snapshot.positions.offset(position))
    if found is None:
        raise RenameRefused("only blocks, `param`s, parameters of blocks and labels can be renamed")
    edits = rename(snapshot.checked.analysis, found[0], name)
    document = types.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, [_edit(snapshot, e) for e in edits])])


def _edit(snapshot: Snapshot, edit: Edit) -> types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit:
    return types.TextEdit(snapshot.range(edit.span), edit.text)
