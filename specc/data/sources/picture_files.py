"""Sources whose samples are picture files: surveyed by their heads, all decoded once, and taken by their places."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from specc import files
from specc.data.frame import Box, RandomCut
from specc.data.heads import fault_of, faults_of, keep_json, seen_of
from specc.data.kept import Manifest, keep_arrays, kept_arrays, manifest_of
from specc.data.picture import (
    AT_ONCE,
    DIGEST_SIZE,
    Reader,
    UnreadablePicture,
    content_of,
    digest_of,
    quiet,
)
from specc.data.sources import DataSource, path_of
from specc.data.survey import TRAINING, Fault, PassedOver, Shape, Size, Survey, damaged, held_out, sampled
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.recipe.samples import Fit
from specc.tasks.task import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specc.data.sources import Indices

CHUNK = 256  # pictures that a thread looks at, at a time
KEPT = ("images", "digests", "masks")  # what a kept copy calls the parts of `Looked`
MANY = 10_000  # pictures that take so long to read that it is said


class Listing(NamedTuple):
    """Pictures by path, with what is to be found for each: the place of its class, numbers, the path of its mask."""

    paths: list[str]
    labels: list[Any]

    def pick(self, indices: Iterable[int]) -> Listing:
        chosen = list(indices)
        return Listing([self.paths[index] for index in chosen], [self.labels[index] for index in chosen])

    def parted(self, labels: Sequence[int] | None = None) -> dict[str, Listing]:
        """Four fifths to train on and a fifth to test on, each class in proportion.

        Args: labels, in place of its own.
        """
        places = held_out(self.labels if labels is None else labels)
        return {part: self.pick(some) for part, some in places.items()}

    def without(self, damaged: Collection[str], *, masks: bool) -> Listing:
        """Those that are not damaged, and whose masks are not. Args: damaged, paths; masks, whether there are any."""
        return self.pick(
            number for number, path in enumerate(self.paths)
            if path not in damaged and not (masks and self.labels[number] in damaged)
        )  # fmt: skip

    def at_most(self, count: int | None) -> Listing:
        """So many pictures out of all, the same ones always."""
        chosen = sampled(len(self.paths), count)
        return self if chosen is None else self.pick(chosen)


def in_order(classes: Collection[str]) -> tuple[str, ...]:
    """The names of classes, in order: whole numbers by their size."""
    if all(name.isascii() and name.isdigit() and len(name) < 19 for name in classes):
        return tuple(sorted(classes, key=lambda name: (int(name), name)))
    return tuple(sorted(classes))


class Contents(NamedTuple):
    """What a folder or a table holds.

    notes: what was decided that its owner did not say. passed_over: what looks like pictures and is not taken.
    left_out: pictures that cannot be read, and are in no part.
    """

    classes: tuple[str, ...]
    parts: dict[str, Listing]
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    target: Kind = "class"
    left_out: tuple[Fault, ...] = ()


def _lost(found: Contents, kept: dict[str, Listing]) -> list[str]:
    """The parts, or else the classes that are trained on, of which no picture is kept."""
    parts = [f"the {name} part" for name, part in found.parts.items() if part.paths and not kept[name].paths]
    if parts or found.target != "class" or TRAINING not in kept:
        return parts
    gone = set(found.parts[TRAINING].labels) - set(kept[TRAINING].labels)
    return [f"the class `{found.classes[label]}`, which is trained on" for label in sorted(gone)]


class Looked(NamedTuple):
    """A part of which every picture was decoded.

    samples: uint8, (n, channels, height, width); None where they were looked at and not kept.
    digests: of each file's bytes, uint8, (n, 32); with its mask's where it has one.
    masks:   uint8, (n, height, width), where there are masks that are kept.
    """

    samples: NDArray[np.uint8] | None
    digests: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None = None


class Paths(Sequence[str]):
    """Paths in one piece of memory: processes that read through it share it, which they would not share objects."""

    def __init__(self, paths: Iterable[str]) -> None:
        encoded = [os.fsencode(path) for path in paths]
        self._bytes = b"".join(encoded)
        self._ends = list(accumulate(map(len, encoded), initial=0))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:  # type: ignore[override] # no slices: nobody asks for them
        return os.fsdecode(self._bytes[self._ends[index] : self._ends[index + 1]])


class PictureFiles(DataSource):
    """A subclass lists the files: `listed`."""

    reader: Reader | None = None

    def listed(self) -> Contents:
        """Which files there are, and of which classes. Raises: Problem E608, E609."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        return path_of(self.request.data).resolve().name

    def content(self, path: str, at_once: int = AT_ONCE) -> IO[bytes]:
        """A picture's bytes; those of a small one, of so many, are read now. Raises: Unreadable."""
        return content_of(path, at_once)

    def manifest(self, found: Contents) -> Manifest:
        """What the system says of the files that pictures are in."""
        parts, masks = found.parts.values(), found.target == "mask"
        return manifest_of([*(part.paths for part in parts), *(part.labels for part in parts if masks)])

    def fault_of(self, picture: tuple[str, Any]) -> Fault | None:
        """Why a picture, a path with what is to be found for it, cannot be used."""
        return fault_of(picture[0], self.content)

    @cached_property
    def contents(self) -> Contents:
        """What is listed, no more of each part than is wanted; without damaged pictures where these are left out.

        Raises: Problem E607 where no picture would be left of a part, or of a class to train on.
        """
        found = self.listed()
        found = found._replace(parts={name: part.at_most(self.request.limit) for name, part in found.parts.items()})
        return self._without_damaged(found) if self.request.skip_damaged else found

    def _without_damaged(self, found: Contents) -> Contents:
        pictures = [pair for part in found.parts.values() for pair in zip(part.paths, part.labels, strict=True)]
        manifest = self.manifest(found)
        place, started = manifest.place(f"damaged {self.variant_of_masks}", ".json"), perf_counter()
        faults = _kept_faults(place)
        if faults is None:
            faults = faults_of(pictures, self.fault_of)
            if manifest.is_worth(perf_counter() - started):
                keep_json(place, faults)
        damaged_paths = {fault.path for fault in faults}
        kept = {name: part.without(damaged_paths, masks=found.target == "mask") for name, part in found.parts.items()}
        lost = _lost(found, kept)
        if lost:
            raise damaged(faults, len(pictures), skippable=False, lost=lost)
        return found._replace(parts=kept, left_out=tuple(faults))

    @property
    def _skippable(self) -> bool:
        """Whether damaged pictures may be left out: in training, where that was not said already."""
        return self.request.part is None and not self.request.skip_damaged

    @property
    def variant_of_masks(self) -> str:
        """What else than its file decides whether a mask can be used."""
        return ""

    @cached_property
    def _manifest(self) -> Manifest:
        return self.manifest(self.contents)

    @cached_property
    def _paths(self) -> dict[str, Paths]:
        return {name: Paths(part.paths) for name, part in self.contents.parts.items()}

    @cached_property
    def _mask_paths(self) -> dict[str, Paths]:
        return {name: Paths(part.labels) for name, part in self.contents.parts.items()} if self.has_masks else {}

    def survey(self) -> Survey:
        return self._survey

    @cached_property
    def _survey(self) -> Survey:
        found = self.contents
        paths = [path for part in found.parts.values() for path in part.paths]
        seen, faults = seen_of(paths, self.content, self._manifest)
        return Survey(
            self.name, found.classes, {name: len(part.paths) for name, part in found.parts.items() if part.paths},
            None, tuple(Size(height, width, count, paths[first]) for height, width, count, first in seen.sizes),
            seen.kinds, seen.is_grey, faults, found.passed_over, found.notes, target=found.target,
            left_out=found.left_out, skippable=self._skippable,
        )  # fmt: skip

    def read_as(self, shape: Shape, *, scaled: bool, fit: Fit = "stretch") -> Self:
        """The same, every picture read as this shape, to which those of another size are scaled, or refused."""
        channels, height, width = shape
        other = copy.copy(self)
        other.reader = Reader("L" if channels == 1 else "RGB", height, width, scaled, fit)
        return other

    @property
    def cuts(self) -> bool:
        return self.reader is not None and self.reader.scaled

    @cached_property
    def targets(self) -> dict[str, NDArray[Any]]:
        """What is to be found for each picture of each part; of masks nothing, which have to be read."""
        import numpy as np

        kinds: dict[Kind, type[Any]] = {"class": np.int64, "none": np.int64}
        if self.has_masks:
            return {}
        kind = kinds.get(self.contents.target, np.float32)
        return {name: np.array(part.labels, kind) for name, part in self.contents.parts.items()}

    @property
    def variant(self) -> str:
        """What else than files and reader decides what is made of them."""
        return ""

    @property
    def has_masks(self) -> bool:
        return self.contents.target == "mask"

    def read_mask(
        self, path: str, cut: Callable[[tuple[int, int]], Box] | None = None
    ) -> tuple[bytes, NDArray[np.uint8]]:
        """The digest of a mask's file, and the class of each pixel at the size of the samples.

        Args: cut, gives the part that is taken of one of a height and width. Raises: Unreadable.
        """
        raise NotImplementedError

    def take(self, part: str, indices: Indices, cut: RandomCut | None = None) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        import numpy as np

        assert self.reader is not None  # noqa: S101 - it was said how they are read
        paths, masks = self._paths[part], self._mask_paths.get(part)
        wanted = np.arange(len(paths))[indices]
        samples = np.empty((len(wanted), *self.reader.shape), np.uint8)
        read = np.empty((len(wanted), *self.reader.shape[1:]), np.uint8) if masks else None
        with quiet():
            for number, index in enumerate(wanted.tolist()):
                path, part_of = paths[index], cut and partial(cut.box, index)
                try:
                    samples[number] = np.moveaxis(self.reader.read(path, self.content(path), part_of), 2, 0)
                    if masks is not None and read is not None:
                        path = masks[index]
                        _, read[number] = self.read_mask(path, part_of)
                except UnreadablePicture as error:
                    raise _gone(path, error.reason) from error
        return samples, self.targets[part][wanted] if read is None else read

    def look(self, *, keep: bool, say: Callable[[str], None]) -> dict[str, Looked]:
        """Every picture decoded: out of the copy that is kept, or now, and kept where that took long.

        Args:   keep, whether they are wanted in memory; else they are looked at, and their digests stay. say, is told
                of a look that takes long.
        Raises: Problem E607 for damaged pictures, E610 for different sizes.
        """
        parts = self.contents.parts
        place = self._manifest.place(f"{self.reader} {keep}{self.variant}", ".safetensors")
        found = kept_arrays(place)
        if found is not None and self._is_of(found, keep=keep):
            return {
                name: Looked(found.get(f"images{number}"), found[f"digests{number}"], found.get(f"masks{number}"))
                for number, name in enumerate(parts)
            }
        count = sum(len(part.paths) for part in parts.values())
        if not keep and count >= MANY:
            say(f"reads {counted(count, 'picture')} once before training, to find damaged ones")
        started = perf_counter()
        looked = self.decode(keep=keep)
        if self._manifest.is_worth(perf_counter() - started):
            named = ((f"{kind}{number}", array) for number, one in enumerate(looked.values())
                for kind, array in zip(KEPT, one, strict=True))  # fmt: skip
            keep_arrays(place, {name: array for name, array in named if array is not None})
        return looked

    def decode(self, *, keep: bool) -> dict[str, Looked]:
        """As `look`, by as many threads as there are cores."""
        assert self.reader is not None  # noqa: S101 - it was said how they are read
        parts = self.contents.parts
        found = {name: self._decode(part, keep) for name, part in parts.items()}
        faults = [fault for _, some in found.values() for fault in some]
        if faults:
            raise damaged(faults, sum(len(part.paths) for part in parts.values()), skippable=self._skippable)
        return {name: looked for name, (looked, _) in found.items()}

    def _is_of(self, found: dict[str, NDArray[np.uint8]], *, keep: bool) -> bool:
        """Whether a copy has what is wanted of each part."""
        kinds = ["digests", *(["images"] if keep else []), *(["masks"] if keep and self.has_masks else [])]
        return all(
            f"{kind}{number}" in found and len(found[f"{kind}{number}"]) == len(part.paths)
            for number, part in enumerate(self.contents.parts.values())
            for kind in kinds
        )

    def _decode(self, part: Listing, keep: bool) -> tuple[Looked, list[Fault]]:
        import numpy as np

        assert self.reader is not None  # noqa: S101 - it was said how they are read
        reader, count = self.reader, len(part.paths)
        samples = np.empty((count, *reader.shape), np.uint8) if keep else None
        masks = np.empty((count, *reader.shape[1:]), np.uint8) if keep and self.has_masks else None
        places = None if samples is None else np.moveaxis(samples, 1, 3)
        digests = np.empty((count, DIGEST_SIZE), np.uint8)

        def decode_one(index: int, path: str) -> None:
            with self.content(path) as content:
                digest = digest_of(content)
                pixels = reader.read(path, content)
            if places is not None:
                places[index] = pixels
            if self.has_masks:
                own, mask = self.read_mask(part.labels[index])
                digest = sha256(digest + own).digest()
                if masks is not None:
                    masks[index] = mask
            digests[index] = np.frombuffer(digest, np.uint8)

        def decode_chunk(start: int) -> list[Fault]:
            faults = []
            for index in range(start, min(start + CHUNK, count)):
                path = part.paths[index]
                try:
                    decode_one(index, path)
                except UnreadablePicture as error:
                    faults.append(Fault(path, error.reason, error.way))
            return faults

        with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
            faults = [fault for chunk in threads.map(decode_chunk, range(0, count, CHUNK)) for fault in chunk]
        return Looked(samples, digests, masks), faults


def _kept_faults(place: Path) -> list[Fault] | None:
    """What was kept of damaged pictures; None where nothing was, or nothing that can be right."""
    with suppress(OSError, ValueError, TypeError):
        return [Fault(str(path), str(reason), str(way)) for path, reason, way in files.read_json(place)]
    return None


def _gone(path: str, reason: str) -> Problem:
    """The problem with a file that was sound when all of them were looked at."""
    return Problem.of("E607", f"{path} can no longer be read: it {reason}",
        help="put it back as it was; `specc train --resume` then goes on with the run")  # fmt: skip
