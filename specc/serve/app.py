"""The endpoint: what a request may be, and JSON for whatever else it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from specc.diagnostics.spelling import nearest, shown
from specc.serve.answering import UNNAMED, Answers, Busy, Posted
from specc.serve.guard import SAFE, Guard, json_answer
from specc.serve.page import page_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# What stands behind `?`: the least, the most, and what is meant where it is left out.
PARAMETERS = {"top": (1, 100, 5), "invert": (0, 1, 0)}
NAME = 200  # characters of a picture's name that are given back
POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


def app_of(answers: Answers, hosts: Collection[str], url: str) -> Guard:
    """The application.

    Args: hosts, the names under which it may be asked, without a port; `*` for any. url, where it is.
    """

    async def about(request: Request) -> Response:
        limits = answers.limits
        return HTMLResponse(page_of(answers.trained, url, limits.size, limits.pixels), headers={**SAFE, **POLICY})

    async def health(request: Request) -> Response:
        return json_answer({"status": "ok", "run": answers.trained.name, "task": answers.trained.task.keyword})

    async def predict(request: Request) -> Response:
        posted = await _posted(request, answers)
        try:
            found = await answers.answer(posted)
        except Busy as busy:
            raise HTTPException(503, str(busy), {"Retry-After": "1"}) from None
        return json_answer(found, 422 if found["error"] else 200)

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
    return Guard(inside, hosts, answers.limits.size, "specc serve", "; `--allow-host` allows it")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it handles nothing else
    return json_answer({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    return json_answer({"error": "the picture could not be answered"}, 500)


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
