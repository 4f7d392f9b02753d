"""Where a run's files do not fit or cannot be written, in the words of a run."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from specc import files
from specc.diagnostics.diagnostic import Problem

CODE, ELSEWHERE = "E614", "put the run elsewhere with `--out DIR`"


def require_space(folder: Path, needed: int) -> None:
    """Raise Problem E614 where the disk has fewer free bytes than a run will write."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # not every file system tells; a write that fails will
    if needed > free:
        raise Problem.of(CODE, f"the run needs about {_size(needed)} on disk, and {folder} has {_size(free)} free",
            help=f"make room, or {ELSEWHERE}")  # fmt: skip


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def told(path: Path) -> AbstractContextManager[None]:
    """Within, an error of the system's is the problem that a path of the run cannot be written: E614."""
    return files.told(CODE, path, ELSEWHERE)


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that a path of the run cannot be written: E614."""
    return files.unwritable(CODE, path, error, ELSEWHERE)
