"""How a picture of any size comes into a frame of one size: which part of it, and where that goes.

Files, arrays, masks and single pictures all go by it, in training as in evaluation.
"""

from __future__ import annotations

import random
from math import exp, log, sqrt
from typing import NamedTuple, TypeAlias

from PIL import Image

from specc.recipe.samples import Fit

Box: TypeAlias = tuple[int, int, int, int]
"""top, left, height, width in pixels"""

TRIES = 10  # draws of a part of a picture
RATIO = log(4 / 3)  # the longest part is 4/3 as wide as high, or as high as wide


class Placement(NamedTuple):
    """picture: height and width of the whole. box: the part of it that is taken. place: where that goes. frame: height
    and width of what comes of it; what lies beside the place is filled."""

    picture: tuple[int, int]
    box: Box
    place: Box
    frame: tuple[int, int]

    @property
    def enough(self) -> tuple[int, int]:
        """Height and width of the whole from which its part has twice the pixels of its place, each way.

        A large JPEG decodes several times faster at a half, a quarter or an eighth.
        """
        height, width = (
            -(-2 * size * target // part)
            for size, target, part in zip(self.picture, self.place[2:], self.box[2:], strict=True)
        )
        return height, width

    def drawn(self, picture: Image.Image, how: Image.Resampling, fill: int = 0) -> Image.Image:
        """The frame with the picture in it. Args: picture, whole; it may have been decoded at a part of its size."""
        (height, width), (top, left, tall, wide) = self.picture, self.box
        down, across = picture.height / height, picture.width / width
        box = (round(left * across), round(top * down), round((left + wide) * across), round((top + tall) * down))
        part = picture.crop(box) if self.box[2:] != self.picture else picture
        part = part.resize((self.place[3], self.place[2]), how)
        if self.place[2:] == self.frame:
            return part
        whole = Image.new(picture.mode, (self.frame[1], self.frame[0]), fill)
        whole.paste(part, (self.place[1], self.place[0]))
        return whole


def placement(picture: tuple[int, int], frame: tuple[int, int], fit: Fit = "stretch") -> Placement:
    """Where a picture goes.

    `stretch` makes all of it as large as the frame; `crop` takes the largest part in its middle that has the frame's
    proportions; `pad` keeps its own, with all of it in the middle of the frame.

    Args: picture, frame: height and width in pixels.

    >>> placement((40, 80), (20, 20), "crop").box, placement((40, 80), (20, 20), "pad").place
    ((0, 20, 40, 40), (5, 0, 10, 20))
    """
    box, place = (0, 0, *picture), (0, 0, *frame)
    shrinks = [size / target for size, target in zip(picture, frame, strict=True)]
    if fit == "crop":
        box = _middle(picture, [round(target * min(shrinks)) for target in frame])
    elif fit == "pad":
        place = _middle(frame, [round(size / max(shrinks)) for size in picture])
    return Placement(picture, box, place, frame)


def _middle(whole: tuple[int, int], part: list[int]) -> Box:
    height, width = (max(1, min(size, most)) for size, most in zip(part, whole, strict=True))
    return (whole[0] - height) // 2, (whole[1] - width) // 2, height, width


class RandomCut(NamedTuple):
    """A random part of each picture: torchvision's RandomResizedCrop, at the picture's full size.

    What is drawn for a picture follows from the epoch's seed and the picture's place alone: not from which process
    reads it, nor from what was read before. least: the smallest share of the area.
    """

    seed: int
    least: float

    def box(self, place: int, picture: tuple[int, int]) -> Box:
        """The part of a picture. Args: place, of it among all; picture, its height and width."""
        chance = random.Random(self.seed << 40 | place)  # noqa: S311 - no secret
        height, width = picture
        for _ in range(TRIES):
            area = chance.uniform(self.least, 1) * height * width
            ratio = exp(chance.uniform(-RATIO, RATIO))
            wide, tall = round(sqrt(area * ratio)), round(sqrt(area / ratio))
            if 1 <= wide <= width and 1 <= tall <= height:
                return chance.randint(0, height - tall), chance.randint(0, width - wide), tall, wide
        return _middle(picture, [round(width * exp(RATIO)), round(height * exp(RATIO))])
