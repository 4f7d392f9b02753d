"""What training makes small and what a test counts, for each objective of the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy, mse_loss

from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor


class Objective:
    """Classification: the cross-entropy in nats, and the share of right answers.

    outputs are (size, classes); targets are classes (size,), or shares of them (size, classes) where mixup blends.
    """

    has_accuracy = True

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def loss(self, outputs: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        """The loss of the mean picture of a training batch."""
        return cross_entropy(outputs, targets, label_smoothing=self.smoothing)

    def total(self, outputs: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """The losses of all pictures of a test batch added up, without smoothing."""
        return cross_entropy(outputs, labels, reduction="sum")

    def right(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """How many answers are right, as a tensor on the device."""
        return (outputs.argmax(1) == labels).sum()


class Reconstruction(Objective):
    """An autoencoder: the mean square of output minus input over the values of a picture.

    outputs and images are of one shape, (size, channels, height, width). The input is what the network was given:
    scaled where the recipe normalises, changed where it augments. The classes are not looked at.
    """

    has_accuracy = False

    def loss(self, outputs: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, images)

    def total(self, outputs: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        return mse_loss(outputs, images, reduction="none").flatten(1).mean(1).sum()

    def right(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return torch.zeros((), dtype=torch.int64, device=outputs.device)


def objective_of(recipe: Recipe) -> Objective:
    """The recipe's objective."""
    return Reconstruction() if recipe.objective == "reconstruct" else Objective(recipe.label_smoothing)
