"""A page's messages and a language server of its own, whatever carries them."""

from __future__ import annotations

import json
from collections.abc import Callable

from specc.lsp.server import SpecServer
from specc.lsp.serving import make_server
from specc.play.features import register

More = Callable[[SpecServer], Callable[[], None]]


class Talk:
    """One page's talk.

    Args: send, what takes an answer to the page. more, adds what can be asked besides, and gives what ends it.
    """

    def __init__(self, send: Callable[[str], None], more: More = lambda server: lambda: None) -> None:
        self._server, self._send = make_server(), send
        register(self._server)
        self._end = more(self._server)
        self._server.protocol.set_writer(self, include_headers=False)

    def take(self, text: str) -> bool:
        """A message of the page's. Returns: whether the talk goes on.

        Raises: ValueError, TypeError, KeyError, AttributeError, RecursionError, JsonRpcException for what is none.
        """
        message = json.loads(text, object_hook=self._server.protocol.structure_message)
        if not hasattr(message, "jsonrpc"):
            raise ValueError("that is no message")
        if getattr(message, "method", "") == "exit":  # which would end this process
            return False
        self._server.protocol.handle_message(message)
        return True

    def end(self) -> None:
        """Answer no more."""
        self._end()
        self._server.shutdown()

    # what pygls writes to

    def write(self, data: bytes) -> None:
        self._send(data.decode())

    def close(self) -> None:
        """Nothing: what carries the messages is closed by who opened it."""
