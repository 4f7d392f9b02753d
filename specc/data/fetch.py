"""Files of the named data sets: found, checked by their digests, downloaded and unpacked where they are missing.

An archive that somebody has put into the folder is taken as one that was downloaded. Every file comes into its place
by being renamed: what is there is whole. No torch, no numpy.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from specc import files
from specc.data.archives import Archive, Published
from specc.data.download import Report, digest_of, download, silent, unwritable
from specc.diagnostics.diagnostic import Problem


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
    try:
        import fcntl
    except ImportError:  # Windows: two at once there end in a digest that is wrong
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
