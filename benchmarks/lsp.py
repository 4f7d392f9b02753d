"""How long an editor waits for the language server after a keystroke: diagnostics and the hints of the whole text.

A real client starts `specc lsp`, opens a spec (ResNet-152) and types into it over standard input and output; each
sample is the time from sending a change until the diagnostics of that version, and until its inlay hints, have come.
Beside it stand figures of the same machine that say what the time is made of: the same analysis in this process, an
empty round trip (a request about a document that is not open), and the processor time that the server spent, which
other work on the machine hardly changes.

    python benchmarks/lsp.py [--changes 200] [SPEC]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from specc.lsp.positions import Positions
from specc.pipeline import analyse, lint
from specc.source import Source

ROOT = Path(__file__).parent.parent
URI = "file:///bench/net.cnn"
GOAL = 0.050


class Typist:
    """A client that types and waits."""

    def __init__(self, text: str) -> None:
        self.client = LanguageClient("benchmark", "1")
        self.text, self.version, self.told = text, 0, 0
        self.news = asyncio.Event()

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]  # pygls's own
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.told = params.version or 0
            self.news.set()

    async def start(self) -> None:
        await self.client.start_io(sys.executable, "-c", "from specc.cli import main; main(['lsp'])")
        await self.client.initialize_async(types.InitializeParams(types.ClientCapabilities()))
        self.client.initialized(types.InitializedParams())
        document = types.TextDocumentItem(URI, "cnn", 0, self.text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    async def type(self, offset: int, text: str, remove: int) -> None:
        positions = Positions(self.text)
        place = types.Range(positions.position(offset), positions.position(offset + remove))
        self.text = self.text[:offset] + text + self.text[offset + remove :]
        self.version += 1
        change = types.TextDocumentContentChangePartial(place, text)
        document = types.VersionedTextDocumentIdentifier(uri=URI, version=self.version)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def diagnosed(self) -> None:
        while self.told < self.version:
            self.news.clear()
            await self.news.wait()

    async def hinted(self, uri: str = URI) -> float:
        """Asks for the hints of a whole text. Returns: when they came."""
        whole = types.Range(types.Position(0, 0), types.Position(10**6, 0))
        asked = types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
        await self.client.text_document_inlay_hint_async(asked)
        return time.perf_counter()


def keystrokes(text: str) -> Iterator[tuple[int, str, int]]:
    """Changes that a person makes: another digit in the first layer, a line that is half written, and back."""
    digit = text.index("k7") + 1 if "k7" in text else text.index("k3") + 1
    end = len(text)
    while True:
        yield digit, "5", 1
        yield digit, "7" if "k7" in text else "3", 1
        yield from ((end + place, letter, 0) for place, letter in enumerate("relu"))
        yield end, "", 4


def processor_time(process: int) -> float | None:
    """Seconds that a process has spent so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(text: str, changes: int) -> tuple[dict[str, list[float]], float | None]:
    """Seconds by what was waited for, and the server's processor time for a change."""
    typist = Typist(text)
    await typist.start()
    await typist.hinted()
    server = typist.client._server
    spent = processor_time(server.pid) if server else None
    samples: dict[str, list[float]] = {"diagnostics": [], "hints": [], "both": [], "empty round trip": []}
    strokes = keystrokes(text)
    for number in range(-10, changes):  # the first ones warm up
        started = time.perf_counter()
        await typist.type(*next(strokes))
        hints = asyncio.ensure_future(typist.hinted())
        await typist.diagnosed()
        ends = {"diagnostics": time.perf_counter() - started, "hints": await hints - started}
        asked = time.perf_counter()
        ends |= {"both": max(ends.values()), "empty round trip": await typist.hinted("file:///none.cnn") - asked}
        for name, seconds in ends.items():
            if number >= 0:
                samples[name].append(seconds)
        await asyncio.sleep(0.01)
    after = processor_time(server.pid) if server else None
    await typist.client.shutdown_async(None)
    typist.client.exit(None)
    await typist.client.stop()  # type: ignore[no-untyped-call]  # the same
    return samples, None if spent is None or after is None else (after - spent) / (changes + 10)


def in_process(text: str, changes: int) -> list[float]:
    """Analysis and lints of the same texts without a server."""
    seconds, strokes = [], keystrokes(text)
    gc.freeze()
    for _ in range(changes + 5):
        offset, key, remove = next(strokes)
        text = text[:offset] + key + text[offset + remove :]
        started = time.perf_counter()
        lint(analyse(Source("net.cnn", text), visits={}))
        seconds.append(time.perf_counter() - started)
    return seconds[5:]


def line(name: str, seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name:<34}{statistics.median(ordered):7.1f} ms   95 % under {p95:.1f} ms   longest {ordered[-1]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default=str(ROOT / "specs" / "classics" / "resnet152.cnn"))
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args()
    text = Path(options.spec).read_text(encoding="utf-8")
    samples, spent = asyncio.run(measure(text, options.changes))
    alone = in_process(text, options.changes)
    print(f"{Path(options.spec).name}, {options.changes} changes; Python {platform.python_version()}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    for name, seconds in samples.items():
        print(line(name, seconds))
    print(line("analysis and lints in this process", alone))
    if spent is not None:
        print(f"{'processor time of the server':<34}{1000 * spent:7.1f} ms a change")
    ratio = statistics.median(samples["both"]) / statistics.median(alone)
    print(f"{'both, beside the analysis alone':<34}{ratio:7.2f} times")
    within = sum(seconds <= GOAL for seconds in samples["both"]) / len(samples["both"])
    print(f"{'within 50 ms':<34}{100 * within:7.1f} % of changes")


if __name__ == "__main__":
    main()
