"""What the page asks of this machine beside the compiler: feature maps, and a run of the runner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from specc.data.download import presence
from specc.data.sources import BUILT_IN, all_entries, default_data_dir, find
from specc.diagnostics.diagnostic import Problem
from specc.lsp.server import SpecServer
from specc.play.child import Child, NoAnswer
from specc.play.features import read
from specc.play.opening import Opened
from specc.play.runs import TrainedHere

LONGEST_PICTURE = 1 << 20  # characters of a picture
OWN = "the run's own"  # data that a run was trained on and that have no name
MOST_EPOCHS = 10_000


class LookAsked(BaseModel):
    """What is to be seen of a text. picture: a PNG in base64; data: else the name of a data set."""

    uri: str
    weights: Literal["fresh", "fixed", "run", "training"] = "fresh"
    picture: str = Field("", max_length=LONGEST_PICTURE)
    data: str = Field("", max_length=200)
    number: int = Field(0, ge=0, le=10**9)
    invert: bool = False
    layer: str = Field("", max_length=2000)


class TrainAsked(BaseModel):
    """A text is to be trained."""

    uri: str
    name: str = Field("net", max_length=200)
    data: str = Field(max_length=200)
    epochs: int | None = Field(None, ge=1, le=MOST_EPOCHS)


class GoOnAsked(BaseModel):
    """The last run is to go on, to so many epochs."""

    epochs: int | None = Field(None, ge=1, le=MOST_EPOCHS)


class Machine:
    """The process that looks into networks, the run, and the run that the page was opened with.

    Args: data_dir, of the named data sets.
    """

    def __init__(self, opened: Opened, data_dir: Path | None = None) -> None:
        self._opened, self._data_dir = opened, data_dir
        self._looking = Child("specc.play.looking")
        self.training = TrainedHere()

    def told(self) -> dict[str, Any]:
        """What a page begins with: the data sets that are here, the run, and what is trained."""
        names = [entry.name for entry in all_entries() if self._is_here(entry.name)]
        record = self._opened.record
        own = "" if record is None else record.recipe.data if record.recipe.data in names else OWN
        run = {"name": self._opened.run.name, "data": own} if self._opened.run is not None else None
        return {"data": names + [OWN] * (own == OWN), "run": run, "training": self.training.state}

    def _is_here(self, name: str) -> bool:
        """Whether nothing would have to be downloaded."""
        entry = BUILT_IN.get(name)
        return entry is None or presence(entry, self._folder(), built_in=True).state in ("built in", "present")

    def _folder(self) -> Path:
        return self._data_dir or default_data_dir()

    def _data(self, name: str) -> dict[str, Any]:
        """Where data are, by the name that the page has for them. Raises: NoAnswer."""
        record = self._opened.record
        if name == OWN and record is not None:
            return {"data": record.recipe.data, "data_dir": record.recipe.data_dir}
        try:
            entry = find(name) if "/" not in name else None
        except Problem:
            entry = None
        if entry is None or not self._is_here(name):
            raise NoAnswer("these data are not on this machine")
        return {"data": name, "data_dir": str(self._folder().absolute())}

    async def look(self, text: str, asked: LookAsked) -> dict[str, Any]:
        """The feature maps, or why there are none."""
        try:
            data = {} if asked.picture else self._data(asked.data)
            question = asked.model_dump(include={"picture", "number", "invert", "layer"})
            return await self._looking.ask({"text": text, **question, **data, **self._weights(asked.weights)})
        except NoAnswer as refused:
            return {"refused": str(refused), "helps": []}

    def _weights(self, asked: str) -> dict[str, str]:
        found = {"run": self._opened.run, "training": self.training.weights}.get(asked)
        if asked in ("run", "training"):
            return {"weights": "stored", "path": str(found)} if found else {"weights": "fresh"}
        return {"weights": asked}

    async def train(self, text: str, asked: TrainAsked) -> str:
        """Begin a run. Returns: why not, or nothing."""
        try:
            wanted = {"name": f"{asked.name}.cnn", "epochs": asked.epochs, **self._data(asked.data)}
            await self.training.begin(text, wanted)
        except NoAnswer as refused:
            return str(refused)
        return ""

    async def go_on(self, asked: GoOnAsked) -> str:
        """Go on with the last run. Returns: why not, or nothing."""
        try:
            await self.training.go_on(asked.epochs)
        except NoAnswer as refused:
            return str(refused)
        return ""

    async def close(self) -> None:
        """End what is at work; a run keeps what it has learned."""
        await self._looking.close()
        await self.training.close()


def register(server: SpecServer, machine: Machine) -> Callable[[], None]:
    """Adds its features to a server. Returns: what ends the news of a run."""

    @server.feature("specc/machine")
    def on_machine(params: Any) -> dict[str, Any]:
        return machine.told()

    @server.feature("specc/look")
    async def on_look(params: Any) -> dict[str, Any] | None:
        asked = read(LookAsked, params)
        snapshot = server.open.get(asked.uri)
        return None if snapshot is None else await machine.look(snapshot.text, asked)

    @server.feature("specc/train")
    async def on_train(params: Any) -> str | None:
        asked = read(TrainAsked, params)
        snapshot = server.open.get(asked.uri)
        return None if snapshot is None else await machine.train(snapshot.text, asked)

    @server.feature("specc/goOn")
    async def on_go_on(params: Any) -> str:
        return await machine.go_on(read(GoOnAsked, params))

    @server.feature("specc/stop")
    def on_stop(params: Any) -> None:
        machine.training.stop()

    return machine.training.hear(lambda state: server.protocol.notify("specc/run", state))
