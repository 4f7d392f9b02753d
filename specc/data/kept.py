"""What was found out about some files, kept in the user's cache: where it lies, and how much may lie there.

A file cannot be given other bytes and keep the time of its last change, which the system sets: programs choose the time
of writing only. So what is found under the same lengths, times and numbers was made from the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import PIL

from specc.data.sources import default_data_dir

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORTH_KEEPING = 1.0  # seconds that it took
SETTLED = 2.0  # seconds without a change: some file systems do not tell two changes within that time apart
LARGEST = 10 * 10**9  # bytes that all of it together may take
ENDINGS = (".safetensors", ".json")
CHECKSUM = "specc-checksum"


class Manifest(NamedTuple):
    """What the system says of some files.

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


def manifest_of(parts: Iterable[Iterable[str]]) -> Manifest:
    """Of each file of some parts its length, its times, and its number on its disk.

    A file that is not there is reported when it is read.
    """
    lines, last, now = [], 0, time.time()
    for paths in parts:
        for path in paths:
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


def kept_arrays(place: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The arrays in a copy, by name; None where there is none that can be used: one that is damaged is removed."""
    if not place.is_file():
        return None
    try:
        expected, arrays = _mapped(place)
        if expected == f"{_checksum(arrays):08x}":
            place.touch()  # the copies that were not used for longest go first
            return arrays
    except (OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        pass
    with suppress(OSError):
        place.unlink()
    return None


def _mapped(place: Path) -> tuple[str, dict[str, NDArray[np.uint8]]]:
    """The checksum and the arrays of a safetensors file, in the file's own pages: only what is looked at is read."""
    import numpy as np

    content = np.memmap(place, np.uint8, "c")
    begin = 8 + int.from_bytes(content[:8].tobytes(), "little")
    head = json.loads(content[8:begin].tobytes())
    metadata = head.pop("__metadata__")
    arrays = {}
    for name, one in head.items():
        start, end = one["data_offsets"]
        arrays[name] = np.asarray(content[begin + start : begin + end]).reshape(one["shape"])
    return metadata[CHECKSUM], arrays


def keep_arrays(place: Path, arrays: Mapping[str, NDArray[np.uint8]]) -> None:
    """Write a copy. A cache that cannot be written costs time and nothing else."""
    from safetensors.numpy import save_file

    beside = place.with_name(f".{place.name}.{os.getpid()}.partial")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        if not make_room(sum(array.nbytes for array in arrays.values())):
            return
        try:
            save_file(dict(arrays), beside, metadata={CHECKSUM: f"{_checksum(arrays):08x}"})
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)


def _checksum(arrays: Mapping[str, NDArray[np.uint8]]) -> int:
    """CRC-32 of all arrays in the order of their names."""
    value = 0
    for name in sorted(arrays):
        value = zlib.crc32(arrays[name].reshape(-1).data, value)
    return value
