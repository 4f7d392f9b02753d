"""A socket on this machine, and a server that runs until it is stopped."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.serve.answering import Answers

PACKAGES = ("starlette", "uvicorn", "python-multipart")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CONNECTIONS = 256  # that are open at once, idle ones too
PATIENCE = 5  # seconds that an idle connection is kept, and that a stop waits for answers


class Listening(NamedTuple):
    """A socket that waits for connections, and where."""

    socket: socket.socket
    address: str
    url: str


def require_packages(command: str = "specc serve", packages: Sequence[str] = PACKAGES) -> None:
    """Raises: Problem E701 where a package is missing that a command needs."""
    missing = [f"`{name}`" for name in packages if find_spec(name.replace("-", "_")) is None]
    if missing:
        raise Problem.of(
            "E701", f"`{command}` needs packages that are not installed: {', '.join(missing)}",
            help=f"`pip install {' '.join(packages)}`",
        )  # fmt: skip


def bound(host: str, port: int) -> Listening:
    """A socket at an address. Raises: Problem E702 where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError, OverflowError) as error:
        number = getattr(error, "errno", None) or 0  # below 0 of a name that leads nowhere
        why = os.strerror(number) if number > 0 else "that is no address"
        raise Problem.of("E702", f"nothing can listen at {host}, port {port}: {why}",
            help="`--port 0` takes any port that is free") from None  # fmt: skip
    shown = f"[{host}]" if ":" in host else host
    return Listening(found, host, f"http://{shown}:{found.getsockname()[1]}/")


def serve(answers: Answers, listening: Listening, names: Sequence[str]) -> None:
    """Answer until a signal comes. Args: names, under which it may be asked besides its address and localhost."""
    from specc.serve.app import app_of

    hosts = {name.lower().strip("[]") for name in (*LOOPBACK, listening.address, *names)}
    run_until_stopped(app_of(answers, hosts, listening.url), listening)


def run_until_stopped(app: Callable[..., Awaitable[None]], listening: Listening, longest: int = 0) -> None:
    """Serve an application until a signal comes.

    Args: longest, bytes of a message on a web socket; 0 where the application has none.
    """
    import uvicorn

    config = uvicorn.Config(
        app, log_level="error", access_log=False, limit_concurrency=CONNECTIONS, timeout_keep_alive=PATIENCE,
        timeout_graceful_shutdown=PATIENCE, server_header=False, ws="auto" if longest else "none",
        ws_max_size=longest,
    )  # fmt: skip
    with suppress(KeyboardInterrupt), listening.socket:  # uvicorn ends by itself, and then passes the signal on
        uvicorn.Server(config).run(sockets=[listening.socket])
