"""One sample as a small picture, whatever its shape: a picture as it is, a signal as a curve, a volume by a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 96  # pixels of a curve's picture
LANES = 8  # channels of a signal that are drawn, one below the other
PAPER, INK = 255, 32


def picture_of_sample(sample: NDArray[np.uint8]) -> Image.Image:
    """A sample, channels first.

    A vector and a signal are curves, each channel in its own lane. Of a volume the middle slice is shown. Channels that
    are neither grey nor RGB are averaged.
    """
    import numpy as np

    if sample.ndim < 3:
        return _curves(np.atleast_2d(sample)[:LANES])
    while sample.ndim > 3:
        sample = sample[:, sample.shape[1] // 2]
    if len(sample) == 3:
        return Image.fromarray(np.ascontiguousarray(sample.transpose(1, 2, 0)))
    return Image.fromarray(np.round(sample.mean(0)).astype(np.uint8))


def _curves(channels: NDArray[np.uint8]) -> Image.Image:
    import numpy as np

    drawn = Image.new("L", (SIDE, SIDE), PAPER)
    pen = ImageDraw.Draw(drawn)
    for lane, values in enumerate(channels):
        top, bottom = (SIDE * row // len(channels) for row in (lane, lane + 1))
        levels = _thinned(values).astype(float)
        across = np.linspace(0, SIDE - 1, len(levels))
        down = bottom - 1 - levels / 255 * (bottom - top - 1)
        pen.line([*zip(across.tolist(), down.tolist(), strict=True)] * (1 if len(levels) > 1 else 2), fill=INK)
    return drawn


def _thinned(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """No more values than can be seen: of each column the lowest and the highest."""
    import numpy as np

    if len(values) <= 2 * SIDE:
        return values
    starts = np.arange(SIDE) * len(values) // SIDE
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], 1)
    return ends.reshape(-1)
