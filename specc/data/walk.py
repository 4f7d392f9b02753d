"""The pictures below a folder, and what lies there that looks like one and is passed over.

Nothing is opened that is no regular file, and no folder is entered that a system or a program keeps for itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from specc import files
from specc.data.formats import PREFIX, endings, looks_like_picture, unread_ending
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted

# Of desktops, network storage and archives, in lower case; what begins with a dot is hidden, too.
SYSTEM = frozenset((
    "@eadir", "__macosx", "$recycle.bin", "system volume information", "lost+found",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
))  # fmt: skip
DEEPEST = 64  # folders below each other that are entered
MOST_FOLDERS = 1_000_000
SNIFFED = 1000  # files of other names whose first bytes are read

UNNAMED = "a picture by its first bytes, not by its name"
SPECIAL = "a pipe, a socket or a device, not a file"
TOO_DEEP = f"more than {DEEPEST} folders deep"
LOOSE = "beside the class folders, not in one"

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


class PassedOver(NamedTuple):
    """What looks like pictures and is not taken, for one reason. first: one of them."""

    reason: str
    files: int
    first: str

    def __str__(self) -> str:
        more = f" and {counted(self.files - 1, 'more file')}" if self.files > 1 else ""
        return f"passed over: {self.first}{more}: {self.reason}"


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
            self._pass_over(LOOSE, path)
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
                        self._pass_over(TOO_DEEP, entry.path)
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
            self._pass_over(SPECIAL, entry.path)
        if kind == FILE and not is_named:
            self._look_at(entry)
        return is_named and kind in (FILE, NOWHERE)

    def _look_at(self, entry: os.DirEntry[str]) -> None:
        """Pass over a file that is not called like a picture, and say so where it seems to be one."""
        ending = unread_ending(entry.name)
        if ending:
            self._pass_over(f"this Pillow cannot read `{ending}`", entry.path)
        elif self._sniffed < SNIFFED:
            self._sniffed += 1
            if looks_like_picture(_start(entry.path)):
                self._pass_over(UNNAMED, entry.path)

    def _pass_over(self, reason: str, path: str) -> None:
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
