"""What a run keeps of its data: digests of their content, by which a run that goes on tells whether they are still the
same, and in its weights what the samples were like, enough to use the network where they are not.

Where the samples lie, what the files are called and when they were written does not count; which samples there are,
of which classes, and in which order does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specc.diagnostics.spelling import counted
from specc.tasks.task import Kind, Targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.batches import Scaling
    from specc.data.sources import Samples

HEXADECIMAL = 32  # digits of a digest that are kept: 128 bits
ROWS = 256  # samples that are copied and hashed at a time

Digest = Annotated[str, Field(max_length=HEXADECIMAL)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Size = Annotated[int, Field(ge=1, le=2**31)]
MOST_NUMBERS = 3 * 16384**2  # in a sample: a colour picture of the largest size that a recipe scales to
Positive = Annotated[float, Field(gt=0)]


class PartIdentity(BaseModel):
    """A part of a data set: of each class the number of samples and their digest, and the digest of all labels.

    Where a sample has not one class, all of them are counted together, and `order` is the digest of all targets.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    counts: tuple[Count, ...]
    digests: tuple[Digest, ...]
    order: Digest


class DataIdentity(BaseModel):
    """A data set: the names of its classes, and its parts by name, before any of it is scaled or held out."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    classes: tuple[str, ...] = ()
    parts: dict[str, PartIdentity] = {}

    @property
    def digest(self) -> str:
        """All of it in one line."""
        return _shortened(hashlib.sha256(self.model_dump_json().encode()))

    def changes_to(self, other: DataIdentity) -> tuple[str, ...]:
        """What is different in another one, a sentence each, the most telling first; none where they are the same."""
        found = [
            *self.changes_of_classes(other.classes),
            *_differing_names("the part", tuple(self.parts), tuple(other.parts)),
        ]
        for part in self.parts:
            if part in other.parts:
                found += self._changed_classes(other, part)
        if not found and self != other:
            found = ["the pictures come in a different order"]
        return tuple(found)

    def changes_of_classes(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the classes are gone, and which are new."""
        return tuple(_differing_names("the class", self.classes, classes))

    def _changed_classes(self, other: DataIdentity, part: str) -> Iterator[str]:
        before, now = self.parts[part], other.parts[part]
        places = {name: place for place, name in enumerate(other.classes)}
        if len(before.counts) != len(self.classes) or len(now.counts) != len(other.classes):
            yield from _changed_as_one(part, before, now)
            return
        for place, name in enumerate(self.classes):
            there = places.get(name)
            if there is None:
                continue
            if before.counts[place] != now.counts[there]:
                pictures = counted(now.counts[there], f"{part} picture")
                yield f"`{name}` has {pictures}, where it had {before.counts[place]:,}"
            elif before.digests[place] != now.digests[there]:
                yield f"{part} pictures of `{name}` have changed"


def _changed_as_one(part: str, before: PartIdentity, now: PartIdentity) -> Iterator[str]:
    """What is different in a part whose samples have not one class each."""
    if sum(before.counts) != sum(now.counts):
        yield f"there are {counted(sum(now.counts), f'{part} sample')}, where there were {sum(before.counts):,}"
    elif before.digests != now.digests:
        yield f"{part} samples have changed"
    elif before.order != now.order:
        yield f"what is to be found for the {part} samples has changed"


def _differing_names(what: str, before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{what} `{name}` is gone" for name in before if name not in set(now))
    yield from (f"{what} `{name}` is new" for name in now if name not in set(before))


def identity_of_arrays(
    classes: tuple[str, ...], parts: Mapping[str, tuple[Samples, NDArray[np.generic]]]
) -> DataIdentity:
    """The identity of samples in memory. Args: parts, samples and targets of each."""
    return _identity(classes, {name: (targets, _of_samples(samples)) for name, (samples, targets) in parts.items()})


def _of_samples(samples: Samples) -> Callable[[NDArray[np.int64]], str]:
    kind = f"{samples.dtype.name} {samples.shape[1:]}".encode()

    def digest(indices: NDArray[np.int64]) -> str:
        found = hashlib.sha256(kind)
        for start in range(0, len(indices), ROWS):
            found.update(samples[indices[start : start + ROWS]].data)
        return _shortened(found)

    return digest


def identity_of_files(
    classes: tuple[str, ...], parts: Mapping[str, tuple[NDArray[np.uint8], NDArray[np.generic]]]
) -> DataIdentity:
    """The identity of pictures in files. Args: parts, the digest of each one's file, (files, 32), and the targets."""

    def of_files(digests: NDArray[np.uint8]) -> Callable[[NDArray[np.int64]], str]:
        return lambda indices: _shortened(hashlib.sha256(digests[indices].data))

    return _identity(classes, {name: (targets, of_files(digests)) for name, (digests, targets) in parts.items()})


def _identity(
    classes: tuple[str, ...],
    parts: Mapping[str, tuple[NDArray[np.generic], Callable[[NDArray[np.int64]], str]]],
) -> DataIdentity:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = {}
        for part, (labels, digest) in parts.items():
            indices = _by_class(labels, len(classes))
            found[part] = PartIdentity(
                counts=tuple(map(len, indices)),
                digests=tuple(threads.map(digest, indices)),
                order=_shortened(hashlib.sha256(labels.data)),
            )
    return DataIdentity(classes=classes, parts=found)


def _by_class(labels: NDArray[np.generic], classes: int) -> list[NDArray[np.int64]]:
    """Where the samples of each class are, in their order; all of them where they have not one class each."""
    import numpy as np

    if labels.ndim != 1 or labels.dtype != np.int64:
        return [np.arange(len(labels))]
    ends = np.cumsum(np.bincount(labels, minlength=classes))
    return np.split(np.argsort(labels, kind="stable"), ends[:-1])


def _shortened(found: hashlib._Hash) -> str:
    return found.hexdigest()[:HEXADECIMAL]


class DataDescription(BaseModel):
    """A data set without its pictures.

    sample:    shape of one picture as the network gets it, channels first.
    mean, deviation: of each channel, as fractions of full brightness; None where the recipe does not normalise.
    target:    what there is to be found for each, see `Survey.target`; target_mean, target_deviation: of each number.
    brightness: mean level of the pictures, 0 to 1; None where they are none, or were not looked at all together.
    proportions: the smallest and the largest width over height that pictures in files had before they were scaled.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    name: str
    classes: tuple[str, ...]
    sample: Annotated[tuple[Size, ...], Field(min_length=1, max_length=4)]
    mean: tuple[float, ...] | None = None
    deviation: tuple[Positive, ...] | None = None
    target: Kind = "class"
    target_mean: tuple[float, ...] | None = None
    target_deviation: tuple[Positive, ...] | None = None
    brightness: Annotated[float, Field(ge=0, le=1)] | None = None
    proportions: tuple[Positive, Positive] | None = None

    @property
    def targets(self) -> Targets:
        """What is known of the samples besides themselves."""
        return Targets(self.name, self.classes, self.target, mean=self.target_mean, deviation=self.target_deviation)

    def scaling(self) -> Scaling | None:
        """What training shifted and scaled each channel by, as `Batches` takes it."""
        if self.mean is None or self.deviation is None:
            return None
        from specc.data.batches import given_scaling

        return given_scaling(self.mean, self.deviation, self.sample)

    @property
    def is_sound(self) -> bool:
        """Whether a sample can be made, and there is a mean and a deviation for each channel, or none at all."""
        return prod(self.sample) <= MOST_NUMBERS and all(
            part is None or len(part) in (1, self.sample[0]) for part in (self.mean, self.deviation)
        )


def read_description(text: str) -> DataDescription | None:
    """The description in a text that may have been written by anybody; None where it is none."""
    try:
        found = DataDescription.model_validate_json(text)
    except (ValidationError, RecursionError):
        return None
    return found if found.is_sound else None
