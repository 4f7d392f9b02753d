"""What lies in a folder of submissions: a file or a folder for each student, none of which is opened further than said.

In:         the folder; the name that a lesson's file has.
Out:        a `Submission` for each entry, in the order of the names: its bytes, or why there are none.
Guarantees: no link is followed, no pipe or device waited for, no file read beyond `LARGEST`; hidden entries are not
            looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.visible import shortened, visible

LARGEST = 1 << 20  # bytes of a spec that somebody hands in
MOST = 10_000  # submissions
MOST_INSIDE = 1000  # entries of a student's folder that are looked at
NOTHING = "E762"


class Submission(NamedTuple):
    """What a student handed in. student: the name of the file or the folder; file: inside the folder of all; fault: why
    there is nothing to be marked, empty where there is."""

    student: str
    file: str
    content: bytes = b""
    fault: str = ""


def submissions_in(folder: Path, lesson: str, but: Collection[Path] = ()) -> list[Submission]:
    """The submissions of a folder. Args: lesson, the name of its file; but, what lies there and is none.

    Raises: Problem E762 where there is no such folder, nothing in it, or too much.
    """
    try:
        names = sorted(islice((entry.name for entry in os.scandir(folder) if entry.name[0] != "."), MOST + 1))
    except OSError as error:
        help = "name a folder with a file, or a folder, for each student"
        raise Problem.of(NOTHING, f"`{folder}` cannot be listed: {files.reason(error)}", help) from None
    if len(names) > MOST:
        help = "name the folder that has the submissions in it, and nothing else"
        raise Problem.of(NOTHING, f"`{folder}` has more than {MOST:,} entries", help)
    left_out = {os.path.realpath(path) for path in but}
    chosen = [name for name in names if os.path.realpath(folder / name) not in left_out or (folder / name).is_symlink()]
    if not chosen:
        help = "put a spec, or a folder with one, for each student into it: `anna.cnn`, `ben/lesson.cnn`"
        raise Problem.of(NOTHING, f"nothing has been handed in: `{folder}` is empty", help)
    stems = [name.removesuffix(".cnn") for name in chosen]
    students = [stem if stems.count(stem) == 1 else name for stem, name in zip(stems, chosen, strict=True)]
    return [_submission(folder, name, shown(student), lesson) for name, student in zip(chosen, students, strict=True)]


def shown(name: str) -> str:
    """The name of a file as it may be shown: in one line, of a bounded length; bytes that are no text as signs."""
    return shortened(visible(name.encode(errors="surrogateescape").decode(errors="replace")), 80)


def _submission(folder: Path, name: str, student: str, lesson: str) -> Submission:
    path = folder / name
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            inside, fault = _inside(path, lesson)
            if fault:
                return Submission(student, shown(name), fault=fault)
            path = path / inside
        fault, content = _read(path)
    except OSError as error:
        fault, content = f"it cannot be read: {files.reason(error)}", b""
    return Submission(student, shown(os.path.relpath(path, folder)), content, fault)


def _read(path: Path) -> tuple[str, bytes]:
    """Why there is no content, or else the content. Raises: OSError."""
    if path.is_symlink():
        return "it is a link, which is not followed", b""
    content = files.read(path, LARGEST)
    return ("" if content.strip() else "the file is empty"), content


def _inside(folder: Path, lesson: str) -> tuple[str, str]:
    """The name of the spec in a student's folder; or why there is none. Raises: OSError."""
    names = sorted(_specs(folder))
    if lesson in names or len(names) == 1:
        return (lesson if lesson in names else names[0]), ""
    if not names:
        return "", "the folder has no `.cnn` file in it"
    return "", f"the folder has {len(names)} `.cnn` files, and none is called `{lesson}`"


def _specs(folder: Path) -> Iterator[str]:
    for entry in islice(os.scandir(folder), MOST_INSIDE):
        if entry.name.endswith(".cnn") and entry.name[0] != "." and not entry.is_dir(follow_symlinks=False):
            yield entry.name
