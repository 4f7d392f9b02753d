"""Where a command's result goes: to standard output, or into the file named with `-o`."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from specc import files

STDOUT = "-"


def deliver(content: bytes, output: str | os.PathLike[str], code: str = "E669", option: str = "-o") -> None:
    """Writes to standard output for `-`, else to a file, whole or not at all.

    Args:   option, by which the file was named.
    Raises: Problem with the code.
    """
    if os.fspath(output) == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with files.told(code, Path(output), f"name another file with `{option}`"):
        files.write(Path(output), content)


def csv_of(rows: Sequence[Mapping[str, object]], first: Sequence[str], last: Sequence[str] = ()) -> str:
    """A table with a head: every column that a row has. Args: first, last, columns that are there in any case."""
    every = dict.fromkeys((*first, *(name for row in rows for name in row)))
    content = io.StringIO()
    names = [name for name in every if name not in last]
    writer = csv.DictWriter(content, [*names, *last], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()
