"""The pictures below a folder, which of its folders are its parts, and what looks like a picture and is passed over.

Nothing is opened that is no regular file, and no folder is entered that a system or a program keeps for itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specc import files
from specc.data.picture import PREFIX, endings, looks_like_picture, unread_ending
from specc.data.survey import TEST, TRAINING, VALIDATION, PassedOver, shortened
from specc.diagnostics.diagnostic import Problem

# Of desktops, network storage and archives, in lower case; what begins with a dot is hidden, too.
SYSTEM = frozenset((
    "@eadir", "__macosx", "$recycle.bin", "system volume information", "lost+found",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
))  # fmt: skip
IMAGES, MASKS = "images", "masks"  # folders of pictures that have a class for each pixel
DEEPEST = 64  # folders below each other that are entered
MOST_FOLDERS = 1_000_000
SNIFFED = 1000  # files of other names whose first bytes are read

UNNAMED = "a picture by its first bytes, not by its name"
SPECIAL = "a pipe, a socket or a device, not a file"
TOO_DEEP = f"more than {DEEPEST} folders deep"
LOOSE = "beside the class folders, not in one"

# What people call each part; capitals make no difference.
NAMES = {
    "train": TRAINING, "training": TRAINING, "test": TEST, "testing": TEST,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
}  # fmt: skip
LAYOUT = "the layout is `train/CLASS/picture.png` and `test/CLASS/picture.png`, or `CLASS/picture.png`"

FOLDER, FILE, NOWHERE, OTHER = range(4)


def is_system(name: str) -> bool:
    """Whether a file or folder is not the data's own: hidden, or made by a desktop or an archive."""
    return name.startswith(".") or name.lower() in SYSTEM


def require_text(path: str | Path) -> None:
    """Raise Problem E608 for a folder whose name is in bytes that are no UTF-8: weights and JSON could not hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise Problem.of("E608", f"the name of the folder {os.fsencode(path)!r} is not UTF-8",
            help="rename it: the names of folders are kept in files that are UTF-8") from None  # fmt: skip


class Walk:
    """Finds pictures, and remembers what it has passed over."""

    def __init__(self) -> None:
        self._passed: dict[str, PassedOver] = {}
        self._folders: dict[Path, list[str]] = {}
        self._sniffed = self._entered = 0

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """What was passed over so far, the commonest first."""
        return tuple(sorted(self._passed.values(), key=lambda one: -one.files))

    def folders(self, folder: Path) -> list[str]:
        """Names of the folders in a folder, sorted; loose pictures beside them are passed over.

        A link to a folder is one, but for one to the folder itself or to one around it.

        Raises: OSError for a folder that cannot be read; Problem E608 for a name that is no text.
        """
        if folder not in self._folders:
            self._folders[folder] = self._listed(folder)
        return self._folders[folder]

    def _listed(self, folder: Path) -> list[str]:
        found, loose = [], []
        for entry in _entries(folder):
            if _kind(entry) == FOLDER:
                if not (entry.is_symlink() and _leads_out(entry.path, folder)):
                    require_text(entry.path)
                    found.append(entry.name)
            elif self._is_picture(entry):
                loose.append(entry.path)
        for path in loose if found else ():
            self.pass_over(LOOSE, path)
        return found

    def has_loose(self, folder: Path) -> bool:
        """Whether there are pictures in a folder itself."""
        return any(self._is_picture(entry) for entry in _entries(folder))

    def pictures(self, folder: Path | str) -> list[str]:
        """Paths of all pictures in a folder and below it, sorted. Links to folders below it are not followed.

        Raises: OSError for a folder that cannot be read; Problem E608 where there are too many.
        """
        found, waiting = [], [(str(folder), 0)]
        while waiting:
            path, depth = waiting.pop()
            self._enter(folder)
            for entry in _entries(path):
                if entry.is_dir(follow_symlinks=False):
                    if depth < DEEPEST:
                        waiting.append((entry.path, depth + 1))
                    else:
                        self.pass_over(TOO_DEEP, entry.path)
                elif self._is_picture(entry):
                    found.append(entry.path)
        return sorted(found)

    def _enter(self, folder: Path | str) -> None:
        self._entered += 1
        if self._entered > MOST_FOLDERS:
            raise Problem.of("E608", f"there are more than {MOST_FOLDERS:,} folders in {folder}",
                help="name the folder that holds the class folders and nothing else")  # fmt: skip

    def _is_picture(self, entry: os.DirEntry[str]) -> bool:
        """Whether to take a file for a picture. A link that leads nowhere is one: that it cannot be read is told."""
        kind = _kind(entry)
        is_named = os.path.splitext(entry.name)[1].lower() in endings()  # noqa: PTH122 - there may be a million
        if kind == OTHER and is_named:
            self.pass_over(SPECIAL, entry.path)
        if kind == FILE and not is_named:
            self._look_at(entry)
        return is_named and kind in (FILE, NOWHERE)

    def _look_at(self, entry: os.DirEntry[str]) -> None:
        """Pass over a file that is not called like a picture, and say so where it seems to be one."""
        ending = unread_ending(entry.name)
        if ending:
            self.pass_over(f"this Pillow cannot read `{ending}`", entry.path)
        elif self._sniffed < SNIFFED:
            self._sniffed += 1
            if looks_like_picture(_start(entry.path)):
                self.pass_over(UNNAMED, entry.path)

    def pass_over(self, reason: str, path: str) -> None:
        """Remember what is not taken."""
        before = self._passed.get(reason, PassedOver(reason, 0, path))
        self._passed[reason] = before._replace(files=before.files + 1)


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """What is in a folder and is the data's own, by name."""
    with os.scandir(folder) as entries:
        yield from sorted((entry for entry in entries if not is_system(entry.name)), key=lambda entry: entry.name)


def _kind(entry: os.DirEntry[str]) -> int:
    """What something is, or what a link to it leads to."""
    try:
        if entry.is_dir():
            return FOLDER
        if entry.is_file():
            return FILE
    except OSError:  # links that lead to each other
        return NOWHERE
    return NOWHERE if entry.is_symlink() and not os.path.exists(entry.path) else OTHER  # noqa: PTH110 - as above


def _leads_out(link: str, folder: Path) -> bool:
    """Whether a link leads to the folder that it is in, or to one around that."""
    return folder.resolve().is_relative_to(Path(link).resolve())


def _start(path: str) -> bytes:
    try:
        with files.open_regular(path) as file:
            return file.read(PREFIX)
    except OSError:
        return b""


def holds_masks(root: Path) -> bool:
    """Whether a folder, or each of its parts, holds `images` and `masks` and no other folder."""
    with suppress(OSError):
        names = {entry.name: entry.path for entry in os.scandir(root) if entry.is_dir() and entry.name[0] != "."}
        parts = [path for name, path in names.items() if name.lower() in NAMES]
        folders = [root] if not parts or len(parts) < len(names) else parts
        return all(
            {IMAGES, MASKS} == {entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."}
            for folder in folders
        )
    return False


def holds_images(root: Path) -> bool:
    """Whether a folder, or one of its parts, holds a folder `images`."""
    return any((folder / IMAGES).is_dir() for folder in (root, *(root / name for name in NAMES)))


class Layout(NamedTuple):
    """A data folder. parts: a folder of class folders for each part that it has; none where they lie in the root."""

    root: Path
    parts: dict[str, Path]


def layout_of(root: Path, walk: Walk) -> Layout:
    """The parts of a data folder.

    Raises: Problem E608 where what is called like a part may be another thing; OSError.
    """
    require_text(root.resolve())
    names = walk.folders(root)
    claims: dict[str, list[str]] = {}
    for name in names:
        if name.lower() in NAMES:
            claims.setdefault(NAMES[name.lower()], []).append(name)
    for part, claiming in claims.items():
        if len(claiming) > 1:
            raise _two_of_a_kind(root, part, claiming)
    parts = {part: root / name for part, (name,) in claims.items()}
    others = [name for name in names if name.lower() not in NAMES]
    if parts and others and not _is_sorted(parts.get(TRAINING), walk):
        raise _part_or_class(root, next(iter(parts.values())), others, walk)
    return Layout(root, parts)


def _is_sorted(part: Path | None, walk: Walk) -> bool:
    """Whether a part is there and holds class folders."""
    return part is not None and bool(walk.folders(part))


def _two_of_a_kind(root: Path, part: str, names: list[str]) -> Problem:
    first, second = names[:2]
    return Problem.of("E608", f"in {root} both `{first}` and `{second}` are names of the {part} part",
        help="keep one of them, or put their pictures together", notes=(LAYOUT,))  # fmt: skip


def _part_or_class(root: Path, part: Path, others: list[str], walk: Walk) -> Problem:
    """A folder called like a part among class folders: nobody but its owner knows what it is."""
    beside = shortened(others)
    ways = [f"if it is a class, call it something else, such as `{part.name}_`"]
    if NAMES[part.name.lower()] == TRAINING:
        ways.append(f"if it is the training part, put class folders into it, and {beside} elsewhere")
    elif walk.folders(part):
        ways.insert(0, f"if it is the {NAMES[part.name.lower()]} part, move {beside} into a folder {root / 'train'}")
    else:
        ways.append("if it is a part, its pictures have to lie in class folders; move it elsewhere")
    return Problem.of("E608", f"{part} lies beside {beside}, and may be a class or a part of the data",
        help="\n".join(ways), notes=(LAYOUT,))  # fmt: skip
