"""A folder's decoded pictures, kept in the user's cache so that the next run need not decode them again.

A copy's own bytes have a checksum. One that is damaged is made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter

from specc.data import kept
from specc.data.checksum import checksum
from specc.data.folder import FolderContents
from specc.data.pictures import Decoded, Reader, decode
from specc.diagnostics.spelling import counted

MANY = 10_000  # pictures that take so long to read that it is said
CHECKSUM = "specc-checksum"


def decoded(
    contents: FolderContents, files: kept.Manifest, reader: Reader, *, keep: bool, say: Callable[[str], None]
) -> list[Decoded]:
    """Each part of a folder, decoded: out of the copy that is kept, or now, and kept where that took long.

    Args:   files, the manifest of the contents. keep, whether the pictures are wanted in memory; else they are looked
            at, and their digests stay. say, is told of a look that takes long.
    Raises: Problem E607, E610.
    """
    place = files.place(f"{reader} {keep}", ".safetensors")
    found = _read(place, len(contents.parts), keep)
    if found is not None:
        return found
    count = sum(len(part.paths) for part in contents.parts)
    if not keep and count >= MANY:
        say(f"reads {counted(count, 'picture')} once before training, to find damaged ones")
    started = perf_counter()
    parts = decode(contents, reader, keep=keep)
    if files.is_worth(perf_counter() - started):
        _keep(place, parts)
    return parts


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
        if not kept.make_room(size):
            return
        try:
            save_file(tensors, beside, metadata={CHECKSUM: f"{checksum(tensors):08x}"})
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
