"""Which modules the runner knows: torch's own, and those of a compiled spec.

Of these it takes for granted that they take any layout in memory and half precision, that some may change places, and
that no number in their buffers is infinite. A network with a module of somebody else's in it is run as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

HOMES = ("torch.nn.modules.", "specc.build.")
HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def is_known(network: nn.Module) -> bool:
    """Whether every module of a network is one that the runner knows."""
    return all(map(is_known_alone, network.modules()))


def is_known_alone(module: nn.Module) -> bool:
    """The same for a module without those in it; a class that is derived from torch's is somebody else's."""
    return type(module).__module__.startswith(HOMES) and not is_changed(module)


def is_changed(module: nn.Module) -> bool:
    """Whether a module was given hooks or another `forward`, and does more than its class says."""
    given = vars(module)
    return "forward" in given or any(given.get(name) for name in HOOKS)


def trained_tensors(network: nn.Module) -> Iterator[Tensor]:
    """What training changes: weights, and statistics of normalisations. What else a module keeps is its own affair: a
    mask, say, of infinite numbers."""
    yield from network.parameters()
    for module in network.modules():
        if is_known_alone(module):
            yield from module.buffers(recurse=False)
