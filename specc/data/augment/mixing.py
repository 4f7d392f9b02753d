"""Pictures with holes, and blended with each other: after they are scaled, with their targets."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import one_hot

from specc.data.augment.moves import drawn_boxes

if TYPE_CHECKING:
    from torch import Tensor

ERASED = (0.02, 1 / 3)  # shares of a picture's area, at least and at most
LONGEST = log(10 / 3)  # an erased part is up to so much wider than high, or higher than wide


def with_hole(images: Tensor, value: int) -> Tensor:
    """Each picture with a square of zeros; its middle is anywhere, so that part of it may lie outside
    (DeVries and Taylor 2017)."""
    height, width = images.shape[2:]
    down = _near(len(images), height, value, images.device).view(-1, 1, height, 1)
    across = _near(len(images), width, value, images.device).view(-1, 1, 1, width)
    return images.masked_fill(down & across, 0)


def _near(count: int, length: int, side: int, device: torch.device) -> Tensor:
    """For so many lines of a length which pixels are within a window at a random place; bool, (count, length)."""
    start = torch.randint(0, length, (count, 1), device=device) - side // 2
    return _within(start, start + side, length)


def _within(start: Tensor, end: Tensor, length: int) -> Tensor:
    place = torch.arange(length, device=start.device)
    return (place >= start) & (place < end)


def erased(images: Tensor, value: float) -> Tensor:
    """Pictures of which such a share have a rectangle of zeros (Zhong et al. 2020): torchvision's RandomErasing."""
    size, _, height, width = images.shape
    chosen = torch.rand(size, device=images.device) < value
    boxes, fits = drawn_boxes(size, (height, width), ERASED, LONGEST, images.device)
    hole = _inside(boxes, height, width) & (chosen & fits).view(-1, 1, 1, 1)
    return images.masked_fill(hole, 0)


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Which pixels lie in each box, (4, size) of top, left, height, width; (size, 1, height, width)."""
    top, left, tall, wide = boxes.unsqueeze(2)
    down, across = _within(top, top + tall, height), _within(left, left + wide, width)
    return (down.unsqueeze(2) & across.unsqueeze(1)).unsqueeze(1)


def mixed(images: Tensor, labels: Tensor, value: float, classes: int) -> tuple[Tensor, Tensor]:
    """Each picture blended with another of the batch, and the classes in the same shares (Zhang et al. 2018)."""
    first, other = _share(value, images), torch.randperm(len(images), device=images.device)
    targets = one_hot(labels, classes).to(images.dtype)
    return torch.lerp(images[other], images, first), torch.lerp(targets[other], targets, first)


def patched(images: Tensor, labels: Tensor, value: float, classes: int) -> tuple[Tensor, Tensor]:
    """Each picture with a rectangle of another of the batch in it, at one place for all; the classes in the shares of
    the area (Yun et al. 2019)."""
    (height, width), device = images.shape[2:], images.device
    half = (1 - _share(value, images)).sqrt() / 2
    middle = torch.rand(2, device=device) * torch.tensor([height, width], device=device)
    reach = half * torch.tensor([height, width], device=device)
    start, end = (middle - reach).round(), (middle + reach).round()
    patch = _within(start[0], end[0], height).unsqueeze(1) & _within(start[1], end[1], width)
    other = torch.randperm(len(images), device=device)
    targets = one_hot(labels, classes).to(images.dtype)
    return torch.where(patch, images[other], images), torch.lerp(targets, targets[other], patch.float().mean())


def _share(alpha: float, images: Tensor) -> Tensor:
    """A share from Beta(alpha, alpha), a scalar."""
    return torch._sample_dirichlet(torch.full((2,), alpha, device=images.device))[0]
