"""A process beside the server that answers one question at a time, within bounds of time and memory.

Questions and answers are lines of JSON. What takes too long is ended with its process; the next question starts a new
one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any

LONGEST = 1 << 25  # bytes of an answer
SECONDS = 40.0  # that an answer may take, the import of torch with it


class NoAnswer(Exception):
    """There is no answer; the message says why, to a person."""


async def started(module: str) -> Process:
    """A module of ours as a process, which ends when its standard input does; a terminal's Ctrl-C does not reach it."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LONGEST, start_new_session=True
    )


async def write_line(process: Process, question: object) -> None:
    """Send it a line of JSON."""
    assert process.stdin is not None  # noqa: S101 - it was started with one
    with suppress(OSError):  # it has ended: reading tells
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()


class Child:
    """The process, started when it is first asked. Args: module, that reads the questions; seconds, for an answer."""

    def __init__(self, module: str, seconds: float = SECONDS) -> None:
        self._module, self._seconds = module, seconds
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """An answer. Raises: NoAnswer where there is none."""
        async with self._turn:
            if self._process is None or self._process.returncode is not None:
                self._process = await started(self._module)
            try:
                return await self._answered(self._process, question)
            except BaseException:  # whatever it is, a late answer must not be taken for that to the next question
                await self.close()
                raise

    async def _answered(self, process: Process, question: dict[str, Any]) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 - it was started with one
        try:
            async with asyncio.timeout(self._seconds):
                await write_line(process, question)
                line = await process.stdout.readline()
        except TimeoutError:
            raise NoAnswer(f"this took more than {self._seconds:g} seconds, and was given up") from None
        except ValueError:
            raise NoAnswer("there is too much to show") from None
        if not line.endswith(b"\n"):
            raise NoAnswer("this took more memory than there is")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None
