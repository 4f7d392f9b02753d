"""A page's talk over a web socket, within bounds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pygls.exceptions import JsonRpcException
from starlette.websockets import WebSocket, WebSocketDisconnect

from specc.play.machine import Machine, register
from specc.play.talk import Talk

LONGEST = 1 << 21  # bytes of a message, which may hold a whole text
MOST = 16  # pages at once
WAITING = 1000  # answers that a page has not fetched
NOT_UNDERSTOOD, TOO_MANY = 1007, 1013
NO_MESSAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, JsonRpcException)


class Sessions:
    """The pages that are open. Args: machine, what they ask besides the compiler."""

    def __init__(self, machine: Machine) -> None:
        self.open, self._machine = 0, machine

    async def talk(self, socket: WebSocket) -> None:
        """Answers until the page goes."""
        await socket.accept()
        if self.open >= MOST:
            await socket.close(TOO_MANY)
            return
        self.open += 1
        try:
            await _talk(socket, self._machine)
        finally:
            self.open -= 1


async def _talk(socket: WebSocket, machine: Machine) -> None:
    answers = asyncio.Queue[str](WAITING)

    def send(answer: str) -> None:
        with suppress(asyncio.QueueFull):  # a page that does not read loses answers, and nobody else does
            answers.put_nowait(answer)

    talk = Talk(send, lambda server: register(server, machine))
    sending = asyncio.create_task(_send(socket, answers))
    try:
        async for text in socket.iter_text():
            if not talk.take(text):
                break
    except NO_MESSAGE:
        pass
    finally:
        sending.cancel()
        talk.end()
    with suppress(RuntimeError, WebSocketDisconnect):  # where the page has gone by itself
        await socket.close(NOT_UNDERSTOOD)


async def _send(socket: WebSocket, answers: asyncio.Queue[str]) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # the page has gone meanwhile
        while True:
            await socket.send_text(await answers.get())
