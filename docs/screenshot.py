"""Takes the README's picture of `specc play`, in a real Chromium: LeNet-5 with its second convolution open.

python docs/screenshot.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parent / "pictures" / "play.png"
COMMAND = [sys.executable, "-m", "specc", "play", "--no-browser", "gallery:lenet5"]


def take(address: str) -> None:
    """The page at an address, once it has drawn, with a layer open and its window moved a little."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 760}, color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        page.locator("#picture [data-name=conv2]").first.click()
        for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
            page.locator("#layer .sliding").press(key)
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # in ms
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own command
        try:
            assert server.stdout is not None  # noqa: S101 - narrows the type for mypy
            take(server.stdout.readline().partition(" is at ")[2].partition(",")[0])
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
