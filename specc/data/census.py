"""What is in a data set: pictures of each class, their sizes, mean and deviation, duplicates, damaged files."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.data.catalogue import Entry
from specc.data.dataset import Dataset, Split, load_named
from specc.data.download import Report, silent
from specc.data.folder import FolderContents, list_folder
from specc.data.picture_file import Unreadable, content_of, digest_of, eight_bits, is_grey, opened, quiet, size_of
from specc.data.pictures import Fault
from specc.data.walk import PassedOver

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = ("training", "test", "validation")
LEVELS = 256
CHUNK = 4096


class Duplicate(NamedTuple):
    """A picture of another part that is in the training part too, byte for byte: by path, or by number."""

    part: str
    picture: str
    training: str


class Census(NamedTuple):
    """A data set, counted.

    place:      its folder; None where it has none of its own.
    counts:     for each part the number of pictures of each class, as `classes`.
    sizes:      (height, width) of how many pictures, as many numbers as a signal or a volume has. kinds: grey or
                colour, signal, volume, or as Pillow names the mode.
    mean, deviation: of each channel of the training pictures, as fractions of full brightness.
    repeated:   training pictures that are there before. shared: pictures of other parts that are trained on.
    classes_apart: repeated or shared ones whose copy has another class.
    damaged:    pictures that cannot be read. notes: how a part was made.
    passed_over: what looks like pictures and is not counted.
    """

    name: str
    place: str | None
    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    sizes: dict[tuple[int, ...], int]
    kinds: dict[str, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    repeated: int
    shared: tuple[Duplicate, ...]
    classes_apart: int
    damaged: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


class _Seen(NamedTuple):
    """A picture: what tells it from others, its place for a person, its class, its part."""

    digest: bytes
    picture: str
    label: int
    part: str


def census_of_named(entry: Entry, data_dir: Path, report: Report = silent) -> Census:
    """Count a named data set. Raises: Problem E602 to E604, E619."""
    dataset = load_named(entry, data_dir, report)
    parts = {part: split for part, split in zip(PARTS, dataset[2:5], strict=True) if isinstance(split, Split)}
    size = dataset.sample[1:] or dataset.sample
    kinds = {1: "vector", 2: "signal", 3: "grey" if dataset.sample[0] == 1 else "colour"}
    count = sum(len(split.labels) for split in parts.values())
    mean, deviation = _moments(_histogram(parts["training"]))
    return Census(
        entry.name, str(data_dir), dataset.classes,
        {part: _counted(split.labels.tolist(), dataset) for part, split in parts.items()},
        {size: count}, {kinds.get(len(dataset.sample), "volume"): count},
        mean, deviation, *_duplicates(_seen_in_memory(parts)),
    )  # fmt: skip


def _counted(labels: Iterable[int], data: Dataset | FolderContents) -> tuple[int, ...]:
    found = Counter(labels)
    return tuple(found[label] for label in range(len(data.classes)))


def _histogram(split: Split) -> NDArray[np.int64]:
    """How many values there are of each level in each channel: (channels, 256)."""
    import torch

    images = split.images.unsqueeze(1) if split.images.dim() == 2 else split.images
    channels = images.shape[1]
    total = torch.zeros(channels, LEVELS, dtype=torch.int64)
    for start in range(0, len(split.images), CHUNK):
        for channel in range(channels):
            values = images[start : start + CHUNK, channel].flatten()
            total[channel] += torch.bincount(values, minlength=LEVELS)
    return total.numpy()


def _moments(histogram: NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel."""
    means, deviations = [], []
    for levels in histogram.tolist():
        count = sum(levels) or 1
        mean = sum(level * many for level, many in enumerate(levels)) / count
        square = sum(level * level * many for level, many in enumerate(levels)) / count
        means.append(mean / (LEVELS - 1))
        deviations.append(sqrt(max(0.0, square - mean * mean)) / (LEVELS - 1))
    return tuple(means), tuple(deviations)


def _seen_in_memory(parts: dict[str, Split]) -> Iterable[_Seen]:
    for part, split in parts.items():
        pictures = split.images.numpy()
        for index, (picture, label) in enumerate(zip(pictures, split.labels.tolist(), strict=True)):
            yield _Seen(_digest(picture.tobytes()), f"{part} picture {index}", label, part)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _duplicates(seen: Iterable[_Seen]) -> tuple[int, tuple[Duplicate, ...], int]:
    """How many training pictures are repeated, which others are trained on, and how many have another class there."""
    first: dict[bytes, _Seen] = {}
    shared: list[Duplicate] = []
    repeated = apart = 0
    for one in seen:
        before = first.setdefault(one.digest, one) if one.part == PARTS[0] else first.get(one.digest)
        if before is None or before is one:
            continue
        apart += before.label != one.label
        if one.part == PARTS[0]:
            repeated += 1
        else:
            shared.append(Duplicate(one.part, one.picture, before.picture))
    return repeated, tuple(shared), apart


class _Looked(NamedTuple):
    """What one file says."""

    digest: bytes
    size: tuple[int, int]
    mode: str
    is_grey: bool
    levels: list[int]


def census_of_folder(root: Path, report: Callable[[int, int], None] = lambda done, count: None) -> Census:
    """Count a folder of pictures, whatever their sizes; damaged files are listed.

    Args:   report, is told how many files of how many are done.
    Raises: Problem E608, E609.
    """
    import numpy as np

    found = list_folder(root)
    files = [
        (part, path, label)
        for part, listing in zip(PARTS, found.parts, strict=False)
        for path, label in zip(listing.paths, listing.labels, strict=True)
    ]
    sizes: Counter[tuple[int, ...]] = Counter()
    kinds: Counter[str] = Counter()
    histogram = np.zeros((3, LEVELS), np.int64)
    seen, damaged = [], []
    grey = True
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        looked = threads.map(_look, [path for _, path, _ in files])
        for done, ((part, path, label), one) in enumerate(zip(files, looked, strict=True), 1):
            report(done, len(files))
            if isinstance(one, Fault):
                damaged.append(one)
                continue
            sizes[one.size] += 1
            kinds[one.mode] += 1
            grey &= one.is_grey
            seen.append(_Seen(one.digest, path, label, part))
            if part == PARTS[0]:
                histogram += np.array(one.levels, np.int64).reshape(3, LEVELS)
    mean, deviation = _moments(histogram[:1] if grey else histogram)
    return Census(
        root.resolve().name, str(root), found.classes,
        {part: _counted(listing.labels, found) for part, listing in zip(PARTS, found.parts, strict=False)},
        dict(sizes.most_common()), dict(kinds.most_common()), mean, deviation, *_duplicates(seen), tuple(damaged),
        found.notes, found.passed_over,
    )  # fmt: skip


def _look(path: str) -> _Looked | Fault:
    try:
        with content_of(path) as content:
            digest = digest_of(content)
            with opened(path, content) as picture:
                size, mode, grey = size_of(picture), picture.mode, is_grey(picture)
                return _Looked(digest, size, mode, grey, eight_bits(picture, "RGB").histogram())
    except Unreadable as error:
        return Fault(path, error.reason, error.way)
