"""One run in one folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.runner.storage import unwritable

NAME = ".lock"
HELD = frozenset((errno.EAGAIN, errno.EACCES, errno.EDEADLK))

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While entered, no other run can enter for the same folder.

    The lock is the kernel's, so that nothing is left behind by a killed process; the file's content, the holder's
    process and host, is for people.

    Raises: Problem E624 where another run holds it, E614 where the folder cannot be written.
    """
    path = folder / NAME
    file = _locked_file(path)
    try:
        _sign(path, file)
        yield
    finally:
        # First away, then open to others: nobody can lock a file that is about to vanish unnoticed.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        file.close()


def is_held(folder: Path) -> bool:
    """Whether a run is at work in a folder, as far as can be told without taking its lock."""
    path = folder / NAME
    if not path.exists() or not _lives(_holder(path)):
        return False
    if sys.platform == "win32" or _holder(path).get("host") != socket.gethostname():
        return True
    try:
        # The number of a process that was killed may be another's by now; the kernel's lock is not.
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _locked_file(path: Path) -> IO[bytes]:
    while True:
        try:
            file = path.open("a+b", buffering=0)  # nothing is left to write when it is closed, also on a full disk
        except OSError as error:
            raise unwritable(path, error) from error
        if not _is_taken(file):
            file.close()
            raise _in_use(path)
        if _is_still(path, file):
            return file
        file.close()  # its holder took it away between our opening and our locking it


def _is_taken(file: IO[bytes]) -> bool:
    """Whether the lock is ours now."""
    try:
        _take(file)
    except OSError as error:
        if error.errno in HELD:
            return False
        # A file system without locks: all that is known is who signed last.
        return not _lives(_holder(Path(file.name)))
    return True


def _is_still(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _sign(path: Path, file: IO[bytes]) -> None:
    try:
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode() + b"\n")
    except OSError as error:
        raise unwritable(path, error) from error


def _holder(path: Path) -> dict[str, Any]:
    try:
        found = files.read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lives(holder: dict[str, Any]) -> bool:
    """Whether the process that signed may still run; on another host nobody can tell."""
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return bool(holder)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _in_use(path: Path) -> Problem:
    holder = _holder(path)
    who = f"process {holder.get('pid')} on {holder.get('host')}" if holder else "another process"
    return Problem.of("E624", f"another run is working in {path.parent}: {who}",
        help="wait until it ends, or stop it; `--resume` then continues from where it stopped")  # fmt: skip
