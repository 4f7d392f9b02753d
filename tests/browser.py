"""A real Chromium for tests, and `specc play` as its user starts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PYODIDE = os.environ.get("SPECC_PYODIDE")  # a copy of Pyodide, as `specc play --vendored` takes it
REQUIRED = os.environ.get("SPECC_BROWSER") == "required"  # set by `.ci/run`, which installs one
LACKING = CHROMIUM is None or find_spec("playwright") is None

needs_a_browser = pytest.mark.skipif(LACKING and not REQUIRED, reason="there is no Chromium, or no Playwright")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # ms: other tests use the cores as well
    assert CHROMIUM is not None, "`.ci/run` asks for a browser, and there is none"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def answering(line: str) -> str:
    """The address in the line in which `specc play` tells it, once somebody answers there."""
    address = line.partition(" is at ")[2].partition(",")[0]
    with urlopen(address, timeout=60) as page:
        assert page.status == 200
    return address


@contextmanager
def playing(*arguments: str, cwd: Path) -> Iterator[str]:
    """`specc play` in a process of its own, ended by Ctrl-C. Gives: the page's address."""
    command = [sys.executable, "-m", "specc", "play", "--no-browser", *arguments]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    try:
        yield answering(line)
    finally:
        process.send_signal(signal.SIGINT)
        told, failed = process.communicate(timeout=60)
        assert (process.returncode, told, failed) == (0, "ended\n", ""), line


class Seen:
    """A page, with what it complained of and what it asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location['url']}")

    def open(self, fragment: str = "") -> Seen:
        self.page.goto(self.address + fragment)
        self.page.wait_for_selector(".ready #picture [data-name]")
        return self

    def part(self, name: str) -> Locator:
        return self.page.locator(f'#picture [data-name="{name}"]').first

    @property
    def text(self) -> str:
        lines = self.page.locator(".cm-line").evaluate_all(
            "lines => lines.map(line => [...line.childNodes].filter(one => !one.classList?.contains('shape'))"
            ".map(one => one.textContent).join(''))"
        )
        return "\n".join(lines)

    def go_to(self, needle: str, *, after: bool = True) -> None:
        """The cursor behind a piece of the text."""
        text = self.text
        before, _, _ = text.partition(needle)
        offset = len(before) + len(needle) * after
        line, column = text[:offset].count("\n"), offset - (text.rfind("\n", 0, offset) + 1)
        self.page.locator(".cm-content").focus()
        self.page.keyboard.press("Control+Home")
        for _ in range(line):
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Home")
        for _ in range(column):
            self.page.keyboard.press("ArrowRight")

    def type(self, text: str, *, remove: int = 0) -> None:
        for _ in range(remove):
            self.page.keyboard.press("Backspace")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Escape")  # what is offered is not taken


def opened(browser: Browser, address: str, **options: Any) -> Iterator[Seen]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = Seen(context.new_page(), address)
    yield seen
    context.close()
    assert seen.complaints == []
    elsewhere = [url for url in seen.asked if not url.startswith((address, address.replace("http", "ws"), "blob:"))]
    assert elsewhere == [], "nothing is asked of anybody else"


@contextmanager
def held(folder: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """A folder behind a plain web server, and that server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", server
        server.shutdown()
