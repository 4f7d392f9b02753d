"""Test-time augmentation: what a network says to a picture, to its mirror image and to both moved by a pixel, together.

Source of the moves and of what each counts: Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

from specc.diagnostics.diagnostic import Problem
from specc.evaluate.trained import Trained
from specc.tasks.heads import mapped

Tta: TypeAlias = Literal["flip", "shift"]


class Flipped(nn.Module):
    """The mean of the probabilities for all views of a picture, as outputs that mean just these probabilities."""

    def __init__(self, network: nn.Module, trained: Trained, tta: Tta = "flip") -> None:
        """Raises: Problem E693 where such views mean something else, or there are no probabilities."""
        super().__init__()
        task, sample = trained.task, trained.data.sample
        is_mask, is_picture = task.target == "mask", len(sample) == 3
        if task.target not in MEANS or not is_picture or (tta == "shift" and (is_mask or min(sample[1:]) < 2)):
            found = f"`task {task.keyword}`" if is_picture else "samples that are no pictures"
            found = "pictures of one pixel" if is_picture and min(sample[1:]) < 2 else found
            raise Problem.of("E693", f"`--tta {tta}` has no meaning for {found}", help="leave `--tta` out")
        self.network, self._mean, self._is_mask, self._shifts = network, MEANS[task.target], is_mask, tta == "shift"

    def forward(self, samples: Tensor) -> Any:
        shares, outputs = [], []
        for share, moved in views(samples) if self._shifts else ((1.0, samples),):
            shares += [share / 2, share / 2]
            outputs += [self.network(moved), mapped(self._back, self.network(moved.flip(-1)))]
        return mapped(lambda *one: self._mean([output.float() for output in one], shares), *outputs)

    def _back(self, output: Tensor) -> Tensor:
        return output.flip(-1) if self._is_mask else output


def views(samples: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Pictures as they are, for a half, and moved by a pixel up and left, or down and right, for a quarter each; what
    comes in is their border mirrored."""
    height, width = samples.shape[-2:]
    padded = pad(samples, (1, 1, 1, 1), "reflect")
    yield 0.5, samples
    yield 0.25, padded[..., :height, :width]
    yield 0.25, padded[..., 2:, 2:]


def _mean(logarithms: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The logarithms of a mean, out of logarithms."""
    return torch.stack([one + log(share) for one, share in zip(logarithms, shares, strict=True)]).logsumexp(0)


def _of_classes(outputs: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The logarithms of the mean probabilities; outputs (size, classes, …)."""
    return _mean([one.log_softmax(1) for one in outputs], shares)


def _of_labels(outputs: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The logits of the mean probabilities."""
    return _mean([logsigmoid(one) for one in outputs], shares) - _mean([logsigmoid(-one) for one in outputs], shares)


MEANS: dict[str, Callable[[Sequence[Tensor], Sequence[float]], Tensor]] = {
    "class": _of_classes, "classes": _of_labels, "mask": _of_classes
}  # fmt: skip


def with_tta(network: nn.Module, trained: Trained, tta: Tta | None) -> nn.Module:
    """The network as it is to be asked. Raises: Problem E693."""
    return network if tta is None else Flipped(network, trained, tta)
