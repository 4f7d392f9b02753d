"""Weights that begin as the training pictures say: `init=whiten`.

The rows of a weight become the eigenvectors of the covariance of the patches that it is multiplied with, each divided
by the root of its eigenvalue, the largest eigenvalues first, then the negatives of as many: what leaves has directions
of one size that hang together as little as can be.

Source: Page 2018, "How to train your ResNet", part 8 (whitening of patches); Jordan 2024, "94% on CIFAR-10 in 3.29
Seconds on a Single GPU", section 3.1 (their negatives, and weights that stay as they are).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from specc.layers.weighted import WHITEN_EPS, Weighted

if TYPE_CHECKING:
    from specc.ir.shaped import ShapedModel

PICTURES = 5000  # of the training part, drawn by the run's seed
PATCHES = 1000  # of a picture, spread over it evenly
NUMBERS = 1 << 27  # in all patches that are looked at
AT_ONCE = 1 << 22  # and in those of one batch


class Arrived(Exception):
    """What arrives at the layer has been seen: nothing behind it is wanted."""


def whiten(model: nn.Module, shaped: ShapedModel, samples: Callable[[int, int], Iterator[Tensor]]) -> None:
    """Fill the weights of the layers that say `init=whiten`, in the order of execution.

    Args: samples, gives so many random training samples, as the network is given them, in batches of a size; the same
          ones whenever it is asked.
    """
    named = (row.name for row in shaped.rows() if row.layer)
    for name, layer in zip(named, shaped.layers(), strict=True):
        if isinstance(layer, Weighted) and layer.init is not None and layer.init.name == "whiten":
            eps = float(layer.init.arguments[0]) if layer.init.arguments else WHITEN_EPS
            _fill(model, model.get_submodule(name), eps, samples)


@torch.no_grad()
def _fill(model: nn.Module, module: Any, eps: float, samples: Callable[[int, int], Iterator[Tensor]]) -> None:
    weight: Tensor = module.weight
    moments = Moments(size := weight[0].numel())

    def look(_: nn.Module, arriving: tuple[Tensor]) -> None:
        moments.add(patches(arriving[0], module))
        raise Arrived

    was_training, handle = model.training, module.register_forward_pre_hook(look)
    model.eval()
    try:
        for batch in samples(PICTURES, max(1, AT_ONCE // (PATCHES * size))):
            with suppress(Arrived):
                model(batch)
            if moments.count * size >= NUMBERS:
                break
    finally:
        handle.remove()
        model.train(was_training)
    if moments.count:  # a layer that nothing arrives at keeps what it has
        weight.copy_(filters(moments.covariance(), len(weight), eps).view(weight.shape))


def patches(arriving: Tensor, module: Any) -> Tensor:
    """Patches of what arrives at a convolution or a linear layer, without padding: (patches, numbers), float64."""
    found = arriving.cpu()
    kernel, dilation = getattr(module, "kernel_size", ()), getattr(module, "dilation", ())
    for dimension, (size, step) in enumerate(zip(kernel, dilation, strict=True), 2):
        found = found.unfold(dimension, step * (size - 1) + 1, 1)[..., ::step]
    rank = len(kernel)
    places = found.shape[2 : 2 + rank]
    every = ceil((places.numel() / PATCHES) ** (1 / rank)) if rank else 1
    for dimension in range(2, 2 + rank):
        found = found[(slice(None),) * dimension + (slice(None, None, every),)]
    # (n, channels, places…, window…) as (n, places…, channels, window…): the order of a weight's row
    found = found.movedim(1, 1 + rank)
    return found.reshape(-1, found.shape[1 + rank :].numel()).double()


class Moments:
    """The sums from which a covariance is made, as patches come."""

    def __init__(self, size: int) -> None:
        """size: numbers in a patch."""
        self.count, self.sum = 0, torch.zeros(size, dtype=torch.float64)
        self.squares = torch.zeros(size, size, dtype=torch.float64)

    def add(self, patches: Tensor) -> None:
        self.count += len(patches)
        self.sum += patches.sum(0)
        self.squares += patches.T @ patches

    def covariance(self) -> Tensor:
        mean = self.sum / self.count
        return self.squares / self.count - mean.outer(mean)


def filters(covariance: Tensor, count: int, eps: float) -> Tensor:
    """So many filters, (count, numbers): eigenvectors over the root of eigenvalue + eps, then their negatives."""
    values, vectors = torch.linalg.eigh(covariance)
    first = -(-count // 2)
    values, vectors = values.flip(0)[:first].clamp_min(0), vectors.flip(1)[:, :first]
    whitened = vectors.T / (values + eps).sqrt().unsqueeze(1)
    return torch.cat([whitened, -whitened])[:count]
