"""The run that the page trains: one at a time, in a process of its own; every open page is told what happens."""

from __future__ import annotations

import asyncio
import json
import tempfile
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from specc.play.child import NoAnswer, started, write_line

MODULE = "specc.play.training"
PATIENCE = 60.0  # seconds that a run has to write what it is continued from
LIVE = "now.safetensors"
MOST_NOTES = 20
Hear = Callable[[dict[str, Any]], None]


class TrainedHere:
    """The run: what is known of it, and the process at work on it.

    state: as pages are told it. `state`: none, starting, running, stopping, stopped, done or failed. `folder`: where
    it is. `text`: of what is trained. `rows`: an entry for each finished epoch. `step`: where the running one is.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"state": "none"}
        self._process: Process | None = None
        self._outcome: dict[str, Any] = {}  # how it ended, told once its process has
        self._watching: asyncio.Task[None] | None = None
        self._hearing: set[Hear] = set()
        self._place: tempfile.TemporaryDirectory[str] | None = None

    # those who are told

    def hear(self, hear: Hear) -> Callable[[], None]:
        """Tell it what happens from now on. Returns: what ends that."""
        self._hearing.add(hear)
        return lambda: self._hearing.discard(hear)

    def _tell(self, **news: Any) -> None:
        self.state.update(news)
        for hear in list(self._hearing):
            hear(self.state)

    # the run

    @property
    def is_at_work(self) -> bool:
        return self._process is not None

    @property
    def weights(self) -> Path | None:
        """Those of the run as it is now; of one that has ended those in its folder."""
        live = self._live()
        if self.is_at_work and live.exists():
            return live
        folder = self.state.get("folder")
        return Path(folder) if folder else None

    def _live(self) -> Path:
        if self._place is None:
            self._place = tempfile.TemporaryDirectory(prefix="specc-play-", ignore_cleanup_errors=True)
        return Path(self._place.name) / LIVE

    async def begin(self, text: str, wanted: dict[str, Any]) -> None:
        """Start a run on a text. Raises: NoAnswer while one is at work."""
        self._require_idle()
        fresh: dict[str, Any] = {
            "folder": "",
            "rows": [],
            "notes": [],
            "step": None,
            "text": text,
            "diagnostics": [],
            "message": "",
        }
        self.state = {"data": wanted["data"], **fresh}
        await self._start({"text": text, **wanted})

    async def go_on(self, epochs: int | None) -> None:
        """Continue the last run. Raises: NoAnswer where there is none, or one is at work."""
        self._require_idle()
        if not self.state.get("folder"):
            raise NoAnswer("there is no run to go on with")
        self.state.update(notes=[], diagnostics=[], message="")
        await self._start({"resume": self.state["folder"], "epochs": epochs})

    def _require_idle(self) -> None:
        if self.is_at_work:
            raise NoAnswer("a run is at work already: stop it first")

    async def _start(self, wanted: dict[str, Any]) -> None:
        live = self._live()
        live.unlink(missing_ok=True)
        self._tell(state="starting")
        self._outcome = {"state": "failed", "message": "the run's process ended at once"}
        self._process = await started(MODULE)
        await write_line(self._process, {**wanted, "live": str(live)})
        self._watching = asyncio.create_task(self._watch(self._process))

    async def _watch(self, process: Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with one
        with suppress(ValueError):  # a line that is too long is none of ours
            async for line in process.stdout:
                self._happened(json.loads(line))
        await process.wait()
        self._process = None  # its weights are those in its folder from now on
        self._tell(step=None, **self._outcome)

    def _happened(self, event: dict[str, Any]) -> None:
        state = self.state
        match event.pop("event"):
            case "start":
                self._tell(state="running", folder=str(Path(event["run"]).absolute()), epochs=event["epochs"])
            case "epochs":
                self._tell(rows=event["rows"])
            case "step":
                self._tell(step=event)
            case "epoch":
                self._tell(rows=[*state["rows"], event])
            case "note" | "warning":
                self._tell(notes=[*state["notes"], event["text"]][-MOST_NOTES:])
            case "failed":
                self._outcome = {"state": "failed", **event}
            case "end":
                self._outcome = {"state": event["state"]}

    def stop(self) -> None:
        """Let it write what it is continued from, and end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            if self.state["state"] != "starting":
                self._tell(state="stopping")

    async def close(self) -> None:
        """Stop it, and wait until it has ended."""
        self.stop()
        if self._watching is not None and self._process is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._watching), PATIENCE)
            if self._process is not None:
                self._process.kill()
        if self._place is not None:
            self._place.cleanup()
