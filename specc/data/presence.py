"""Which named data sets there are, and whether their files are: without torch, and without reading a file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from specc.data.archives import PUBLISHED
from specc.data.catalogue import BUILT_IN, Entry, all_entries
from specc.data.dataset import load_named
from specc.data.download import Report, silent
from specc.data.fetch import ensure_files, missing_files


class Presence(NamedTuple):
    """A named data set and its files.

    state:  "built in", "present", "partly", "absent", or "of a package", which alone knows.
    folder: where the files are or will be; None where there are none.
    size:   bytes to download, None where nobody says.
    """

    entry: Entry
    state: str
    folder: Path | None
    size: int | None


def presence(entry: Entry, data_dir: Path) -> Presence:
    """Where a data set's files are."""
    published = PUBLISHED.get(entry.name)
    if published is None:
        return Presence(entry, "built in" if entry.name in BUILT_IN else "of a package", None, None)
    folder = data_dir / published.folder
    missing = len(missing_files(folder, published))
    state = "present" if not missing else "absent" if missing == len(published.digests) else "partly"
    return Presence(entry, state, folder, published.size)


def all_presences(data_dir: Path) -> list[Presence]:
    """Every named data set."""
    return [presence(entry, data_dir) for entry in all_entries()]


def fetch(entry: Entry, data_dir: Path, report: Report = silent) -> Presence:
    """Download what is missing of a data set, and check all of its files.

    Raises: Problem E602, E603, E619.
    """
    if entry.name in PUBLISHED:
        ensure_files(entry.name, data_dir, PUBLISHED[entry.name], report)
    elif entry.name not in BUILT_IN:
        load_named(entry, data_dir, report)  # its package downloads in its own way
    return presence(entry, data_dir)
