"""Where to train: the device, torch's random state and compiler there, what goes wrong there, and what to note."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.memory import says_no_memory

if TYPE_CHECKING:
    from torch import Tensor

    from specc.recipe.recipe import Recipe
    from specc.runner.distributed.world import Group

# What devices without an error type of their own for it say when their memory is used up: a CPU, MPS, CUDA's libraries.
PACKAGES = ("torchvision", "numpy", "scikit-learn", "safetensors", "pydantic", "pillow")


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


def compiled(network: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """The network, compiled where the recipe wants that; its weights and their names are the same.

    `auto` compiles nothing: on a CPU it is slower whenever it is measured, and on CUDA nobody has measured here what it
    must first earn back, the minute that compiling takes.

    Raises: Problem E651 where there is no compiler.
    """
    if recipe.compile != "on":
        return network
    reason = _no_compiler(device)
    if reason:
        raise Problem.of("E651", f"`compile on` does not work here: {reason}", help="leave out `--compile on`")
    # On CUDA a whole step becomes one graph that is launched at once. A last batch of another size gets its own.
    mode = "reduce-overhead" if device.type == "cuda" else "default"
    made = torch.compile(network, mode=mode, dynamic=False)
    assert isinstance(made, nn.Module)  # noqa: S101 - torch's types say any callable
    return made


def _no_compiler(device: torch.device) -> str | None:
    """Why torch could not compile for a device, None where it could."""
    if device.type == "cuda":
        return None if find_spec("triton") else "the package `triton` is not installed"
    if device.type != "cpu":
        return f"specc compiles for CPUs and CUDA devices, not for `{device.type}`"
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return None if any(map(shutil.which, names)) else "there is no C++ compiler; install g++, or name one with CXX"


@contextmanager
def explained(pictures: int = 0, batch: int = 0) -> Iterator[None]:
    """What a sound network can still run into, said in our words.

    Args: pictures to train on; batch, how many of them are a full batch.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "DataLoader worker" in str(
            error
        ):  # another's handler of it was there before ours, and raises anywhere
            from specc.data.pool import explained_failure

            raise explained_failure(error) or error from error
        if not says_no_memory(error):
            raise
        raise _out_of_memory() from error
    except ValueError as error:
        if "Expected more than 1" not in str(error):
            raise
        raise Problem.of("E616", "a normalisation layer cannot train on a batch of one sample",
            help=_more_pictures(pictures, batch)) from error  # fmt: skip


def _more_pictures(pictures: int, batch: int) -> str:
    """How a batch comes to more than one picture."""
    if pictures == 1:
        return "there is only one sample to train on: raise `--limit`, or add more"
    return "`--batch 2` or more" if batch == 1 else "a larger `--batch` gives every process more than one sample"


def _out_of_memory() -> Problem:
    return Problem.of("E618", "the device does not have enough memory for a training step",
        help="halve the batch with `--batch`, or make the pictures smaller with `--resize`")  # fmt: skip


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
    own = {"python": platform.python_version(), "specc": _version("specc-cnn"), "torch": str(torch.__version__)}
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
