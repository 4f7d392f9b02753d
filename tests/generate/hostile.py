"""What the commands that read a run's folder do with a damaged one: they answer, soon and briefly, in words of ours."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from generate.answers import Bounds, faults
from generate.folders import damaged
from specc.runner.callbacks.lines import Lines
from specc.runner.distributed.launch import _require_devices
from specc.runner.run import train

SPEC = "input 1x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 32 ; limit 64 }\n"
PICTURE = "picture.png"
STEPS = 3  # after which a run that goes on is stopped
# A tenth of a second is usual, and some times what a whole folder has.
BOUNDS = Bounds(output=100_000, ends=(0, 1, 2, 128 + signal.SIGINT), kilobytes=900_000)


class Finding(NamedTuple):
    """What a command did to a folder, and how that was made."""

    what: str
    command: str
    damage: tuple[str, ...]


class Stopping(Lines):
    """Stops a run after a few steps, as Ctrl-C does."""

    def __init__(self) -> None:
        self.left = STEPS

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def a_run(folder: Path) -> Path:
    """A run with weights of two epochs' ends, stopped in the middle of the second."""
    run = train(SPEC, folder / "run", callback=_StopsAt(3)).folder
    (run / "loggers.json").write_text("{}\n")
    return run


class _StopsAt(Stopping):
    def __init__(self, steps: int) -> None:
        self.left = steps


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """While entered, runs that go on are stopped soon, and start no processes.

    Yields: a sound run, in a folder that is empty before.
    """
    Image.new("L", (8, 8), 100).save(folder / PICTURE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specc.cli.train.chosen", lambda run=None: Stopping())
        patch.setattr("specc.cli.train.launch", _launched)
        patch.setenv("TORCHDYNAMO_DISABLE", "1")  # a compiler takes a minute for a network that says it wants one
        yield a_run(folder)


def _launched(arguments: object, count: int, device: str, *more: object) -> int:
    """Everything before the first process. Raises: Problem E625."""
    _require_devices(count, device)
    return 0


def tried(sound: Path, seed: int) -> Iterator[Finding]:
    """Damage a copy of a sound run, and give it to every command. Args: seed, of what is done to it."""
    generator, place = random.Random(seed), sound.with_name("copy")
    shutil.copytree(sound, place)
    try:
        damage = tuple(damaged(place, generator))
        for arguments in _commands(place, generator):
            for what in faults(arguments, BOUNDS):
                yield Finding(what, " ".join(arguments).replace(str(place), "RUN"), damage)
    finally:
        shutil.rmtree(place)


def _commands(run: Path, generator: random.Random) -> list[list[str]]:
    name = str(run)
    resume = generator.choice(([], ["--epochs", "3"], ["--adopt", "--epochs", "3"], ["--adopt", "--optimizer", "sgd"]))
    return [
        ["runs", name],
        ["runs", name, name, *generator.choice(([], ["--json"]))],
        ["eval", name, *generator.choice(([], ["--json"], ["--weights", "last"]))],
        ["predict", name, str(run.parent / PICTURE), *generator.choice(([], ["--json"]))],
        ["export", name, "--to", "python"],
        *([["export", name, "-o", str(run.parent / "net.pt2")]] if generator.random() < 0.02 else []),
        ["train", "--resume", name, *resume],
        ["eval", name],
    ]
