"""Samples in memory scaled, and made grey or RGB: what is done to pictures in files as they are read."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

CHUNK = 4096  # pictures scaled at a time: bounds what scaling needs beside its result

# ITU-R 601-2, the weights of Pillow's own conversion.
GREY_WEIGHTS = (0.299, 0.587, 0.114)


def prepared(images: Tensor, size: tuple[int, int] | None, channels: int | None) -> Tensor:
    """Pictures scaled to height and width (bilinear, with antialiasing) and in grey or RGB; others as they are.

    Args: images, uint8 or float32, (n, channels, …).
    """
    if images.dim() != 4:
        return images
    if channels == 1 and images.shape[1] == 3:
        images = _grey(images)
    if size is not None and size != tuple(images.shape[2:]):
        images = _scaled(images, size)
    if channels == 3 and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1).contiguous()
    return images


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(GREY_WEIGHTS).view(1, 3, 1, 1)
    result = torch.empty(len(images), 1, *images.shape[2:], dtype=images.dtype)
    for part in _chunks(images):
        result[part] = _as(images.dtype, (images[part] * weights).sum(1, keepdim=True))
    return result


def _scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    count, channels = images.shape[:2]
    result = torch.empty(count, channels, *size, dtype=images.dtype)
    for part in _chunks(images):
        scaled = interpolate(images[part].float(), size, mode="bilinear", antialias=True, align_corners=False)
        result[part] = _as(images.dtype, scaled)
    return result


def _as(dtype: torch.dtype, values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(dtype) if dtype == torch.uint8 else values


def _chunks(images: Tensor) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, len(images), CHUNK)]
