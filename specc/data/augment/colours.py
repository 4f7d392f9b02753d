"""Pictures in other colours, or blurred: nothing in them moves."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import conv2d, pad

from specc.data.transform import GREY_WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

REACH = 3  # deviations of a Gaussian that its kernel holds


def strengths_of(setting: float | tuple[float, float, float]) -> tuple[float, float, float]:
    """The recipe's `color_jitter` for brightness, contrast and saturation."""
    return setting if isinstance(setting, tuple) else (setting, setting, setting)


def jittered(images: Tensor, value: float | tuple[float, float, float]) -> Tensor:
    """Each picture brighter or darker, of more or less contrast, more or less colourful: torchvision's ColorJitter,
    always in this order and without a change of hue.

    Args:    images, from 0 to 255; each factor is even over 1 - x to 1 + x, and not below 0.
    Returns: float32, from 0 to 255.
    """
    values = images.float()
    brightness, contrast, saturation = strengths_of(value)
    if brightness:
        values = (values * _factors(values, brightness)).clamp_(0, 255)
    if contrast:
        values = blended(values, middle_of(values), _factors(values, contrast))
    if saturation and values.shape[1] == 3:
        values = blended(values, grey_of(values), _factors(values, saturation))
    return values


def blended(values: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    """So much of the values, from 0 to 255, and the rest of something else."""
    return torch.lerp(other.expand_as(values), values, factors).clamp_(0, 255)


def middle_of(values: Tensor) -> Tensor:
    """The mean brightness of each picture, (size, 1, 1, 1)."""
    return grey_of(values).mean((1, 2, 3), keepdim=True)


def grey_of(values: Tensor) -> Tensor:
    """The brightness of each pixel, (size, 1, height, width)."""
    if values.shape[1] != 3:
        return values.mean(1, keepdim=True)
    return (values * torch.tensor(GREY_WEIGHTS, device=values.device).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _factors(values: Tensor, strength: float) -> Tensor:
    shape = (len(values), 1, 1, 1)
    return torch.empty(shape, device=values.device).uniform_(max(0.0, 1 - strength), 1 + strength)


def tinted(images: Tensor, value: float) -> Tensor:
    """Each colour picture with its hues turned by up to such a share of the circle of colours; grey ones stay."""
    share = torch.empty(len(images), 1, 1, device=images.device).uniform_(-value, value)
    return images if images.shape[1] != 3 else hue_turned(images.float(), share)


def hue_turned(values: Tensor, share: Tensor) -> Tensor:
    """Colours, (size, 3, height, width), with their hue turned by a share of the circle, (size, 1, 1).

    Source: Smith 1978, "Color gamut transform pairs".
    """
    brightest, least = values.amax(1), values.amin(1)
    chroma = brightest - least
    red, green, blue = (values - least.unsqueeze(1)).unbind(1)
    spread = chroma.clamp_min(1e-12)
    sixth = torch.where(
        red >= chroma, (green - blue) / spread, torch.where(green >= chroma, (blue - red) / spread + 2,
            (red - green) / spread + 4),
    ) + 6 * share  # fmt: skip
    found = []
    for start in (5, 3, 1):
        place = (start + sixth) % 6
        found.append(brightest - chroma * torch.minimum(place, 4 - place).clamp(0, 1))
    return torch.stack(found, 1)


def blurred(images: Tensor, value: float) -> Tensor:
    """Each picture under a Gaussian of up to such a deviation, in pixels; its border is mirrored."""
    deviation = torch.rand(len(images), 1, device=images.device) * value
    return smoothed(images.float(), deviation, value)


def smoothed(values: Tensor, deviation: Tensor, most: float) -> Tensor:
    """Pictures under a Gaussian each. Args: deviation, (size, 1) in pixels; most, the largest that there may be."""
    size, channels, height, width = values.shape
    reach = min(ceil(REACH * most), height - 1, width - 1)
    if not reach:
        return values
    places = torch.arange(-reach, reach + 1, device=values.device)
    weights = torch.exp(-0.5 * (places / deviation.clamp_min(1e-3)) ** 2)
    kernels = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0).view(size * channels, 1, 1, -1)
    padded = pad(values, (reach,) * 4, "reflect").view(1, size * channels, height + 2 * reach, width + 2 * reach)
    across = conv2d(padded, kernels, groups=size * channels)
    return conv2d(across, kernels.transpose(2, 3), groups=size * channels).view_as(values)
