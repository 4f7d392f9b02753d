"""Random changes of training pictures, each on a whole batch at once; the recipe's fields say which and in what order.

They draw from torch's own random state of the device, so that a run that is continued draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import grid_sample, one_hot, pad

from specc.data.frame import RATIO, TRIES
from specc.data.transform import GREY_WEIGHTS
from specc.recipe.augmentations import Augmentation as Asked
from specc.recipe.augmentations import asked_of
from specc.recipe.entries import resolved
from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


class Augmenter:
    """What a recipe asks for; `augmentation_of` says whether it asks for anything."""

    def __init__(self, asked: Sequence[Asked], classes: int, *, masks: bool = False) -> None:
        """masks: whether targets are masks, which move with their pictures."""
        self.classes, self._masks = classes, masks
        self._cuts, self._moves, self._colours, self._fills, self._mixes = (
            [(resolved(one.function), one.value) for one in asked if one.when == when]
            for when in ("cuts", "moves", "colours", "fills", "mixes")
        )

    @property
    def least(self) -> float | None:
        """The smallest share of a picture's area that is cut out of it; None where nothing is."""
        return next((value for _, value in self._cuts), None)

    def move(self, images: Tensor, targets: Tensor, *, cut: bool = False) -> tuple[Tensor, Tensor]:
        """Cut out, mirrored, shifted pictures in other colours, and targets.

        Args:    images, uint8, (size, channels, height, width). cut, whether they are cut out already.
        Returns: the same, or float32 from 0 to 255 where values were computed. Masks, (size, height, width), have -1
                 where nothing was.
        """
        masks = targets.unsqueeze(1).long() + 1 if self._masks else None  # 0 comes in from outside
        for change, value in (*([] if cut else self._cuts), *self._moves):
            before = None if masks is None else random_state(images.device)
            images = change(images, value)
            if masks is not None and before is not None:
                set_random_state(images.device, before)
                masks = change(masks, value, "nearest").long()
        for change, value in self._colours:
            images = change(images, value)
        return images, targets if masks is None else masks.squeeze(1) - 1

    def blend(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures with holes, blended; float, scaled, so that a hole has the mean brightness of normalised pictures.

        Returns: pictures, and labels (size,) or, where pictures are blended, shares of the classes (size, classes).
        """
        for change, value in self._fills:
            images = change(images, value)
        for change, value in self._mixes:
            images, labels = change(images, labels, value, self.classes)
        return images, labels


def augmentation_of(recipe: Recipe, classes: int, *, masks: bool = False) -> Augmenter | None:
    """The recipe's augmentation, None where it has none."""
    asked = asked_of(recipe)
    return Augmenter(asked, classes, masks=masks) if asked else None


def random_state(device: torch.device) -> Tensor:
    """The state of the chance that augmentation draws from on a device."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else torch.get_rng_state()


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Draw again what was drawn from there on."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state)
    else:
        torch.set_rng_state(state)


def strengths_of(setting: float | tuple[float, float, float]) -> tuple[float, float, float]:
    """The recipe's `color_jitter` for brightness, contrast and saturation."""
    return setting if isinstance(setting, tuple) else (setting, setting, setting)


def cut_out(images: Tensor, least: float, mode: str = "bilinear") -> Tensor:
    """A random part of each picture, scaled to the whole picture's size: torchvision's RandomResizedCrop.

    Args:    images, (size, channels, height, width); least, the smallest share of the area, at most 1.
    Returns: float32, from 0 to 255 as the pictures are.
    """
    height, width = images.shape[2:]
    top, left, tall, wide = (
        part.view(-1, 1) for part in random_boxes(len(images), height, width, least, images.device)
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
    area = torch.empty(count, TRIES, device=device).uniform_(least, 1) * (height * width)
    ratio = torch.empty(count, TRIES, device=device).uniform_(-RATIO, RATIO).exp()
    wide, tall = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)  # of equal ones the first
    place = torch.rand(2, count, device=device)
    most_tall, most_wide = min(height, round(width * exp(RATIO))), min(width, round(height * exp(RATIO)))
    fitting = fits.any(1)
    tall = torch.where(fitting, tall.gather(1, first).squeeze(1), most_tall)
    wide = torch.where(fitting, wide.gather(1, first).squeeze(1), most_wide)
    spare = torch.stack([height - tall, width - wide])
    corner = torch.where(fitting, (place * (spare + 1)).floor().minimum(spare), (spare / 2).floor())
    return torch.cat([corner, torch.stack([tall, wide])])


def jittered(images: Tensor, setting: float | tuple[float, float, float]) -> Tensor:
    """Each picture brighter or darker, of more or less contrast, more or less colourful: torchvision's ColorJitter,
    always in this order and without a change of hue.

    Args:    images, from 0 to 255; each factor is even over 1 - x to 1 + x, and not below 0.
    Returns: float32, from 0 to 255.
    """
    values = images.float()
    brightness, contrast, saturation = strengths_of(setting)
    if brightness:
        values = (values * _factors(values, brightness)).clamp_(0, 255)
    if contrast:
        values = _blended(values, _grey(values).mean((1, 2, 3), keepdim=True), contrast)
    if saturation and values.shape[1] == 3:
        values = _blended(values, _grey(values), saturation)
    return values


def _blended(values: Tensor, other: Tensor, strength: float) -> Tensor:
    return torch.lerp(other.expand_as(values), values, _factors(values, strength)).clamp_(0, 255)


def _factors(values: Tensor, strength: float) -> Tensor:
    shape = (len(values), 1, 1, 1)
    return torch.empty(shape, device=values.device).uniform_(max(0.0, 1 - strength), 1 + strength)


def _grey(values: Tensor) -> Tensor:
    if values.shape[1] != 3:
        return values.mean(1, keepdim=True)
    return (values * torch.tensor(GREY_WEIGHTS, device=values.device).view(1, 3, 1, 1)).sum(1, keepdim=True)


def flipped(images: Tensor, _: bool = True, mode: str = "") -> Tensor:
    """Each picture as it is or mirrored, left for right."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored.view(-1, *[1] * (images.dim() - 1)), images.flip(-1), images)


def shifted(images: Tensor, most: int, mode: str = "") -> Tensor:
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
