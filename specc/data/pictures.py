"""Picture files decoded, once, into one uint8 tensor."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from specc.data.dataset import Dataset, Split
from specc.data.folder import FolderContents, Listing
from specc.data.memory import require_memory
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREY_MODES = frozenset(("1", "L", "LA", "I", "I;16", "F"))
NAMED_AT_MOST = 5


class Form(NamedTuple):
    """What every decoded picture looks like: `L` or `RGB`, and its size in pixels."""

    mode: str
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1 if self.mode == "L" else 3, self.height, self.width)


class _ColourFound(Exception):
    """A picture in colour among grey ones: all of them have to be RGB."""


def decode_folder(name: str, contents: FolderContents, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """The folder's pictures as a data set; RGB unless all are grey.

    Args:   size: height and width to scale each picture to as it is read; None where all have one size.
            channels: 1 or 3 to decode as grey or RGB, None as they are.
    Raises: Problem E607 for damaged pictures, E610 for different sizes, E611 where they do not fit in memory.
    """
    form = _form(contents, size, channels)
    try:
        return _decoded(name, contents, form, size, fixed=channels is not None)
    except _ColourFound:
        return _decoded(name, contents, form._replace(mode="RGB"), size, fixed=True)


def _decoded(name: str, contents: FolderContents, form: Form, size: tuple[int, int] | None, fixed: bool) -> Dataset:
    count = len(contents.train.paths) + len(contents.test.paths)
    require_memory(count, form.shape)
    train, test = (_decode(part, form, size, fixed) for part in (contents.train, contents.test))
    return Dataset(name, contents.classes, train, test)


def _form(contents: FolderContents, size: tuple[int, int] | None, channels: int | None) -> Form:
    """The first readable picture's form; that others agree shows when they are decoded."""
    for path in contents.train.paths:
        try:
            with Image.open(path) as picture:
                height, width = size or (picture.height, picture.width)
                grey = picture.mode in GREY_MODES if channels is None else channels == 1
                return Form("L" if grey else "RGB", height, width)
        except OSError:
            continue  # reported with the others when all are decoded
    raise _damaged(contents.train.paths, len(contents.train.paths))


def _decode(listing: Listing, form: Form, size: tuple[int, int] | None, fixed: bool) -> Split:
    import numpy as np
    import torch

    channels, height, width = form.shape
    pixels = np.empty((len(listing.paths), height, width, channels), dtype=np.uint8)
    damaged = []
    for path, place in zip(listing.paths, pixels, strict=True):
        try:
            place[:] = _read(path, form, size, fixed)
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
            damaged.append(path)
    if damaged:
        raise _damaged(damaged, len(listing.paths))
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return Split(images, torch.tensor(listing.labels))


def _read(path: str, form: Form, size: tuple[int, int] | None, fixed: bool) -> NDArray[np.uint8]:
    import numpy as np

    with warnings.catch_warnings(), Image.open(path) as picture:
        warnings.simplefilter("ignore")  # odd metadata in a picture that can be read
        if not fixed and form.mode == "L" and picture.mode not in GREY_MODES:
            raise _ColourFound
        if size is None and (picture.height, picture.width) != (form.height, form.width):
            raise _other_size(path, picture.height, picture.width, form)
        plain = _eight_bits(picture).convert(form.mode)
        if size is not None:
            plain = plain.resize((form.width, form.height), Image.Resampling.BILINEAR)
        return np.asarray(plain).reshape(form.height, form.width, -1)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow cuts 16-bit grey levels off at 255; they are scaled here."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda level: level / 256).convert("L")


def _damaged(paths: list[str], count: int) -> Problem:
    more = (f"and {len(paths) - NAMED_AT_MOST} more",) if len(paths) > NAMED_AT_MOST else ()
    return Problem.of(
        "E607",
        f"{len(paths):,} of {count:,} pictures cannot be read; the first is {paths[0]}",
        help="remove or replace them",
        notes=(*paths[1:NAMED_AT_MOST], *more),
    )


def _other_size(path: str, height: int, width: int, form: Form) -> Problem:
    return Problem.of(
        "E610",
        f"the pictures have different sizes: {path} is {height}x{width} (height x width), "
        f"the first one {form.height}x{form.width}",
        help="`--resize 32` scales all of them to 32x32 as they are read",
    )
