"""One published file over the network: from its mirrors in turn, going on where a transfer broke off.

What has arrived lies beside its place as `NAME.part`. It is renamed once its digest is right: what is in its place is
whole. No torch, no numpy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from specc import files
from specc.data.archives import Archive
from specc.diagnostics.diagnostic import Problem

TIMEOUT = 30.0  # seconds of silence after which a server is given up
BLOCK = 1 << 18

Report = Callable[[str, int, int], None]
"""Is told of a file's name, the bytes that have arrived, and those that there are."""


def silent(file: str, done: int, size: int) -> None:
    """Keeps it to itself."""


def telling(say: Callable[[str], None]) -> Report:
    """Says a line for each file when it begins."""
    said: set[str] = set()

    def report(file: str, done: int, size: int) -> None:
        if file not in said:
            said.add(file)
            say(f"downloading {file}, {size / 1e6:.1f} MB")

    return report


class Refused(Exception):
    """A mirror that has not the file that it should have."""


def download(archive: Archive, folder: Path, report: Report = silent) -> Path:
    """Fetch an archive into a folder.

    Returns: its place. A transfer that was broken off, also by an earlier command, goes on where it ended.
    Raises:  Problem E602 with what each mirror said, or where the folder cannot be written.
    """
    place, part = folder / archive.file, folder / f"{archive.file}.part"
    failures = []
    for mirror in archive.mirrors:
        try:
            _from_mirror(mirror + archive.file, part, archive, report)
            part.replace(place)
            return place
        except (OSError, HTTPException, Refused) as error:
            failures.append(f"{urlsplit(mirror).netloc}: {_reason(error)}")
    raise Problem.of(
        "E602",
        f"{archive.file} could not be downloaded",
        help=f"run the command again, which picks up where this one stopped, or put the file into {folder}",
        notes=tuple(failures),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"{error.code} {error.reason}"
    cause = getattr(error, "reason", "") or error
    return getattr(cause, "strerror", None) or str(cause).strip() or type(error).__name__


def _from_mirror(address: str, part: Path, archive: Archive, report: Report) -> None:
    """Complete `part` from one mirror."""
    continued = _length(part) > 0
    _arrive(address, part, archive, report)
    if digest_of(part) == archive.md5:
        return
    part.unlink()
    if not continued:
        raise Refused("the file that it sends has a different digest")
    _from_mirror(address, part, archive, report)  # what was there may have been the wrong half


def _arrive(address: str, part: Path, archive: Archive, report: Report) -> None:
    """Ask until all bytes are there, for as long as each answer brings some."""
    while True:
        before = _length(part)
        try:
            _transfer(address, part, archive, report)
            return
        except HTTPError:
            raise
        except (OSError, HTTPException):
            if _length(part) <= before:
                raise


def _transfer(address: str, part: Path, archive: Archive, report: Report) -> None:
    start = _length(part)
    if start > archive.size:
        part.unlink()
        start = 0
    if start == archive.size:
        return
    with _answer(address, start) as answer:
        start = _first_byte(answer)  # a server that knows no ranges begins at 0
        with _written(part), part.open("ab" if start else "wb") as file:
            done = _copy(answer, file, start, archive, report)
    if done < archive.size:
        raise ConnectionError(f"the connection was cut after {done:,} of {archive.size:,} bytes")


def _answer(address: str, start: int) -> HTTPResponse:
    # The addresses are the table's: https, or http where a digest stands in for it.
    request = Request(address, headers={"User-Agent": "specc"} | ({"Range": f"bytes={start}-"} if start else {}))  # noqa: S310
    return cast("HTTPResponse", urlopen(request, timeout=TIMEOUT))  # noqa: S310 - the same


def _first_byte(answer: HTTPResponse) -> int:
    """Where in the file the answer begins."""
    if answer.status != 206:
        return 0
    unit, _, numbers = (answer.headers.get("Content-Range") or "").partition(" ")
    first = numbers.partition("-")[0]
    if unit != "bytes" or not first.isdigit():
        raise Refused("it sends a part of the file and does not say which")
    return int(first)


def _copy(answer: HTTPResponse, file: IO[bytes], start: int, archive: Archive, report: Report) -> int:
    """Append the answer. Returns: how many bytes the file has then."""
    if file.tell() != start:
        raise Refused("it sends a different part of the file from the one it was asked for")
    done = start
    while block := _read(answer):
        done += len(block)
        if done > archive.size:
            raise Refused(f"it sends more than the {archive.size:,} bytes of the file")
        file.write(block)
        report(archive.file, done, archive.size)
    return done


class _Silence(Exception):
    """The network failed, not the disk."""


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read(BLOCK)
    except (OSError, HTTPException) as error:
        raise _Silence from error


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """A disk that is full is no fault of the mirror's: another one would not help."""
    try:
        yield
    except _Silence as error:
        raise cast("Exception", error.__cause__) from None
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that a downloaded file cannot be kept."""
    return files.unwritable("E602", path, error, "make the folder writable, or name another one with `--data-dir`")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def digest_of(path: Path) -> str:
    """MD5 of a file, as the data sets are published with it: it finds damage."""
    with files.open_regular(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
