"""How much memory the pictures may take."""

from __future__ import annotations

import os
from math import prod

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled

USABLE = 0.8  # of the free memory; the network and its activations need some too


def require_memory(count: int, shape: tuple[int, ...]) -> None:
    """Raise Problem E611 where so many uint8 pictures of a shape do not fit in the free memory."""
    needed = count * prod(shape)
    free = _free_bytes()
    if free is not None and not fits(count, shape):
        raise Problem.of(
            "E611",
            f"{count:,} pictures of {spelled(shape)} need {needed / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB are free",
            help="`--resize 64` makes them smaller\n`--limit 10000` takes fewer\n"
            "a folder's need not be kept in memory: leave `--in-memory on` out",
        )


def fits(count: int, shape: tuple[int, ...]) -> bool:
    """Whether so many uint8 pictures of a shape go into the free memory; yes where the system does not tell it."""
    free = _free_bytes()
    return free is None or count * prod(shape) <= USABLE * free


def _free_bytes() -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell."""
    try:
        with open("/proc/meminfo") as lines:  # noqa: PTH123 - not a file of the user's
            sizes = dict(line.split(":") for line in lines)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _physical_bytes()


def _physical_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
