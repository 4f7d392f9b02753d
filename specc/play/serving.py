"""The page on this machine, until it is stopped."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import sys
import webbrowser
from pathlib import Path
from threading import Thread

from specc.play.opening import Opened
from specc.serve.serving import LOOPBACK, Listening, bound, require_packages, run_until_stopped

PACKAGES = ("starlette", "uvicorn", "websockets", "pygls")
ADDRESS = "127.0.0.1"


def require_page() -> None:
    """Raises: Problem E701 where a package is missing that the page or its server needs."""
    require_packages("specc play", PACKAGES)


def listening(port: int) -> Listening:
    """A socket for the page, which is reached from this machine alone.

    Args:    port, 0 for any that is free.
    Returns: the socket, with the page's address as its `url`: a secret stands in it.
    Raises:  Problem E702 where nothing can listen there.
    """
    found = bound(ADDRESS, port)
    return found._replace(url=f"{found.url}{secrets.token_urlsafe(24)}/")


def serve(opened: Opened, at: Listening, data_dir: Path | None = None) -> None:
    """Answer until a signal comes. Args: data_dir, of the named data sets."""
    from specc.play.app import app_of, start_of
    from specc.play.machine import Machine
    from specc.play.session import LONGEST

    gc.enable()
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # whatever a page asks is answered there
    secret = at.url.rstrip("/").rpartition("/")[2]
    app = app_of(start_of(opened), secret, LOOPBACK, Machine(opened, data_dir))
    run_until_stopped(app, at, LONGEST)


def open_browser(url: str) -> bool:
    """Opens a page where somebody sits before a screen; one in a terminal would take that over. Returns: whether."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    return True
