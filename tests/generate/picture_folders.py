"""Folders of pictures as nobody would make them, or somebody hostile: every change is drawn from a generator, so that a
seed gives the same folder again; and what the commands answer that read such folders."""

from __future__ import annotations

import os
import random
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from generate.answers import Bounds, faults
from specc.data.sources.folder import list_folder
from specc.diagnostics.diagnostic import Problem
from specc.runner.run import train

SPEC = """\
param classes = 2
input 3x8x8
conv 4 k3 -> relu -> flatten -> linear classes
train { epochs 1 ; batch 8 ; resize 8 ; channels 3 }
"""
NAMES = (
    "\x1b[31mred", "two\nlines", "\u202egnp.exe", "::add-mask::x", "a" * 200, "é" * 100, " ", "-rf", "--help", "$HOME",
    "'", '"', "%s", "{}", "CON", "nul.png", "~", "a,b", "#", "*", "\x7f", "\t", "dog ", "\u200bdog", "\U0001f415",
)  # fmt: skip
FOREIGN = ("train", "Test", "valid", "TESTING", "images", "__MACOSX", "@eaDir", ".hidden", "labels", "0", "dog", "DOG")
ENDINGS = (
    ".png",
    ".jpg",
    ".JPEG",
    ".gif",
    ".tga",
    ".webp",
    ".heic",
    ".eps",
    ".svg",
    ".txt",
    "",
    ".tif",
    ".ico",
    ".pcd",
)
SIDES = (0, 1, 7, 65_535, 100_000, 2**31 - 1, 2**32 - 1)
MODES = ("1", "L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "I", "F")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "JPEG2000")


class Finding(NamedTuple):
    """What a command did with a folder, and how that was made."""

    what: str
    command: str
    changes: tuple[str, ...]


def sound(root: Path, generator: random.Random) -> None:
    """Two classes, alone or in two or three parts."""
    for part in generator.choice(([""], ["train", "test"], ["Train", "val", "Test"])):
        for name in ("cat", "dog"):
            for number in range(3):
                path = root / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (generator.randrange(256), 9, 99)).save(path)


def changed(root: Path, generator: random.Random) -> list[str]:
    """Change a folder in one to four ways. Returns: what was done, to read."""
    done = []
    for _ in range(generator.randrange(1, 5)):
        change = generator.choice(CHANGES)
        place = generator.choice(folders_of(root))
        with suppress(
            OSError, ValueError, IndexError
        ):  # an earlier change has left nothing that this one could be made to
            done.append(f"{change.__name__} in {str(place.relative_to(root))!r:.80}: {change(place, generator) or ''}")
    return done


def folders_of(root: Path, depth: int = 3) -> list[Path]:
    """The folder and some of those below it; none that leads deeper than a path may be long."""
    found = [root]
    with suppress(OSError):
        for entry in sorted(os.scandir(root), key=lambda entry: entry.name)[:20]:
            if depth and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("deep"):
                found += folders_of(Path(entry.path), depth - 1)
    return found


def _picture_in(folder: Path, generator: random.Random) -> Path:
    pictures = [path for below in folders_of(folder) for path in sorted(below.glob("*.png"))]
    return generator.choice([path for path in pictures if path.is_file() and not path.is_symlink()])


def odd_name(folder: Path, generator: random.Random) -> str:
    """A picture, or a folder with one, of an odd name; also in bytes that are no text."""
    name = generator.choice((*NAMES, os.fsdecode(b"\xff\xfe"), os.fsdecode(b"caf\xe9")))
    if generator.random() < 0.5:
        Image.new("RGB", (8, 8)).save(folder / f"{name}.png")
    else:
        (folder / name).mkdir()
        for number in range(2):
            Image.new("RGB", (8, 8)).save(folder / name / f"{number}.png")
    return ascii(name)


def renamed(folder: Path, generator: random.Random) -> str:
    """A folder by another's name."""
    name = generator.choice((*FOREIGN, *NAMES))
    folder.rename(folder.with_name(name))
    return ascii(name)


def foreign_folder(folder: Path, generator: random.Random) -> str:
    name = generator.choice(FOREIGN)
    (folder / name).mkdir()
    for number in range(generator.randrange(4)):
        Image.new("L", (8, 8)).save(folder / name / f"{number}.png")
    return name


def link(folder: Path, generator: random.Random) -> str:
    """To a picture, to itself, to a folder above, to a device, to nothing."""
    target = generator.choice((".", "..", "0.png", "x.png", "/dev/zero", "/dev/null", "/dev/tty", "nowhere", "../dog"))
    (folder / generator.choice(("x.png", "link", "x.heic"))).symlink_to(target)
    return target


def pipe(folder: Path, generator: random.Random) -> None:
    os.mkfifo(folder / generator.choice(("pipe.png", "pipe", "0.jpg", "pipe.heic")))


def listening_socket(folder: Path, generator: random.Random) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket.png")
    finally:
        os.fchdir(here)
        os.close(here)


def folder_called_picture(folder: Path, generator: random.Random) -> None:
    (folder / "folder.png").mkdir()


def empty_file(folder: Path, generator: random.Random) -> None:
    (folder / f"empty{generator.choice(ENDINGS)}").touch()


def noise(folder: Path, generator: random.Random) -> str:
    name = f"noise{generator.choice(ENDINGS)}"
    (folder / name).write_bytes(generator.randbytes(generator.choice((1, 16, 100, 5000))))
    return name


def wrong_ending(folder: Path, generator: random.Random) -> str:
    picture = _picture_in(folder, generator)
    name = f"{picture.stem}{generator.choice(ENDINGS)}"
    picture.rename(picture.with_name(name))
    return name


def cut_off(folder: Path, generator: random.Random) -> None:
    picture = _picture_in(folder, generator)
    content = picture.read_bytes()
    picture.write_bytes(content[: generator.randrange(len(content))])


def bytes_changed(folder: Path, generator: random.Random) -> None:
    picture = _picture_in(folder, generator)
    content = bytearray(picture.read_bytes())
    for _ in range(generator.choice((1, 5))):
        content[generator.randrange(len(content))] = generator.randrange(256)
    picture.write_bytes(content)


def huge_head(folder: Path, generator: random.Random) -> str:
    """A PNG whose head promises more than the file, or any machine, could hold."""
    width, height = generator.choice(SIDES), generator.choice(SIDES)
    depth, colour = generator.choice(((8, 2), (16, 0), (1, 0), (8, 6), (8, 3), (9, 9)))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    )
    (folder / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return f"{width} x {height}"


def other_kind(folder: Path, generator: random.Random) -> str:
    """A sound picture of another format, mode and size, with or without a tag that turns it."""
    form, mode = generator.choice(FORMATS), generator.choice(MODES)
    exif = Image.Exif()
    exif[0x0112] = generator.randrange(10)
    picture = Image.new(mode, (generator.randrange(1, 40), generator.randrange(1, 40)))
    with suppress(KeyError):
        picture.save(folder / f"other.{form.lower()}", form, exif=exif.tobytes())
    return f"{form} {mode}"


def nested(folder: Path, generator: random.Random) -> None:
    """Folders in folders, deeper than a path may be long."""
    here, steps = os.open(folder, os.O_RDONLY), generator.choice((10, 70, 1200))
    try:
        for number in range(steps):
            name = "deep" + "n" * generator.choice((0, 0, 200))
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            if number in (5, steps - 1):
                os.close(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    finally:
        os.close(here)


def many_folders(folder: Path, generator: random.Random) -> None:
    for number in range(generator.choice((200, 200, 200, 200, 3000))):
        (folder / f"empty{number}").mkdir()


def many_files(folder: Path, generator: random.Random) -> None:
    ending = generator.choice(ENDINGS)
    for number in range(200):
        (folder / f"{'long' * 40}{number}{ending}").touch()


def not_allowed(folder: Path, generator: random.Random) -> None:
    folder.chmod(0)


def emptied(folder: Path, generator: random.Random) -> None:
    for path in sorted(folder.iterdir()):
        _removed(path)


CHANGES: list[Callable[[Path, random.Random], object]] = [
    odd_name, odd_name, renamed, foreign_folder, link, link, pipe, pipe, listening_socket, folder_called_picture,
    empty_file, noise, noise, wrong_ending, cut_off, bytes_changed, huge_head, huge_head, other_kind, other_kind,
    nested, many_folders, many_files, not_allowed, emptied,
]  # fmt: skip


def a_run(place: Path) -> Path:
    """A run on a sound folder, which other folders are evaluated with."""
    sound(place / "sound", random.Random(0))
    return train(SPEC, place / "run", data=str(place / "sound"), device="cpu").folder


def tried(run: Path, place: Path, seed: int, bounds: Bounds | None = None) -> Iterator[Finding]:
    """Make a folder, change it, and give it to every command that reads one.

    Args: run, of `a_run`; place, an empty folder; seed, of what is done; bounds, of an answer.
    """
    generator, root = random.Random(seed), place / "pets"
    sound(root, generator)
    try:
        changes = tuple(changed(root, generator))
        for arguments in _commands(run, root, place, generator):
            for what in faults(arguments, bounds or Bounds()):
                yield Finding(what, ascii(" ".join(arguments)).replace(str(place), "PLACE"), changes)
    finally:
        _remove(place)


def _commands(run: Path, root: Path, place: Path, generator: random.Random) -> list[list[str]]:
    text = SPEC.replace("classes = 2", f"classes = {_classes_in(root)}")
    (place / "net.cnn").write_text(text if generator.random() < 0.5 else text.replace("; resize 8 ; channels 3", ""))
    net, data = str(place / "net.cnn"), ["--data", str(root)]
    memory = ["--in-memory", generator.choice(("on", "off")), "--workers", "0"]
    return [
        ["check", net, *data],
        ["check", net, *data, "--format", generator.choice(("json", "concise", "github"))],
        ["data", "info", str(root), *generator.choice(([], ["--json"]))],
        ["data", "show", str(root), "-o", str(place / "sheet.png"), "--count", "2"],
        ["train", net, *data, "--limit", "6", "--epochs", "1", "--device", "cpu", "--out", str(place / "run"), *memory],
        ["eval", str(run), *data, *generator.choice(([], ["--json"], ["--fit"], ["--split", "train"]))],
        ["predict", str(run), str(root), "--fit", *generator.choice(([], ["--json"]))],
    ]


def _classes_in(root: Path) -> int:
    """How many outputs a network for the folder has, so that training goes as far as it can."""
    with suppress(Problem):
        return min(len(list_folder(root).classes), 100)
    return 2


def _remove(place: Path) -> None:
    """Remove what a change may have made hard to remove: forbidden, or deeper than a path may be long."""
    for path in folders_of(place, 5):
        path.chmod(0o700)
    _removed(place)
    place.mkdir()


def _removed(path: Path) -> None:
    """Python's own `rmtree` calls itself, and folders may be deeper than that goes."""
    os.spawnlp(os.P_WAIT, "rm", "rm", "-rf", "--", str(path))
