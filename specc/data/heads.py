"""What some pictures are, by their heads; and which of them cannot be read. What took long to find is kept.

Each function is given `content`: what gives a picture's bytes, those of a small one at once.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import IO, Any, NamedTuple, TypeAlias

from specc import files
from specc.data.kept import Manifest, make_room
from specc.data.picture import AT_ONCE, HEAD, Head, UnreadablePicture, eight_bits, head_of, opened, quiet
from specc.data.survey import Fault

Content: TypeAlias = Callable[[str, int], IO[bytes]]

CHUNK = 256  # pictures that a thread looks at, at a time
DECODED_AT_MOST = 100_000  # pictures, where some heads are damaged, to count those that are damaged further on, too


class Seen(NamedTuple):
    """What all heads of some files say together, the pictures by their places among them.

    sizes: height, width, how many have it, and the first one that does. kinds: how many there are of each.
    """

    sizes: tuple[tuple[int, int, int, int], ...]
    kinds: tuple[tuple[str, int], ...]
    is_grey: bool


def seen_of(paths: list[str], content: Content, manifest: Manifest) -> tuple[Seen, tuple[Fault, ...]]:
    """What the heads say, and which pictures cannot be read."""
    place = manifest.place("heads", ".json")
    seen = _kept(place, len(paths))
    if seen is not None:
        return seen, ()
    started = perf_counter()
    seen, faults = _look(paths, content)
    if not faults and manifest.is_worth(perf_counter() - started):
        keep_json(place, seen)
    return seen, tuple(faults)


def _look(paths: list[str], content: Content) -> tuple[Seen, list[Fault]]:
    sizes: Counter[tuple[int, int]] = Counter()
    firsts: dict[tuple[int, int], int] = {}
    kinds: Counter[str] = Counter()
    faults: list[Fault] = []
    grey = True
    for place, (path, found) in enumerate(zip(paths, _heads(paths, content), strict=True)):
        if isinstance(found, UnreadablePicture):
            faults.append(Fault(path, found.reason, found.way))
            continue
        sizes[found[:2]] += 1
        firsts.setdefault(found[:2], place)
        kinds[found.mode] += 1
        grey &= found.is_grey
    if faults and len(paths) <= DECODED_AT_MOST:
        faults = faults_of(paths, partial(fault_of, content=content))
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


def keep_json(place: Path, found: object) -> None:
    """A cache that cannot be written costs time and nothing else."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(found).encode()
        if make_room(len(content)):
            files.write(place, content)


def _heads(paths: list[str], content: Content) -> Iterator[Head | UnreadablePicture]:
    """The head of each file, or why it cannot be read, in order."""
    chunks = (paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK))
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        for heads in threads.map(partial(_heads_of, content=content), chunks):
            yield from heads


def _heads_of(paths: Iterable[str], content: Content) -> list[Head | UnreadablePicture]:
    return [_head_or_fault(path, content) for path in paths]


def _head_or_fault(path: str, content: Content) -> Head | UnreadablePicture:
    try:
        return head_of(path, content(path, HEAD))
    except UnreadablePicture as fault:
        return fault


def faults_of(pictures: Sequence[Any], fault: Callable[[Any], Fault | None]) -> list[Fault]:
    """The pictures that cannot be read as a whole, which their heads do not tell."""
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        return [found for found in threads.map(fault, pictures) if found]


def fault_of(path: str, content: Content) -> Fault | None:
    """Why a picture cannot be read as a whole."""
    try:
        with content(path, AT_ONCE) as file, opened(path, file) as picture:
            eight_bits(picture, "L", (1, 1))  # as small as it may get: every byte is read all the same
    except UnreadablePicture as error:
        return Fault(path, error.reason, error.way)
    return None
