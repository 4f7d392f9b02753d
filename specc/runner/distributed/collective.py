"""A process among others: torch.distributed, NCCL between GPUs, gloo for everything that is small or on the CPU."""

from __future__ import annotations

import inspect
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from socket import gethostname
from time import time
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.runner.device import choose_device
from specc.runner.distributed.world import ABANDONED, FailedElsewhere, FailedHere, Group, Rank, is_launched
from specc.tasks.heads import total

if TYPE_CHECKING:
    from torch import Tensor, nn

# A process that dies is noticed at once, by its closed connection; this is for one that hangs, or a broken network.
PATIENCE = timedelta(minutes=10)
LOADING = timedelta(hours=6)  # the others wait for as long as the first one fetches the data
LOST = ("gloo", "Gloo", "NCCL", "Connection closed", "Connection reset", "Broken pipe", "Timed out waiting")
# Whether buffers are sent round before each step; torch is about to rename it.
_NAMES = inspect.signature(DistributedDataParallel).parameters
_EACH_STEP = "forward_sync_buffers" if "forward_sync_buffers" in _NAMES else "broadcast_buffers"


def own_device(wanted: str, place: Rank) -> torch.device:
    """The device of one process: on a machine with CUDA each has a GPU of its own.

    Raises: Problem E612, E625.
    """
    if wanted == "mps" or wanted.startswith("cuda:"):
        raise Problem.of("E625", f"`{wanted}` is one device, and the run has {place.local_size} processes here",
            help="`--device cuda` gives each process its own GPU, `--device cpu` needs none")  # fmt: skip
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    choose_device("cuda")
    require_devices(place.local_size)
    return torch.device("cuda", place.local_rank)


def require_devices(count: int) -> None:
    """Raise Problem E625 where a machine has fewer GPUs than processes."""
    present = torch.cuda.device_count()
    if count > present:
        raise Problem.of("E625", f"{count} processes need a GPU each, and this machine has {present}",
            help=f"`--nproc {present}` uses them all\n`--device cpu` needs none")  # fmt: skip


class Member(Group):
    """One of several processes, connected to the others."""

    def __init__(self, place: Rank, device: torch.device) -> None:
        super().__init__(device)
        self.place = place
        is_cuda = device.type == "cuda"
        if is_cuda:
            torch.cuda.set_device(device)
        self.store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if is_cuda else "gloo", store=self.store, rank=place.rank, world_size=place.size,
            timeout=PATIENCE, device_id=device if is_cuda else None,
        )  # fmt: skip
        self.store.set(_host_key(place.rank), gethostname())
        # Of its own, so that a word between the processes never waits for gradients.
        control = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(control, dist.ProcessGroup)  # noqa: S101 - every rank is in it; narrows the type
        self._control = control
        self._parent = os.getppid()

    def parallel(self, model: nn.Module) -> nn.Module:
        # The statistics of normalisations are the first process's wherever they are used: `broadcast_buffers`.
        apart: dict[str, Any] = {_EACH_STEP: False}
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=devices, gradient_as_bucket_view=True, **apart)

    def settle(self, model: nn.Module, sample: tuple[int, ...]) -> None:
        # torch sends gradients in packets, which it cuts anew after the first step. Where three or more are added the
        # order of the sum, and with it the last bit, depends on a gradient's place in its packet: without this step,
        # of which nothing stays, a run that goes on would add in another order than one that never stopped.
        before = [buffer.clone() for buffer in model.buffers()]
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            model.train()
            total(model(torch.zeros((2, *sample), device=self.device))).backward()
        model.zero_grad(set_to_none=True)
        for buffer, kept in zip(model.buffers(), before, strict=True):
            buffer.copy_(kept)

    def no_sync(self, model: nn.Module) -> AbstractContextManager[None]:
        assert isinstance(model, DistributedDataParallel)  # noqa: S101 - what `parallel` gave; narrows the type
        return model.no_sync()

    def all_reduce(self, tensor: Tensor) -> Tensor:
        wide = tensor.detach().cpu()
        wide = wide.double() if wide.is_floating_point() else wide.long()
        dist.all_reduce(wide, group=self._control)
        return wide

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        found = [torch.empty_like(tensor) for _ in range(self.place.size)]
        dist.all_gather(found, tensor, group=self._control)
        return found

    def rows(self, tensor: Tensor) -> Tensor:
        counts = [int(one) for one in self.all_gather(torch.tensor(len(tensor)))]
        padded = torch.zeros((max(counts), *tensor.shape[1:]), dtype=tensor.dtype)
        padded[: len(tensor)] = tensor.detach()
        return torch.cat([part[:count] for part, count in zip(self.all_gather(padded), counts, strict=True)])

    def broadcast_buffers(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            kept = buffer.detach().cpu()
            dist.broadcast(kept, 0, group=self._control)
            buffer.copy_(kept)

    def broadcast(self, text: str) -> str:
        content = text.encode()
        length = torch.tensor(len(content))
        dist.broadcast(length, 0, group=self._control)
        letters = torch.zeros(int(length), dtype=torch.uint8)
        if self.place.is_first:
            letters = torch.tensor(list(content), dtype=torch.uint8)
        dist.broadcast(letters, 0, group=self._control)
        return bytes(letters.tolist()).decode()

    def agreed(self, *flags: int) -> tuple[int, ...]:
        found = torch.tensor(flags)
        dist.all_reduce(found, dist.ReduceOp.MAX, group=self._control)
        return tuple(found.tolist())

    @contextmanager
    def first_here(self) -> Iterator[None]:
        if self.place.local_rank:
            dist.monitored_barrier(self._control, timeout=LOADING)
        yield
        if not self.place.local_rank:
            dist.monitored_barrier(self._control, timeout=LOADING)

    def require_same(self, text: str) -> None:
        sums = [int(one) for one in self.all_gather(torch.tensor(zlib.crc32(text.encode())))]
        others = [rank for rank, one in enumerate(sums) if one != sums[0]]
        if others:
            raise Problem.of(
                "E628", f"process {self._named(others[0])} and process 0 differ in spec, recipe, state or data set",
                help="every machine needs the same files; a run is continued from one folder that all of them see",
            )  # fmt: skip

    def abandoned(self) -> int:
        return ABANDONED if os.getppid() != self._parent else 0

    def _named(self, rank: int) -> str:
        """A process by its number and, where there are several, its machine: `3 on second`."""
        return f"{rank} on {self.store.get(_host_key(rank)).decode()}" if self.place.machines > 1 else str(rank)

    def is_first_to_fail(self) -> bool:
        """Whether no other process of this machine has said so before; true, too, where nobody can tell any more."""
        try:
            return bool(self.store.add(f"specc/failed/{self.place.machine}", 1) == 1)
        except RuntimeError:
            return self.place.local_rank == 0


def _host_key(rank: int) -> str:
    return f"specc/host/{rank}"


@contextmanager
def member(place: Rank, device: str) -> Iterator[Member]:
    """Connect with the other processes, and tell a failure once on each machine."""
    group = Member(place, own_device(device, place))
    is_well = False
    try:
        yield group
        is_well = True
    except Problem as problem:
        raise _told(group, problem) from problem
    except RuntimeError as error:
        if not is_lost(error):
            raise
        raise _told(group, _lost(place)) from error
    finally:
        # After a failure NCCL would wait for those that are gone; the process ends, and its connections with it.
        if is_well or group.device.type != "cuda":
            with suppress(RuntimeError):
                dist.destroy_process_group()


def _told(group: Member, problem: Problem) -> Problem:
    """FailedHere where this process is to tell the problem, FailedElsewhere where another one does."""
    lost = problem.diagnostic.code == "E626"
    if (lost and is_launched()) or not group.is_first_to_fail():
        return FailedElsewhere(problem.diagnostic)
    if not lost:
        _tell_launcher(problem)
    return FailedHere(problem.diagnostic)


def _tell_launcher(problem: Problem) -> None:
    """Let torch's launcher repeat the problem in its report; the file and its keys are torch's own protocol."""
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path:
        content = {"message": f"{problem.diagnostic.code}: {problem.diagnostic.message}", "timestamp": int(time())}
        with suppress(OSError):
            files.write(Path(path), json.dumps(content).encode())


def is_lost(error: RuntimeError) -> bool:
    """Whether an error means that another process, or the way to it, is gone."""
    return isinstance(error, dist.DistError) or any(word in str(error) for word in LOST)


def _lost(place: Rank) -> Problem:
    return Problem.of("E626", f"process {place.rank} of {place.size} lost its connection to another process",
        help="torch's own report names the process that ended first; start all of them again with `--resume RUN`",
    )  # fmt: skip
