"""How much memory can be had: what the machine has free, and what the limits of a container leave. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Of control groups, version 2 and 1: the files of the limit and of what is used, the line of `memory.stat` with what is
# kept of files and can be given up.
NEW = ("memory.max", "memory.current", "inactive_file")
OLD = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_bytes(root: Path = Path("/")) -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell. Args: root, of the file system."""
    found = [one for one in (_of_machine(root), *_of_groups(root)) if one is not None]
    return min(found, default=None)


def _of_machine(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="utf-8").splitlines()
        return int(dict(line.split(":") for line in lines)["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _physical_bytes()


def _physical_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _of_groups(root: Path) -> Iterator[int]:
    """What each control group that this process is in leaves it; one without a limit says nothing."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            top, names = (root / "sys/fs/cgroup/memory", OLD) if kinds else (root / "sys/fs/cgroup", NEW)
            own = Path(path.lstrip("/"))
            # Inside a container the path may be that of the machine outside: then its own group stands at the top.
            for group in (own, *own.parents):
                with suppress(OSError, ValueError, KeyError):
                    yield _left(top / group, *names)


def _left(group: Path, limit: str, used: str, kept: str) -> int:
    """Raises: ValueError where there is no limit, OSError, KeyError where it is not told."""
    most, taken = (int((group / name).read_text(encoding="utf-8")) for name in (limit, used))
    lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
    return max(0, most - taken + int(dict(line.split(" ", 1) for line in lines)[kept]))
