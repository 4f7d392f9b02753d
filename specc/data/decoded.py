"""A folder's decoded pictures, kept in the user's cache so that the next run need not decode them again.

A copy is found under a digest of everything that it was made from: each file's path, length and time of change, its
class, how it was read, and Pillow's version. Its own bytes have a checksum. One that is damaged is made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import PIL

from specc.data.catalogue import default_data_dir
from specc.data.checksum import checksum
from specc.data.dataset import Split
from specc.data.folder import FolderContents
from specc.data.pictures import Reader, decode
from specc.ir.recipe import Recipe

WORTH_KEEPING = 1.0  # seconds of decoding
LARGEST = 10 * 10**9  # bytes that all copies together may take
CHECKSUM = "specc-checksum"


def manifest(root: Path, contents: FolderContents) -> str:
    """A line for each file of a folder: its part and class, length, time of change, path.

    A file that is not there is reported when it is read.
    """
    start = len(str(root)) + 1
    lines = [str(root.resolve())]
    for number, part in enumerate(contents.parts):
        for path, label in zip(part.paths, part.labels, strict=True):
            try:
                about = os.stat(path)  # noqa: PTH116 - a Path for each of a million files is slow
                length, changed = about.st_size, about.st_mtime_ns
            except OSError:
                length = changed = 0
            lines.append(f"{number} {label} {length} {changed} {path[start:]}")
    return "\n".join(lines)


def trace_of(files: str, recipe: Recipe) -> str:
    """A digest that stays where the folder is moved or copied: of a manifest without its place and its times."""
    lines = [line.split(" ", 4) for line in files.splitlines()[1:]]
    bare = "\n".join(" ".join(words[:3] + words[4:]) for words in lines)
    return hashlib.sha256(f"{recipe.resize} {recipe.channels}\n{bare}".encode(errors="surrogateescape")).hexdigest()[
        :16
    ]


def decoded(contents: FolderContents, reader: Reader, files: str) -> list[Split]:
    """Each part of a folder in memory: from the copy that is kept, or decoded, and kept where that took long.

    Args:   files, their manifest.
    Raises: Problem E607, E610.
    """
    told = f"{reader} {PIL.__version__}\n{files}".encode(errors="surrogateescape")
    place = cache_folder() / f"{hashlib.sha256(told).hexdigest()[:32]}.safetensors"
    kept = _read(place, len(contents.parts))
    if kept is not None:
        return kept
    started = perf_counter()
    parts = decode(contents, reader)
    if perf_counter() - started > WORTH_KEEPING:
        _keep(place, parts)
    return parts


def cache_folder() -> Path:
    """Where the copies are."""
    return default_data_dir().parent / "decoded"


def _read(place: Path, count: int) -> list[Split] | None:
    """The parts in a copy, None where there is none that can be used."""
    if not place.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="pt") as file:
            expected = (file.metadata() or {}).get(CHECKSUM)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        parts = [Split(tensors[f"images{number}"], tensors[f"labels{number}"]) for number in range(count)]
        if expected == f"{checksum(tensors):08x}":
            place.touch()  # the copies that were not used for longest go first
            return parts
    except (SafetensorError, OSError, KeyError, RuntimeError, ValueError):
        pass
    with suppress(OSError):
        place.unlink()
    return None


def _keep(place: Path, parts: list[Split]) -> None:
    """Write a copy. A cache that cannot be written costs time and nothing else."""
    from safetensors.torch import save_file

    tensors = {f"images{number}": part.images for number, part in enumerate(parts)}
    tensors |= {f"labels{number}": part.labels for number, part in enumerate(parts)}
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
