"""Picture files as arrays of bytes: one at a time, or a whole folder decoded once into one tensor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, NamedTuple

from PIL import Image

from specc.data.dataset import Split
from specc.data.folder import FolderContents, Listing
from specc.data.picture_file import Unreadable, eight_bits, head_of, is_grey, opened, quiet
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMED_AT_MOST = 5
CHUNK = 256  # pictures that a thread decodes at a time


class ColourFound(Exception):
    """A picture in colour among grey ones: all of them have to be RGB."""


class OtherSize(Problem):
    """A picture of another size than its reader's, in pixels: E610."""

    def __init__(self, path: str, height: int, width: int, reader: Reader) -> None:
        found = Problem.of(
            "E610",
            f"the pictures have different sizes: {path} is {height}x{width} (height x width), "
            f"the first one {reader.height}x{reader.width}",
            help="`--resize 32` scales all of them to 32x32 as they are read",
        )
        super().__init__(found.diagnostic)
        self.height, self.width = height, width


class Reader(NamedTuple):
    """How a picture file is read, and what comes of every one.

    mode:   `L` or `RGB`. height, width: in pixels.
    scaled: whether pictures are scaled to that size; else they must have it.
    fixed:  whether the mode holds for pictures of any kind; else one in colour among grey ones is `ColourFound`.
    """

    mode: str
    height: int
    width: int
    scaled: bool
    fixed: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (1 if self.mode == "L" else 3, self.height, self.width)

    def read(self, name: str, content: IO[bytes] | None = None) -> NDArray[np.uint8]:
        """A picture, (height, width, channels).

        Args:   name: of its file; content: the file's bytes, where they have been read already.
        Raises: ColourFound, Unreadable, OtherSize.
        """
        import numpy as np

        with opened(name, content) as picture:
            if not self.fixed and self.mode == "L" and not is_grey(picture):
                raise ColourFound
            # A large JPEG decodes several times faster at a half or a quarter; twice the wanted size stays.
            plain = eight_bits(picture, self.mode, (2 * self.height, 2 * self.width) if self.scaled else None)
        if self.scaled:
            plain = plain.resize((self.width, self.height), Image.Resampling.BILINEAR)
        elif plain.size != (self.width, self.height):
            raise OtherSize(name, plain.height, plain.width, self)
        return np.asarray(plain).reshape(self.height, self.width, -1)


class Fault(NamedTuple):
    """A picture that cannot be read; reason and way as those of `Unreadable`."""

    path: str
    reason: str
    way: str


def reader_of(contents: FolderContents, size: tuple[int, int] | None, channels: int | None) -> Reader:
    """How to read a folder's pictures: grey where the first one is, else RGB; of the first one's size.

    That the others agree shows when they are read.

    Args:   size: height and width to scale each picture to; None where all have one size.
            channels: 1 or 3 to read all as grey or as RGB, None as they are.
    Raises: Problem E607 where none can be read.
    """
    faults = []
    with quiet():
        for path in contents.train.paths:
            try:
                head = head_of(path)
            except Unreadable as error:
                faults.append(Fault(path, error.reason, error.way))
                continue  # reported with the others when all are read
            height, width = size or (head.height, head.width)
            grey = head.is_grey if channels is None else channels == 1
            return Reader("L" if grey else "RGB", height, width, size is not None, fixed=channels is not None)
    raise damaged(faults, len(contents.train.paths))


def seen_through(reader: Reader, contents: FolderContents) -> Reader:
    """The reader, its mode settled by a look at the head of each file, until one in colour is found."""
    if reader.mode == "L" and not reader.fixed:
        paths = (path for part in contents.parts for path in part.paths)
        with quiet():
            colour = any(_is_colour(path) for path in paths)
        if colour:
            reader = reader._replace(mode="RGB")
    return reader._replace(fixed=True)


def _is_colour(path: str) -> bool:
    try:
        return not head_of(path).is_grey
    except Unreadable:
        return False  # reported when it is read


def decode(contents: FolderContents, reader: Reader) -> list[Split]:
    """Each part of a folder in memory, decoded by as many threads as there are cores.

    Raises: Problem E607 for damaged pictures, E610 for different sizes.
    """
    try:
        return _decode_parts(contents.parts, reader)
    except ColourFound:
        return _decode_parts(contents.parts, reader._replace(mode="RGB", fixed=True))


def _decode_parts(parts: tuple[Listing, ...], reader: Reader) -> list[Split]:
    decoded = [_decode_part(part, reader) for part in parts]
    faults = [fault for _, some in decoded for fault in some]
    if faults:
        raise damaged(faults, sum(len(part.paths) for part in parts))
    return [split for split, _ in decoded]


def _decode_part(listing: Listing, reader: Reader) -> tuple[Split, list[Fault]]:
    import numpy as np
    import torch

    channels, height, width = reader.shape
    count = len(listing.paths)
    images = torch.empty(count, channels, height, width, dtype=torch.uint8)
    places = np.moveaxis(images.numpy(), 1, 3)

    def decode_chunk(start: int) -> list[Fault]:
        faults = []
        for index in range(start, min(start + CHUNK, count)):
            path = listing.paths[index]
            try:
                places[index] = reader.read(path)
            except Unreadable as error:
                faults.append(Fault(path, error.reason, error.way))
        return faults

    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        faults = [fault for chunk in threads.map(decode_chunk, range(0, count, CHUNK)) for fault in chunk]
    return Split(images, torch.tensor(listing.labels)), faults


def damaged(faults: Sequence[Fault], count: int) -> Problem:
    """The problem that some of so many pictures cannot be read."""
    first, *others = faults
    more = (f"and {len(faults) - NAMED_AT_MOST:,} more",) if len(faults) > NAMED_AT_MOST else ()
    return Problem.of(
        "E607",
        f"{len(faults):,} of {counted(count, 'picture')} cannot be read; the first is {first.path}: it {first.reason}",
        help="\n".join(dict.fromkeys(fault.way or "remove or replace what is damaged" for fault in faults)),
        notes=(*(f"{fault.path} {fault.reason}" for fault in others[: NAMED_AT_MOST - 1]), *more),
    )
