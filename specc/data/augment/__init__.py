"""Random changes of training pictures, each on a whole batch at once; the recipe's fields say which and in what order.

They draw from torch's own random state of the device, so that a run that is continued draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch

from specc.data.augment.warps import warped
from specc.recipe.augmentations import Augmentation, When, asked_of
from specc.recipe.entries import resolved
from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


ALTERNATING = "flip_mode"  # what mirrors by turns says so by this setting


class Augmenter:
    """What a recipe asks for; `augmentation_of` says whether it asks for anything."""

    def __init__(self, asked: Sequence[Augmentation], classes: int, seed: int = 0, *, masks: bool = False) -> None:
        """seed: of what is drawn once for a run. masks: whether targets are masks, which move with their pictures."""
        self.classes, self._seed, self._masks = classes, seed, masks

        def of(when: When) -> list[partial[Tensor]]:
            return [
                partial(resolved(one.function), value=one.value, **one.options) for one in asked if one.when == when
            ]

        self._cuts, self._warps, self._moves, self._colours = of("cuts"), of("warps"), of("moves"), of("colours")
        self._fills, self._mixes = of("fills"), of("mixes")

    @property
    def least(self) -> float | None:
        """The smallest share of a picture's area that is cut out of it; None where nothing is."""
        return next((change.keywords["value"] for change in self._cuts), None)

    def mirrored_first(self, count: int, device: torch.device) -> Tensor | None:
        """Which of so many samples the first epoch mirrors, (count,), where the next one mirrors the rest; or None."""
        if not any(ALTERNATING in change.keywords for change in self._moves):
            return None
        return (torch.rand(count, generator=torch.Generator().manual_seed(self._seed)) < 0.5).to(device)

    def move(
        self, images: Tensor, targets: Tensor, mirrored: Tensor | None = None, *, cut: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Cut out, turned, mirrored, shifted pictures in other colours, and targets.

        Args:    images, uint8, (size, channels, height, width). mirrored, which of them are, where no draw says so.
                 cut, whether they are cut out already.
        Returns: the same, or float32 from 0 to 255 where values were computed. Masks, (size, height, width), have -1
                 where nothing was.
        """
        masks = targets.unsqueeze(1).long() + 1 if self._masks else None  # 0 comes in from outside
        for change in [] if cut else self._cuts:
            images, masks = _alike(change, images, masks)
        if self._warps:
            images, masks = warped(self._warps, images, masks)
        for change in self._moves:
            said = partial(change, mirrored=mirrored) if ALTERNATING in change.keywords else change
            images, masks = _alike(said, images, masks)
        for change in self._colours:
            images = change(images)
        return images, targets if masks is None else masks.squeeze(1) - 1

    def blend(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures with holes, blended; float, scaled, so that a hole has the mean brightness of normalised pictures.

        Of several ways to blend one is drawn for each batch.

        Returns: pictures, and labels (size,) or, where pictures are blended, shares of the classes (size, classes).
        """
        for change in self._fills:
            images = change(images)
        if not self._mixes:
            return images, labels
        mixed, targets = self._mixes[0](images, labels, classes=self.classes)
        for number, change in enumerate(self._mixes[1:], 2):
            other = torch.rand((), device=images.device) < 1 / number  # nothing waits for the device
            mixed, targets = (
                torch.where(other, second, first)
                for first, second in zip((mixed, targets), change(images, labels, classes=self.classes), strict=True)
            )
        return mixed, targets


def augmentation_of(recipe: Recipe, classes: int, *, masks: bool = False) -> Augmenter | None:
    """The recipe's augmentation, None where it has none."""
    asked = asked_of(recipe)
    return Augmenter(asked, classes, recipe.seed, masks=masks) if asked else None


def _alike(change: partial[Tensor], images: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Pictures and masks changed by the same draws."""
    if masks is None:
        return change(images), None
    before = random_state(images.device)
    images = change(images)
    set_random_state(images.device, before)
    return images, change(masks, mode="nearest").long()


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
