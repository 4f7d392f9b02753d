"""One pass over a split that keeps each answer, and the pictures of the worst ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import cross_entropy

from specc.report.confusion import Confusion

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]


class Mistake(NamedTuple):
    """A picture with a wrong answer. confidence: probability of that answer. image: as the network got it, float,
    (channels, height, width), on the CPU. place: in the split."""

    confidence: float
    place: int
    true: int
    predicted: int
    image: Tensor


class Predictions(NamedTuple):
    """The answers for a split, in the order of its pictures, on the CPU.

    labels, predicted: indices of classes, (pictures,). loss: mean cross-entropy in nats.
    mistakes: those that the network was surest of, the surest first.
    """

    labels: Tensor
    predicted: Tensor
    loss: float
    mistakes: tuple[Mistake, ...]

    def confusion(self, classes: tuple[str, ...]) -> Confusion:
        """How often each class was taken for each."""
        size = len(classes)
        counts = torch.bincount(self.labels * size + self.predicted, minlength=size * size).view(size, size)
        return Confusion(classes, tuple(tuple(row) for row in counts.tolist()))


@torch.no_grad()
def predict_split(model: nn.Module, batches: Iterable[Batch], keep: int = 0) -> Predictions:
    """Answers for every picture, in evaluation mode.

    Args: batches, float pictures and labels in the order of the split; keep, how many mistakes.
    """
    model.eval()
    loss, start = 0.0, 0
    parts: list[Batch] = []
    mistakes: list[Mistake] = []
    for images, labels in batches:
        scores = model(images).float()
        loss += float(cross_entropy(scores, labels, reduction="sum"))
        confidence, predicted = scores.softmax(1).max(1)
        parts.append((labels.cpu(), predicted.cpu()))
        if keep:
            found = _mistakes(images, *parts[-1], confidence.cpu(), start, keep)
            mistakes = nlargest(keep, [*mistakes, *found], key=lambda one: (one.confidence, -one.place))
        start += len(labels)
    labels, predicted = (torch.cat(column) for column in zip(*parts, strict=True))
    return Predictions(labels, predicted, loss / len(labels), tuple(mistakes))


def _mistakes(
    images: Tensor, labels: Tensor, predicted: Tensor, confidence: Tensor, start: int, keep: int
) -> Iterator[Mistake]:
    """The surest wrong answers of a batch, at most so many."""
    wrong = (labels != predicted).nonzero().flatten()
    order = confidence[wrong].argsort(descending=True, stable=True)
    for place in wrong[order[:keep]].tolist():
        yield Mistake(
            float(confidence[place]), start + place, int(labels[place]), int(predicted[place]),
            images[place].float().cpu().clone(),
        )  # fmt: skip


class Reconstruction(NamedTuple):
    """A picture and what an autoencoder made of it, both as the network sees them; loss: their mean squared error."""

    loss: float
    original: Tensor
    image: Tensor


@torch.no_grad()
def reconstruct(model: nn.Module, batches: Iterable[Batch], count: int) -> tuple[Reconstruction, ...]:
    """What an autoencoder gives for the first pictures of a split, at most so many, on the CPU."""
    model.eval()
    found: list[Reconstruction] = []
    for images, _ in batches:
        given = images[: count - len(found)]
        outputs = model(given).float().cpu()
        errors = (outputs - given.cpu()).square().flatten(1).mean(1).tolist()
        found += map(Reconstruction, errors, given.float().cpu().clone(), outputs)
        if len(found) >= count:
            break
    return tuple(found)


@torch.no_grad()
def reconstruction_loss(model: nn.Module, batches: Iterable[Batch]) -> float:
    """The mean squared error of an autoencoder over a split."""
    model.eval()
    total, count = 0.0, 0
    for images, _ in batches:
        total += float((model(images) - images).float().square().flatten(1).mean(1).sum())
        count += len(images)
    return total / count
