"""The pictures that a command names: files, folders, patterns, archives and standard input, one after another."""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from glob import has_magic, iglob
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from specc import files
from specc.data.picture import UnreadablePicture, absence, endings
from specc.data.walk import Walk, is_system
from specc.diagnostics.spelling import counted

STDIN = "-"
ARCHIVE = ".zip"
NO_PICTURE = "holds no picture"
MOST_MATCHES = 1_000_000  # files that a pattern stands for
LARGEST_PICTURE = 1 << 28  # bytes of one that is read from an archive or from standard input
ELSEWHERE = 0xFFFFFFFF  # stands for a number that is too large for its place
LARGEST_LIST = 1 << 26  # bytes of what an archive says of its members, some 50 to 100 of each

# What Python's zipfile raises for content that is not as it should be.
BROKEN = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, LookupError,
    OverflowError, struct.error,
)  # fmt: skip


class _TooMany(Exception):
    """An archive with more members than are read."""


class Named(NamedTuple):
    """A picture that was named.

    name:    as it is told; of one in an archive the archive's with its own behind it.
    content: opens it, where it is no file by itself; raises UnreadablePicture.
    """

    name: str
    content: Callable[[], IO[bytes]] | None = None


def expanded(names: Sequence[str], tell: Callable[[str], None] = lambda note: None) -> Iterator[Named]:
    """Each picture, in the order of the names; those of a folder, of a pattern and of an archive in alphabetical order.

    What holds no picture stays: reading it tells what is wrong. A picture in an archive can be read until the next one
    is asked for.

    Args: tell, is told of what looks like pictures and is passed over.
    """
    for name in names:
        if name == STDIN:
            yield Named(name, _standard_input)
        elif has_magic(name) and not os.path.lexists(name):
            matches = iglob(name, recursive=True)  # noqa: PTH207 - Path's takes no absolute pattern
            found = sorted(islice(matches, MOST_MATCHES))
            for path in found:
                yield from _of_path(path, tell)
            if not found:
                yield Named(name, _refusing("matches no file"))
        else:
            yield from _of_path(name, tell)


def _of_path(path: str, tell: Callable[[str], None]) -> Iterator[Named]:
    if Path(path).is_dir():
        yield from _of_folder(path, tell)
    elif path.lower().endswith(ARCHIVE):
        yield from _of_archive(path, tell)
    else:
        yield Named(path)


def _of_folder(name: str, tell: Callable[[str], None]) -> Iterator[Named]:
    walk = Walk()
    try:
        found = walk.pictures(Path(name))
    except OSError as error:
        yield Named(name, _refusing(absence(name, error)))
        return
    for passed in walk.passed_over:
        tell(str(passed))
    yield from (Named(str(Path(path))) for path in found)
    if not found:
        yield Named(name, _refusing(NO_PICTURE))


def _of_archive(path: str, tell: Callable[[str], None]) -> Iterator[Named]:
    """The pictures in a zip file; nothing of it is written anywhere. What is no picture by its name is passed over."""
    try:
        file = files.open_regular(path)
    except OSError as error:
        yield Named(path, _refusing(absence(path, error)))
        return
    try:
        with file:
            _require_short_list(file)
            with zipfile.ZipFile(file) as archive:
                yield from _members(path, archive, tell)
    except _TooMany:
        yield Named(path, _refusing("has more members than are read"))
    except BROKEN:
        yield Named(path, _refusing("is damaged, or no zip file"))


def _members(path: str, archive: zipfile.ZipFile, tell: Callable[[str], None]) -> Iterator[Named]:
    inside = [one for one in archive.infolist() if not one.is_dir() and not any(map(is_system, _parts(one)))]
    found = sorted((one for one in inside if _ending(one) in endings()), key=lambda one: one.filename)
    if len(inside) > len(found):
        tell(f"passed over: {counted(len(inside) - len(found), 'file')} in {path} that no picture is called like")
    for one in found:
        yield Named(f"{path}/{one.filename}", _opening(archive, one))
    if not found:
        yield Named(path, _refusing(NO_PICTURE))


def _parts(member: zipfile.ZipInfo) -> list[str]:
    """The names along its path; `..` is none of a hidden folder, and leads nowhere, as nothing is unpacked."""
    return [name for name in PurePosixPath(member.filename).parts if name != ".."]


def _ending(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _opening(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        if member.flag_bits & 1:
            raise UnreadablePicture("is encrypted", "unpack the archive first")
        try:
            with archive.open(member) as file:
                return _content(file)
        except BROKEN as error:
            raise UnreadablePicture("is damaged") from error

    return opened


def _require_short_list(file: IO[bytes]) -> None:
    """Raise _TooMany for an archive whose list of members is too long: zipfile reads all of it at once."""
    start = max(0, file.seek(0, os.SEEK_END) - (1 << 16) - 22 - 76)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[place + 12 : place + 16], "little") if place >= 0 else 0
    longer = tail.rfind(b"PK\x06\x06", 0, max(place, 0))  # of an archive with more or larger members
    if longer >= 0:
        stated = int.from_bytes(tail[longer + 40 : longer + 48], "little")
        size = stated if size == ELSEWHERE else max(size, stated)
    file.seek(0)
    if size > LARGEST_LIST:
        raise _TooMany


def _standard_input() -> IO[bytes]:
    return _content(sys.stdin.buffer)


def _content(stream: IO[bytes]) -> IO[bytes]:
    try:
        content = files.read_stream(stream, LARGEST_PICTURE)
    except files.TooLarge:
        raise UnreadablePicture(f"is larger than {LARGEST_PICTURE >> 20} MB") from None
    if not content:
        raise UnreadablePicture("is empty")
    return BytesIO(content)


def _refusing(reason: str) -> Callable[[], IO[bytes]]:
    def refused() -> IO[bytes]:
        raise UnreadablePicture(reason)

    return refused
