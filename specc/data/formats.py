"""The picture formats that are opened: all that the installed Pillow decodes by itself, told by a file's first bytes.

What is in a file need not be what its name says, so a format that is not to be opened is opened under no name.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import PurePath

from PIL import Image, ImageFile

# EPS hands the file to Ghostscript, which is a programming language; IPTC opens whatever lies inside, in any format;
# of MPEG there is nothing but the size.
NEVER = frozenset(("EPS", "IPTC", "MPEG"))
# What people keep pictures in, too; whichever of these this Pillow decodes are endings like any other.
FURTHER = frozenset((
    ".arw", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".exr", ".hdr", ".heic", ".heif", ".hif", ".jp2", ".jpg2", ".jxl",
    ".jxr", ".nef", ".orf", ".qoi", ".raf", ".raw", ".rw2", ".svg", ".svgz", ".webp", ".wmf",
))  # fmt: skip
PREFIX = 16  # bytes by which Pillow tells a format


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
