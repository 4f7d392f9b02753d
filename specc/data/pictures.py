"""Picture files as arrays of bytes: one at a time, or a whole folder decoded once into one tensor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, NamedTuple

from PIL import Image

from specc.data.folder import FolderContents, Listing
from specc.data.picture_file import DIGEST_SIZE, Unreadable, content_of, digest_of, eight_bits, opened, quiet
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NAMED_AT_MOST = 5
CHUNK = 256  # pictures that a thread decodes at a time


class OtherSize(Problem):
    """A picture of another size than its reader's, in pixels: E610."""

    def __init__(self, path: str, height: int, width: int, reader: Reader) -> None:
        wanted = f"{reader.height}x{reader.width}"
        found = Problem.of("E610", f"{path} is {height}x{width} (height x width), but the other pictures are {wanted}",
            help=f"`--resize {wanted}` scales all of them as they are read")  # fmt: skip
        super().__init__(found.diagnostic)
        self.height, self.width = height, width


class Reader(NamedTuple):
    """How a picture file is read, and what comes of every one.

    mode:   `L` or `RGB`. height, width: in pixels.
    scaled: whether pictures are scaled to that size; else they must have it.
    """

    mode: str
    height: int
    width: int
    scaled: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (1 if self.mode == "L" else 3, self.height, self.width)

    def read(self, name: str, content: IO[bytes] | None = None) -> NDArray[np.uint8]:
        """A picture, (height, width, channels).

        Args:   name: of its file; content: the file's bytes, where they have been read already.
        Raises: Unreadable, OtherSize.
        """
        import numpy as np

        with opened(name, content) as picture:
            # A large JPEG decodes several times faster at a half or a quarter; twice the wanted size stays.
            plain = eight_bits(picture, self.mode, (2 * self.height, 2 * self.width) if self.scaled else None)
        if self.scaled:
            plain = plain.resize((self.width, self.height), Image.Resampling.BILINEAR)
        elif plain.size != (self.width, self.height):
            raise OtherSize(name, plain.height, plain.width, self)
        return np.frombuffer(plain.tobytes(), np.uint8).reshape(self.height, self.width, -1)


class Fault(NamedTuple):
    """A picture that cannot be read; reason and way as those of `Unreadable`."""

    path: str
    reason: str
    way: str


class Decoded(NamedTuple):
    """A part of a folder.

    images:  uint8, (samples, channels, height, width); None where they were looked at and not kept.
    digests: of each file's bytes, uint8, (samples, 32).
    """

    images: Tensor | None
    digests: Tensor


def decode(contents: FolderContents, reader: Reader, *, keep: bool) -> list[Decoded]:
    """Each part of a folder, every picture decoded, by as many threads as there are cores.

    Args:   keep, whether the pictures stay in memory; else they are read to find what is wrong with them.
    Raises: Problem E607 for damaged pictures, E610 for different sizes.
    """
    found = [_decode_part(part, reader, keep) for part in contents.parts]
    faults = [fault for _, some in found for fault in some]
    if faults:
        raise damaged(faults, sum(len(part.paths) for part in contents.parts))
    return [decoded for decoded, _ in found]


def _decode_part(listing: Listing, reader: Reader, keep: bool) -> tuple[Decoded, list[Fault]]:
    import numpy as np
    import torch

    channels, height, width = reader.shape
    count = len(listing.paths)
    images = torch.empty(count, channels, height, width, dtype=torch.uint8) if keep else None
    places = None if images is None else np.moveaxis(images.numpy(), 1, 3)
    digests = torch.empty(count, DIGEST_SIZE, dtype=torch.uint8)

    def decode_chunk(start: int) -> list[Fault]:
        faults = []
        for index in range(start, min(start + CHUNK, count)):
            path = listing.paths[index]
            try:
                with content_of(path) as content:
                    digests.numpy()[index] = np.frombuffer(digest_of(content), np.uint8)
                    pixels = reader.read(path, content)
            except Unreadable as error:
                faults.append(Fault(path, error.reason, error.way))
            else:
                if places is not None:
                    places[index] = pixels
        return faults

    with quiet(), ThreadPoolExecutor(os.cpu_count()) as threads:
        faults = [fault for chunk in threads.map(decode_chunk, range(0, count, CHUNK)) for fault in chunk]
    return Decoded(images, digests), faults


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
