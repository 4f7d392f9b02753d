"""What was found out about a folder's files, kept in the user's cache: where it lies, and how much may lie there.

A file cannot be given other bytes and keep the time of its last change, which the system sets: programs choose the time
of writing only. So what is found under the same lengths, times and numbers was made from the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import PIL

from specc.data.catalogue import default_data_dir
from specc.data.folder import FolderContents

WORTH_KEEPING = 1.0  # seconds that it took
SETTLED = 2.0  # seconds without a change: some file systems do not tell two changes within that time apart
LARGEST = 10 * 10**9  # bytes that all of it together may take
ENDINGS = (".safetensors", ".json")


class Manifest(NamedTuple):
    """What the system says of a folder's files.

    text: a line for each. changed: when the last one was, in seconds; read: when all of this was asked for.
    """

    text: str
    changed: float
    read: float

    def place(self, made: str, ending: str) -> Path:
        """Where that is kept which was made from the files in a certain way."""
        told = f"{made} {PIL.__version__}\n{self.text}"
        return cache_folder() / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}{ending}"

    def is_worth(self, seconds: float) -> bool:
        """Whether what took so long is to be kept: files that have just been written may be written again unseen."""
        return seconds > WORTH_KEEPING and self.changed < self.read - SETTLED


def manifest_of(contents: FolderContents) -> Manifest:
    """Of each file its length, its times, and its number on its disk.

    A file that is not there is reported when it is read.
    """
    lines, last, now = [], 0, time.time()
    for part in contents.parts:
        for path in part.paths:
            with suppress(OSError):
                about = os.stat(path)  # noqa: PTH116 - a Path for each of a million files is slow
                lines.append(f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}")
                last = max(last, about.st_ctime_ns)
        lines.append("")
    return Manifest("\n".join(lines), last / 1e9, now)


def cache_folder() -> Path:
    """Where all of it is."""
    return default_data_dir().parent / "decoded"


def make_room(size: int) -> bool:
    """Remove what was not used for longest, until so many bytes more may be kept; no where they never may.

    Raises: OSError.
    """
    if size > LARGEST or 2 * size > shutil.disk_usage(cache_folder()).free:
        return False
    copies = [path for path in cache_folder().iterdir() if path.suffix in ENDINGS]
    copies.sort(key=lambda path: path.stat().st_mtime)
    taken = sum(path.stat().st_size for path in copies)
    for path in copies:
        if taken <= LARGEST - size:
            break
        taken -= path.stat().st_size
        path.unlink()
    return True
