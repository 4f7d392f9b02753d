"""Tensors as pictures: of the page as PNG, from what the network was given."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from specc.data.batches import Scaling


def png_of(image: Tensor, scaling: Scaling | None) -> bytes:
    """A picture, (channels, height, width), with the scaling of its channels undone; grey unless it has three.

    Bytes are levels as they are.
    """
    return as_png(picture_of(_levels(image, scaling)))


def heat_of(image: Tensor, scaling: Scaling | None, heat: Tensor, least: float = 0.0) -> bytes:
    """The same in grey, with a map over it, (height, width); see `heated`."""
    return as_png(picture_of(heated(_levels(image, scaling), heat, least)))


def heated(levels: Tensor, heat: Tensor, least: float = 0.0) -> Tensor:
    """A picture, levels from 0 to 1, (1 or 3, height, width), grey, glowing where a map is large; (3, height, width).

    The largest value of the map glows most, unless all are below `least`; nothing below zero does.
    """
    from torch import stack

    heat = heat.nan_to_num(0.0).clamp(min=0)
    share = heat / max(float(heat.max()), least, 1e-30)
    grey = 0.15 + 0.6 * levels.mean(0)
    glow = (share * 0 + 1, 0.15 + 0.65 * share, share * 0 + 0.05)
    return stack([grey * (1 - 0.8 * share) + 0.8 * share * part for part in glow])


def kernels_as_levels(kernels: Tensor) -> Tensor:
    """Kernels, (filters, channels, height, width), as pictures on one scale with zero in its middle: those of three
    channels in colour, others by their first channel."""
    largest = float(kernels.abs().max()) or 1.0
    return ((kernels if kernels.shape[1] == 3 else kernels[:, :1]) / largest + 1) / 2


def _levels(image: Tensor, scaling: Scaling | None) -> Tensor:
    if not image.is_floating_point():
        image = image / 255
    elif scaling is not None:
        image = image * scaling.deviation.cpu() + scaling.mean.cpu()
    return image if len(image) in (1, 3) else image.mean(0, keepdim=True)


def as_png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def picture_of(image: Tensor) -> Image.Image:
    """Values from 0 to 1, (1 or 3, height, width), as a picture in grey or RGB."""
    from PIL import Image

    levels = image.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous()
    height, width, channels = levels.shape
    return Image.frombytes("L" if channels == 1 else "RGB", (width, height), levels.numpy().tobytes())
