"""What is wrong with a command's answer to an odd input: it has to come, soon and briefly, in words of ours."""

from __future__ import annotations

import signal
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from click.testing import CliRunner, Result

from specc.cli.main import main

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # categories of characters that act on a terminal, or hide what stands there


class Bounds(NamedTuple):
    """seconds: of processor time. hangs: seconds after which a command counts as hanging. output: characters.
    kilobytes: that the process may grow by; None where nobody looks."""

    seconds: float = 10.0
    hangs: float = 60.0
    output: int = 300_000
    ends: tuple[int, ...] = (0, 1, 2)
    kilobytes: int | None = None


class Hangs(BaseException):
    """A command did not come back."""


def faults(arguments: list[str], bounds: Bounds) -> Iterator[str]:
    """Give a command to the command line, in this process, and yield what is wrong with its answer."""
    started, before = time.process_time(), _kilobytes_before()
    try:
        done = answer(arguments, bounds)
    except Hangs:
        yield "hangs"
        return
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        yield f"{type(done.exception).__name__}: {done.exception!s:.300}"
    elif done.exit_code not in bounds.ends:
        yield f"exit status {done.exit_code}"
    if "Traceback" in done.output:
        yield f"a traceback: {done.output[-300:]!r}"
    if len(done.output) > bounds.output:
        yield f"{len(done.output):,} characters: {done.output[:200]!r} …"
    unseen = {char for char in done.output if char != "\n" and unicodedata.category(char) in UNSEEN}
    if unseen:
        yield f"control characters {sorted(unseen)}: {done.output[:600]!r}"
    seconds = time.process_time() - started
    if seconds > bounds.seconds:
        yield f"{seconds:.1f} s"
    taken = _kilobytes("VmHWM") - before
    if bounds.kilobytes is not None and taken > bounds.kilobytes:
        yield f"{taken // 1000} MB"


def answer(arguments: list[str], bounds: Bounds = Bounds()) -> Result:  # noqa: B008 - immutable
    """What a command says. Raises: Hangs where it does not end."""
    with at_most(bounds.hangs):
        return CliRunner().invoke(main, arguments)


def _kilobytes_before() -> int:
    """The size of this process, whose largest is counted anew from here; its largest so far where that cannot be."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _kilobytes("VmHWM")
    return _kilobytes("VmRSS")


def _kilobytes(name: str) -> int:
    """VmRSS, the size of this process, or VmHWM, the largest that it had; 0 where the system does not tell."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
    return 0


@contextmanager
def at_most(seconds: float, *, of_processor: bool = False) -> Iterator[None]:
    """Raises: Hangs where what is inside takes longer, also where it waits for a file."""
    timer, number = (
        (signal.ITIMER_PROF, signal.SIGPROF) if of_processor else (signal.ITIMER_REAL, signal.SIGALRM)
    )  # fmt: skip

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(number, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
