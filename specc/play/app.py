"""The page and what it asks for, under an address that only who started it knows."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from specc.gallery import SUFFIX, NotInGallery, entries, entry
from specc.play.machine import Machine
from specc.play.opening import Opened
from specc.play.session import Sessions
from specc.serve.guard import SAFE, Guard, json_answer

BUNDLE = Path(__file__).parent / "bundle"
KINDS = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
FILES = ("play.js", "play.css", "licences.txt")
WORKERS = ("worker.js", "network.js")  # for a page without this server
SMALL = 1 << 16  # bytes of a request; what is large comes over the web socket
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "style-src-attr 'unsafe-inline'; connect-src 'self' ws://{host}; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
APART = {"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", **SAFE}


class Start(NamedTuple):
    """What the page begins with."""

    name: str
    text: str


def start_of(found: Opened) -> Start:
    """A spec under the last part of its name; that of a run under the one that it began with."""
    path = (found.record and found.record.path) or found.source.path
    return Start(path.replace("\\", "/").rpartition("/")[2].removeprefix("gallery:"), found.source.text)


def app_of(start: Start, secret: str, hosts: Collection[str], machine: Machine) -> Guard:
    """The application.

    Args: hosts, the names under which it may be asked, without a port. machine, what is asked besides the compiler.
    """

    async def beginning(request: Request) -> Response:
        return JSONResponse(start._asdict(), headers=APART)

    routes = [
        Route("/", _page), Route("/start.json", beginning), Route("/gallery.json", _gallery),
        Route("/gallery/{name:path}", _spec), Route("/colours.css", _colours), Route("/{name}", _file),
        WebSocketRoute("/socket", Sessions(machine).talk),
    ]  # fmt: skip

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await machine.close()

    inside = Starlette(
        routes=[Mount(f"/{secret}", routes=routes)], lifespan=lifespan,
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )  # fmt: skip
    return Guard(inside, hosts, SMALL, "specc play")


async def _page(request: Request) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = POLICY.format(nonce=nonce, host=request.headers["host"])
    return HTMLResponse(page(nonce), headers={**APART, "Content-Security-Policy": policy})


def page(nonce: str = "") -> str:
    """The page's HTML. nonce: with which it may add styles; empty where a policy allows it anyway."""
    return (BUNDLE / "index.html").read_text(encoding="utf-8").replace("{nonce}", nonce)


async def _gallery(request: Request) -> Response:
    return JSONResponse(gallery(), headers=APART)


def gallery() -> list[dict[str, object]]:
    """The specs that come with specc."""
    return [
        {"name": one.name, "title": one.title, "input": one.input, "parameters": one.parameters} for one in entries()
    ]


async def _spec(request: Request) -> Response:
    try:
        found = entry(request.path_params["name"].removesuffix(SUFFIX))
    except NotInGallery:
        raise HTTPException(404) from None
    return Response(found.text, media_type="text/plain", headers=APART)


async def _colours(request: Request) -> Response:
    from specc.emit.draw.theme import style_sheet_for_page

    return Response(style_sheet_for_page(), media_type="text/css", headers=APART)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return Response((BUNDLE / name).read_bytes(), media_type=KINDS[Path(name).suffix], headers=APART)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it handles nothing else
    return json_answer({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    return json_answer({"error": "this could not be answered"}, 500)
