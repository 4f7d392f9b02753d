"""The server: which feature answers which request, when a text is checked, and what becomes of an answer that is late.

Answers are computed in one worker thread, in the order of the questions, so that the loop is free to read: a newer text
is known while an older one is still being checked. What is to be told of an older text is then dropped. A feature that
fails is told to the log, which is standard error, and answers nothing; the server goes on.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer

from specc import __version__
from specc.lsp.diagnostics import publish
from specc.lsp.documents import Snapshot
from specc.lsp.explanations import Pages
from specc.lsp.rename import RenameRefused
from specc.pipeline import analyse
from specc.source import Source

log = logging.getLogger("specc.lsp")

# A check that takes less than this runs after every keystroke; a longer one waits for a pause as long as itself.
AT_ONCE = 0.03
LONGEST_PAUSE = 0.5
WARM_UP = """\
input 3x8x8
block b(c) { residual { conv c k3 p1 -> bn } shortcut auto }
b 4 x2 -> relu -> maxpool 2 -> gap -> flatten -> linear 2
"""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Stale(JsonRpcException):
    """The text has changed since the question: the protocol's "content modified", upon which an editor asks again."""

    CODE = -32801
    MESSAGE = "the text has changed"


class SpecServer(LanguageServer):
    """A language server with its open specs."""

    def __init__(self) -> None:
        super().__init__("specc", __version__, types.TextDocumentSyncKind.Incremental)
        self.open: dict[str, Snapshot] = {}
        self.pages = Pages()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="specc")
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # documents

    def take(self, uri: str, snapshot: Snapshot) -> None:
        """A new version of a text: it is checked when there is a pause in the typing."""
        before = self.open.get(uri)
        self.open[uri] = snapshot
        took = before.seconds if before is not None else 0.0
        snapshot.seconds = took  # until it is measured
        self._cancel(uri)
        pause = 0.0 if took < AT_ONCE else min(took, LONGEST_PAUSE)
        self._waiting[uri] = asyncio.get_running_loop().call_later(pause, self._start_check, snapshot)

    def drop(self, uri: str) -> None:
        """A text was closed: nothing more is said about it."""
        self._cancel(uri)
        if self.open.pop(uri, None) is not None:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def is_stale(self, snapshot: Snapshot) -> bool:
        return self.open.get(snapshot.uri) is not snapshot

    def _cancel(self, uri: str) -> None:
        if (waiting := self._waiting.pop(uri, None)) is not None:
            waiting.cancel()

    def _start_check(self, snapshot: Snapshot) -> None:
        self._waiting.pop(snapshot.uri, None)
        task = asyncio.get_running_loop().create_task(self._check(snapshot))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, snapshot: Snapshot) -> None:
        try:
            found = await self.answer(snapshot, publish, self.pages.address)
        except Stale:
            return
        if found is not None and not self.is_stale(snapshot):
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(snapshot.uri, found, snapshot.version)
            )

    # answers

    async def ask(
        self,
        uri: str,
        feature: Callable[Concatenate[Snapshot, Arguments], Answer],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Answer | None:
        """A feature's answer for an open spec; None for other documents, and where the feature fails.

        Raises: Stale, and what the feature refuses to do.
        """
        snapshot = self.open.get(uri)
        return None if snapshot is None else await self.answer(snapshot, feature, *arguments, **options)

    async def answer(
        self,
        snapshot: Snapshot,
        feature: Callable[Concatenate[Snapshot, Arguments], Answer],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Answer | None:
        """The same for a version of a text. Raises: Stale where it has changed by the time it is its turn."""

        def work() -> Answer | None:
            if self.is_stale(snapshot):
                raise Stale
            try:
                return feature(snapshot, *arguments, **options)
            except JsonRpcException:
                raise
            except Exception:  # whatever a feature runs into, the others go on
                name = getattr(feature, "__name__", "a feature")
                log.exception("%s failed on version %s of %s", name, snapshot.version, snapshot.uri)
                return None

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    # the protocol's own

    def report_server_error(self, error: Exception, source: type[PyglsError] | type[JsonRpcException]) -> None:
        """To the log; a person at an editor can do nothing about it."""
        if not isinstance(error, RenameRefused | Stale):
            log.error("%s: %s", source.__name__, error)

    def shutdown(self) -> None:
        """Ends without waiting for a line of input: after Ctrl-C none will come."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        self.thread_pool.shutdown(wait=False, cancel_futures=True)
        self.pages.close()

    def warm_up(self) -> None:
        """Builds what the first check would wait for, and keeps the collector from looking at it ever again."""

        def work() -> None:
            analyse(Source("", WARM_UP))
            gc.collect()
            gc.freeze()

        asyncio.get_running_loop().run_in_executor(self._worker, work)
