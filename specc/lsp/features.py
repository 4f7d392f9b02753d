"""Which request is answered by which feature."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from specc.lsp import actions, completion, formatting, hints, hover, navigation, signatures, structure

if TYPE_CHECKING:
    from specc.lsp.server import SpecServer


def register(server: SpecServer) -> None:
    """Every feature that answers a request."""
    _register_reading(server)
    _register_writing(server)
    _register_looks(server)
    _register_navigation(server)


def _register_reading(server: SpecServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def on_hover(params: types.HoverParams) -> types.Hover | None:
        return await server.ask(params.text_document.uri, hover.hover, params.position)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintOptions(resolve_provider=True))
    async def on_hints(params: types.InlayHintParams) -> list[types.InlayHint] | None:
        return await server.ask(params.text_document.uri, hints.hints, params.range, _asks_for_the_rest(server))

    @server.feature(types.INLAY_HINT_RESOLVE)
    async def on_hint(hint: types.InlayHint) -> types.InlayHint:
        return (await server.ask(str(hint.data), hints.resolved, hint)) or hint

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(trigger_characters=signatures.TRIGGERS)
    )
    async def on_signature(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return await server.ask(params.text_document.uri, signatures.signature, params.position)


def _register_writing(server: SpecServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=completion.TRIGGERS))
    async def on_completion(params: types.CompletionParams) -> types.CompletionList | None:
        return await server.ask(
            params.text_document.uri, completion.complete, params.position, snippets=_knows_snippets(server)
        )

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]),
    )
    async def on_actions(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        uri = params.text_document.uri
        snapshot = server.open.get(uri)
        if snapshot is None:
            return None
        stale = partial(server.is_stale, snapshot)
        found = await server.answer(snapshot, actions.actions, params, server.pages.address, stale)
        for action in found or []:
            action.edit = action.edit and _for_client(server, action.edit)
        return found

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def on_formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        return await server.ask(params.text_document.uri, formatting.format_whole)

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    async def on_range_formatting(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit] | None:
        return await server.ask(params.text_document.uri, formatting.format_range, params.range)


def _register_looks(server: SpecServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def on_symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        return await server.ask(params.text_document.uri, structure.symbols)

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def on_folding(params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        return await server.ask(params.text_document.uri, structure.folding)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, structure.LEGEND)
    async def on_tokens(params: types.SemanticTokensParams) -> types.SemanticTokens | None:
        return await server.ask(params.text_document.uri, structure.semantic_tokens)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, structure.LEGEND)
    async def on_tokens_in(params: types.SemanticTokensRangeParams) -> types.SemanticTokens | None:
        return await server.ask(params.text_document.uri, structure.semantic_tokens_in, params.range)


def _register_navigation(server: SpecServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def on_definition(params: types.DefinitionParams) -> types.Location | None:
        return await server.ask(params.text_document.uri, navigation.definition, params.position)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def on_references(params: types.ReferenceParams) -> list[types.Location] | None:
        with_definition = params.context.include_declaration
        return await server.ask(
            params.text_document.uri, navigation.references, params.position, with_definition=with_definition
        )

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def on_highlights(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        return await server.ask(params.text_document.uri, navigation.highlights, params.position)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def on_prepare_rename(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        return await server.ask(params.text_document.uri, navigation.prepare_rename, params.position)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def on_rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        edit = await server.ask(params.text_document.uri, navigation.renamed, params.position, params.new_name)
        return edit and _for_client(server, edit)


def _asks_for_the_rest(server: SpecServer) -> bool:
    """Whether the editor asks for what a hint says at length when somebody looks at it."""
    client = server.client_capabilities.text_document
    support = client.inlay_hint.resolve_support if client and client.inlay_hint else None
    return support is not None and {"tooltip", "textEdits"} <= set(support.properties)


def _knows_snippets(server: SpecServer) -> bool:
    """Whether the editor knows stops for the cursor in what it inserts."""
    document = server.client_capabilities.text_document
    item = document.completion.completion_item if document and document.completion else None
    return bool(item and item.snippet_support)


def _for_client(server: SpecServer, edit: types.WorkspaceEdit) -> types.WorkspaceEdit:
    """An edit as the editor takes it: old ones know no versions."""
    workspace = server.client_capabilities.workspace
    if workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes:
        return edit
    changes = [change for change in edit.document_changes or () if isinstance(change, types.TextDocumentEdit)]
    plain = {
        change.text_document.uri: [one for one in change.edits if isinstance(one, types.TextEdit)] for change in changes
    }
    return types.WorkspaceEdit(changes=plain)
