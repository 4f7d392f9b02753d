"""Stochastic depth as other libraries write it, and how often a network draws by chance while it is trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from specc.layers.torch_call import NoWord

_NAMES = ("droppath", "stochasticdepth")
_CHANCES = ("drop_prob", "drop_path", "drop_rate", "p")
_SAMPLES = 512


def is_drop_path(module: nn.Module) -> bool:
    """Whether a module is called as what `droppath` is called elsewhere."""
    return type(module).__name__.lower().replace("_", "") in _NAMES


def chance_of(module: nn.Module) -> float:
    """The probability with which a module drops a sample. Raises: NoWord where it does anything else."""
    found = next((getattr(module, name) for name in _CHANCES if hasattr(module, name)), None)
    p = 0.0 if found is None else found
    if not isinstance(p, int | float) or not 0 <= p < 1 or not _drops(module, float(p)):
        raise NoWord(f"`{type(module).__name__}` does not drop whole samples as `droppath` does")
    return float(p)


def _drops(module: nn.Module, p: float) -> bool:
    """Whether every sample becomes 0, or is divided by 1 − p."""
    was = module.training
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            output = module.train()(torch.ones(_SAMPLES, 3))
    finally:
        module.train(was)
    kept = torch.isclose(output, torch.full_like(output, 1 / (1 - p)))
    whole = bool(((output == 0).all(1) | kept.all(1)).all())
    return whole and abs(float(kept.float().mean()) - (1 - p)) < 0.15


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives it no types
    """Counts the operations that draw random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.count: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))


def run_in_training(network: nn.Module, x: Tensor) -> tuple[int, Any] | None:
    """How often a network draws by chance for one batch in training mode, and what it gives; None where it fails.

    The network is left in evaluation mode, with the statistics that it had.
    """
    kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), _Counter() as counter:
            output = network.train()(x.clone())
    except Exception:  # of any kind: it is the user's code, and evaluation is what was compared
        return None
    finally:
        network.eval()
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(kept[name])
    return counter.count, output
