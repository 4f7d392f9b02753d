"""Which of a run's processes this one is, what they do together, and how a signal stops all of them.

Read without torch. A run of one process is a group of one, without torch.distributed; `collective.py` has the others.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

LAUNCHED = "SPECC_LAUNCHED"  # what `--nproc` sets for the processes that it starts: a folder for word to it
FOLDER = "run"  # the file in it that names the run folder
NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# A terminal that is closed says SIGHUP; Windows has none.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Rank(NamedTuple):
    """rank: among all processes; local_rank: among those of this machine; both from 0. size, local_size: how many."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and speaks for all."""
        return self.rank == 0

    @property
    def machines(self) -> int:
        return -(-self.size // self.local_size)

    @property
    def machine(self) -> int:
        """Which of the machines this is: the rank of its first process."""
        return self.rank - self.local_rank


ALONE = Rank()


def place_of(environment: Mapping[str, str] = os.environ) -> Rank:
    """The place that torchrun's variables tell; a run of one process where they are not there.

    Raises: Problem E625 where they contradict each other.
    """
    if any(name not in environment for name in NEEDED):
        return ALONE
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local_rank = int(environment.get("LOCAL_RANK", rank))
        local_size = int(environment.get("LOCAL_WORLD_SIZE", size))
    except ValueError as error:
        raise _contradiction(environment) from error
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise _contradiction(environment)
    return Rank(rank, size, local_rank, local_size)


def speaks_early() -> bool:
    """Whether this process tells what is wrong before the processes know of each other: one on each machine does."""
    try:
        return place_of().local_rank == 0
    except Problem:
        return True


def require_enough(recipe: Recipe, place: Rank) -> None:
    """Raise Problem E627 where a batch has fewer pictures than the run has processes."""
    if recipe.batch < place.size:
        raise Problem.of("E627", f"a batch of {recipe.batch} cannot be divided among {place.size} processes",
            help="`--batch` counts the samples of all processes together")  # fmt: skip


def is_launched() -> bool:
    """Whether `--nproc` started this process."""
    return LAUNCHED in os.environ


def tell_launcher(folder: Path) -> None:
    """Let the launcher name the run folder, should a process die."""
    if is_launched():
        with suppress(OSError):
            files.write(Path(os.environ[LAUNCHED]) / FOLDER, str(folder).encode())


def _contradiction(environment: Mapping[str, str]) -> Problem:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    said = ", ".join(f"{name}={environment[name]}" for name in names if name in environment)
    return Problem.of("E625", f"the variables of torch's launcher contradict each other: {said}",
        help="start the run with `torchrun` or with `--nproc`, or unset them")  # fmt: skip


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

    def rows(self, tensor: Tensor) -> Tensor:
        """The rows of all processes below each other."""
        return tensor

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

    def abandoned(self) -> int:
        """The signal that counts as received, since the launcher of this process is gone, and nobody else would end
        it; 0 while it is there."""
        return 0


class FailedHere(Problem):
    """The run failed, and this is the process that tells why."""


class FailedElsewhere(Problem):
    """The run failed, and another process tells why."""


ABANDONED = int(getattr(signal, "SIGHUP", signal.SIGTERM))  # what a process is told whose terminal is gone


class StopRequested(Exception):
    """Raised between two steps once a signal has come to this process, or to another one of the run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class StopSignals:
    """While entered, the first signal asks for a stop; a second one acts as it always does.

    received: the signal that came, 0 where none has.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            # Under `nohup` a terminal may close; a handler of another language than Python could not be put back.
            ignored = {number for number in SIGNALS[2:] if signal.getsignal(number) == signal.SIG_IGN}
            heard = [number for number in SIGNALS if number not in ignored and signal.getsignal(number) is not None]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
