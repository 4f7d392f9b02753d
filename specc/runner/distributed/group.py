"""What the processes of a run do together; a run of one process does it alone, without torch.distributed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.runner.distributed.place import ALONE, place_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Group:
    """A run of one process. Where there are more, each calls every method at the same point of the run.

    device: where this process trains.
    """

    place = ALONE

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def parallel(self, model: nn.Module) -> nn.Module:
        """The network for training: its gradients are the mean over all processes."""
        return model

    def settle(self, model: nn.Module, sample: tuple[int, ...]) -> None:
        """Bring the exchange of gradients into the form that it keeps; to be called once, before the first step.

        Args: model, that `parallel` gave; sample, the shape of a picture.
        """

    def no_sync(self, model: nn.Module) -> AbstractContextManager[None]:
        """While entered, gradients add up in each process; those of the next batch are exchanged with them."""
        return nullcontext()

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, the same bits in each; in float64 or int64, on the CPU."""
        return tensor

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """The tensor of each process; all of one shape."""
        return [tensor]

    def broadcast_buffers(self, model: nn.Module) -> None:
        """Give each process the first one's statistics of normalisations."""

    def broadcast(self, text: str) -> str:
        """The text of the first process."""
        return text

    def agreed(self, *flags: int) -> tuple[int, ...]:
        """The largest of each flag among the processes; cheap enough for every step."""
        return flags

    def first_here(self) -> AbstractContextManager[None]:
        """While entered, the first process of each machine is at work before the others: files are fetched once."""
        return nullcontext()

    def require_same(self, text: str) -> None:
        """Raise Problem E628 where the processes do not train the same thing."""

    def is_abandoned(self) -> bool:
        """Whether the launcher that started this process is gone, so that nobody would end it."""
        return False


class FailedHere(Problem):
    """The run failed, and this is the process that tells why."""


class FailedElsewhere(Problem):
    """The run failed, and another process tells why."""


@contextmanager
def joined(device: str) -> Iterator[Group]:
    """Take part in the run that torch's launcher started, or train alone; torch's state is afterwards what it was.

    Args:   device, that the recipe names.
    Raises: Problem E612, E625, E626 where another process was lost; of several processes that fail in one run the
            first of each machine raises FailedHere, the others FailedElsewhere.
    """
    from specc.runner.device import choose_device, torch_state_kept

    place = place_of()
    if place.size == 1:
        own = choose_device(device)
        with torch_state_kept(own):
            yield Group(own)
        return
    from specc.runner.distributed.collective import member

    with member(place, device) as group, torch_state_kept(group.device):
        yield group
