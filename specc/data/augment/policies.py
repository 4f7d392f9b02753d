"""RandAugment and TrivialAugment: changes of pictures drawn from a list, for each picture by itself.

On a device every change is made of the whole batch, and each picture takes its own: nothing waits for the device.

Source: Cubuk et al. 2020, "RandAugment"; Müller and Hutter 2021, "TrivialAugment"; torchvision's lists and strengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import conv2d

from specc.data.augment.colours import blended, grey_of, middle_of
from specc.data.augment.warps import drawn_from, rotation, shear, translation

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 31  # of strength, the first of which changes nothing
CHANGES = 2  # of each picture, where the recipe does not say how many


class Strengths(NamedTuple):
    """What each change is at its strongest.

    slant: pixels across for each down. shift: in pixels, or a share of the sides. factor: how far from 1. bits: of a
    level that are left out.
    """

    slant: float
    shift: float
    in_pixels: bool
    degrees: float
    factor: float
    bits: int


USUAL = Strengths(0.3, 150 / 331, False, 30, 0.9, 4)
WIDE = Strengths(0.99, 32, True, 135, 0.99, 6)
NAMES = (
    "identity", "shear across", "shear down", "shift across", "shift down", "rotate", "brightness", "saturation",
    "contrast", "sharpness", "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip
MOVING, BLENDING = NAMES[1:6], NAMES[6:10]


class DrawnChanges(NamedTuple):
    """What was drawn for each picture, (size,) each: a change, its strength from 0 to 1, -1 or 1."""

    change: Tensor
    level: Tensor
    sign: Tensor

    def is_(self, name: str) -> Tensor:
        return self.change == NAMES.index(name)


def randomly_augmented(images: Tensor, value: int | tuple[int, int], mode: str = "") -> Tensor:
    """Each picture changed several times. Args: value, the strength, 1 to 30, or how many times and the strength."""
    times, strength = value if isinstance(value, tuple) else (CHANGES, value)
    for _ in range(times):
        drawn = _drawn(images)
        drawn = drawn._replace(level=torch.full_like(drawn.level, strength / (LEVELS - 1)))
        images = changed(images, drawn, USUAL, masks=mode == "nearest")
    return images


def trivially_augmented(images: Tensor, value: bool, mode: str = "") -> Tensor:
    """Each picture changed once, with a strength of its own."""
    return changed(images, _drawn(images), WIDE, masks=mode == "nearest")


def _drawn(images: Tensor) -> DrawnChanges:
    size, device = (len(images),), images.device
    level = torch.randint(LEVELS, size, device=device) / (LEVELS - 1)
    return DrawnChanges(
        torch.randint(len(NAMES), size, device=device), level, torch.randint(2, size, device=device) * 2 - 1
    )


def changed(images: Tensor, drawn: DrawnChanges, most: Strengths, *, masks: bool = False) -> Tensor:
    """Each picture with what was drawn for it, float32 from 0 to 255. Args: masks, whether they are masks: these move
    and keep their numbers."""
    mode = "nearest" if masks else "bilinear"

    def moved(values: Tensor, own: DrawnChanges) -> Tensor:
        return drawn_from(values, _places(values, own, most), mode)

    values = _where(images.float(), drawn, MOVING, moved)
    if masks:
        return values
    values = values.clamp(0, 255)  # interpolation may go beyond by a hair
    values = _where(values, drawn, BLENDING, lambda values, own: _blends(values, own, most))
    values = _where(values, drawn, ("posterize",), lambda values, own: _posterized(values, own, most))
    values = _where(values, drawn, ("solarize",), _solarized)
    values = _where(values, drawn, ("autocontrast",), lambda values, own: _spread(values))
    return _where(values, drawn, ("equalize",), lambda values, own: _equalized(values))


def _where(
    values: Tensor, drawn: DrawnChanges, names: tuple[str, ...], change: Callable[[Tensor, DrawnChanges], Tensor]
) -> Tensor:
    """The pictures for which one of these changes was drawn, changed, and the others.

    On a device all are changed, which is cheaper than to wait for how many they are.
    """
    chosen = torch.stack([drawn.is_(name) for name in names]).any(0)
    if values.device.type != "cpu":
        return torch.where(chosen.view(-1, 1, 1, 1), change(values, drawn), values)
    places = chosen.nonzero().squeeze(1)
    if not len(places):
        return values
    return values.index_copy(0, places, change(values[places], DrawnChanges(*(part[places] for part in drawn))))


def _places(images: Tensor, drawn: DrawnChanges, most: Strengths) -> Tensor:
    """Where the pixels of each picture come from, as in `warps`."""
    amount, nothing = drawn.level * drawn.sign, torch.zeros_like(drawn.level)
    height, width = (1, 1) if most.in_pixels else images.shape[2:]

    def of(name: str, strongest: float) -> Tensor:
        return torch.where(drawn.is_(name), amount * strongest, nothing)

    return (
        shear(of("shear across", most.slant), across=True) @ shear(of("shear down", most.slant), across=False)
        @ translation(of("shift across", most.shift * width), of("shift down", most.shift * height))
        @ rotation(of("rotate", most.degrees))
    )  # fmt: skip


def _blends(values: Tensor, drawn: DrawnChanges, most: Strengths) -> Tensor:
    """Brightness, saturation, contrast and sharpness: a picture blended with another that has none of it."""
    without, affected = torch.zeros_like(values), drawn.is_("brightness")
    for name, other in (
        ("saturation", grey_of(values)), ("contrast", middle_of(values)), ("sharpness", _soft(values)),
    ):  # fmt: skip
        chosen = drawn.is_(name) & (values.shape[1] == 3 or name != "saturation")
        without = torch.where(chosen.view(-1, 1, 1, 1), other, without)
        affected = affected | chosen
    factors = torch.where(affected, 1 + drawn.sign * drawn.level * most.factor, 1.0)
    return blended(values, without, factors.view(-1, 1, 1, 1))


def _soft(values: Tensor) -> Tensor:
    """Each pixel that has eight neighbours smoothed with them."""
    if min(values.shape[2:]) < 3:
        return values
    kernel = torch.ones(1, 1, 3, 3, device=values.device)
    kernel[0, 0, 1, 1] = 5
    channels = values.shape[1]
    soft = values.clone()
    soft[..., 1:-1, 1:-1] = conv2d(values, (kernel / kernel.sum()).expand(channels, 1, 3, 3), groups=channels)
    return soft


def _posterized(values: Tensor, drawn: DrawnChanges, most: Strengths) -> Tensor:
    step = (2.0 ** (drawn.level * most.bits).round()).view(-1, 1, 1, 1)
    return (values.round() / step).floor() * step


def _solarized(values: Tensor, drawn: DrawnChanges) -> Tensor:
    threshold = (255 * (1 - drawn.level)).view(-1, 1, 1, 1)
    return torch.where(values >= threshold, 255 - values, values)


def _spread(values: Tensor) -> Tensor:
    """Each channel from black to full brightness."""
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    return torch.where(high > low, (values - low) * (255 / (high - low).clamp_min(1e-6)), values).clamp(0, 255)


def _equalized(values: Tensor) -> Tensor:
    """Each channel with as many pixels of each brightness, as near as its levels allow: Pillow's equalize."""
    levels = values.round().clamp(0, 255).long().flatten(2)
    counts = torch.zeros(*levels.shape[:2], 256, dtype=torch.int64, device=values.device)
    counts.scatter_add_(2, levels, torch.ones_like(levels))
    brightest = counts.gather(2, levels.amax(2, keepdim=True))
    step = (levels.shape[2] - brightest) // 255
    sums = counts.cumsum(2) - counts
    found = ((sums + step // 2) // step.clamp_min(1)).clamp(0, 255).gather(2, levels).view_as(values)
    return torch.where((step > 0).unsqueeze(3), found.to(values.dtype), values)
