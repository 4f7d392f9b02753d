"""Processes that stay for a whole test file and train together whenever they are asked to: torch is imported once."""

from __future__ import annotations

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any, NamedTuple

LONGEST = 100  # seconds until an answer is missed


class Answer(NamedTuple):
    """kind: "value", or the name of the exception that value is the text of."""

    kind: str
    value: Any


class Ranks:
    """So many processes; each call lets the first few of them form a group of their own."""

    def __init__(self, count: int) -> None:
        context = _context()
        pipes = [context.Pipe() for _ in range(count)]
        self.connections = [ours for ours, _ in pipes]
        self.processes = [context.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pipes]
        for process in self.processes:
            process.start()

    def call(
        self, function: Callable[..., Any], arguments: Sequence[dict[str, Any]], machines: int = 1
    ) -> list[Answer]:
        """Call a function in as many processes as there are arguments, rank by rank, as torchrun would start it.

        Args: machines, on which the processes seem to be, as many on each.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        size, here = len(arguments), len(arguments) // machines
        for rank, given in enumerate(arguments):
            environment = {
                "RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank % here, "LOCAL_WORLD_SIZE": here,
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
            }  # fmt: skip
            self.connections[rank].send(({name: str(value) for name, value in environment.items()}, function, given))
        return [self._answer(rank) for rank in range(size)]

    def _answer(self, rank: int) -> Answer:
        assert self.connections[rank].poll(LONGEST), f"process {rank} does not answer"
        answer: Answer = self.connections[rank].recv()
        return answer

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()


def _context() -> ForkServerContext | SpawnContext:
    """Starts processes as copies of one that has imported what they need, where the system can copy processes."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # DistributedDataParallel imports the second one, which takes as long as the first.
    context.set_forkserver_preload(["torch", "torch._dynamo", "specc.runner.run"])
    return context


def _serve(connection: Connection) -> None:
    import torch

    torch.set_num_threads(1)
    while True:
        environment, function, arguments = connection.recv()
        os.environ.update(environment)
        try:
            answer = Answer("value", function(**arguments))
        except Exception as error:
            code = getattr(getattr(error, "diagnostic", None), "code", "")
            answer = Answer(type(error).__name__, f"{code} {error}" if code else traceback.format_exc())
        connection.send(answer)
