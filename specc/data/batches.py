"""Batches cut by index out of pictures on the device, and made float as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.data.augment import Augmentation
from specc.data.dataset import Split
from specc.data.shard import WHOLE, Shard

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 4096  # pictures converted to float at a time while their mean is taken


class Scaling(NamedTuple):
    """Mean and deviation of each channel, as fractions of full brightness; each (channels, 1, …)."""

    mean: Tensor
    deviation: Tensor


def scaling_of(images: Tensor) -> Scaling:
    """The scaling that gives these pictures mean 0 and deviation 1 in each channel.

    Args: images, uint8, (samples, channels, …). A channel without contrast keeps its scale.
    """
    return scaling_over(images[start : start + CHUNK] for start in range(0, len(images), CHUNK))


def scaling_over(chunks: Iterable[Tensor]) -> Scaling:
    """The same for pictures that come a part at a time."""
    total = squares = torch.zeros((), dtype=torch.float64)
    count = 0
    dims = [0]
    for images in chunks:
        dims = [0, *range(2, images.dim())]
        values = images.double().div_(255)
        total = total + values.sum(dims)
        squares = squares + values.square_().sum(dims)
        count += images.numel() // images.shape[1]
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    deviation[deviation == 0] = 1
    shape = (-1, *[1] * (len(dims) - 1))
    return Scaling(mean.float().view(shape), deviation.float().view(shape))


class Batches:
    """A split on a device, given out as float batches with their labels.

    A batch is (size, channels, height, width) in float32, 0 to 1 or scaled, and int64 labels (size,).
    """

    def __init__(
        self,
        split: Split,
        size: int,
        device: torch.device,
        scaling: Scaling | None = None,
        *,
        augmentation: Augmentation | None = None,
        accumulate: int = 1,
        drop_last: bool = False,
        shard: Shard = WHOLE,
    ) -> None:
        """size: pictures of a batch, of which every process gives out its shard."""
        self.images = split.images.to(device)
        self.labels = split.labels.to(device)
        self.size = size
        self.scaling = scaling and Scaling(*(part.to(device) for part in scaling))
        self.augmentation, self.accumulate, self.drop_last = augmentation, accumulate, drop_last
        self.shard, self.skip_single = shard, False

    @property
    def sizes(self) -> list[int]:
        """How many pictures each batch holds, all processes together.

        A last one that is not full is left out where that is asked for, and one that leaves a process with a single
        picture where normalisation could not take it; an only batch stays.
        """
        full, rest = divmod(len(self.labels), self.size)
        unwanted = full > 0 and (self.drop_last or (rest < 2 * self.shard.parts and self.skip_single))
        return [self.size] * full + ([rest] if rest and not unwanted else [])

    @property
    def steps(self) -> list[list[int]]:
        """The sizes of the batches of each training step."""
        sizes = self.sizes
        return [sizes[start : start + self.accumulate] for start in range(0, len(sizes), self.accumulate)]

    def shuffled(self, generator: torch.Generator, skip: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, augmented, in an order that the generator draws.

        The generator is the CPU's, so that the order is the same on every device. Augmentation draws from the
        device's own, batch by batch: what is skipped draws nothing.

        Args: skip, how many batches at the beginning are not wanted.
        """
        # Drawn here and not with the first batch: an epoch of which nothing is left moves the generator on, too.
        order = torch.randperm(len(self.labels), generator=generator).to(self.labels.device)
        return self._in_this(order, skip)

    def _in_this(self, order: Tensor, skip: int) -> Iterator[tuple[Tensor, Tensor]]:
        start = sum(self.sizes[:skip])
        for size in self.sizes[skip:]:
            index = order[start : start + size][self.shard.of(size)]
            yield self._changed(self.images.index_select(0, index), self.labels.index_select(0, index))
            start += size

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every batch, in the order in which the pictures are stored."""
        start = 0
        for size in self.sizes:
            images, labels = self.images[start : start + size], self.labels[start : start + size]
            part = self.shard.of(size)
            yield self._float(images[part]), labels[part]
            start += size

    def _changed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if self.augmentation is None or not len(images):
            return self._float(images), labels
        return self.augmentation.blend(self._float(self.augmentation.move(images)), labels)

    def _float(self, images: Tensor) -> Tensor:
        values = images.float().div_(255)
        if self.scaling is not None:
            values.sub_(self.scaling.mean).div_(self.scaling.deviation)
        return values
