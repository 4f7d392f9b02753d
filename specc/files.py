"""Files as people give and keep them: read within bounds, and written whole or not at all.

Reading opens regular files only: a named pipe would wait for a writer that never comes, a device has no end. Writing
puts a new file beside the old one and renames it when it is safe on the disk, so that neither a reader nor a crash
ever meets half of one; a link goes on pointing where it did, and mode and owner stay.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from specc.diagnostics.diagnostic import Problem

LARGEST = 64 << 20  # bytes of a file that is read as a whole where its reader names no other bound
PARTIAL = ".{}.partial"  # what is not whole yet: a name, and a number where several write at once
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the system allows no larger file",
}
_PLAIN = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)  # Windows has the first, others the second


class TooLarge(OSError):
    """A file with more bytes than its reader takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it is larger than {most >> 20} MB")


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """A regular file, or a link to one, to be read.

    Raises: OSError, with words of its own where it is a folder, a pipe, a socket or a device; it never waits.
    """
    require_regular(path)
    handle = os.open(path, os.O_RDONLY | _PLAIN | getattr(os, "O_NONBLOCK", 0))
    try:
        _require_regular(os.fstat(handle))  # it may be another one by now
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError where a path is no regular file, nor a link to one; it is not opened: some devices would notice."""
    _require_regular(os.stat(path))  # noqa: PTH116 - a Path for each of a million pictures is slow


def read(path: str | os.PathLike[str], most: int = LARGEST, *, pipes: bool = False) -> bytes:
    """The content of a file.

    Args:   most, bytes that it may have. pipes, whether it may be a pipe or a terminal, whose writer is waited for.
    Raises: OSError, also where the file is larger or of another kind.
    """
    with open(path, "rb") if pipes else open_regular(path) as file:  # noqa: PTH123 - a path may be a text here
        return read_stream(file, most)


def read_stream(file: IO[bytes], most: int = LARGEST) -> bytes:
    """What a stream gives to its end. Raises: OSError, also where that is more than `most` bytes."""
    content = file.read(most + 1)
    if len(content) > most:
        raise TooLarge(most)
    return content


def read_json(path: Path) -> Any:
    """What a JSON file says. Raises: OSError; ValueError where it is not JSON, or nested too deeply."""
    import json

    try:
        return json.loads(read(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write(path: Path, content: bytes, *, own: bool = False) -> None:
    """Put `content` in the place of a file, or where none is yet.

    Args:   own, whether the path is the program's own, as in a run's folder: a link, a pipe or a device that stands
            there is replaced, so that nothing is written to where it leads.
    Raises: OSError, with the file as it was.
    """
    with replacing(path, own=own) as file:
        file.write(content)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet. Raises: OSError, FileExistsError where there is something already."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "it exists already")
    with _beside(path, 0o666, _link) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, *, own: bool = False) -> Iterator[IO[bytes]]:
    """A file to write into, which takes the place of `path` once the block has ended well.

    A device or a pipe cannot be replaced and is written to as it stands, unless the path is the program's own.

    Raises: OSError, with the file as it was.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() and not own else path
    before = _status(target, own)
    if before is None:
        with _beside(target, 0o666, os.replace) as file:
            yield file
    elif stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    elif not stat.S_ISREG(before.st_mode):
        with target.open("wb") as file:
            yield file
    elif not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")
    else:
        with _beside(target, stat.S_IMODE(before.st_mode), os.replace) as file:
            yield file
            _as_before(file, before)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file. Raises: OSError, with the file as it was."""
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")
    except OSError:
        with suppress(OSError):
            os.truncate(path, before)
        raise


def remove_partial(folder: Path) -> None:
    """Take away what a killed process had written half."""
    for path in folder.glob(PARTIAL.format("*")):
        with suppress(OSError):
            path.unlink()


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, to stand behind a colon."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def unwritable(code: str, path: Path, error: OSError, help: str) -> Problem:
    """The problem that a path cannot be written. help: the way out that stands beside making room."""
    room = "make room, or " if error.errno in _REASONS else ""
    return Problem.of(code, f"{path} cannot be written: {reason(error)}", help=f"{room}{help}")


@contextmanager
def told(code: str, path: Path, help: str) -> Iterator[None]:
    """Within, an error of the system's is told as the problem that `path` cannot be written. Raises: Problem."""
    try:
        yield
    except OSError as error:
        raise unwritable(code, path, error, help) from error


_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _require_regular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")


def _status(path: Path, own: bool) -> os.stat_result | None:
    """Of what is there; None where nothing is, or what stands in the way of a file of the program's own."""
    try:
        found = path.stat(follow_symlinks=not own)
    except FileNotFoundError:
        return None
    return None if own and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) else found


@contextmanager
def _beside(target: Path, mode: int, commit: Callable[[Path, Path], None]) -> Iterator[IO[bytes]]:
    """A new file in the target's folder; `commit` puts it in place when the block has ended and it is on the disk."""
    beside = target.with_name(PARTIAL.format(f"{target.name[:100]}.{os.urandom(4).hex()}"))
    handle = _created(beside, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        commit(beside, target)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _created(path: Path, mode: int) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, mode)
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {path.parent}") from None
    except PermissionError as error:
        raise PermissionError(error.errno, f"no file can be created in its folder {path.parent}") from None


def _as_before(file: IO[bytes], before: os.stat_result) -> None:
    """Give the new file the old one's owner, where that is allowed, and mode."""
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


def _link(beside: Path, target: Path) -> None:
    """Give the file its name unless that is taken by now."""
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: what came in the last moment is written over
        beside.replace(target)
    else:
        beside.unlink()


def _sync_folder(folder: Path) -> None:
    """A renamed file survives a power cut only once its folder is written too; Windows has no such call."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
