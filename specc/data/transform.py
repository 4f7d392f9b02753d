"""Samples in memory scaled, and made grey or RGB: what is done to pictures in files as they are read."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from specc.data.frame import Placement, placement
from specc.data.survey import IGNORED
from specc.recipe.samples import Fit

CHUNK = 4096  # pictures scaled at a time: bounds what scaling needs beside its result

# ITU-R 601-2, the weights of Pillow's own conversion.
GREY_WEIGHTS = (0.299, 0.587, 0.114)


def prepared(images: Tensor, size: tuple[int, int] | None, channels: int | None, fit: Fit = "stretch") -> Tensor:
    """Pictures scaled to height and width (bilinear, with antialiasing) and in grey or RGB; others as they are.

    Args: images, uint8 or float32, (n, channels, …). fit, how those of other proportions are scaled.
    """
    if images.dim() != 4:
        return images
    if channels == 1 and images.shape[1] == 3:
        images = _grey(images)
    if size is not None and size != tuple(images.shape[2:]):
        images = _scaled(images, placement((images.shape[2], images.shape[3]), size, fit))
    if channels == 3 and images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1).contiguous()
    return images


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(GREY_WEIGHTS).view(1, 3, 1, 1)
    result = torch.empty(len(images), 1, *images.shape[2:], dtype=images.dtype)
    for part in _chunks(images):
        result[part] = _as(images.dtype, (images[part] * weights).sum(1, keepdim=True))
    return result


def prepared_masks(masks: Tensor, size: tuple[int, int] | None, fit: Fit = "stretch") -> Tensor:
    """Masks, (n, height, width) of uint8, scaled to the nearest pixel as `prepared` scales their pictures; what is
    filled is of no class."""
    if size is None or size == tuple(masks.shape[1:]):
        return masks
    placed = placement((masks.shape[1], masks.shape[2]), size, fit)
    result = torch.full((len(masks), *size), IGNORED, dtype=masks.dtype)
    taken, (top, left, height, width) = _box(masks, placed), placed.place
    result[:, top : top + height, left : left + width] = interpolate(
        taken.unsqueeze(1), (height, width), mode="nearest-exact"
    ).squeeze(1)
    return result


def _scaled(images: Tensor, placed: Placement) -> Tensor:
    count, channels = images.shape[:2]
    result = torch.zeros(count, channels, *placed.frame, dtype=images.dtype)
    taken, (top, left, height, width) = _box(images, placed), placed.place
    for part in _chunks(images):
        scaled = interpolate(taken[part].float(), (height, width), mode="bilinear", antialias=True, align_corners=False)
        result[part, :, top : top + height, left : left + width] = _as(images.dtype, scaled)
    return result


def _box(images: Tensor, placed: Placement) -> Tensor:
    top, left, height, width = placed.box
    return images[..., top : top + height, left : left + width]


def _as(dtype: torch.dtype, values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(dtype) if dtype == torch.uint8 else values


def _chunks(images: Tensor) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, len(images), CHUNK)]
