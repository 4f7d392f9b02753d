"""What a data set is made of: digests of its content, by which a run that goes on tells whether it is still the same.

Where the pictures lie, what the files are called and when they were written does not count; which pictures there are,
of which classes, and in which order does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.dataset import Split

PARTS = ("training", "test", "validation")
HEXADECIMAL = 32  # digits of a digest that are kept: 128 bits
ROWS = 256  # samples that are copied and hashed at a time

Digest = Annotated[str, Field(max_length=HEXADECIMAL)]
Count = Annotated[int, Field(ge=0, le=2**53)]


class PartIdentity(BaseModel):
    """A part of a data set: of each class the number of samples and their digest, and the digest of all labels."""

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
        for place, name in enumerate(self.classes):
            there = places.get(name)
            if there is None:
                continue
            if before.counts[place] != now.counts[there]:
                pictures = counted(now.counts[there], f"{part} picture")
                yield f"`{name}` has {pictures}, where it had {before.counts[place]:,}"
            elif before.digests[place] != now.digests[there]:
                yield f"{part} pictures of `{name}` have changed"


def _differing_names(what: str, before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{what} `{name}` is gone" for name in before if name not in set(now))
    yield from (f"{what} `{name}` is new" for name in now if name not in set(before))


def identity_of_tensors(classes: tuple[str, ...], splits: Iterable[Split | None]) -> DataIdentity:
    """The identity of training, test and validation samples in memory."""
    parts = {part: split for part, split in zip(PARTS, splits, strict=False) if split is not None}
    return _identity(classes, {part: (split.labels.numpy(), _of_samples(split)) for part, split in parts.items()})


def _of_samples(split: Split) -> Callable[[NDArray[np.int64]], str]:
    images = split.images.numpy()
    kind = f"{images.dtype.name} {images.shape[1:]}".encode()

    def digest(indices: NDArray[np.int64]) -> str:
        found = hashlib.sha256(kind)
        for start in range(0, len(indices), ROWS):
            found.update(images[indices[start : start + ROWS]].data)
        return _shortened(found)

    return digest


def identity_of_files(
    classes: tuple[str, ...], parts: Iterable[tuple[NDArray[np.int64], NDArray[np.uint8]]]
) -> DataIdentity:
    """The identity of pictures in files.

    Args: parts, the labels of each one, and the digest of each one's file, (files, 32).
    """

    def of_files(digests: NDArray[np.uint8]) -> Callable[[NDArray[np.int64]], str]:
        return lambda indices: _shortened(hashlib.sha256(digests[indices].data))

    named = zip(PARTS, parts, strict=False)
    return _identity(classes, {part: (labels, of_files(digests)) for part, (labels, digests) in named})


def _identity(
    classes: tuple[str, ...], parts: Mapping[str, tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], str]]]
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


def _by_class(labels: NDArray[np.int64], classes: int) -> list[NDArray[np.int64]]:
    """Where the samples of each class are, in their order."""
    import numpy as np

    ends = np.cumsum(np.bincount(labels, minlength=classes))
    return np.split(np.argsort(labels, kind="stable"), ends[:-1])


def _shortened(found: hashlib._Hash) -> str:
    return found.hexdigest()[:HEXADECIMAL]
