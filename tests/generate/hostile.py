"""What the commands that read a run's folder do with a damaged one: they answer, soon and briefly, in words of ours."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from generate.folders import damaged
from specc.cli.main import main
from specc.runner.callbacks.lines import Lines
from specc.runner.distributed.launch import _require_devices
from specc.runner.run import train

SPEC = "input 1x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 32 ; limit 64 }\n"
PICTURE = "picture.png"
STEPS = 3  # after which a run that goes on is stopped
LONGEST = 60.0  # seconds after which a command counts as hanging; a tenth of one is usual
MOST_OUTPUT = 100_000  # characters: some times what a whole folder has
MOST_SECONDS = 10.0  # of processor time
MOST_KILOBYTES = 1_500_000
ENDS = (0, 1, 2, 128 + signal.SIGINT)


class Finding(NamedTuple):
    """What a command did to a folder, and how that was made."""

    what: str
    command: str
    damage: tuple[str, ...]


class Hangs(BaseException):
    """A command did not come back."""


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
            for what in faults(arguments):
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


def faults(arguments: list[str]) -> Iterator[str]:
    """What is wrong with the answer to a command; nothing where it is sound."""
    started, before = time.process_time(), _most_kilobytes()
    try:
        done = answer(arguments)
    except Hangs:
        yield "hangs"
        return
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        yield f"{type(done.exception).__name__}: {done.exception!s:.300}"
    elif done.exit_code not in ENDS:
        yield f"exit status {done.exit_code}"
    elif "Traceback" in done.output:
        yield done.output[-300:]
    if len(done.output) > MOST_OUTPUT:
        yield f"{len(done.output):,} characters: {done.output[:200]!r} …"
    strange = sorted({char for char in done.output if ord(char) < 32 and char not in "\n\t"})
    if strange:
        yield f"control characters {strange}: {click.unstyle(done.output)[:300]!r}"
    seconds = time.process_time() - started
    if seconds > MOST_SECONDS:
        yield f"{seconds:.1f} s"
    kilobytes = _most_kilobytes()
    if kilobytes > max(before, MOST_KILOBYTES):  # what else this process has done may have taken more
        yield f"{kilobytes // 1000} MB"


def _most_kilobytes() -> int:
    """That this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def answer(arguments: list[str]) -> Result:
    """What a command says. Raises: Hangs where it does not end."""
    return _within(LONGEST, lambda: CliRunner().invoke(main, arguments))


def _within(seconds: float, action: Callable[[], Result]) -> Result:
    """Raises: Hangs where an action takes longer, also where it waits for a file."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return action()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
