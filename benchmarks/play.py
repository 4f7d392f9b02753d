"""Typing in the page of `specc play`, in a real Chromium: how long until the shapes and the picture are there.

    python benchmarks/play.py                          # the page of the local server
    python benchmarks/play.py --vendored PYODIDE       # and the page that needs no server, its network cut off

An edit turns a kernel's 7 into a 5 or back, by which every shape changes: in ResNet-152 as the gallery writes it, and
in a text of 300 layers, each with a box of its own. From the key's event to the shape at the line's end, and to a
picture with the new shape in it, each with the next frame behind it. The editor is the page's own, and each edit begins
when the one before is drawn.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from specc.gallery import entry

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EDITS = 200
LAYERS = 300
COMMAND = [sys.executable, "-m", "specc", "play"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Before the page's own script: when the key came, and when the shape that follows from it was first there.
WATCH = """
window.arrives = (shape) => new Promise((resolve) => {
  const took = {};
  const note = (what) => {
    took[what] = null;
    requestAnimationFrame(() => setTimeout(() => {
      took[what] = performance.now() - window.pressed;
      if (took.shapes && took.picture) resolve([took.shapes, took.picture]);
    }));
  };
  const look = () => {
    const shapes = document.querySelector('.cm-content').textContent.includes(shape);
    if (shapes && !('shapes' in took)) note('shapes');
    if (!('picture' in took) && document.querySelector('#picture').textContent.includes(shape)) note('picture');
    if ('shapes' in took && 'picture' in took) observer.disconnect();
  };
  const observer = new MutationObserver(look);
  observer.observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true });
});
window.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
"""


class Case(NamedTuple):
    """A text with `k7` in it; the shapes behind that kernel with 7 and with 5."""

    name: str
    spec: str
    shapes: tuple[str, str]


def resnet() -> Case:
    return Case("ResNet-152", entry("resnet152").text, ("64×56×56", "64×57×57"))


def long() -> Case:
    lines = "".join(f"conv {8 + number * number % 11} k3 p1\n" for number in range(LAYERS - 1))  # nothing repeats
    return Case(f"{LAYERS} layers", f"input 3x40x40\nconv 8 k7 s2 p3\n{lines}", ("8×20×20", "8×21×21"))


def typed(page: Page, case: Case, edits: int) -> list[list[float]]:
    """Milliseconds to the shapes and to the picture, for each edit."""
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+Home")
    at = case.spec[: case.spec.index("k7")]
    for _ in range(at.count("\n")):
        page.keyboard.press("ArrowDown")
    for _ in range(len(at) - at.rfind("\n") - 1 + 2):
        page.keyboard.press("ArrowRight")
    found = []
    for number in range(edits):
        page.keyboard.press("Shift+ArrowLeft")
        arrival = page.evaluate_handle(f"() => ({{ done: window.arrives('{case.shapes[(number + 1) % 2]}') }})")
        page.keyboard.press("57"[number % 2])
        found.append(page.evaluate("one => one.done", arrival))
    return found


def measured(browser: Browser, address: str, case: Case, edits: int, cut: ThreadingHTTPServer | None = None) -> None:
    """A page, from its opening to its last edit. Args: cut, a server that ends once the page is there."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.set_default_timeout(120_000)
    errors: list[str] = []
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_selector(".ready #picture [data-name]")
    if cut is not None:
        page.context.set_offline(True)
        cut.shutdown()
    typed(page, case, min(edits, 10))  # what is computed once is not what typing costs
    page.keyboard.press("Control+Home")
    for title, took in zip(("shapes", "picture"), zip(*typed(page, case, edits), strict=True), strict=True):
        low, *_, high = sorted(took)
        late = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else high
        print(f"  key to {title:8}{statistics.median(took):7.1f} ms  ({low:.1f} to {late:.1f}, at most {high:.1f})")
    print(f"  errors in the console: {len(errors)}", *errors[:5], sep="\n    ")
    page.close()


@contextmanager
def playing(folder: Path) -> Iterator[str]:
    """The local page of `net.cnn`."""
    with subprocess.Popen([*COMMAND, "--no-browser", "net.cnn"], cwd=folder, stdout=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout is not None  # narrows the type
            yield one.stdout.readline().partition(" is at ")[2].partition(",")[0]
        finally:
            one.send_signal(signal.SIGINT)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


def of_files(browser: Browser, folder: Path, vendored: Path, case: Case, edits: int) -> None:
    subprocess.run([*COMMAND, "net.cnn", "--site", "site", "--vendored", vendored.absolute()], cwd=folder, check=True,
        stdout=subprocess.DEVNULL)  # fmt: skip
    handler = partial(Quiet, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        measured(browser, f"http://127.0.0.1:{server.server_port}/", case, edits, cut=server)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=EDITS)
    parser.add_argument("--vendored", type=Path, help="a copy of Pyodide: the page without a server is measured, too")
    asked = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as place:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        print(f"{asked.edits} edits, Chromium {browser.version}, Python {platform.python_version()}, "
            f"{platform.machine()}; median (least to 95 %, at most)")  # fmt: skip
        for case in (resnet(), long()):
            (Path(place) / "net.cnn").write_text(case.spec, encoding="utf-8")
            print(f"{case.name}, local page")
            with playing(Path(place)) as address:
                measured(browser, address, case, asked.edits)
            if asked.vendored:
                print(f"{case.name}, page of files, its network cut off")
                of_files(browser, Path(place), asked.vendored, case, asked.edits)
        browser.close()


if __name__ == "__main__":
    main()
