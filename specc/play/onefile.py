"""The page as one file that opens by itself: what `specc play --site` writes, inside its HTML."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from specc.play.opening import Opened
from specc.play.site import PUBLIC, write_site
from specc.source import Source

POLICY = (
    f"default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: {PUBLIC}; style-src 'unsafe-inline'; "
    f"connect-src blob: data: {PUBLIC}; worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
)
FILES = "files-inside"
# What the page asks its server for is inside it; a worker begins with a text of its own.
_INSIDE = """
const inside = JSON.parse(document.getElementById("%s").textContent);
const bytes = (name) => Uint8Array.from(atob(inside[name]), (sign) => sign.charCodeAt(0));
const outside = window.fetch.bind(window);
window.fetch = (name, ...more) =>
  Object.hasOwn(inside, name) ? Promise.resolve(new Response(bytes(name))) : outside(name, ...more);
window.Worker = class extends window.Worker {
  constructor(name) {  // as a plain script: a module's would not be read out of a page that is a file
    super(URL.createObjectURL(new Blob([bytes(name)], { type: "text/javascript" })));
  }
};
"""


def one_page(source: Source) -> bytes:
    """The page with a spec as its first text, as one HTML file. It asks for Pyodide's public address and nothing else.

    Raises: as `write_site`.
    """
    with TemporaryDirectory() as made:
        folder = Path(made)
        write_site(Opened(source), folder)
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    start = json.loads(found["start.json"])
    archive = found.pop(start["python"]["code"])
    start["python"]["code"] = f"data:application/zip;base64,{b64encode(archive).decode()}"
    found["start.json"] = json.dumps(start).encode()
    return _packed(found.pop("index.html").decode(), found).encode()


def _packed(page: str, found: dict[str, bytes]) -> str:
    """The page with its styles and its program in it, and all else as data."""
    page = re.sub(r'(http-equiv="Content-Security-Policy" content=)"[^"]*"', rf'\1"{POLICY}"', page, count=1)
    for link in re.findall(r'<link rel="stylesheet" href="[^"]+">', page):
        name = link.split('"')[3]
        page = page.replace(link, f"<style>{_within(found.pop(name), 'style')}</style>")
    tag = '<script type="module" src="play.js"></script>'
    program = _within(found.pop("play.js"), "script")
    data = json.dumps({name: b64encode(content).decode() for name, content in sorted(found.items())})
    parts = (
        f'<script type="application/json" id="{FILES}">{data}</script>',
        f'<script type="module">{_INSIDE % FILES}</script>',
        f'<script type="module">{program}</script>',
    )
    return page.replace(tag, "").replace("</body>", "\n".join(parts) + "\n</body>", 1)


def _within(content: bytes, tag: str) -> str:
    """A text that does not end the element that it is put into."""
    return content.decode().replace(f"</{tag}", f"<\\/{tag}")
