"""What the heads of a folder's pictures say of it: sizes, kinds, and which cannot be read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from specc import files
from specc.data.folder import FolderContents
from specc.data.kept import make_room, manifest_of
from specc.data.layout import TEST, TRAINING, VALIDATION
from specc.data.picture_file import Head, Unreadable, eight_bits, head_of, opened, quiet
from specc.data.pictures import Fault
from specc.data.survey import Size, Survey, Surveyed

CHUNK = 256  # pictures that a thread looks at, at a time
DECODED_AT_MOST = 100_000  # pictures, where some heads are damaged, to count those that are damaged further on, too


class Seen(NamedTuple):
    """What all heads of some files say together, the pictures by their places among them.

    sizes: height, width, how many have it, and the first one that does. kinds: how many there are of each.
    """

    sizes: tuple[tuple[int, int, int, int], ...]
    kinds: tuple[tuple[str, int], ...]
    is_grey: bool


def survey_of_folder(root: Path, contents: FolderContents) -> Surveyed:
    """What the heads of a folder's pictures say. What took long to find is kept for the next time."""
    paths = [path for part in contents.parts for path in part.paths]
    manifest = manifest_of(contents)
    place = manifest.place("heads", ".json")
    faults: list[Fault] = []
    seen = _kept(place, len(paths))
    if seen is None:
        started = perf_counter()
        seen, faults = _look(paths)
        if not faults and manifest.is_worth(perf_counter() - started):
            _keep(place, seen)
    splits = zip((TRAINING, TEST, VALIDATION), (len(part.paths) for part in contents.parts), strict=False)
    found = Survey(
        root.resolve().name, contents.classes, {name: count for name, count in splits if count}, None,
        tuple(Size(height, width, count, paths[first]) for height, width, count, first in seen.sizes),
        seen.kinds, seen.is_grey, tuple(faults), contents.passed_over, contents.notes,
    )  # fmt: skip
    return Surveyed(found, contents, manifest)


def _look(paths: list[str]) -> tuple[Seen, list[Fault]]:
    """What the heads say, and which pictures cannot be read."""
    sizes: Counter[tuple[int, int]] = Counter()
    firsts: dict[tuple[int, int], int] = {}
    kinds: Counter[str] = Counter()
    faults: list[Fault] = []
    grey = True
    for place, (path, found) in enumerate(zip(paths, _heads(paths), strict=True)):
        if isinstance(found, Unreadable):
            faults.append(Fault(path, found.reason, found.way))
            continue
        sizes[found[:2]] += 1
        firsts.setdefault(found[:2], place)
        kinds[found.mode] += 1
        grey &= found.is_grey
    if faults and len(paths) <= DECODED_AT_MOST:
        faults = _all_faults(paths)
    counts = tuple((*size, count, firsts[size]) for size, count in sizes.most_common())
    return Seen(counts, tuple(kinds.most_common()), grey), faults


def _kept(place: Path, count: int) -> Seen | None:
    """What was kept of so many files; None where nothing was, or nothing that can be right."""
    try:
        sizes, kinds, grey = files.read_json(place)
        seen = Seen(
            tuple((int(height), int(width), int(number), int(first)) for height, width, number, first in sizes),
            tuple((str(kind), int(number)) for kind, number in kinds), bool(grey),
        )  # fmt: skip
        sound = all(0 <= first < count for *_, first in seen.sizes)
        if sound and count == sum(size[2] for size in seen.sizes) == sum(number for _, number in seen.kinds):
            place.touch()  # what was not used for longest goes first
            return seen
    except (OSError, ValueError, TypeError):
        pass
    return None


def _keep(place: Path, seen: Seen) -> None:
    """A cache that cannot be written costs time and nothing else."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(seen).encode()
        if make_room(len(content)):
            files.write(place, content)


def _heads(paths: list[str]) -> Iterator[Head | Unreadable]:
    """The head of each file, or why it cannot be read, in order."""
    chunks = (paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK))
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        for heads in threads.map(_heads_of, chunks):
            yield from heads


def _heads_of(paths: Iterable[str]) -> list[Head | Unreadable]:
    return [_head_or_fault(path) for path in paths]


def _head_or_fault(path: str) -> Head | Unreadable:
    try:
        return head_of(path)
    except Unreadable as fault:
        return fault


def _all_faults(paths: list[str]) -> list[Fault]:
    """The pictures that cannot be read as a whole, which their heads do not tell."""
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        return [fault for fault in threads.map(_fault, paths) if fault]


def _fault(path: str) -> Fault | None:
    try:
        with opened(path) as picture:
            eight_bits(picture, "L", (1, 1))  # as small as it may get: every byte is read all the same
    except Unreadable as error:
        return Fault(path, error.reason, error.way)
    return None
