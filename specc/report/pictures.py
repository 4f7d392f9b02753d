"""Pictures of the page as PNG, from what the network was given."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from specc.data.batches import Scaling


def png_of(image: Tensor, scaling: Scaling | None) -> bytes:
    """A picture, (channels, height, width), with the scaling of its channels undone; grey unless it has three."""
    from PIL import Image

    if scaling is not None:
        image = image * scaling.deviation.cpu() + scaling.mean.cpu()
    if len(image) not in (1, 3):
        image = image.mean(0, keepdim=True)
    levels = image.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous()
    height, width, channels = levels.shape
    content = BytesIO()
    mode = "L" if channels == 1 else "RGB"
    Image.frombytes(mode, (width, height), bytes(levels.flatten().tolist())).save(content, "PNG")
    return content.getvalue()
