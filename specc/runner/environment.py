"""What a run ran on: enough to understand a difference between two results."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from specc import __version__
from specc.runner.distributed.group import Group

PACKAGES = ("torchvision", "numpy", "scikit-learn", "safetensors", "pydantic", "pillow")


def describe_environment(group: Group, seed: int) -> dict[str, Any]:
    """Versions, hardware and seed, as the run folder's `environment.json` keeps them."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": seed,
        "versions": _versions(),
        "hardware": {
            "platform": platform.platform(),
            "cpu": _cpu_name(),
            "cpu_count": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "device": str(group.device),
            **_gpu(group.device),
            "processes": group.place.size,
            "machines": group.place.machines,
        },
    }


def _versions() -> dict[str, str | None]:
    """Of what a result may depend on; torch's own word for itself says which build it is."""
    own = {"python": platform.python_version(), "specc": __version__, "torch": str(torch.__version__)}
    return {**own, **{package: _version(package) for package in PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _gpu(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {}
    facts = torch.cuda.get_device_properties(device)
    return {"gpu": facts.name, "gpu_memory_bytes": facts.total_memory, "cuda": torch.version.cuda}
