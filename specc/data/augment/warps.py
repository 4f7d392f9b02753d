"""Pictures turned, shifted, made larger and slanted: all of it at once, so that pixels are interpolated once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import pi
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import grid_sample

if TYPE_CHECKING:
    from torch import Tensor

# Each change takes a batch and gives for each picture where its pixels come from, (size, 3, 3): what a place, in pixels
# right of the picture's middle and below it, is multiplied by.


def warped(
    changes: Sequence[partial[Tensor]], images: Tensor, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Pictures, and their masks, after all changes in their order; zeros come in from outside.

    Returns: float32 pictures; masks as they were, of the nearest pixel.
    """
    places = changes[0](images)
    for change in changes[1:]:
        places = places @ change(images)
    moved = None if masks is None else drawn_from(masks, places, "nearest").to(masks.dtype)
    return drawn_from(images, places), moved


def drawn_from(images: Tensor, places: Tensor, mode: str = "bilinear") -> Tensor:
    """Pictures whose pixels come from such places, float32."""
    height, width = images.shape[2:]
    down = torch.arange(height, device=images.device) + 0.5 - height / 2
    right = torch.arange(width, device=images.device) + 0.5 - width / 2
    pixels = torch.stack([right.expand(height, -1), down.unsqueeze(1).expand(-1, width), torch.ones_like(right).expand(
        height, -1)], 2)  # fmt: skip
    found = pixels.view(1, -1, 3) @ places.transpose(1, 2)
    grid = found[..., :2] * (2 / torch.tensor([width, height], device=images.device))
    return grid_sample(images.float(), grid.view(-1, height, width, 2), mode, align_corners=False)


def rotated(images: Tensor, value: float) -> Tensor:
    """Turned by up to so many degrees either way."""
    return rotation(_drawn(images, value))


def translated(images: Tensor, value: float) -> Tensor:
    """Shifted by up to such a share of the sides, up or down and left or right."""
    down, right = _drawn(images, value) * images.shape[2], _drawn(images, value) * images.shape[3]
    return translation(right, down)


def zoomed(images: Tensor, value: float) -> Tensor:
    """Made larger or smaller, by a factor from 1 - x to 1 + x."""
    factor, zero = 1 / (1 + _drawn(images, value)), torch.zeros(len(images), device=images.device)
    return _matrix([[factor, zero, zero], [zero, factor, zero]])


def slanted(images: Tensor, value: float) -> Tensor:
    """Slanted sideways by up to so many degrees."""
    return shear((_drawn(images, value) * (pi / 180)).tan(), across=True)


def rotation(degrees: Tensor) -> Tensor:
    """Clockwise, (size,)."""
    angle, zero = degrees * (pi / 180), torch.zeros_like(degrees)
    return _matrix([[angle.cos(), angle.sin(), zero], [-angle.sin(), angle.cos(), zero]])


def translation(right: Tensor, down: Tensor) -> Tensor:
    """By pixels, (size,) each."""
    one, zero = torch.ones_like(right), torch.zeros_like(right)
    return _matrix([[one, zero, -right], [zero, one, -down]])


def shear(tangent: Tensor, *, across: bool) -> Tensor:
    """By so many pixels for each pixel below the middle, across, or right of it, down; (size,)."""
    one, zero = torch.ones_like(tangent), torch.zeros_like(tangent)
    return _matrix([[one, tangent, zero], [zero, one, zero]] if across else [[one, zero, zero], [tangent, one, zero]])


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    one, zero = torch.ones_like(rows[0][0]), torch.zeros_like(rows[0][0])
    return torch.stack([torch.stack(row, 1) for row in (*rows, [zero, zero, one])], 1)


def _drawn(images: Tensor, most: float) -> Tensor:
    return torch.empty(len(images), device=images.device).uniform_(-most, most)
