"""An editor for tests: a real client that starts `specc lsp` and talks to it over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from specc.lsp.positions import Positions

PATIENCE = 30.0  # seconds until a silent server counts as broken
URI = "file:///tmp/net.cnn"

Answer = TypeVar("Answer")


class Editor:
    """One server and its client; a `with` block. Texts are edited as an editor does, change by change."""

    def __init__(
        self,
        log: Path,
        capabilities: types.ClientCapabilities | None = None,
        module: str = "specc",
        folder: Path | None = None,
    ) -> None:
        self.log, self.module, self.folder = log, module, folder
        self.capabilities = capabilities or modern()
        self.loop = asyncio.new_event_loop()
        self.client = LanguageClient("test", "1")
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self.shown: list[str] = []
        self._news = asyncio.Event()

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]  # pygls's own
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.published[params.uri] = params
            self._news.set()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]  # the same
        def shown(params: types.ShowMessageParams) -> None:
            self.shown.append(params.message)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def __enter__(self) -> Editor:
        self.run(self._start())
        return self

    async def _start(self) -> None:
        program = (
            f"import sys; sys.stderr = open({str(self.log)!r}, 'w'); sys.path[:0] = {[str(self.folder or '.')]!r}\n"
            f"from {self.module}.cli import main; main(['lsp'])"
        )
        await self.client.start_io(sys.executable, "-c", program)
        self.started = await self.client.initialize_async(types.InitializeParams(self.capabilities, process_id=None))
        self.client.initialized(types.InitializedParams())

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self.loop.close()

    async def _stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()  # type: ignore[no-untyped-call]  # the same

    @property
    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")

    # documents

    def open(self, text: str, uri: str = URI, language: str = "cnn") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        document = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def close(self, uri: str = URI) -> None:
        del self.texts[uri]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def type(self, offset: int, text: str, remove: int = 0, uri: str = URI) -> None:
        """Puts a text in the place of `remove` characters; an incremental change."""
        before = self.texts[uri]
        positions = Positions(before)
        place = types.Range(positions.position(offset), positions.position(offset + remove))
        self.texts[uri] = before[:offset] + text + before[offset + remove :]
        self._send(types.TextDocumentContentChangePartial(range=place, text=text), uri)

    def replace(self, text: str, uri: str = URI) -> None:
        """The whole text at once."""
        self.texts[uri] = text
        self._send(types.TextDocumentContentChangeWholeDocument(text), uri)

    def _send(self, change: types.TextDocumentContentChangeEvent, uri: str) -> None:
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def diagnostics(self, uri: str = URI) -> list[types.Diagnostic]:
        """What is said of the text as it is now."""
        self.run(self._until_told(uri))
        return list(self.published[uri].diagnostics)

    async def _until_told(self, uri: str) -> None:
        while uri not in self.published or self.published[uri].version != self.versions[uri]:
            self._news.clear()
            await self._news.wait()

    def cleared(self, uri: str = URI) -> bool:
        """Whether the marks of a document are taken back, at the latest after a while."""
        self.run(self._until_cleared(uri))
        return True

    async def _until_cleared(self, uri: str) -> None:
        while self.published[uri].diagnostics or self.published[uri].version is not None:
            self._news.clear()
            await self._news.wait()

    # questions

    def at(self, needle: str, after: bool = False, uri: str = URI, nth: int = 0) -> types.Position:
        """The position of a piece of the text, or right behind it."""
        start = -1
        for _ in range(nth + 1):
            start = self.texts[uri].index(needle, start + 1)
        return Positions(self.texts[uri]).position(start + len(needle) * after)

    def place(self, needle: str, after: bool = False, uri: str = URI, nth: int = 0) -> dict[str, Any]:
        return {"text_document": self.document(uri), "position": self.at(needle, after, uri, nth)}

    def document(self, uri: str = URI) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(uri)

    def hover(self, needle: str, nth: int = 0, uri: str = URI) -> str:
        found = self.run(
            self.client.text_document_hover_async(types.HoverParams(**self.place(needle, uri=uri, nth=nth)))
        )
        return found.contents.value if found and isinstance(found.contents, types.MarkupContent) else ""

    def hints(self, uri: str = URI) -> dict[int, str]:
        """By line, from 0."""
        return {line: str(hint.label) for line, hint in self.whole_hints(uri).items()}

    def whole_hints(self, uri: str = URI) -> dict[int, types.InlayHint]:
        asked = types.InlayHintParams(self.document(uri), types.Range(types.Position(0, 0), types.Position(10**6, 0)))
        found = self.run(self.client.text_document_inlay_hint_async(asked)) or []
        return {hint.position.line: hint for hint in found}

    def symbols(self, uri: str = URI) -> list[types.DocumentSymbol]:
        found = self.run(
            self.client.text_document_document_symbol_async(types.DocumentSymbolParams(self.document(uri)))
        )
        return [symbol for symbol in found or [] if isinstance(symbol, types.DocumentSymbol)]

    def offers(self, needle: str, uri: str = URI, nth: int = 0) -> dict[str, types.CompletionItem]:
        """What is offered right behind a piece of the text."""
        asked = types.CompletionParams(**self.place(needle, after=True, uri=uri, nth=nth))
        found = self.run(self.client.text_document_completion_async(asked))
        assert isinstance(found, types.CompletionList)
        return {item.label: item for item in found.items}

    def actions(
        self, needle: str, uri: str = URI, only: list[types.CodeActionKind | str] | None = None
    ) -> list[types.CodeAction]:
        place = types.Range(self.at(needle, uri=uri), self.at(needle, after=True, uri=uri))
        context = types.CodeActionContext(diagnostics=[], only=only)
        asked = types.CodeActionParams(self.document(uri), place, context)
        found = self.run(self.client.text_document_code_action_async(asked)) or []
        return [action for action in found if isinstance(action, types.CodeAction)]

    def after(self, edit: types.WorkspaceEdit | None, uri: str = URI) -> str:
        """The text with an edit made."""
        assert edit is not None
        edits = list((edit.changes or {}).get(uri, []))
        for change in edit.document_changes or []:
            assert isinstance(change, types.TextDocumentEdit)
            assert change.text_document.version == self.versions[uri]
            edits += [one for one in change.edits if isinstance(one, types.TextEdit)]
        return made(self.texts[uri], edits)


def made(text: str, edits: list[types.TextEdit]) -> str:
    """A text with edits made, from the last to the first."""
    positions = Positions(text)
    for edit in sorted(edits, key=lambda edit: positions.span(edit.range), reverse=True):
        start, end = positions.span(edit.range)
        text = text[:start] + edit.new_text + text[end:]
    return text


def modern() -> types.ClientCapabilities:
    """An editor that can do everything."""
    item = types.ClientCompletionItemOptions(snippet_support=True)
    return types.ClientCapabilities(
        text_document=types.TextDocumentClientCapabilities(
            completion=types.CompletionClientCapabilities(completion_item=item),
            inlay_hint=types.InlayHintClientCapabilities(
                resolve_support=types.ClientInlayHintResolveOptions(properties=["tooltip", "textEdits"])
            ),
        ),
        workspace=types.WorkspaceClientCapabilities(
            workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)
        ),
    )
