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
    if not image.is_floating_point():
        image = image / 255
    elif scaling is not None:
        image = image * scaling.deviation.cpu() + scaling.mean.cpu()
    if len(image) not in (1, 3):
        image = image.mean(0, keepdim=True)
    content = BytesIO()
    picture_of(image).save(content, "PNG")
    return content.getvalue()


def picture_of(image: Tensor) -> Image.Image:
    """Values from 0 to 1, (1 or 3, height, width), as a picture in grey or RGB."""
    from PIL import Image

    levels = image.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous()
    height, width, channels = levels.shape
    return Image.frombytes("L" if channels == 1 else "RGB", (width, height), levels.numpy().tobytes())
