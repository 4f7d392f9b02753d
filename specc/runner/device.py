"""Where to train, and torch's random state there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch

from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from torch import Tensor

    from specc.recipe.recipe import Recipe


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
        help="`--device auto` takes the best device there is")  # fmt: skip


def chosen_kernels(recipe: Recipe, device: torch.device) -> AbstractContextManager[None]:
    """While entered, cuDNN chooses its kernels as the recipe says.

    By default by trying them, as PyTorch's performance tuning guide advises, unless the same bits are needed again.
    """
    if device.type != "cuda":
        return nullcontext()
    free = not recipe.exact and not torch.are_deterministic_algorithms_enabled()
    wanted = recipe.cudnn_benchmark == "on" or (recipe.cudnn_benchmark == "auto" and free)
    found = torch.backends.cudnn
    kept = {name: getattr(found, name) for name in ("enabled", "deterministic", "allow_tf32")}
    return found.flags(**kept, benchmark=wanted)


def seed_everything(seed: int, device: torch.device) -> torch.Generator:
    """Seed torch's random state as a run on a device uses it; returns a generator for the order of the pictures."""
    _seed(seed, device)
    return torch.Generator().manual_seed(seed)


def seed_shard(seed: int, rank: int, device: torch.device) -> None:
    """Give each further process of a run a random state of its own: its pictures are changed in other ways."""
    if rank:
        _seed((seed + 0x9E3779B97F4A7C15 * rank) % 2**63, device)


def _seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, which would seed the devices of which the run uses nothing, too."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def random_states(device: torch.device) -> dict[str, Tensor]:
    """torch's random state, by the kind of device: the CPU's as `torch`, and that of a device."""
    states = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(device: torch.device, states: Mapping[str, Tensor]) -> None:
    """Put back what `random_states` gave; a state of another kind of device is left out."""
    torch.set_rng_state(states["torch"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


@contextmanager
def torch_state_kept(device: torch.device) -> Iterator[None]:
    """While entered, torch's settings are those that a training needs and may change; then they are what they were."""
    states, dtype = random_states(device), torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        set_random_states(device, states)
