"""Pictures cut out, mirrored and shifted; with the mode "nearest" masks, by the same draws."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import grid_sample, pad

from specc.data.frame import RATIO, TRIES

if TYPE_CHECKING:
    from torch import Tensor


def cut_out(images: Tensor, value: float, mode: str = "bilinear") -> Tensor:
    """A random part of each picture, scaled to the whole picture's size: torchvision's RandomResizedCrop.

    Args:    images, (size, channels, height, width); value, the smallest share of the area, at most 1.
    Returns: float32, from 0 to 255 as the pictures are.
    """
    height, width = images.shape[2:]
    top, left, tall, wide = (
        part.view(-1, 1) for part in random_boxes(len(images), height, width, value, images.device)
    )
    rows = _samples(top, tall, height).unsqueeze(2).expand(-1, -1, width)
    columns = _samples(left, wide, width).unsqueeze(1).expand(-1, height, -1)
    places = torch.stack([columns, rows], 3)
    return grid_sample(images.float(), places, mode, padding_mode="border", align_corners=False)


def _samples(first: Tensor, length: Tensor, size: int) -> Tensor:
    """Where, from -1 to 1 over a side, to look for the values of so many pixels spread over a part of it."""
    pixel = torch.arange(size, device=first.device) + 0.5
    place = first + (pixel * length / size).clamp(0.5).minimum(length - 0.5)  # nothing from outside the part
    return place * (2 / size) - 1


def random_boxes(count: int, height: int, width: int, least: float, device: torch.device) -> Tensor:
    """So many parts of a picture: their area is even over `least` to 1, and the logarithm of width by height over that
    of 3/4 to 4/3.

    As torchvision does, ten draws are tried for each, and where none lies within the picture the largest part in the
    middle is taken that is not too long.

    Returns: whole numbers, (4, count): top, left, height, width.
    """
    boxes, fitting = drawn_boxes(count, (height, width), (least, 1), RATIO, device)
    tall, wide = min(height, round(width * exp(RATIO))), min(width, round(height * exp(RATIO)))
    middle = torch.tensor([(height - tall) // 2, (width - wide) // 2, tall, wide], device=device)
    return torch.where(fitting, boxes, middle.unsqueeze(1))


def drawn_boxes(
    count: int, size: tuple[int, int], share: tuple[float, float], ratio: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """So many parts of a picture: the first of ten draws each that lies within it. The area is even over a share of the
    picture's, the logarithm of width by height over -ratio to ratio.

    Args:    size, of the picture.
    Returns: whole numbers, (4, count): top, left, height, width; and whether any draw fitted, (count,).
    """
    height, width = size
    area = torch.empty(count, TRIES, device=device).uniform_(*share) * (height * width)
    longer = torch.empty(count, TRIES, device=device).uniform_(-ratio, ratio).exp()
    wides, talls = (area * longer).sqrt().round(), (area / longer).sqrt().round()
    fits = (wides >= 1) & (wides <= width) & (talls >= 1) & (talls <= height)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)  # of equal ones the first
    place = torch.rand(2, count, device=device)
    sides = torch.cat([talls.gather(1, first), wides.gather(1, first)], 1).T
    spare = torch.tensor([[height], [width]], device=device) - sides
    return torch.cat([(place * (spare + 1)).floor().minimum(spare), sides]), fits.any(1)


def flipped(
    images: Tensor, value: bool = True, mode: str = "", flip_mode: str = "random", mirrored: Tensor | None = None
) -> Tensor:
    """Each picture as it is or mirrored, left for right. Args: mirrored, which of them are, where no draw says so."""
    return _mirrored(images, -1, mirrored)


def turned_over(images: Tensor, value: bool = True, mode: str = "") -> Tensor:
    """Each picture as it is or mirrored, top for bottom."""
    return _mirrored(images, -2)


def _mirrored(images: Tensor, side: int, mirrored: Tensor | None = None) -> Tensor:
    if mirrored is None:
        mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, *[1] * (images.dim() - 1)), images.flip(side), images)


def shifted(images: Tensor, value: int, mode: str = "", crop_padding: str = "zeros") -> Tensor:
    """Each picture moved by up to so many pixels up or down and left or right: a crop of the padded picture."""
    size, (height, width) = len(images), images.shape[2:]
    padded = pad(images, (value,) * 4, "constant" if crop_padding == "zeros" else "reflect")
    top, left = torch.randint(0, 2 * value + 1, (2, size, 1), device=images.device)
    rows = (top + torch.arange(height, device=images.device)).view(size, 1, height, 1)
    columns = (left + torch.arange(width, device=images.device)).view(size, 1, 1, width)
    picture = torch.arange(size, device=images.device).view(size, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    return padded[picture, channel, rows, columns]
