"""The files of the named data sets: found, checked by their digests, downloaded and unpacked where they are missing.

A file comes from its mirrors in turn, going on where a transfer broke off: what has arrived lies beside its place as
`NAME.part`, and is renamed once its digest is right. An archive that somebody has put into the folder is taken as one
that was downloaded. What is in its place is whole. No torch, no numpy.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, NamedTuple, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from specc import files
from specc.data.archives import PUBLISHED, Archive, Published
from specc.data.sources import Entry, Report, silent
from specc.data.vision_sets import BY_NAME
from specc.diagnostics.diagnostic import Problem

TIMEOUT = 30.0  # seconds of silence after which a server is given up
BLOCK = 1 << 18
LOCK = ".lock"


class Presence(NamedTuple):
    """A named data set and its files.

    state:  "built in", "present", "partly", "absent", or "of a package", which alone knows.
    folder: where the files are or will be; None where there are none.
    size:   bytes to download, None where nobody says.
    """

    entry: Entry
    state: str
    folder: Path | None
    size: int | None


def presence(entry: Entry, data_dir: Path, *, built_in: bool) -> Presence:
    """Where a data set's files are; nothing is read."""
    published, vision = PUBLISHED.get(entry.name), BY_NAME.get(entry.name)
    if vision is not None:
        folder = data_dir / vision.folder
        return Presence(entry, "present" if folder.exists() else "absent", folder, None)
    if published is None:
        return Presence(entry, "built in" if built_in else "of a package", None, None)
    folder = data_dir / published.folder
    missing = len(missing_files(folder, published))
    state = "present" if not missing else "absent" if missing == len(published.digests) else "partly"
    return Presence(entry, state, folder, published.size)


def fetched(name: str, data_dir: Path, report: Report = silent) -> Path:
    """The folder with all files of a data set, each checked; what is missing is downloaded. Raises: as below."""
    return ensure_files(name, data_dir, PUBLISHED[name], report)


def ensure_files(name: str, data_dir: Path, published: Published, report: Report = silent) -> Path:
    """Make sure that a data set's files are below the data folder, downloading them if need be.

    Args:    name: the data set's, for messages.
    Returns: the folder that they are in.
    Raises:  Problem E602 where they cannot be downloaded or written, E603 where a file is not what it should be.
    """
    folder = data_dir / published.folder
    if missing_files(folder, published):
        _complete(name, data_dir, folder, published, report)
    _check(name, folder, published)
    return folder


def missing_files(folder: Path, published: Published) -> list[str]:
    """Which of a data set's unpacked files are not there."""
    return [file for file in published.digests if not (folder / file).exists()]


def _complete(name: str, data_dir: Path, folder: Path, published: Published, report: Report) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            for archive in published.archives:
                if any(not (folder / file).exists() for file in archive.members):
                    _unpacked(archive, data_dir, folder, report)
    except OSError as error:
        raise unwritable(Path(error.filename or folder), error) from error
    except Problem as problem:
        raise _explained(name, folder, problem) from problem


def _explained(name: str, folder: Path, problem: Problem) -> Problem:
    found = problem.diagnostic
    help = (
        f"{found.help}\n`--data-dir DIR` names a folder where its files are already\n`--data digits` needs no download"
    )
    message = f"the data set `{name}` is not in {folder} and could not be downloaded"
    return Problem.of("E602", message, help=help, notes=(found.message, *found.notes))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for another process that downloads into the folder; then its files are there."""
    from filelock import FileLock

    lock = FileLock(folder / LOCK, fallback_to_soft=False)
    with suppress(OSError):  # a file system without locks: two at once end in a digest that is wrong
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)  # and then open to others
        lock.release()


def _unpacked(archive: Archive, data_dir: Path, folder: Path, report: Report) -> None:
    """The archive's files in their places, out of a copy that is there or one that is fetched."""
    for copy in (folder / archive.file, data_dir / archive.file):
        if copy.is_file() and digest_of(copy) == archive.md5:
            _unpack(archive, copy, folder)
            return
    arrived = download(archive, folder, report)
    _unpack(archive, arrived, folder)
    arrived.unlink()


def _unpack(archive: Archive, path: Path, folder: Path) -> None:
    try:
        for name, content in _contents(archive, path, folder.name):
            with files.replacing(folder / name) as file:
                shutil.copyfileobj(content, file)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise Problem.of("E602", f"the archive {path} cannot be unpacked: {error}", help=f"delete {path}") from error


def _contents(archive: Archive, path: Path, root: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The wanted files of an archive; of a tar only plain files under the expected names, and no paths of its own."""
    if not path.name.endswith(".tar.gz"):
        with gzip.open(path) as single:
            yield next(iter(archive.members)), cast("IO[bytes]", single)
        return
    wanted = {f"{root}/{name}": name for name in archive.members}
    with tarfile.open(path, "r:gz") as packed:
        for member in packed:
            content = packed.extractfile(member) if member.isfile() and member.name in wanted else None
            if content is not None:
                yield wanted[member.name], content


def _check(name: str, folder: Path, published: Published) -> None:
    for file, expected in published.digests.items():
        path = folder / file
        try:
            found = digest_of(path)
        except OSError as error:
            raise Problem.of("E603", f"the file {path} of `{name}` cannot be read: {error.strerror}",
                help="make it readable, or name another folder with `--data-dir`") from error  # fmt: skip
        if found != expected:
            raise Problem.of(
                "E603",
                f"the file {path} of `{name}` is damaged or is a different file: its MD5 is {found}, not {expected}",
                help="delete the file and run the command again, which downloads it",
            )


class MirrorRefused(Exception):
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
        except (OSError, HTTPException, MirrorRefused) as error:
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
        raise MirrorRefused("the file that it sends has a different digest")
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
        raise MirrorRefused("it sends a part of the file and does not say which")
    return int(first)


def _copy(answer: HTTPResponse, file: IO[bytes], start: int, archive: Archive, report: Report) -> int:
    """Append the answer. Returns: how many bytes the file has then."""
    if file.tell() != start:
        raise MirrorRefused("it sends a different part of the file from the one it was asked for")
    done = start
    while block := _read(answer):
        done += len(block)
        if done > archive.size:
            raise MirrorRefused(f"it sends more than the {archive.size:,} bytes of the file")
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
