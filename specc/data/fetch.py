"""Files of the named data sets: found, checked by their digests, downloaded where they are missing.

The downloads themselves, with mirrors and the archives' digests, are torchvision's. They go into a folder
beside their place and are renamed once they are whole: an interrupted download leaves nothing.
"""

from __future__ import annotations

import hashlib
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from specc.diagnostics.diagnostic import Problem

TIMEOUT = 30.0  # seconds of silence after which a server is given up


def ensure_files(name: str, folder: Path, digests: Mapping[str, str], download: Callable[[Path], Path]) -> None:
    """Make sure that `folder` holds the files whose MD5 digests are given, downloading them if need be.

    Args:   name: the data set's, for messages. digests: MD5 by file name.
            download: fetches everything into the folder that it is given, and returns where in it it is.
    Raises: Problem E602 where nothing can be downloaded, E603 where a file is not what it should be.
    """
    missing = [file for file in digests if not (folder / file).exists()]
    if missing:
        _fetch(name, folder, digests, download)
    _check(name, folder, digests)


def _fetch(name: str, folder: Path, digests: Mapping[str, str], download: Callable[[Path], Path]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as beside, _patience():
            arrived = download(Path(beside))
            _check(name, arrived, digests)
            for file in digests:
                (arrived / file).replace(folder / file)
    except (RuntimeError, EOFError, HTTPException, OSError) as error:
        raise _not_downloaded(name, folder, error) from error


def _not_downloaded(name: str, folder: Path, error: Exception) -> Problem:
    reason = str(error).strip() or type(error).__name__
    help = "`--data-dir DIR` names the folder where its files are already; `--data digits` needs no network"
    return Problem.of(
        "E602",
        f"the data set `{name}` is not in {folder} and could not be downloaded",
        help=help,
        notes=tuple(line.strip() for line in reason.splitlines() if line.strip()),
    )


@contextmanager
def _patience() -> Iterator[None]:
    """torchvision sets no timeout of its own: a silent server would hang the command."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _check(name: str, folder: Path, digests: Mapping[str, str]) -> None:
    for file, expected in digests.items():
        path = folder / file
        try:
            found = _md5(path)
        except OSError as error:
            raise Problem.of("E603", f"the file {path} of `{name}` cannot be read: {error.strerror}",
                help="make it readable, or name another folder with `--data-dir`") from error  # fmt: skip
        if found != expected:
            raise Problem.of(
                "E603",
                f"the file {path} of `{name}` is damaged or another one: its MD5 is {found}, not {expected}",
                help="delete the file and run the command again, which downloads it",
            )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        # The digests that the data sets are published with are MD5: they find damage.
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
