"""Single picture files as a trained network takes them: converted as the recipe of its run converts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.data.walk import Walk
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.recipe.recipe import Recipe
from specc.recipe.samples import Fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

    from specc.data.batches import Scaling
    from specc.data.picture import Reader

STDIN = "-"


class Taker(NamedTuple):
    """How pictures become the network's input.

    sample: its shape. scaled: whether pictures of other sizes are scaled; fit: how those of other proportions are.
    invert: whether dark and light change places.
    """

    sample: tuple[int, ...]
    scaling: Scaling | None
    scaled: bool = False
    fit: Fit = "stretch"
    invert: bool = False

    def read(self, name: str) -> Tensor:
        """One picture, float, (channels, height, width).

        Args:   name, a path, or "-" for standard input.
        Raises: Problem E643.
        """
        from specc.data.picture import quiet

        content = BytesIO(sys.stdin.buffer.read()) if name == STDIN else None
        with quiet():
            return self._ready(_shown(name), lambda reader: reader.read(name, content))

    def take(self, picture: Image.Image) -> Tensor:
        """The same of a picture of Pillow's, which stays as it is. Raises: Problem E643."""
        from specc.data.picture import UNREADABLE, UnreadablePicture, quiet

        def taken(reader: Reader) -> NDArray[np.uint8]:
            try:
                return reader.taken(picture.copy(), "the picture")
            except UNREADABLE as error:
                raise UnreadablePicture("is damaged") from error

        with quiet():
            return self._ready("the picture", taken)

    def _ready(self, name: str, read: Callable[[Reader], NDArray[np.uint8]]) -> Tensor:
        import torch

        from specc.data.picture import OtherSize, Reader, UnreadablePicture

        channels, height, width = self.sample
        reader = Reader("L" if channels == 1 else "RGB", height, width, self.scaled, self.fit)
        try:
            pixels = torch.tensor(read(reader))
        except UnreadablePicture as error:
            raise _unusable(f"{name} cannot be read: it {error.reason}", error.way or None) from None
        except OtherSize as error:
            raise self._other_size(name, error.height, error.width) from None
        image = pixels.permute(2, 0, 1).float().div_(255)
        return self.scale(1 - image if self.invert else image)

    def scale(self, image: Tensor) -> Tensor:
        """A picture of 0 to 1 as the network gets it."""
        return image if self.scaling is None else (image - self.scaling.mean) / self.scaling.deviation

    def unscaled(self, image: Tensor) -> Tensor:
        """What `scale` was given."""
        return image if self.scaling is None else image * self.scaling.deviation + self.scaling.mean

    def _other_size(self, name: str, height: int, width: int) -> Problem:
        return _unusable(f"{name} is {height}x{width} (height x width), and the network takes "
            f"{spelled(self.sample[1:])}", help="`--fit` scales it")  # fmt: skip


def taker_of(
    sample: tuple[int, ...], scaling: Scaling | None, recipe: Recipe, *, convert: bool = False, invert: bool = False
) -> Taker:
    """A taker for a network that prepares pictures as its recipe does.

    Args:   convert, whether pictures of other sizes are scaled where the recipe does not say so.
    Raises: Problem E647 where its input is no picture.
    """
    if len(sample) != 3 or sample[0] not in (1, 3):
        raise Problem.of("E647", f"the network's input is {spelled(sample)}, and no picture has that shape",
            help="a network for pictures has an input such as 1x28x28 or 3x32x32")  # fmt: skip
    return Taker(sample, scaling, convert or recipe.resize is not None, recipe.fit, invert)


def expanded(names: Sequence[str], tell: Callable[[str], None] = lambda note: None) -> Iterator[str]:
    """Each file, and each picture in a folder or below it, in alphabetical order.

    A folder without a picture stays: reading it tells what is wrong.

    Args: tell, is told of what looks like pictures and is passed over.
    """
    for name in names:
        if not Path(name).is_dir():
            yield name
            continue
        walk, found = Walk(), []
        with suppress(OSError):
            found = walk.pictures(Path(name))
        for passed in walk.passed_over:
            tell(str(passed))
        yield from (str(Path(path)) for path in found or [name])


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _unusable(message: str, help: str | None = None) -> Problem:
    return Problem.of("E643", message, help=help)
