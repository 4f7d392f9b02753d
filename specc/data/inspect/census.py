"""What is in a data set: pictures of each class, their sizes, mean and deviation, duplicates, damaged files."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.data.picture import UnreadablePicture, digest_of, eight_bits, is_grey, opened, quiet, size_of
from specc.data.sources import DataSource, path_of
from specc.data.sources.picture_files import PictureFiles
from specc.data.survey import TRAINING, Fault, PassedOver, Survey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.sources import Samples

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


Counting = Callable[[int, int], None]  # is told how many samples of how many are done


def census_of(source: DataSource, counting: Counting = lambda done, count: None) -> Census:
    """Count a data set that was fetched; of pictures in files, whatever their sizes: damaged ones are listed.

    Raises: Problem E608, E609.
    """
    if isinstance(source, PictureFiles):
        return _of_files(source, counting)
    survey = source.survey()
    parts = {part: source.take(part, slice(None)) for part in survey.splits}
    return _of_arrays(source, survey, parts)


def _of_arrays(source: DataSource, survey: Survey, parts: Mapping[str, tuple[Samples, NDArray[Any] | None]]) -> Census:
    sample = survey.sample or ()
    kinds = {1: "vector", 2: "signal", 3: "grey" if sample[0] == 1 else "colour"}
    count = sum(survey.splits.values())
    mean, deviation = _moments_of(parts[TRAINING][0])
    return Census(
        survey.name, str(source.request.data_dir), _rows(survey),
        {part: _counted(targets, len(samples), survey) for part, (samples, targets) in parts.items()},
        {sample[1:] or sample: count}, {kinds.get(len(sample), "volume"): count},
        mean, deviation, *_duplicates(_seen_in_memory(parts)), notes=survey.notes,
    )  # fmt: skip


def _labels(taken: tuple[Samples, NDArray[Any] | None]) -> list[int]:
    """The class of each sample; 0 where it has not one."""
    samples, targets = taken
    return [0] * len(samples) if targets is None or targets.ndim > 1 else targets.astype(int).tolist()


def _rows(survey: Survey) -> tuple[str, ...]:
    """What samples are counted by: their classes, where they have any."""
    names = survey.classes if isinstance(survey.classes, tuple) else ()
    return names if survey.target in ("class", "classes") else ("all samples",)


def _counted(targets: Sequence[Any] | NDArray[Any] | None, count: int, survey: Survey) -> tuple[int, ...]:
    """How many samples of each row there are. Args: count, of all of them."""
    import numpy as np

    if targets is None or survey.target not in ("class", "classes"):
        return (count,)
    if survey.target == "classes":
        return tuple(np.asarray(targets).sum(0).astype(int).tolist())
    found = Counter(np.asarray(targets).tolist())
    return tuple(found[label] for label in range(survey.class_count))


def _moments_of(samples: Samples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel; a vector counts as one."""
    import numpy as np

    values = samples[:, None] if samples.ndim == 2 else samples
    if values.dtype == np.uint8:
        return _moments(_histogram(values))
    axes = (0, *range(2, values.ndim))
    mean, deviation = (np.atleast_1d(of(values, axes, np.float64)).tolist() for of in (np.mean, np.std))
    return tuple(mean), tuple(deviation)


def _histogram(samples: Samples) -> NDArray[np.int64]:
    """How many values there are of each level in each channel: (channels, 256)."""
    import numpy as np

    total = np.zeros((samples.shape[1], LEVELS), np.int64)
    for start in range(0, len(samples), CHUNK):
        for channel in range(len(total)):
            total[channel] += np.bincount(samples[start : start + CHUNK, channel].ravel(), minlength=LEVELS)
    return total


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


def _seen_in_memory(parts: Mapping[str, tuple[Samples, NDArray[Any] | None]]) -> Iterable[_Seen]:
    for part, (samples, targets) in parts.items():
        for index, (sample, label) in enumerate(zip(samples, _labels((samples, targets)), strict=True)):
            yield _Seen(_digest(sample.tobytes()), f"{part} picture {index}", label, part)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _duplicates(seen: Iterable[_Seen]) -> tuple[int, tuple[Duplicate, ...], int]:
    """How many training pictures are repeated, which others are trained on, and how many have another class there."""
    first: dict[bytes, _Seen] = {}
    shared: list[Duplicate] = []
    repeated = apart = 0
    for one in seen:
        before = first.setdefault(one.digest, one) if one.part == TRAINING else first.get(one.digest)
        if before is None or before is one:
            continue
        apart += before.label != one.label
        if one.part == TRAINING:
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


def _of_files(source: PictureFiles, counting: Counting) -> Census:
    import numpy as np

    found, survey = source.contents, source.survey()
    files = [
        (part, path, label)
        for part, listing in found.parts.items()
        for path, label in zip(listing.paths, listing.labels, strict=True)
    ]
    sizes: Counter[tuple[int, ...]] = Counter()
    kinds: Counter[str] = Counter()
    histogram = np.zeros((3, LEVELS), np.int64)
    seen, damaged = [], []
    grey = True
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        looked = threads.map(partial(_look, source), [path for _, path, _ in files])
        for done, ((part, path, label), one) in enumerate(zip(files, looked, strict=True), 1):
            counting(done, len(files))
            if isinstance(one, Fault):
                damaged.append(one)
                continue
            sizes[one.size] += 1
            kinds[one.mode] += 1
            grey &= one.is_grey
            seen.append(_Seen(one.digest, path, label if survey.target == "class" else 0, part))
            if part == TRAINING:
                histogram += np.array(one.levels, np.int64).reshape(3, LEVELS)
    mean, deviation = _moments(histogram[:1] if grey else histogram)
    return Census(
        source.name, str(path_of(source.request.data)), _rows(survey),
        {part: _counted(listing.labels, len(listing.paths), survey) for part, listing in found.parts.items()},
        dict(sizes.most_common()), dict(kinds.most_common()), mean, deviation, *_duplicates(seen), tuple(damaged),
        found.notes, found.passed_over,
    )  # fmt: skip


def _look(source: PictureFiles, path: str) -> _Looked | Fault:
    try:
        with source.content(path) as content:
            digest = digest_of(content)
            with opened(path, content) as picture:
                size, mode, grey = size_of(picture), picture.mode, is_grey(picture)
                return _Looked(digest, size, mode, grey, eight_bits(picture, "RGB").histogram())
    except UnreadablePicture as error:
        return Fault(path, error.reason, error.way)
