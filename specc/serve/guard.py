"""What stands before a server on this machine: who may ask, how much may come, and JSON in place of what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANY = "*"
OPEN = 64  # requests that arrive or are answered at once
CLOSING = {"Connection": "close"}  # what else comes on the connection is not read
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
REFUSED = 1008  # the code with which a web socket is closed: "policy violation"


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that no browser takes for a page."""
    policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return JSONResponse(value, status, {**SAFE, **policy, **(headers or {})})


class Guard:
    """An application behind the checks.

    Args: hosts, the names under which it may be asked, without a port, `*` for any; size, bytes of a request; command,
          whose server it is; more, what the refusal of another name ends with.
    """

    def __init__(
        self, app: Callable[..., Awaitable[None]], hosts: Collection[str], size: int, command: str, more: str = ""
    ) -> None:
        self._app, self._hosts, self._size, self._open = app, hosts, size, 0
        self._command, self._more = command, more
        self._most = f"a request has at most {size:,} bytes"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _socket(self, scope: Message, receive: Receive, send: Send) -> None:
        """A web socket of a page of this server, and of no other page: every browser says where a page is from."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin", "")
        if self._knows(host) and urlsplit(origin).netloc.lower() == host.lower():
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": REFUSED})

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        refused = self._refusal(Headers(scope=scope))
        if refused is not None:
            await refused(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, self._bounded(receive), send)
        except Exception as error:  # of any kind: Starlette has answered, and a traceback helps nobody
            print(f"{self._command}: {type(error).__name__}", file=sys.stderr)
        finally:
            self._open -= 1

    def _refusal(self, headers: Headers) -> Response | None:
        """A page elsewhere may reach this machine under a name of its own: only known names are answered."""
        origin = headers.get("origin")
        if not self._knows(headers.get("host", "")) or (origin and not self._knows(urlsplit(origin).netloc)):
            return json_answer({"error": f"this server is not asked under that name{self._more}"}, 403)
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self._size:
            return json_answer({"error": self._most}, 413, CLOSING)
        if self._open >= OPEN:
            return json_answer(
                {"error": f"{self._open} requests are open already"}, 503, {"Retry-After": "1", **CLOSING}
            )
        return None

    def _knows(self, host: str) -> bool:
        name = host.lower()
        name = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() and ":" in name else name
        return ANY in self._hosts or name.strip("[]") in self._hosts

    def _bounded(self, receive: Receive) -> Receive:
        came = 0

        async def bounded() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._size:
                raise HTTPException(413, self._most, CLOSING)
            return message

        return bounded
