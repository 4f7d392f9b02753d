"""Samples with their targets on a device: in its memory, or read by other processes while they are wanted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias

import torch
from torch.utils.data import DataLoader

from specc.data.sources import DataSource
from specc.diagnostics.diagnostic import Diagnostic, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from specc.data.frame import RandomCut
    from specc.data.survey import Survey

    Indices: TypeAlias = Tensor | slice
    Batch: TypeAlias = tuple[Tensor, Tensor]

CHUNK = 4096  # samples in memory that are looked at together, where all of them are
READ_AT_ONCE = 256  # and those that are read
SPREAD = 10_000  # read samples by which all are judged
APART = 1 << 64  # what is drawn for the same place of another part is something else
MOST_WORKERS = 8  # by default; more seldom decode faster than one device trains


NOTHING = torch.empty(0)


class Images(Protocol):
    """Samples with their targets.

    y:     targets, (n, …), see `Survey.target`, on the device; those that are not in memory are read now.
    labels: the class of each sample, 0 where each has not one.
    index_device: where places of samples are wanted.
    """

    @property
    def y(self) -> Tensor: ...

    @property
    def labels(self) -> list[int]: ...

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one, channels first."""

    @property
    def dtype(self) -> torch.dtype:
        """uint8, 0 to 255, or float32."""

    @property
    def device(self) -> torch.device: ...

    @property
    def index_device(self) -> torch.device: ...

    @property
    def x(self) -> Tensor:
        """All samples; those that are not in memory are read now."""

    def __len__(self) -> int: ...

    @property
    def cuts(self) -> bool:
        """Whether a part can be cut out of each sample at its full size."""

    def batches(self, indices: Iterable[Indices], cut: RandomCut | None = None) -> Iterator[Batch]:
        """Samples and targets by their places, on the device, in order. More is read ahead than is taken.

        Args:   cut, the part that is wanted of each, where that can be had.
        Raises: Problem E607, E610 for a file that is not as it was, E632 where a reading process ended.
        """

    def spread(self) -> Iterator[Tensor]:
        """All samples, or many evenly out of all where they are read; a part at a time, on the CPU."""

    def pick(self, indices: Sequence[int]) -> Self:
        """These samples, in this order."""

    def relabelled(self, y: Tensor) -> Self:
        """The same samples with other targets."""

    def joined(self, other: Self) -> Self:
        """These samples and then those of another part of the same source, of the same shape."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """x: uint8 or float32, (n, channels, …)."""

    x: Tensor
    y: Tensor

    @property
    def labels(self) -> list[int]:
        return _labels(self.y, len(self))

    @property
    def sample(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        return self.x.dtype

    @property
    def device(self) -> torch.device:
        return self.x.device

    @property
    def index_device(self) -> torch.device:
        return self.x.device

    def __len__(self) -> int:
        return len(self.x)

    @property
    def cuts(self) -> bool:
        return False

    def batches(self, indices: Iterable[Indices], cut: RandomCut | None = None) -> Iterator[Batch]:
        for index in indices:
            if isinstance(index, slice):
                yield self.x[index], self.y[index]
            else:
                yield self.x.index_select(0, index), self.y.index_select(0, index)

    def spread(self) -> Iterator[Tensor]:
        return (self.x[start : start + CHUNK].cpu() for start in range(0, len(self), CHUNK))

    def pick(self, indices: Sequence[int]) -> InMemory:
        chosen = list(indices)
        return InMemory(self.x[chosen], self.y[chosen])

    def relabelled(self, y: Tensor) -> InMemory:
        return replace(self, y=y)

    def joined(self, other: InMemory) -> InMemory:
        return InMemory(torch.cat([self.x, other.x]), torch.cat([self.y, other.y]))

    def on(self, device: torch.device) -> InMemory:
        """The same on a device."""
        return InMemory(self.x.to(device), self.y.to(device))


@dataclass(frozen=True, eq=False)
class Streamed:
    """Samples of a source that are read when they are wanted.

    part, places: which of the source's they are. sample: shape of one. targets: None where they are read, too.
    """

    reader: Pool
    part: str
    places: NDArray[np.int64]
    sample: tuple[int, ...]
    targets: Tensor | None
    dtype: torch.dtype = torch.uint8
    device: torch.device = torch.device("cpu")  # noqa: RUF009 - immutable

    @property
    def y(self) -> Tensor:
        if self.targets is not None:
            return self.targets
        return torch.cat([y for _, y in self._one_by_one()])

    @property
    def labels(self) -> list[int]:
        return _labels(self.targets, len(self))

    @property
    def index_device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def x(self) -> Tensor:
        return torch.cat([x for x, _ in self._one_by_one()])

    def _one_by_one(self) -> Iterator[Batch]:
        return self.batches(slice(start, start + 1) for start in range(len(self)))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def cuts(self) -> bool:
        return self.reader.source.cuts

    def batches(self, indices: Iterable[Indices], cut: RandomCut | None = None) -> Iterator[Batch]:
        wanted = [index if isinstance(index, slice) else index.numpy() for index in indices]
        places, targets = (self.places[index] for index in wanted), self.targets is None
        read = self.reader.read(self.part, places, targets=targets, cut=cut)
        for index, (samples, own) in zip(wanted, read, strict=True):
            if self.targets is None:
                y = own.to(self.device, non_blocking=True)
            else:
                y = self.targets[index if isinstance(index, slice) else torch.from_numpy(index).to(self.device)]
            yield samples.to(self.device, non_blocking=True), y

    def spread(self) -> Iterator[Tensor]:
        places = self.places[:: -(-len(self) // SPREAD)]
        parts = (places[start : start + READ_AT_ONCE] for start in range(0, len(places), READ_AT_ONCE))
        return (samples for samples, _ in self.reader.read(self.part, parts))

    def pick(self, indices: Sequence[int]) -> Streamed:
        chosen = list(indices)
        targets = None if self.targets is None else self.targets[chosen]
        return replace(self, places=self.places[chosen], targets=targets)

    def relabelled(self, y: Tensor) -> Streamed:
        return replace(self, targets=y)

    def joined(self, other: Streamed) -> Streamed:
        import numpy as np

        both = JoinedParts(self.reader.source, self.part, other.part, 1 + int(self.places.max(initial=-1)))
        places = np.concatenate([self.places, both.first + other.places])
        targets = None
        if self.targets is not None and other.targets is not None:
            targets = torch.cat([self.targets, other.targets])
        return replace(self, reader=Pool(both), places=places, targets=targets)

    def on(self, device: torch.device, reader: Pool) -> Streamed:
        """The same on a device, read by others."""
        targets = None if self.targets is None else self.targets.to(device)
        return replace(self, reader=reader, targets=targets, device=device)


def _labels(targets: Tensor | None, count: int) -> list[int]:
    if targets is None or targets.dim() != 1 or targets.dtype != torch.int64:
        return [0] * count
    labels: list[int] = targets.tolist()
    return labels


def placed(every: Iterable[Images], device: torch.device, workers: int | None) -> list[Images]:
    """The parts of a data set on a device; what is read is read by the same processes for all of them.

    Args: workers, how many of these; None is as many as are useful.
    """
    found: list[Images] = []
    pool: Pool | None = None
    for images in every:
        if isinstance(images, Streamed):
            count = default_workers() if workers is None else workers
            pool = pool or Pool(images.reader.source, count, pinned=device.type == "cuda")
            found.append(images.on(device, pool))
        else:
            assert isinstance(images, InMemory)  # noqa: S101 - there are two kinds
            found.append(images.on(device))
    return found


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """One process for each core that this one may use, 8 at most."""
    return min(usable_cores(), MOST_WORKERS)


class _Loader(DataLoader[Any]):
    """torch's, without its warning each time that more processes than cores are asked for: a run says so once."""

    def check_worker_number_rationality(self) -> None:
        return None


class Pool:
    """Processes that read batches of a source's samples, in the order in which they are asked for.

    One pool serves all parts, one after the other: what is asked for anew ends what was asked for before.
    """

    def __init__(self, source: DataSource, workers: int = 0, *, pinned: bool = False) -> None:
        """Args: workers, 0 to read in this process; pinned, whether batches go to a CUDA device."""
        self._plan = _Plan()
        self.source = source
        self._loader = _Loader(
            _Taker(source),  # type: ignore[arg-type] # no torch Dataset, but what a DataLoader asks of one
            batch_sampler=self._plan,  # type: ignore[arg-type] # what it gives goes to `_Taker` as it is
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=pinned,
            persistent_workers=workers > 0,
            worker_init_fn=_obey_the_parent,
            # Its own, or each epoch would draw from torch's random state, which a run that goes on must not.
            generator=torch.Generator(),
        )

    def read(
        self, part: str, batches: Iterable[NDArray[np.int64]], *, targets: bool = False, cut: RandomCut | None = None
    ) -> Iterator[Batch]:
        """The samples of each batch of places in a part.

        Args:   targets, whether these are wanted as well; else there are none. cut, the part of each that is wanted.
        Raises: Problem E607 for a damaged file, E610 for one of another size, E632 where a process ended.
        """
        self._plan.batches = (Order(part, places, targets, cut) for places in batches)
        with _deaths_heard():
            answers = iter(self._loader)
        while True:
            with _deaths_heard():
                found = next(answers, None)
            if found is None:
                return
            if isinstance(found, Diagnostic):
                raise Problem(found)
            yield found


_listeners: list[Any] = []  # torch's handler of SIGCHLD, once it has set it


@contextmanager
def _deaths_heard() -> Iterator[None]:
    """A worker's death raises an error within the block, and nowhere else.

    Left to itself torch raises it wherever the program is when the system tells: in the midst of a file that is
    written, or before a lock is given back.

    Raises: Problem E632.
    """
    listens = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGCHLD) if listens else None
    try:
        if listens and _listeners:
            signal.signal(signal.SIGCHLD, _listeners[0])
            _listeners[0](signal.SIGCHLD, None)  # for what has happened since the last time
        yield
    except RuntimeError as error:
        raise explained_failure(error) or error from error
    finally:
        if listens and (now := signal.getsignal(signal.SIGCHLD)) is not before:
            _listeners[:] = [now]
            signal.signal(signal.SIGCHLD, before)


class Order(NamedTuple):
    """A batch that a reading process is to take, see `Pool.read`."""

    part: str
    places: NDArray[np.int64]
    targets: bool
    cut: RandomCut | None


def explained_failure(error: RuntimeError) -> Problem | None:
    """The problem behind torch's error that a reading process is gone; None where it is another error."""
    if "DataLoader worker" not in str(error):
        return None
    return Problem.of("E632", "a process that reads pictures ended unexpectedly",
        help="`--workers 2` runs fewer of them, `--workers 0` none")  # fmt: skip


class _Plan:
    """Tells the loader which samples make the next batches."""

    def __init__(self) -> None:
        self.batches: Iterable[Order] = ()

    def __iter__(self) -> Iterator[Order]:
        return iter(self.batches)


class JoinedParts(DataSource):
    """A source in which a part goes on, from a place on, with the samples of another part."""

    def __init__(self, source: DataSource, part: str, behind: str, first: int) -> None:
        super().__init__(source.request)
        self.source, self.part, self.behind, self.first = source, part, behind, first

    def survey(self) -> Survey:
        return self.source.survey()

    def take(
        self, part: str, indices: NDArray[np.int64] | slice, cut: RandomCut | None = None
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        if part != self.part or isinstance(indices, slice):
            return self.source.take(part, indices, cut)
        import numpy as np

        is_behind = indices >= self.first
        other = cut and cut._replace(seed=cut.seed + APART)
        found = [
            self.source.take(name, indices[chosen] - less, drawn)
            for name, chosen, less, drawn in (
                (part, ~is_behind, 0, cut),
                (self.behind, is_behind, self.first, other),
            )
            if chosen.any()
        ]
        order = np.argsort(np.argsort(is_behind, kind="stable"), kind="stable")
        samples = np.concatenate([samples for samples, _ in found])[order]
        targets = [targets for _, targets in found if targets is not None]
        return samples, np.concatenate(targets)[order] if targets else None


class _Taker:
    """Takes whole batches in the worker."""

    def __init__(self, source: DataSource) -> None:
        self.source = source

    def __getitems__(self, order: Order) -> Batch | Diagnostic:
        try:
            samples, targets = self.source.take(order.part, order.places, order.cut)
        except Problem as problem:
            return problem.diagnostic  # it comes back through a pipe
        return torch.from_numpy(samples), torch.from_numpy(
            targets
        ) if order.targets and targets is not None else NOTHING

    def __len__(self) -> int:
        return 0


def _as_it_is(batch: Any) -> Any:
    return batch


def _obey_the_parent(worker: int) -> None:
    """A terminal, a shell or a scheduler sends its signals to every process of a run. The training process then keeps
    its state and ends its workers itself: were they gone before, torch would raise an error in the midst of that."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None and _can_tell_senders():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, args=(parent.pid,), daemon=True).start()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _can_tell_senders() -> bool:
    """Whether this process can wait for signals and see who has sent them: on Linux, as long as it has one thread.

    Another one, as a numerical library starts it, would take a signal first. A copy of the parent has none yet.
    """
    threads = Path("/proc/self/task")
    return hasattr(signal, "sigwaitinfo") and threads.is_dir() and len(list(threads.iterdir())) == 1


def _end_when_told(parent: int) -> None:
    try:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
            pass
    finally:
        os._exit(0)
