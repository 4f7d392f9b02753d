"""Batches of pictures that stay in their files: read by other processes, changed on the device as whole batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import torch

from specc.data.batches import CHUNK, Batches, Scaling, scaling_over
from specc.data.dataset import Split
from specc.data.files import FileSplit, PicturePool, default_workers

if TYPE_CHECKING:
    from torch import Tensor

SCALED_BY = 10_000  # pictures that mean and deviation are taken from, evenly out of all


class StreamedBatches(Batches):
    """A split in files, given out as `Batches` gives one in memory: the same order, the same values."""

    def __init__(
        self,
        split: FileSplit,
        size: int,
        device: torch.device,
        scaling: Scaling | None,
        pool: PicturePool,
        **options: Any,
    ) -> None:
        """pool: what reads the pictures; other splits may share it. options: those of `Batches`."""
        nothing = Split(torch.empty(0, *split.sample, dtype=torch.uint8), split.labels)
        super().__init__(nothing, size, device, scaling, **options)
        self.paths, self.pool = split.paths, pool

    def _in_this(self, order: Tensor, skip: int) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in self._read(order.cpu(), skip):
            yield self._changed(images, labels)

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every batch, in the order in which the pictures are stored."""
        for images, labels in self._read(torch.arange(len(self.paths)), 0):
            yield self._float(images), labels

    def _read(self, order: Tensor, skip: int) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's part of each batch but the first ones, the pictures as bytes on the device."""
        device = self.labels.device
        ends = list(accumulate(self.sizes, initial=0))
        parts = [order[start:end][self.shard.of(end - start)] for start, end in pairwise(ends[skip:])]
        paths = [[self.paths[index] for index in part.tolist()] for part in parts]
        for part, images in zip(parts, self.pool.read(paths), strict=True):
            yield images.to(device, non_blocking=True), self.labels[part.to(device)]


def pool_of(split: FileSplit, workers: int | None, device: torch.device) -> PicturePool:
    """Processes that read a data set's pictures for a device; None is as many as are useful."""
    return PicturePool(split.reader, default_workers() if workers is None else workers, device.type == "cuda")


def scaling_of_files(split: FileSplit, pool: PicturePool) -> Scaling:
    """The scaling by an even sample of a split's pictures, so that not all of them are read before training."""
    every = -(-len(split.paths) // SCALED_BY)
    paths = split.paths[::every]
    chunks = [paths[start : start + CHUNK // 16] for start in range(0, len(paths), CHUNK // 16)]
    return scaling_over(pool.read(chunks))
