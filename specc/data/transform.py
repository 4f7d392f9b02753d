"""What is done to all pictures once, before training: grey to RGB or back, and scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.data.dataset import Dataset, Split
from specc.data.memory import require_memory

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.files import FileSplit

CHUNK = 4096  # pictures scaled at a time: bounds what scaling needs beside its result

# ITU-R 601-2, the weights of Pillow's own conversion.
GREY_WEIGHTS = (0.299, 0.587, 0.114)


def size_of(resize: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """The recipe's `resize` as height and width, in pixels."""
    return (resize, resize) if isinstance(resize, int) else resize


def shape_after(sample: tuple[int, ...], resize: int | tuple[int, int] | None, channels: int | None) -> tuple[int, ...]:
    """What a picture's shape becomes: `prepared` without the pictures.

    >>> shape_after((1, 28, 28), 32, 3)
    (3, 32, 32)
    """
    if len(sample) != 3:
        return sample
    return (channels or sample[0], *(size_of(resize) or sample[1:]))


def prepared(dataset: Dataset, resize: int | tuple[int, int] | None, channels: int | None) -> Dataset:
    """The data set with every picture scaled (bilinear, with antialiasing) and in grey or RGB.

    Raises: Problem E611 where the scaled pictures do not fit in memory.
    """
    size = size_of(resize)
    return dataset._replace(
        train=_prepared(dataset.train, size, channels), test=_prepared(dataset.test, size, channels)
    )


def _prepared(split: Split | FileSplit, size: tuple[int, int] | None, channels: int | None) -> Split | FileSplit:
    if not isinstance(split, Split) or split.images.dim() != 4:
        return split  # files are scaled as they are read
    images = split.images
    if channels == 1 and images.shape[1] == 3:
        images = _grey(images)
    if size is not None and size != tuple(images.shape[2:]):
        images = _scaled(images, size)
    if channels == 3 and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1).contiguous()
    return split._replace(images=images)


def _grey(images: Tensor) -> Tensor:
    import torch

    weights = torch.tensor(GREY_WEIGHTS).view(1, 3, 1, 1)
    result = torch.empty(len(images), 1, *images.shape[2:], dtype=torch.uint8)
    for part in _chunks(images):
        result[part] = (images[part] * weights).sum(1, keepdim=True).round_().to(torch.uint8)
    return result


def _scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    import torch
    from torch.nn.functional import interpolate

    count, channels = images.shape[:2]
    shape = (channels, *size)
    require_memory(count, shape)
    result = torch.empty(count, *shape, dtype=torch.uint8)
    for part in _chunks(images):
        scaled = interpolate(images[part].float(), size, mode="bilinear", antialias=True, align_corners=False)
        result[part] = scaled.round_().clamp_(0, 255).to(torch.uint8)
    return result


def _chunks(images: Tensor) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, len(images), CHUNK)]
