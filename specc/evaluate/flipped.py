"""Test-time augmentation: what a network says to a picture and to its mirror image, together."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any, Literal, TypeAlias

from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from specc.diagnostics.diagnostic import Problem
from specc.evaluate.trained import Trained
from specc.tasks.heads import mapped

Tta: TypeAlias = Literal["flip"]


class Flipped(nn.Module):
    """The mean of the probabilities for both, as outputs that mean just these probabilities."""

    def __init__(self, network: nn.Module, trained: Trained) -> None:
        """Raises: Problem E693 where mirrored samples mean something else, or there are no probabilities."""
        super().__init__()
        task, sample = trained.task, trained.data.sample
        if task.target not in MEANS or len(sample) != 3:
            found = f"`task {task.keyword}`" if len(sample) == 3 else "samples that are no pictures"
            raise Problem.of("E693", f"`--tta flip` has no meaning for {found}", help="leave `--tta` out")
        self.network, self._mean, self._is_mask = network, MEANS[task.target], task.target == "mask"

    def forward(self, samples: Tensor) -> Any:
        return mapped(self._both, self.network(samples), self.network(samples.flip(-1)))

    def _both(self, one: Tensor, other: Tensor) -> Tensor:
        return self._mean(one.float(), (other.flip(-1) if self._is_mask else other).float())


def _of_classes(one: Tensor, other: Tensor) -> Tensor:
    """The logarithms of the mean probabilities; outputs (size, classes, …)."""
    return one.log_softmax(1).logaddexp(other.log_softmax(1)) - log(2)


def _of_labels(one: Tensor, other: Tensor) -> Tensor:
    """The logits of the mean probabilities."""
    return logsigmoid(one).logaddexp(logsigmoid(other)) - logsigmoid(-one).logaddexp(logsigmoid(-other))


MEANS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "class": _of_classes, "classes": _of_labels, "mask": _of_classes
}  # fmt: skip


def with_tta(network: nn.Module, trained: Trained, tta: Tta | None) -> nn.Module:
    """The network as it is to be asked. Raises: Problem E693."""
    return network if tta is None else Flipped(network, trained)
