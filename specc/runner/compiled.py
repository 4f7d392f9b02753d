"""`torch.compile`, where a recipe asks for it."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe


def compiled(network: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """The network, compiled where the recipe wants that; its weights and their names are the same.

    `auto` compiles nothing: on a CPU it is slower whenever it is measured, and on CUDA nobody has measured here what it
    must first earn back, the minute that compiling takes.

    Raises: Problem E651 where there is no compiler.
    """
    if recipe.compile != "on":
        return network
    reason = _obstacle(device)
    if reason:
        raise Problem.of("E651", f"`compile on` does not work here: {reason}", help="leave out `--compile on`")
    # On CUDA a whole step becomes one graph that is launched at once. A last batch of another size gets its own.
    mode = "reduce-overhead" if device.type == "cuda" else "default"
    made = torch.compile(network, mode=mode, dynamic=False)
    assert isinstance(made, nn.Module)  # noqa: S101 - torch's types say any callable
    return made


def _obstacle(device: torch.device) -> str | None:
    """Why torch could not compile for a device, None where it could."""
    if device.type == "cuda":
        return None if find_spec("triton") else "the package `triton` is not installed"
    if device.type != "cpu":
        return f"specc compiles for CPUs and CUDA devices, not for `{device.type}`"
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return None if any(map(shutil.which, names)) else "there is no C++ compiler; install g++, or name one with CXX"
