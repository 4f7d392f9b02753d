"""Where a command's result goes: to standard output, or into the file named with `-o`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from specc import files

STDOUT = "-"


def deliver(content: bytes, output: str | os.PathLike[str], code: str = "E669") -> None:
    """Writes to standard output for `-`, else to a file, whole or not at all.

    Raises: Problem with the code.
    """
    if os.fspath(output) == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with files.told(code, Path(output), "name another file with `-o`"):
        files.write(Path(output), content)
