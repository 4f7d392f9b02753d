"""Files written so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from specc.diagnostics.diagnostic import Problem

REASONS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your disk quota is used up"}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it, so that the old one stays until the new one is safe.

    Raises: Problem E614.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def append_line(path: Path, line: str) -> None:
    """Add a line to a file; where that fails the file is left as it was.

    Raises: Problem E614.
    """
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")
    except OSError as error:
        if path.exists():
            os.truncate(path, before)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that a path cannot be written, with what to do about the reason."""
    reason = REASONS.get(error.errno or 0) or error.strerror or str(error)
    room = "make room, or " if error.errno in REASONS else ""
    return Problem.of("E614", f"{path} cannot be written: {reason}",
        help=f"{room}put the run elsewhere with `--out DIR`")  # fmt: skip
