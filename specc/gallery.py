"""The gallery: the specs that travel with specc, listed and read without importing torch.

A spec is named by its folder and file, `classics/vgg16`; where only one folder has it, `vgg16` will do. In the wheel
the folder lies inside the package, in a source checkout beside it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from specc.source import Source

PREFIX = "gallery:"
SUFFIX = ".cnn"

_PARAMETERS = r"([0-9][0-9,]*) parameters"
_TAGS = r"parameters? \[([a-z ]+)\]"
_KINDS = {1: "vectors", 2: "signals", 3: "pictures", 4: "volumes"}  # of input, by the numbers in its shape
_INPUT = r"(?m)^input +(\S+)"


class NotInGallery(FileNotFoundError):
    """A name that no spec of the gallery has, or that several have; help says what to write instead."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class GalleryEntry(NamedTuple):
    """A spec of the gallery.

    name:       folder and file without its ending, `classics/vgg16`.
    title:      the first line of its header.
    input:      the shape of one sample as it is written, `3x224x224`.
    parameters: the count that its header gives.
    text:       the whole file.
    tags:       what it is for, as its header says behind that count; its folder; and what it takes.
    """

    name: str
    title: str
    input: str
    parameters: int
    text: str
    tags: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        return Source(PREFIX + self.name, self.text)

    @property
    def file_name(self) -> str:
        """How a copy is called."""
        return self.name.rpartition("/")[2] + SUFFIX


def folder() -> Path:
    """Where the specs lie: inside the installed package, or beside it in a source checkout."""
    package = Path(__file__).parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


@cache
def names() -> tuple[str, ...]:
    """Every spec's name; those without a folder come first, then folder by folder, numbers in their order."""
    root = folder()
    found = [path.relative_to(root).with_suffix("").as_posix() for path in root.rglob(f"*{SUFFIX}")]
    return tuple(sorted(found, key=lambda name: ("/" in name, _by_number(name))))


def entries() -> list[GalleryEntry]:
    """The whole gallery, in the order of `names`."""
    return [_read(name) for name in names()]


def entry(name: str) -> GalleryEntry:
    """One spec, by `classics/vgg16`, `vgg16` or either with `gallery:` before it. Raises: NotInGallery."""
    wanted = name.removeprefix(PREFIX).removesuffix(SUFFIX)
    if wanted in names():
        return _read(wanted)
    matches = [known for known in names() if known.rpartition("/")[2] == wanted]
    if len(matches) == 1:
        return _read(matches[0])
    if matches:
        meant = " or ".join(f"`{match}`" for match in matches)
        raise NotInGallery(f"the gallery has {len(matches)} specs called `{wanted}`", f"write {meant}")
    raise NotInGallery(f"there is no spec `{wanted}` in the gallery", _similar(wanted))


def _similar(wanted: str) -> str:
    from specc.diagnostics.spelling import nearest

    short = {name.rpartition("/")[2]: name for name in reversed(names())}
    guess = short.get(wanted.rpartition("/")[2]) or nearest(wanted, [*names(), *short])
    return f"did you mean `{guess}`?" if guess else "`specc specs` lists them all"


def _read(name: str) -> GalleryEntry:
    text = (folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    header = [line for line in text.split("\n\n", 1)[0].splitlines() if line.startswith("#")]
    count, shape = re.search(_PARAMETERS, "\n".join(header)), re.search(_INPUT, text)
    parameters = int(count[1].replace(",", "")) if count else 0
    title, written = header[0].lstrip("# ") if header else name, shape[1] if shape else ""
    return GalleryEntry(name, title, written, parameters, text, _tags(name, "\n".join(header), written))


def _tags(name: str, header: str, shape: str) -> tuple[str, ...]:
    said = re.search(_TAGS, header)
    kind = _KINDS.get(len(shape.split("x")), "")
    return tuple(tag for tag in (*(said[1].split() if said else ()), kind, name.rpartition("/")[0]) if tag)


def _by_number(name: str) -> list[tuple[int, str]]:
    """A sorting key in which resnet50 comes before resnet101."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"([0-9]+)", name)]
