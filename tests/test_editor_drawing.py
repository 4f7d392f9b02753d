"""The drawing beside the text in VS Code: what the server draws, what the extension asks, its panel in a browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, needs_a_browser
from editor import URI, Editor

EXTENSION = Path(__file__).parent.parent / "editors" / "vscode"
SPEC = "input 3x8x8\nconv 4 k3 p1 -> relu\nflatten -> linear 2\n"

pytestmark = [
    pytest.mark.skipif(not EXTENSION.is_dir(), reason="only a clone has the editors' folders"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
]


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor(tmp_path_factory.mktemp("lsp") / "log") as one:
        yield one


def asked(editor: Editor, method: str, **params: object) -> Any:
    async def ask() -> Any:
        return await editor.client.protocol.send_request_async(method, params)

    return editor.run(ask())


def panel(colours: str) -> str:
    """The page as the extension makes it."""
    program = "process.stdout.write(require('./src/drawing.js').pageOf(require('fs').readFileSync(0, 'utf8')))"
    done = subprocess.run(
        ["node", "-e", program], cwd=EXTENSION, input=colours, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_server_draws_a_text_with_the_place_of_each_box(editor: Editor) -> None:
    editor.open(SPEC)
    found = asked(editor, "specc/picture", uri=URI)
    assert found.svg.startswith("<svg")
    assert found.places.conv1 == [1, 0, 1, 12]
    assert "parameters" in found.totals
    editor.open(SPEC.replace("linear 2", "linear 2 k3"), "file:///tmp/wrong.cnn")
    assert asked(editor, "specc/picture", uri="file:///tmp/wrong.cnn").svg is None
    assert "[data-theme=dark]" in asked(editor, "specc/colours")


@pytest.mark.parametrize("name", ["drawing", "command"])
def test_what_needs_nothing_installed_is_tried(name: str) -> None:
    done = subprocess.run(
        ["node", "--test", f"test/{name}.test.js"], cwd=EXTENSION, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]


@needs_a_browser
def test_the_panel(editor: Editor, tmp_path: Path) -> None:
    """Boxes are drawn and coloured, the cursor's line lights its boxes, a click tells which one; no script runs."""
    editor.open(SPEC)
    found = asked(editor, "specc/picture", uri=URI)
    (tmp_path / "panel.html").write_text(panel(asked(editor, "specc/colours")), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.add_init_script(
            "window.told = []; window.acquireVsCodeApi = () => ({ postMessage: (one) => told.push(one) })"
        )
        page.goto((tmp_path / "panel.html").as_uri())
        assert page.evaluate("told") == [{"ready": True}]
        hostile = "<svg><image href='x' onerror='told.push(1)'/></svg>"
        page.evaluate("one => postMessage(one)", {"svg": hostile, "said": "<b>hostile</b>", "lit": []})
        page.evaluate("one => postMessage(one)", {"svg": found.svg, "said": found.totals, "lit": ["conv1"]})
        box = page.locator("[data-name=conv1]").first
        box.locator("rect").first.wait_for()
        assert "lit" in (box.get_attribute("class") or "")
        assert page.locator("#said").inner_text() == found.totals
        fill = box.locator("rect").first.evaluate("one => getComputedStyle(one).fill")
        assert fill not in ("", "rgb(0, 0, 0)")
        box.click()
        page.evaluate("one => postMessage(one)", {"svg": None, "said": "an error", "lit": []})
        page.locator("#picture.old svg").wait_for()
        assert page.evaluate("told") == [{"ready": True}, {"name": "conv1"}]
        assert not failures
        browser.close()
