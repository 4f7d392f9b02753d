"""Picture files as arrays of bytes: one at a time, or a whole folder decoded once into one tensor."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from specc.data.dataset import Split
from specc.data.folder import FolderContents, Listing
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREY_MODES = frozenset(("1", "L", "LA", "I", "I;16", "F"))
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
NAMED_AT_MOST = 5
CHUNK = 256  # pictures that a thread decodes at a time


class ColourFound(Exception):
    """A picture in colour among grey ones: all of them have to be RGB."""


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

    def read(self, path: str) -> NDArray[np.uint8]:
        """A picture, (height, width, channels).

        Raises: ColourFound; one of UNREADABLE for a damaged file; Problem E610 where it has another size.
        """
        import numpy as np

        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")  # odd metadata in a picture that can be read
            if not self.fixed and self.mode == "L" and picture.mode not in GREY_MODES:
                raise ColourFound
            if not self.scaled and (picture.height, picture.width) != (self.height, self.width):
                raise self._other_size(path, picture)
            if self.scaled:
                # A large JPEG decodes several times faster at a half or a quarter; twice the wanted size stays.
                picture.draft(self.mode, (2 * self.width, 2 * self.height))
            plain = _eight_bits(picture).convert(self.mode)
            if self.scaled:
                plain = plain.resize((self.width, self.height), Image.Resampling.BILINEAR)
            return np.asarray(plain).reshape(self.height, self.width, -1)

    def _other_size(self, path: str, picture: Image.Image) -> Problem:
        return Problem.of(
            "E610",
            f"the pictures have different sizes: {path} is {picture.height}x{picture.width} (height x width), "
            f"the first one {self.height}x{self.width}",
            help="`--resize 32` scales all of them to 32x32 as they are read",
        )


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow cuts 16-bit grey levels off at 255; they are scaled here."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda level: level / 256).convert("L")


def reader_of(contents: FolderContents, size: tuple[int, int] | None, channels: int | None) -> Reader:
    """How to read a folder's pictures: grey where the first one is, else RGB; of the first one's size.

    That the others agree shows when they are read.

    Args:   size: height and width to scale each picture to; None where all have one size.
            channels: 1 or 3 to read all as grey or as RGB, None as they are.
    Raises: Problem E607 where none can be read.
    """
    for path in contents.train.paths:
        try:
            with Image.open(path) as picture:
                height, width = size or (picture.height, picture.width)
                grey = picture.mode in GREY_MODES if channels is None else channels == 1
        except UNREADABLE:
            continue  # reported with the others when all are read
        return Reader("L" if grey else "RGB", height, width, size is not None, fixed=channels is not None)
    raise damaged(contents.train.paths, len(contents.train.paths))


def seen_through(reader: Reader, contents: FolderContents) -> Reader:
    """The reader, its mode settled by a look at the head of each file, until one in colour is found."""
    if reader.mode == "L" and not reader.fixed:
        paths = (path for part in contents.parts for path in part.paths)
        if any(_is_colour(path) for path in paths):
            reader = reader._replace(mode="RGB")
    return reader._replace(fixed=True)


def _is_colour(path: str) -> bool:
    try:
        with Image.open(path) as picture:
            return picture.mode not in GREY_MODES
    except UNREADABLE:
        return False  # reported when it is read


def decode(contents: FolderContents, reader: Reader) -> list[Split]:
    """Each part of a folder in memory, decoded by as many threads as there are cores.

    Raises: Problem E607 for damaged pictures, E610 for different sizes.
    """
    try:
        return [_decode_part(part, reader) for part in contents.parts]
    except ColourFound:
        rgb = reader._replace(mode="RGB", fixed=True)
        return [_decode_part(part, rgb) for part in contents.parts]


def _decode_part(listing: Listing, reader: Reader) -> Split:
    import numpy as np
    import torch

    channels, height, width = reader.shape
    count = len(listing.paths)
    images = torch.empty(count, channels, height, width, dtype=torch.uint8)
    places = np.moveaxis(images.numpy(), 1, 3)

    def decode_chunk(start: int) -> list[str]:
        faults = []
        for index in range(start, min(start + CHUNK, count)):
            try:
                places[index] = reader.read(listing.paths[index])
            except UNREADABLE:
                faults.append(listing.paths[index])
        return faults

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        faults = [path for chunk in threads.map(decode_chunk, range(0, count, CHUNK)) for path in chunk]
    if faults:
        raise damaged(faults, count)
    return Split(images, torch.tensor(listing.labels))


def damaged(paths: list[str], count: int) -> Problem:
    """The problem that some of so many pictures cannot be read."""
    more = (f"and {len(paths) - NAMED_AT_MOST} more",) if len(paths) > NAMED_AT_MOST else ()
    return Problem.of(
        "E607",
        f"{len(paths):,} of {counted(count, 'picture')} cannot be read; the first is {paths[0]}",
        help="remove or replace them",
        notes=(*paths[1:NAMED_AT_MOST], *more),
    )
