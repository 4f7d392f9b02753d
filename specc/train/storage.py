"""Files written so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from specc.diagnostics.diagnostic import Problem

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the largest size of a file is reached",
}
PARTIAL = ".{}.partial"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it, so that the old one stays until the new one is safe.

    Raises: Problem E614.
    """
    beside = path.with_name(PARTIAL.format(path.name))
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A renamed file survives a power cut only once its folder is written too; Windows has no such call."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file; where that fails the file is left as it was.

    Raises: Problem E614.
    """
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")
    except OSError as error:
        with suppress(OSError):
            os.truncate(path, before)
        raise unwritable(path, error) from error


def remove_partial(folder: Path) -> None:
    """Take away what a killed process had written half."""
    for path in folder.glob(PARTIAL.format("*")):
        with suppress(OSError):
            path.unlink()


def require_space(folder: Path, needed: int) -> None:
    """Raise Problem E614 where the disk has fewer free bytes than a run will write."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # not every file system tells; a write that fails will
    if needed > free:
        raise Problem.of("E614", f"the run needs about {_size(needed)} on disk, and {folder} has {_size(free)} free",
            help="make room, or put the run elsewhere with `--out DIR`")  # fmt: skip


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that a path cannot be written, with what to do about the reason."""
    reason = REASONS.get(error.errno or 0) or error.strerror or str(error)
    room = "make room, or " if error.errno in REASONS else ""
    return Problem.of("E614", f"{path} cannot be written: {reason}",
        help=f"{room}put the run elsewhere with `--out DIR`")  # fmt: skip
