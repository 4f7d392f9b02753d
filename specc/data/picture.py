"""One picture file: opened safely, turned upright, its levels of brightness as bytes; or why it cannot be read.

Whatever looks into a picture does so through here, so that it means the same to training, `predict` and `data info`.
Opened is what the installed Pillow decodes by itself, told by a file's first bytes: what is in a file need not be what
its name says, so a format that is not to be opened is opened under no name.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, lru_cache
from io import BytesIO
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, NamedTuple

from PIL import Image, ImageFile, UnidentifiedImageError

from specc import files
from specc.data.frame import Box, Placement, placement
from specc.diagnostics.diagnostic import Problem
from specc.recipe.samples import Fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# EPS hands the file to Ghostscript, which is a programming language; IPTC opens whatever lies inside, in any format;
# of MPEG there is nothing but the size.
NEVER = frozenset(("EPS", "IPTC", "MPEG"))
# What people keep pictures in, too; whichever of these this Pillow decodes are endings like any other.
FURTHER = frozenset((
    ".arw", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".exr", ".hdr", ".heic", ".heif", ".hif", ".jp2", ".jpg2", ".jxl",
    ".jxr", ".nef", ".orf", ".qoi", ".raf", ".raw", ".rw2", ".svg", ".svgz", ".webp", ".wmf",
))  # fmt: skip
PREFIX = 16  # bytes by which Pillow tells a format

# What Pillow raises for content that is not as it should be.
UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, RuntimeError, MemoryError,
    struct.error, Image.DecompressionBombError,
)  # fmt: skip

MOST_PIXELS = 1 << 28  # that are decoded of one picture: as RGB they take a gigabyte
ALONE = 1 << 25  # pixels from which one picture is decoded at a time
DIGEST_SIZE = 32  # bytes
AT_ONCE = 1 << 26  # bytes up to which a file is read in one go
HEAD = 1 << 16  # and where only its head is wanted

ORIENTATION = 0x0112  # EXIF's tag: how the stored picture has to be turned
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
TURNING = frozenset(("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"))  # where Pillow looks for it
ACROSS = frozenset((5, 6, 7, 8))  # those that make height of width

CONVERT = "save pictures of other kinds as 8-bit or 16-bit PNG"
SHRINK = "`--resize 224` reads a large JPEG at an eighth of its size; save other large pictures smaller"

_one_at_a_time = threading.Lock()


class UnreadablePicture(Exception):
    """A picture file that cannot be read.

    reason: goes on from the file's name, as in `is empty`. way: how to make it readable; empty for what is damaged.
    """

    def __init__(self, reason: str, way: str = "") -> None:
        super().__init__(reason)
        self.reason, self.way = reason, way


class Head(NamedTuple):
    """What a picture's first bytes say: its size as it is shown, in pixels; Pillow's name for its kind."""

    height: int
    width: int
    mode: str
    is_grey: bool


def head_of(path: str, content: IO[bytes]) -> Head:
    """A picture's head, without its pixels; the content is closed. Raises: Unreadable."""
    with content, opened(path, content) as picture:
        return Head(*size_of(picture), picture.mode, is_grey(picture))


@contextmanager
def opened(name: str, content: IO[bytes] | None = None) -> Iterator[Image.Image]:
    """A picture whose head has been read; what goes wrong with it inside the block is explained, too.

    Args:   name: of the file; content: its bytes, where they have been read already.
    Raises: Unreadable.
    """
    with content_of(name) if content is None else nullcontext(content) as file:
        try:
            with _open(file, formats_of(name)) as picture:
                _require_known_levels(picture)
                yield picture
        except UNREADABLE as error:
            raise _explained(error, file) from error


def content_of(path: str, at_once: int = AT_ONCE) -> IO[bytes]:
    """A regular file's bytes; those of a small one, of so many, are read now. Raises: Unreadable."""
    try:
        file = files.open_regular(path)
        size = os.fstat(file.fileno()).st_size
        if size > at_once:
            return file
        with file:
            content = file.read(size)  # no more: a buffer of what is asked for is made first
    except OSError as error:
        raise UnreadablePicture(absence(path, error)) from error
    if not content:
        raise UnreadablePicture("is empty")
    return BytesIO(content)


def digest_of(content: IO[bytes]) -> bytes:
    """SHA-256 of a file's bytes; the content is at its beginning before and after."""
    found = hashlib.file_digest(content, "sha256").digest()  # type: ignore[arg-type] # what it asks for, files have
    content.seek(0)
    return found


def absence(path: str, error: OSError) -> str:
    """Why a file cannot be opened, as the end of a sentence about it."""
    if isinstance(error, PermissionError):
        return "is not readable by this user"
    if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114 - a Path for each of a million is slow
        return "is a link that leads nowhere"
    return (
        "is not there" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).removeprefix("it ")
    )


def _open(file: IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    """Pillow's open, for pictures larger than it takes by itself too: how many pixels are decoded is limited here."""
    try:
        return Image.open(file, formats=formats)
    except Image.DecompressionBombError:
        with _one_at_a_time, _unlimited():
            return Image.open(file, formats=formats)


@contextmanager
def _unlimited() -> Iterator[None]:
    """Pillow without its limit, which it looks up in a global; `_one_at_a_time` is held meanwhile."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings of odd metadata in pictures that can be read; to be entered around threads, not in them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def size_of(picture: Image.Image) -> tuple[int, int]:
    """Height and width as the picture is shown, in pixels."""
    width, height = picture.size
    return (width, height) if orientation_of(picture) in ACROSS else (height, width)


def is_grey(picture: Image.Image) -> bool:
    """Whether the picture has one channel, of any depth. A palette counts as colour."""
    return picture.mode in ("1", "L", "LA", "La") or picture.mode.startswith("I")


def eight_bits(picture: Image.Image, mode: str, at_least: tuple[int, int] | None = None) -> Image.Image:
    """The whole picture, upright, in mode `L` or `RGB`: 0 is black, 255 full brightness.

    Args:   at_least: height and width that are enough: a larger JPEG is decoded at a half, a quarter or an eighth.
    Raises: Unreadable.
    """
    orientation = orientation_of(picture)
    if at_least:
        height, width = at_least
        picture.draft(mode, (height, width) if orientation in ACROSS else (width, height))
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        raise UnreadablePicture(
            f"has {picture.width:,} x {picture.height:,} pixels; at most {MOST_PIXELS:,} are decoded",
            SHRINK,
        )
    if pixels < ALONE:
        plain = _levels(picture, mode)
    else:
        with _one_at_a_time, _unlimited():
            plain = _levels(picture, mode)
    return plain.transpose(TURNS[orientation]) if orientation in TURNS else plain


def orientation_of(picture: Image.Image) -> int:
    """EXIF's number, 1 for a picture that stands upright. Pillow turns TIFF itself, its size with it."""
    if picture.format == "TIFF" or TURNING.isdisjoint(picture.info):
        return 1
    with suppress(*UNREADABLE):
        # Not PNG's own method, which decodes the whole picture to look behind it.
        found = Image.Image.getexif(picture).get(ORIENTATION, 1)
        return found if isinstance(found, int) else 1
    return 1


def _require_known_levels(picture: Image.Image) -> None:
    """Raise Unreadable where nothing says which number is full brightness."""
    if picture.mode == "F":
        raise UnreadablePicture("holds floating-point levels, and nothing says how bright they are", CONVERT)
    if picture.mode == "I" and picture.format != "PPM":  # Pillow spreads those over 16 bits
        raise UnreadablePicture("holds signed or 32-bit levels, and nothing says how bright they are", CONVERT)


def _levels(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode.startswith("I"):
        picture = _upper_byte(picture)
    if picture.mode == mode:
        picture.load()
        return picture
    try:
        return picture.convert(mode)
    except ValueError:
        picture.load()  # where its content is what is wrong
        raise UnreadablePicture(f"has colours of a kind that cannot be read, {picture.mode}", CONVERT) from None


def _upper_byte(picture: Image.Image) -> Image.Image:
    """16-bit grey in any order of its bytes, and the 12 bits of some TIFFs: the highest eight. Pillow would cut off."""
    import numpy as np

    tags = getattr(picture, "tag_v2", {})
    bits = 12 if tags.get(258) == (12,) else 16
    levels = (np.asarray(picture) >> (bits - 8)).astype(np.uint8)
    # Pillow undoes "white is zero" for fewer bits only.
    return Image.fromarray(~levels if tags.get(262) == 0 else levels)


def _explained(error: Exception, file: IO[bytes]) -> UnreadablePicture:
    if isinstance(error, MemoryError):
        return UnreadablePicture("needs more memory than there is", SHRINK)
    if isinstance(error, UnidentifiedImageError):
        file.seek(0)
        if looks_like_picture(file.read(16)):
            return UnreadablePicture("begins like a picture but is cut off, damaged or of an unusual kind")
        return UnreadablePicture("is not a picture, or is in a format that cannot be read")
    cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return UnreadablePicture("is cut off" if cut else "is damaged")


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
    scaled: whether pictures are scaled to that size; else they must have it. fit: how those of other proportions are.
    """

    mode: str
    height: int
    width: int
    scaled: bool
    fit: Fit = "stretch"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (1 if self.mode == "L" else 3, self.height, self.width)

    def placed(self, size: tuple[int, int], cut: Callable[[tuple[int, int]], Box] | None = None) -> Placement:
        """Where a picture of a height and width goes. Args: cut, gives the part of it that is taken."""
        frame = (self.height, self.width)
        if cut is None:
            return placement(size, frame, self.fit)
        return Placement(size, cut(size), (0, 0, *frame), frame)

    def read(
        self, name: str, content: IO[bytes] | None = None, cut: Callable[[tuple[int, int]], Box] | None = None
    ) -> NDArray[np.uint8]:
        """A picture, (height, width, channels).

        Args:   name: of its file; content: the file's bytes, where they have been read already; cut: as `placed` takes.
        Raises: Unreadable, OtherSize.
        """
        with opened(name, content) as picture:
            return self.taken(picture, name, cut)

    def taken(
        self, picture: Image.Image, name: str, cut: Callable[[tuple[int, int]], Box] | None = None
    ) -> NDArray[np.uint8]:
        """The same of a picture that is open already. Raises: Unreadable, OtherSize."""
        import numpy as np

        placed = self.placed(size_of(picture), cut) if self.scaled else None
        plain = eight_bits(picture, self.mode, placed and placed.enough)
        if placed is not None:
            plain = placed.drawn(plain, Image.Resampling.BILINEAR)
        elif plain.size != (self.width, self.height):
            raise OtherSize(name, plain.height, plain.width, self)
        return np.frombuffer(plain.tobytes(), np.uint8).reshape(self.height, self.width, -1)


@cache
def _by_ending() -> dict[str, str]:
    """The format that each ending stands for."""
    Image.init()
    return {ending: _opener(name) for ending, name in Image.registered_extensions().items() if _is_decoded(name)}


def _opener(name: str) -> str:
    """MPO, which Pillow saves, opens as the JPEG that it begins with."""
    return "JPEG" if name == "MPO" else name


def _is_decoded(name: str) -> bool:
    """Whether Pillow turns the format into pixels without another program or a handler that it lacks."""
    found = Image.OPEN.get(_opener(name))
    if found is None or name in NEVER:
        return False
    return not (isinstance(found[0], type) and issubclass(found[0], ImageFile.StubImageFile))


def endings() -> frozenset[str]:
    """What the names of pictures end in, in lower case, with the dot."""
    return frozenset(_by_ending())


def unread_ending(name: str) -> str:
    """What a file's name ends in where that is a picture's, and one that is not opened; else empty."""
    ending = PurePath(name).suffix.lower()
    return ending if ending in FURTHER and ending not in _by_ending() else ""


@cache
def _signed() -> tuple[str, ...]:
    """The formats whose files begin with a signature, the commonest first."""
    common = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
    named = dict.fromkeys((*common, *sorted(set(_by_ending().values()))))
    return tuple(name for name in named if name in Image.OPEN and Image.OPEN[name][1] is not None)


def formats_of(name: str) -> tuple[str, ...]:
    """The formats that a file may have: any that has a signature; one without is believed under its own ending only.

    Any text would be a picture to somebody otherwise.
    """
    return _formats_under(os.path.splitext(name)[1].lower())  # noqa: PTH122 - a Path for each of a million is slow


@lru_cache(1000)
def _formats_under(ending: str) -> tuple[str, ...]:
    own = _by_ending().get(ending)
    return _signed() if own is None or own in _signed() else (*_signed(), own)


def looks_like_picture(start: bytes) -> bool:
    """Whether a file's first bytes are those of a common picture, whatever it is called."""
    return any(_accepts(name, start) for name in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "JPEG2000"))


def _accepts(name: str, start: bytes) -> bool:
    accept = Image.OPEN[name][1] if name in _signed() else None
    return accept is not None and accept(start[:PREFIX]) is True
