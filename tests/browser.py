"""A real Chromium for tests, and `specc play` as its user starts it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PYODIDE = os.environ.get("SPECC_PYODIDE")  # a copy of Pyodide, as `specc play --vendored` takes it
REQUIRED = os.environ.get("SPECC_BROWSER") == "required"  # set by `.ci/run`, which installs one
LACKING = CHROMIUM is None or find_spec("playwright") is None

needs_a_browser = pytest.mark.skipif(LACKING and not REQUIRED, reason="there is no Chromium, or no Playwright")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    from playwright.sync_api import sync_playwright

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
