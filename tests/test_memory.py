"""How much memory can be had, of the machine and within a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from specc.data.memory import free_bytes

GB = 10**9


def system(root: Path, available: int, groups: str, files: dict[str, str]) -> Path:
    written = {"proc/meminfo": f"MemTotal: 1 kB\nMemAvailable: {available // 1024} kB\n", "proc/self/cgroup": groups}
    for name, text in {**written, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def group(folder: str, limit: object, used: int, kept: int, *, old: bool = False) -> dict[str, str]:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if old else ("memory.max", "memory.current")
    stat = f"cache 5\n{'total_' if old else ''}inactive_file {kept}\n"
    told = (f"{limit}\n", f"{used}\n", stat)
    return {f"{folder}/{name}": text for name, text in zip((*names, "memory.stat"), told, strict=True)}


@pytest.mark.parametrize(
    ("groups", "files", "left"),
    [
        ("0::/\n", {}, 8 * GB),
        ("0::/\n", group("sys/fs/cgroup", "max", GB, 0), 8 * GB),
        ("0::/\n", group("sys/fs/cgroup", 3 * GB, GB, 0), 2 * GB),
        ("0::/\n", group("sys/fs/cgroup", 3 * GB, 2 * GB, GB // 2), GB + GB // 2),
        ("0::/\n", group("sys/fs/cgroup", GB, 2 * GB, 0), 0),
        ("0::/\n", group("sys/fs/cgroup", 30 * GB, 2 * GB, 0), 8 * GB),
        # the least of those around
        ("0::/a/b\n", group("sys/fs/cgroup/a/b", 6 * GB, GB, 0) | group("sys/fs/cgroup/a", 5 * GB, 2 * GB, 0), 3 * GB),
        # a path of the machine outside, as a container sees it
        ("0::/docker/12ab\n", group("sys/fs/cgroup", 2 * GB, GB, 0), GB),
        # version 1, where no limit is a number beyond any memory
        ("4:memory:/a\n1:cpu:/a\n", group("sys/fs/cgroup/memory/a", 4 * GB, GB, GB, old=True), 4 * GB),
        ("4:cpu,memory:/\n", group("sys/fs/cgroup/memory", 2**63 - 4096, GB, 0, old=True), 8 * GB),
        ("nothing of the kind\n", {}, 8 * GB),
    ],
)  # fmt: skip
def test_the_least_of_the_machine_and_its_groups(groups: str, files: dict[str, str], left: int, tmp_path: Path) -> None:
    found = free_bytes(system(tmp_path, 8 * GB, groups, files))
    assert found is not None
    assert abs(found - left) < 1024


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    """What there is in all."""
    assert (free_bytes(tmp_path) or 0) > 0


def test_this_system_tells() -> None:
    assert (free_bytes() or 0) > 0
