"""What an exported program gives, beside what the network gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCHES = (1, 2, 5)  # the first is the one size for which broadcasting hides a wrong shape, the last a size never seen
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TOLERANCE = 1e-4  # of the largest output, in float32
TIES = 1e-3  # share of the classes that rounding may change, where two of them are as likely


class Exported(NamedTuple):
    """A program as the bytes of a file. difference: the largest from the network's output, over all batches."""

    content: bytes
    difference: float

    @property
    def told(self) -> str:
        """How it compares, in words."""
        batches = ", ".join(map(str, BATCHES))
        return f"largest difference from the network {self.difference:.1e}, over batches of {batches}"


class Quantised(NamedTuple):
    """A program that computes with bytes. told: what that costs, in words."""

    content: bytes
    told: str


class Given(NamedTuple):
    """What a program takes: the shape of one sample; whether it is bytes, else it is numbers from 0 to 1."""

    shape: tuple[int, ...]
    is_bytes: bool = False

    def batch(self, size: int, seed: int = 0) -> Tensor:
        """So many samples of noise."""
        import torch

        chance = torch.Generator().manual_seed(seed)
        if self.is_bytes:
            return torch.randint(0, 256, (size, *self.shape), dtype=torch.uint8, generator=chance)
        return torch.rand(size, *self.shape, generator=chance)


def require_equal(network: nn.Module, program: Callable[[Tensor], Any], given: Given, what: str) -> float:
    """The largest difference between the outputs for batches of several sizes; of classes the share that differs.

    Args:   network, in evaluation mode; program, the same on a batch.
    Raises: Problem E662 where they differ by more than rounding does.
    """
    import torch

    largest = 0.0
    for seed, size in enumerate(BATCHES):
        x = given.batch(size, seed)
        with torch.no_grad():
            wanted, got = by_name(network(x)), by_name(program(x))
        if wanted.keys() != got.keys():
            raise _differs(what, f"gives {', '.join(got)}, the network {', '.join(wanted)}")
        largest = max([largest, *(_difference(wanted[name], got[name], what) for name in wanted)])
    return largest


def by_name(output: Any) -> dict[str, Tensor]:
    """What leaves a network by name: of several outputs their own."""
    return output if isinstance(output, dict) else {"output": output}


def _difference(wanted: Tensor, got: Tensor, what: str) -> float:
    """The largest between two outputs. Raises: Problem E662."""
    size = len(wanted)
    if wanted.shape != got.shape:
        raise _differs(what, f"gives {tuple(got.shape)} for a batch of {size}, the network {tuple(wanted.shape)}")
    if not wanted.is_floating_point():
        difference = float((wanted != got).float().mean())
        allowed = TIES
    else:
        difference = float((wanted - got).abs().max())
        allowed = TOLERANCE * float(wanted.abs().max()) + 1e-7
    if not difference <= allowed:
        raise _differs(what, f"is off by {difference:.1e} for a batch of {size}")
    return difference


def _differs(what: str, how: str) -> Problem:
    return Problem.of("E662", f"the {what} {how}, so it was not kept", help="`--to python` exports the source instead")


def reason(error: BaseException) -> str:
    """The first line of the error that torch's error comes from: its own are long, in colours, and name no cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
