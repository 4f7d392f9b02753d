"""Exported files: written whole or not at all, over what was there before, as a compiler does."""

from __future__ import annotations

from pathlib import Path

from specc.diagnostics.diagnostic import Problem
from specc.train.storage import write_whole


def keep(path: Path, content: bytes) -> None:
    """Writes a file. Raises: Problem E669."""
    if path.is_dir():
        raise Problem.of("E669", f"{path} is a folder", help="name a file with `-o`")
    if not path.parent.is_dir():
        raise Problem.of("E669", f"{path} cannot be written: there is no folder {path.parent}")
    try:
        write_whole(path, content)
    except Problem as problem:
        raise Problem.of("E669", problem.diagnostic.message, help="name another place with `-o`") from problem


def size_of(content: bytes) -> str:
    """A size for people.

    >>> size_of(b"x" * 2_500_000)
    '2.5 MB'
    """
    count = len(content)
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
