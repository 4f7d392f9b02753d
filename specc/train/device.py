"""Where to train."""

from __future__ import annotations

import torch

from specc.diagnostics.diagnostic import Problem


def choose_device(wanted: str) -> torch.device:
    """The device that a recipe names; `auto` is the first of cuda, mps and cpu that is there.

    Raises: Problem E612 where it is not there.
    """
    if wanted == "auto":
        return torch.device(_best())
    device = torch.device(wanted)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise _absent(wanted, "this torch finds no CUDA device")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _absent(wanted, f"this machine has {torch.cuda.device_count()}, counted from cuda:0")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise _absent(wanted, "this torch finds no Apple GPU")
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _absent(wanted: str, reason: str) -> Problem:
    return Problem.of("E612", f"the device `{wanted}` is not available: {reason}",
        help="`--device auto` takes the best one that there is")  # fmt: skip


def seed_everything(seed: int) -> torch.Generator:
    """Seed torch's random state on every device; returns a generator for the order of the pictures."""
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def seed_shard(seed: int, rank: int) -> None:
    """Give each further process of a run a random state of its own: its pictures are changed in other ways."""
    if rank:
        torch.manual_seed((seed + 0x9E3779B97F4A7C15 * rank) % 2**63)
