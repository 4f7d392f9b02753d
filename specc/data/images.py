"""Samples with their targets on a device: in its memory, or read by other processes while they are wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

import torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from specc.data.frame import RandomCut
    from specc.data.pool import Pool

    Indices: TypeAlias = Tensor | slice
    Batch: TypeAlias = tuple[Tensor, Tensor]

CHUNK = 4096  # samples in memory that are looked at together, where all of them are
READ_AT_ONCE = 256  # and those that are read
SPREAD = 10_000  # read samples by which all are judged
MOST_WORKERS = 8  # by default; more seldom decode faster than one device trains


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

    def close(self) -> None:
        """End the processes that read these samples and the other parts'."""

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

    def close(self) -> None:
        pass

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

        from specc.data.pool import Pool
        from specc.data.sources.joined import JoinedParts

        both = JoinedParts(self.reader.source, self.part, other.part, 1 + int(self.places.max(initial=-1)))
        places = np.concatenate([self.places, both.first + other.places])
        targets = None
        if self.targets is not None and other.targets is not None:
            targets = torch.cat([self.targets, other.targets])
        return replace(self, reader=Pool(both), places=places, targets=targets)

    def close(self) -> None:
        self.reader.close()

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
            from specc.data.pool import Pool

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
