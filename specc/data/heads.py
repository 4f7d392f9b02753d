"""What the heads of a folder's pictures say of it: sizes, kinds, and which cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from specc.data.folder import FolderContents
from specc.data.layout import TEST, TRAINING, VALIDATION
from specc.data.picture_file import Head, Unreadable, eight_bits, head_of, opened, quiet
from specc.data.pictures import Fault
from specc.data.survey import Size, Survey

CHUNK = 256  # pictures that a thread looks at, at a time
DECODED_AT_MOST = 100_000  # pictures, where some heads are damaged, to count those that are damaged further on, too


def survey_of_folder(root: Path, contents: FolderContents) -> Survey:
    """What the heads of a folder's pictures say."""
    paths = [path for part in contents.parts for path in part.paths]
    sizes: dict[tuple[int, int], Size] = {}
    kinds: dict[str, int] = {}
    faults: list[Fault] = []
    grey = True
    for path, found in zip(paths, _heads(paths), strict=True):
        if isinstance(found, Unreadable):
            faults.append(Fault(path, found.reason, found.way))
            continue
        size = sizes.get(found[:2]) or Size(*found[:2], 0, path)
        sizes[found[:2]] = size._replace(pictures=size.pictures + 1)
        kinds[found.mode] = kinds.get(found.mode, 0) + 1
        grey &= found.is_grey
    if faults and len(paths) <= DECODED_AT_MOST:
        faults = _all_faults(paths)
    splits = zip((TRAINING, TEST, VALIDATION), (len(part.paths) for part in contents.parts), strict=False)
    return Survey(
        root.resolve().name, contents.classes, {name: count for name, count in splits if count}, None,
        tuple(sorted(sizes.values(), key=lambda size: -size.pictures)),
        tuple(sorted(kinds.items(), key=lambda kind: -kind[1])), grey, tuple(faults),
        contents.passed_over, contents.notes,
    )  # fmt: skip


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
