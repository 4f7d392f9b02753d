"""Single picture files as a trained network takes them: converted as the recipe of its run converts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.evaluate.named import STDIN, Named, expanded
from specc.recipe.recipe import Recipe
from specc.recipe.samples import Fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

    from specc.data.batches import Scaling
    from specc.data.picture import Reader


class TakenPicture(NamedTuple):
    """A picture as the network takes it. size: height and width that it had, as it is shown, in pixels."""

    image: Tensor
    size: tuple[int, int]


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
        return self.look(next(expanded([name])) if name == STDIN else Named(name)).image

    def look(self, one: Named) -> TakenPicture:
        """The same of a picture that was named, with what it was before. Raises: Problem E643."""
        from specc.data.picture import opened, quiet, size_of

        size = (0, 0)

        def read(reader: Reader) -> NDArray[np.uint8]:
            nonlocal size
            with opened(one.name, one.content and one.content()) as picture:
                size = size_of(picture)
                return reader.taken(picture, one.name)

        with quiet():
            image = self._ready("standard input" if one.name == STDIN else one.name, read)
        return TakenPicture(image, size)

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


def takes_pictures(sample: tuple[int, ...]) -> bool:
    """Whether a network whose samples have this shape can be shown a picture file."""
    return len(sample) == 3 and sample[0] in (1, 3)


def taker_of(
    sample: tuple[int, ...], scaling: Scaling | None, recipe: Recipe, *, convert: bool = False, invert: bool = False
) -> Taker:
    """A taker for a network that prepares pictures as its recipe does.

    Args:   convert, whether pictures of other sizes are scaled where the recipe does not say so.
    Raises: Problem E647 where its input is no picture.
    """
    if not takes_pictures(sample):
        raise Problem.of("E647", f"the network's input is {spelled(sample)}, and no picture has that shape",
            help="a network for pictures has an input such as 1x28x28 or 3x32x32")  # fmt: skip
    return Taker(sample, scaling, convert or recipe.resize is not None, recipe.fit, invert)


def _unusable(message: str, help: str | None = None) -> Problem:
    return Problem.of("E643", message, help=help)
