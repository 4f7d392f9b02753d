"""A folder's decoded pictures, kept in the user's cache so that the next run need not decode them again.

A copy is found under a digest of what it was made from: each file's length, times and number on its disk, how it was
read, and Pillow's version. A file cannot be given other bytes and keep the time of its last change, which the system
sets: programs choose the time of writing only. The copy's own bytes have a checksum. One that is damaged is made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import PIL

from specc.data.catalogue import default_data_dir
from specc.data.checksum import checksum
from specc.data.folder import FolderContents
from specc.data.pictures import Decoded, Reader, decode
from specc.diagnostics.spelling import counted

WORTH_KEEPING = 1.0  # seconds of decoding
SETTLED = 2.0  # seconds without a change: some file systems do not tell two changes within that time apart
LARGEST = 10 * 10**9  # bytes that all copies together may take
CHECKSUM = "specc-checksum"


class Manifest(NamedTuple):
    """What the system says of a folder's files. text: a line for each. changed: when the last one was, in seconds."""

    text: str
    changed: float


def manifest_of(contents: FolderContents) -> Manifest:
    """Of each file its length, its times, and its number on its disk.

    A file that is not there is reported when it is read.
    """
    lines, last = [], 0
    for part in contents.parts:
        for path in part.paths:
            with suppress(OSError):
                about = os.stat(path)  # noqa: PTH116 - a Path for each of a million files is slow
                lines.append(f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}")
                last = max(last, about.st_ctime_ns)
        lines.append("")
    return Manifest("\n".join(lines), last / 1e9)


def decoded(contents: FolderContents, reader: Reader, *, keep: bool, say: Callable[[str], None]) -> list[Decoded]:
    """Each part of a folder, decoded: out of the copy that is kept, or now, and kept where that took long.

    Args:   keep, whether the pictures are wanted in memory; else they are looked at, and their digests stay. say, is
            told of a look that takes long.
    Raises: Problem E607, E610.
    """
    files = manifest_of(contents)
    told = f"{reader} {keep} {PIL.__version__}\n{files.text}"
    place = cache_folder() / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.safetensors"
    kept = _read(place, len(contents.parts), keep)
    if kept is not None:
        return kept
    if not keep:
        count = sum(len(part.paths) for part in contents.parts)
        say(f"reads {counted(count, 'picture')} once before training, to find damaged ones")
    started, clock = time.perf_counter(), time.time()
    parts = decode(contents, reader, keep=keep)
    if time.perf_counter() - started > WORTH_KEEPING and files.changed < clock - SETTLED:
        _keep(place, parts)
    return parts


def cache_folder() -> Path:
    """Where the copies are."""
    return default_data_dir().parent / "decoded"


def _read(place: Path, count: int, keep: bool) -> list[Decoded] | None:
    """The parts in a copy, None where there is none that can be used."""
    if not place.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="pt") as file:
            expected = (file.metadata() or {}).get(CHECKSUM)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        parts = [
            Decoded(tensors[f"images{number}"] if keep else None, tensors[f"digests{number}"])
            for number in range(count)
        ]
        if expected == f"{checksum(tensors):08x}":
            place.touch()  # the copies that were not used for longest go first
            return parts
    except (SafetensorError, OSError, KeyError, RuntimeError, ValueError):
        pass
    with suppress(OSError):
        place.unlink()
    return None


def _keep(place: Path, parts: list[Decoded]) -> None:
    """Write a copy. A cache that cannot be written costs time and nothing else."""
    from safetensors.torch import save_file

    tensors = {f"digests{number}": part.digests for number, part in enumerate(parts)}
    tensors |= {f"images{number}": part.images for number, part in enumerate(parts) if part.images is not None}
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    beside = place.with_name(f".{place.name}.{os.getpid()}.partial")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        if size > LARGEST or 2 * size > shutil.disk_usage(place.parent).free:
            return
        try:
            _make_room(place.parent, LARGEST - size)
            save_file(tensors, beside, metadata={CHECKSUM: f"{checksum(tensors):08x}"})
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)


def _make_room(folder: Path, most: int) -> None:
    copies = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    taken = sum(path.stat().st_size for path in copies)
    for path in copies:
        if taken <= most:
            return
        taken -= path.stat().st_size
        path.unlink()
