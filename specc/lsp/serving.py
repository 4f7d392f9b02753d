"""The server with all that it answers, from the first message to the last."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from typing import BinaryIO

from lsprotocol import types

from specc.lsp.documents import Snapshot, is_spec
from specc.lsp.features import register
from specc.lsp.rename import RenameRefused
from specc.lsp.server import SpecServer, Stale

SWITCHES = 0.0005  # seconds that a thread computes while another waits: each read and write would wait Python's 5 ms


def make_server() -> SpecServer:
    """A server with every feature."""
    sys.setswitchinterval(SWITCHES)
    server = SpecServer()

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        server.warm_up()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        if is_spec(document.uri, document.language_id):
            encoding = str(getattr(server.workspace.position_encoding, "value", server.workspace.position_encoding))
            server.take(document.uri, Snapshot(document.uri, document.version, document.text, encoding))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.open:
            server.take(uri, server.open[uri].changed(params.text_document.version, params.content_changes))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.drop(params.text_document.uri)

    register(server)
    return server


def _is_failure(record: logging.LogRecord) -> bool:
    """Whether a line belongs in the log: a refusal is an answer, which its user reads; a late answer is nothing."""
    return record.exc_info is None or not isinstance(record.exc_info[1], RenameRefused | Stale)


def serve(verbose: bool, more: Callable[[SpecServer], None]) -> None:
    """Serves on standard input and output until the editor ends it. Args: more, adds features beyond the protocol's."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger().handlers[0].addFilter(_is_failure)
    if not verbose:  # it warns of a question that is cancelled when its answer has just left
        logging.getLogger("pygls").setLevel(logging.ERROR)
    gc.enable()
    stdin: BinaryIO = sys.stdin.buffer
    stdout: BinaryIO = sys.stdout.buffer
    sys.stdout = sys.stderr  # what is printed by mistake must not end up between two messages
    server = make_server()
    more(server)
    server.start_io(stdin, stdout)
