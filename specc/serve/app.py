"""The endpoint: what a request may be, and JSON for whatever else it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from specc.diagnostics.spelling import nearest, shown
from specc.serve.answering import UNNAMED, Answers, Busy, Posted
from specc.serve.page import page_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANY = "*"
OPEN = 64  # requests that arrive or are answered at once
# What stands behind `?`: the least, the most, and what is meant where it is left out.
PARAMETERS = {"top": (1, 100, 5), "invert": (0, 1, 0)}
NAME = 200  # characters of a picture's name that are given back
CLOSING = {"Connection": "close"}  # what else comes on the connection is not read
SAFE = {
    "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}  # fmt: skip


def app_of(answers: Answers, hosts: Collection[str], url: str) -> Guard:
    """The application.

    Args: hosts, the names under which it may be asked, without a port; `*` for any. url, where it is.
    """

    async def about(request: Request) -> Response:
        limits = answers.limits
        return HTMLResponse(page_of(answers.trained, url, limits.size, limits.pixels), headers=SAFE)

    async def health(request: Request) -> Response:
        return _json({"status": "ok", "run": answers.trained.name, "task": answers.trained.task.keyword})

    async def predict(request: Request) -> Response:
        posted = await _posted(request, answers)
        try:
            found = await answers.answer(posted)
        except Busy as busy:
            raise HTTPException(503, str(busy), {"Retry-After": "1"}) from None
        return _json(found, 422 if found["error"] else 200)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        answers.close()

    inside = Starlette(
        routes=[
            Route("/", about, methods=["GET"]), Route("/healthz", health, methods=["GET"]),
            Route("/", predict, methods=["POST"]), Route("/predict", predict, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed}, lifespan=lifespan,
    )  # fmt: skip
    return Guard(inside, hosts, answers.limits.size)


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(value, status, {**SAFE, **(headers or {})})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it handles nothing else
    return _json({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    return _json({"error": "the picture could not be answered"}, 500)


async def _posted(request: Request, answers: Answers) -> Posted:
    """What is asked, within the time that a request may take. Raises: HTTPException."""
    asked = _parameters(request)
    try:
        async with asyncio.timeout(answers.limits.seconds):
            name, content = await _picture(request)
    except TimeoutError:
        raise HTTPException(408, f"the picture did not arrive within {answers.limits.seconds:g} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the picture did not arrive as a whole") from None
    if not content:
        raise HTTPException(400, "there is no picture in the request: send its bytes, or a form with one file")
    return Posted(content, name, asked["top"], bool(asked["invert"]))


def _parameters(request: Request) -> dict[str, int]:
    """What is asked for in the address. Raises: HTTPException for what nothing would be made of."""
    found: dict[str, int] = {}
    for name, text in request.query_params.multi_items():
        if name not in PARAMETERS:
            guess = nearest(name, PARAMETERS)
            way = f"did you mean `{guess}`?" if guess else f"there are {' and '.join(f'`{one}`' for one in PARAMETERS)}"
            raise HTTPException(400, f"there is no parameter `{shown(name)}`; {way}")
        if name in found:
            raise HTTPException(400, f"`{name}` is given twice")
        least, most, _ = PARAMETERS[name]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise HTTPException(400, f"`{name}` takes a whole number from {least} to {most}")
        found[name] = int(text)
    return {name: found.get(name, default) for name, (_, _, default) in PARAMETERS.items()}


async def _picture(request: Request) -> tuple[str, bytes]:
    """A picture's name and bytes, out of a form or as they are."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return UNNAMED, await request.body()
    async with request.form(max_files=1, max_fields=8) as form:
        text = next((name for name, value in form.multi_items() if not isinstance(value, UploadFile)), None)
        if text is not None:
            raise HTTPException(400, f"`{shown(text)}` in the form is no file; what is asked for stands in the "
                "address, as in `/?top=3`")  # fmt: skip
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        if not files:
            return UNNAMED, b""
        return (files[0].filename or UNNAMED)[:NAME], await files[0].read()


class Guard:
    """Stands before everything else: who may ask, how much may come, and JSON in place of what went wrong."""

    def __init__(self, app: Callable[..., Awaitable[None]], hosts: Collection[str], size: int) -> None:
        self._app, self._hosts, self._size, self._open = app, hosts, size, 0
        self._most = f"a request has at most {size:,} bytes"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refusal(headers)
        if refused is not None:
            await refused(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, self._bounded(receive), send)
        except Exception as error:  # of any kind: Starlette has answered, and a traceback helps nobody
            print(f"specc serve: {type(error).__name__}", file=sys.stderr)
        finally:
            self._open -= 1

    def _refusal(self, headers: Headers) -> Response | None:
        """A page elsewhere may reach this machine under a name of its own: only known names are answered."""
        origin = headers.get("origin")
        if not self._knows(headers.get("host", "")) or (origin and not self._knows(urlsplit(origin).netloc)):
            return _json({"error": "this server is not asked under that name; `--allow-host` allows it"}, 403)
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self._size:
            return _json({"error": self._most}, 413, CLOSING)
        if self._open >= OPEN:
            return _json({"error": f"{self._open} requests are open already"}, 503, {"Retry-After": "1", **CLOSING})
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
