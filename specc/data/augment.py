"""Random changes of training pictures, each on a whole batch at once.

They draw from torch's own random state of the device, so that a run that is continued draws what it would have drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import one_hot, pad

from specc.ir.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


class Augmentation:
    """What a recipe asks for; `augmentation_of` says whether it asks for anything."""

    def __init__(self, recipe: Recipe, classes: int) -> None:
        self.flip, self.crop, self.cutout, self.mixup = recipe.flip, recipe.crop, recipe.cutout, recipe.mixup
        self.classes = classes

    def move(self, images: Tensor) -> Tensor:
        """Mirrored and shifted pictures; (size, channels, height, width), of any type."""
        if self.flip:
            images = flipped(images)
        return images if self.crop is None else shifted(images, self.crop)

    def blend(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures with holes, blended; float, scaled, so that a hole has the mean brightness of normalised pictures.

        Returns: pictures, and labels (size,) or, where pictures are blended, shares of the classes (size, classes).
        """
        if self.cutout is not None:
            images = with_hole(images, self.cutout)
        return (images, labels) if self.mixup is None else mixed(images, labels, self.mixup, self.classes)


def augmentation_of(recipe: Recipe, classes: int) -> Augmentation | None:
    """The recipe's augmentation, None where it has none."""
    asked = recipe.flip or recipe.crop or recipe.cutout or recipe.mixup
    return Augmentation(recipe, classes) if asked else None


def flipped(images: Tensor) -> Tensor:
    """Each picture as it is or mirrored, left for right."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, *[1] * (images.dim() - 1)), images.flip(-1), images)


def shifted(images: Tensor, most: int) -> Tensor:
    """Each picture moved by up to so many pixels up or down and left or right: a crop of the padded picture."""
    size, (height, width) = len(images), images.shape[2:]
    padded = pad(images, (most, most, most, most))
    top, left = torch.randint(0, 2 * most + 1, (2, size, 1), device=images.device)
    rows = (top + torch.arange(height, device=images.device)).view(size, 1, height, 1)
    columns = (left + torch.arange(width, device=images.device)).view(size, 1, 1, width)
    picture = torch.arange(size, device=images.device).view(size, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    return padded[picture, channel, rows, columns]


def with_hole(images: Tensor, side: int) -> Tensor:
    """Each picture with a square of zeros; its middle is anywhere, so that part of it may lie outside
    (DeVries and Taylor 2017)."""
    height, width = images.shape[2:]
    down = _near(len(images), height, side, images.device).view(-1, 1, height, 1)
    across = _near(len(images), width, side, images.device).view(-1, 1, 1, width)
    return images.masked_fill(down & across, 0)


def _near(count: int, length: int, side: int, device: torch.device) -> Tensor:
    """For so many lines of a length which pixels are within a window at a random place; bool, (count, length)."""
    start = torch.randint(0, length, (count, 1), device=device) - side // 2
    place = torch.arange(length, device=device)
    return (place >= start) & (place < start + side)


def mixed(images: Tensor, labels: Tensor, alpha: float, classes: int) -> tuple[Tensor, Tensor]:
    """Each picture blended with another of the batch, and the classes in the same shares (Zhang et al. 2018)."""
    strength = torch.full((2,), alpha, device=images.device)
    first, _ = torch._sample_dirichlet(strength)  # the first share is Beta(alpha, alpha)
    other = torch.randperm(len(images), device=images.device)
    targets = one_hot(labels, classes).to(images.dtype)
    return torch.lerp(images[other], images, first), torch.lerp(targets[other], targets, first)
