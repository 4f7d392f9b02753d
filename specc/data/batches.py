"""Batches: an order of samples, the samples, and what is made of them as a whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.data.augment import Augmenter
from specc.data.frame import RandomCut
from specc.data.images import Images
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.recipe.samples import Levels

if TYPE_CHECKING:
    from torch import Tensor

BRIGHTEST = 255  # what a byte of a sample may be; floats are taken as they are


class Shard(NamedTuple):
    """One of so many parts, counted from 0; whole where there is one.

    Every process draws the same order of samples and cuts the same batches, and takes its part of each: together they
    see the samples that one process would have seen.
    """

    number: int = 0
    parts: int = 1

    def of(self, size: int) -> slice:
        """This part of so many samples: parts differ by one sample at most, and some are empty where there are more
        parts than samples.

        >>> [Shard(number, 3).of(7) for number in range(3)]
        [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
        """
        return slice(self._start(self.number, size), self._start(self.number + 1, size))

    def _start(self, number: int, size: int) -> int:
        return -(-size * number // self.parts)


WHOLE = Shard()


class Scaling(NamedTuple):
    """Mean and deviation of each channel, of bytes as fractions of full brightness; each (channels, 1, …)."""

    mean: Tensor
    deviation: Tensor


def scaling_of(images: Images) -> Scaling:
    """The scaling that gives these samples mean 0 and deviation 1 in each channel, by all or an even part of them.

    A channel without contrast keeps its scale.
    """
    total = squares = torch.zeros((), dtype=torch.float64)
    count = 0
    dims = [0]
    for samples in images.spread():
        dims = [0, *range(2, samples.dim())]
        values = samples.double().div_(BRIGHTEST if images.dtype == torch.uint8 else 1)
        total = total + values.sum(dims)
        squares = squares + values.square_().sum(dims)
        count += samples.numel() // samples.shape[1]
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    deviation[deviation == 0] = 1
    shape = (-1, *[1] * (len(dims) - 1))
    return Scaling(mean.float().view(shape), deviation.float().view(shape))


def given_scaling(mean: Levels, deviation: Levels, sample: tuple[int, ...]) -> Scaling:
    """A scaling by numbers for each channel, or one for all.

    Args:   sample, the shape of one, channels first.
    Raises: Problem E605 where there is not one for each.
    """
    found = [tuple(part) if isinstance(part, tuple) else (part,) * sample[0] for part in (mean, deviation)]
    for name, levels in zip(("mean", "deviation"), found, strict=True):
        if len(levels) not in (1, sample[0]):
            raise Problem.of("E605", f"`{name}` has {counted(len(levels), 'number')}, and the samples have "
                f"{counted(sample[0], 'channel')}", help="give one for each channel, or one for all")  # fmt: skip
    shape = (sample[0], *[1] * (len(sample) - 1))
    one, other = (torch.tensor(levels).expand(sample[0]).clone().view(shape) for levels in found)
    return Scaling(one, other)


class Batches:
    """Samples given out as float batches with their targets.

    A batch is (size, channels, …) in float32, bytes as 0 to 1, or scaled; and targets (size, …).
    """

    def __init__(
        self,
        images: Images,
        size: int,
        scaling: Scaling | None = None,
        *,
        augmentation: Augmenter | None = None,
        accumulate: int = 1,
        drop_last: bool = False,
        shard: Shard = WHOLE,
        balanced: bool = False,
    ) -> None:
        """size: samples of a batch, of which every process gives out its shard. balanced: see `evenly`."""
        self.images, self.size, self.device = images, size, images.device
        self.scaling = scaling and Scaling(*(part.to(self.device) for part in scaling))
        self.augmentation, self.accumulate, self.drop_last = augmentation, accumulate, drop_last
        self.shard, self.skip_single = shard, False
        self._classes = places_by_class(images.labels) if balanced else None
        self._mirrored: Tensor | None = None
        if augmentation is not None:
            self._mirrored = augmentation.mirrored_first(len(images), images.index_device)

    def __len__(self) -> int:
        """How many samples there are, given out or not."""
        return len(self.images)

    @property
    def sizes(self) -> list[int]:
        """How many samples each batch holds, all processes together.

        A last one that is not full is left out where that is asked for, and one that leaves a process with a single
        sample where normalisation could not take it; an only batch stays.
        """
        full, rest = divmod(len(self), self.size)
        unwanted = full > 0 and (self.drop_last or (rest < 2 * self.shard.parts and self.skip_single))
        return [self.size] * full + ([rest] if rest and not unwanted else [])

    @property
    def steps(self) -> list[list[int]]:
        """The sizes of the batches of each training step."""
        sizes = self.sizes
        return [sizes[start : start + self.accumulate] for start in range(0, len(sizes), self.accumulate)]

    def shuffled(
        self, generator: torch.Generator, skip: int = 0, end: int | None = None, *, epoch: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, augmented, in an order that the generator draws.

        The generator is the CPU's, so that the order is the same on every device. Augmentation draws from the
        device's own, batch by batch: what is skipped draws nothing.

        Args: skip, how many batches at the beginning are not wanted; end, the batch before which to end, None at the
              last one. epoch, counted from 0, for what alternates.
        """
        # Drawn here and not with the first batch: an epoch of which nothing is left moves the generator on, too.
        order = _order(len(self), self._classes, generator).to(self.images.index_device)
        cut, least = None, self.augmentation and self.augmentation.least
        if least and self.images.cuts:
            cut = RandomCut(int(torch.randint(2**62, (), generator=generator)), least)
        parts = list(islice(self._parts(skip), None if end is None else end - skip))
        batches = self.images.batches((order[part] for part in parts), cut)
        mirrored = None if self._mirrored is None else (self._mirrored ^ bool(epoch % 2))[order]
        return (
            self._changed(*batch, None if mirrored is None else mirrored[part].to(self.device), cut=cut is not None)
            for part, batch in zip(parts, batches, strict=True)
        )

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every batch, in the order in which the samples are stored."""
        for samples, targets in self.images.batches(self._parts()):
            yield self._float(samples), targets

    def some(self, count: int, size: int, seed: int) -> Iterator[Tensor]:
        """So many samples at most, drawn by a seed, in batches of a size; unchanged, and the same in every process."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:count]
        found = self.images.batches(torch.split(order.to(self.images.index_device), size))
        return (self._float(samples) for samples, _ in found)

    def changed(self, count: int, seed: int) -> Tensor:
        """So many samples at most, drawn by a seed, changed as training changes them; every state of chance stays."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            order = torch.randperm(len(self))[:count].to(self.images.index_device)
            mirrored = None if self._mirrored is None else self._mirrored[order].to(self.device)
            samples, targets = next(iter(self.images.batches([order])))
            return self._changed(samples, targets, mirrored, cut=False)[0]

    def _parts(self, skip: int = 0) -> Iterator[slice]:
        """Where in an order this process's part of each batch is, but of the first ones."""
        ends = list(accumulate(self.sizes, initial=0))
        for start, end in pairwise(ends[skip:]):
            part = self.shard.of(end - start)
            yield slice(start + part.start, start + part.stop)

    def _changed(
        self, samples: Tensor, targets: Tensor, mirrored: Tensor | None, *, cut: bool
    ) -> tuple[Tensor, Tensor]:
        if self.augmentation is None or not len(samples):
            return self._float(samples), targets
        samples, targets = self.augmentation.move(samples, targets, mirrored, cut=cut)
        return self.augmentation.blend(self._float(samples), targets)

    def _float(self, samples: Tensor) -> Tensor:
        if self.images.dtype != torch.uint8:  # as they are; what is in memory stays what it is
            return samples if self.scaling is None else (samples - self.scaling.mean).div_(self.scaling.deviation)
        values = samples.float().div_(BRIGHTEST)
        if self.scaling is not None:
            values.sub_(self.scaling.mean).div_(self.scaling.deviation)
        return values


def places_by_class(labels: list[int]) -> list[Tensor]:
    """The places of each class's samples."""
    told = torch.tensor(labels)
    return [(told == label).nonzero().flatten() for label in sorted(set(labels))]


def _order(count: int, classes: list[Tensor] | None, generator: torch.Generator) -> Tensor:
    order = torch.randperm(count, generator=generator)
    return order if classes is None else evenly(classes, count, generator)[order]


def evenly(classes: list[Tensor], count: int, generator: torch.Generator) -> Tensor:
    """Places of so many samples, as many of each class as of any other, give or take one.

    Of a class that has fewer each is taken as often as any other, give or take one; of one that has more, chance says
    which. Args: classes, the places of each class's samples.
    """
    more = set(torch.randperm(len(classes), generator=generator)[: count % len(classes)].tolist())
    found: list[Tensor] = []
    for number, places in enumerate(classes):
        wanted = count // len(classes) + (number in more)
        rounds = [torch.randperm(len(places), generator=generator) for _ in range(-(-wanted // len(places)))]
        found += [places[torch.cat(rounds)[:wanted]]] if wanted else []
    return torch.cat(found)
