"""Several labels: which of the classes a sample has, none, one or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from specc.diagnostics.amounts import percent
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.tasks.confusion import F1, MACRO_F1, PRECISION, RECALL
from specc.tasks.constants import tensor_like
from specc.tasks.measure import Best, Measure
from specc.tasks.review import Answer, Cells, Example, Gallery, Review
from specc.tasks.rows import Rows
from specc.tasks.task import ALONE, Goal, Kind, Meter, Misfit, Processes, Reviewer, Shape, Targets, Task, classes_of
from specc.tasks.weights import Weights, refused

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MICRO_F1, MAP, AP = Measure("f1", "F1"), Measure("map", "mAP"), Measure("average_precision", "AP")
SHOWN = "The pictures with the largest loss: their labels, then those that the network gives them."


@dataclass(frozen=True)
class Multilabel(Task):
    """Any of the labels: the binary cross-entropy of each in nats, their mean over the labels.

    The network's outputs and the targets are (size, labels); a target is 0 or 1.
    """

    keyword: ClassVar[str] = "multilabel"
    target: ClassVar[Kind] = "classes"
    measures: ClassVar[tuple[Measure, ...]] = (MICRO_F1, MAP)
    best: ClassVar[Best] = Best(MICRO_F1.name, "max")
    answers: ClassVar[str] = "labels"
    python: ClassVar[str] = """\
shares = zip(CLASSES, outputs.sigmoid()[0].tolist())
return dict(sorted((one for one in shares if one[1] >= THRESHOLD), key=lambda one: -one[1]))"""

    label_smoothing: float = 0.0
    class_weights: Weights = None
    threshold: float = 0.5

    def accepts(self, targets: Targets) -> Problem | None:
        return super().accepts(targets) or refused(self.class_weights, targets)

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        said = f"the network gives {spelled(output)}"
        if targets is None:
            message = f"`task multilabel` takes one number for each label, but {said}"
            return Misfit("E606", message, (output[0],)) if len(output) > 1 else None
        if output == (targets.number,):
            return None
        message = f"{classes_of(targets)}, but {said}"
        return Misfit("E606", message, (targets.number,), check="W511")

    def start(self, targets: Targets) -> Goal:
        return BinaryCrossEntropy(self, targets)

    def metadata(self, targets: Targets) -> Mapping[str, object]:
        return {**super().metadata(targets), "threshold": self.threshold}


class BinaryCrossEntropy:
    """What is computed."""

    counted: tuple[str, ...] = ()

    def __init__(self, task: Multilabel, targets: Targets) -> None:
        self._task, self._labels = task, targets.named
        self._weights = self._weights_of(task.class_weights, targets)

    def _weights_of(self, weights: Weights, targets: Targets) -> tuple[float, ...] | None:
        """What a sample that has a label counts in it, beside one that has not."""
        if weights != "balanced":
            return weights
        rest = [max(targets.samples - count, 1) / max(count, 1) for count in targets.counts or ()]
        return tuple(rest) or None

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        wanted = y.to(outputs.dtype)
        if self._task.label_smoothing:
            wanted = wanted + self._task.label_smoothing * (0.5 - wanted)
        weight = None if self._weights is None else tensor_like(self._weights, outputs)
        return binary_cross_entropy_with_logits(outputs, wanted, pos_weight=weight)

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.new_zeros(0)

    def meter(self, device: torch.device) -> Meter:
        return LabelScores(device, len(self._labels), self._task.threshold)

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return LabelReviewer(device, self._labels, self._task.threshold, examples)

    def told(self, outputs: Tensor) -> Tensor:
        return outputs.float().sigmoid()

    def answers(self, outputs: Tensor, most: int) -> list[Answer]:
        found = []
        for row in self.told(outputs).tolist():
            likely = sorted(zip(self._labels, row, strict=True), key=lambda one: -one[1])
            has = [(name, share) for name, share in likely if share >= self._task.threshold][:most]
            values: dict[str, object] = {"labels": [{"label": name, "probability": share} for name, share in has]}
            words = tuple(f"{percent(share, 2):>8}  {name}" for name, share in has) or ("none of the labels",)
            if len(has) == 1:
                words = (f"{has[0][0]} ({percent(has[0][1], 2)})",)
            names = [name for name, _ in has]
            cells = (("labels", ";".join(names)), *zip(self._labels, row, strict=True))
            found.append(Answer(values, words, f"has {', '.join(names) or 'none of the labels'}", cells))
        return found

    def truths(self, y: Tensor) -> list[Cells]:
        return [(("true", ";".join(self._labels[place] for place in _places(row > 0))),) for row in y]


class LabelScores:
    """The loss without smoothing and weights, right and wrong labels, and every score, from which the average
    precision is taken."""

    def __init__(self, device: torch.device, labels: int, threshold: float) -> None:
        import torch

        self._loss, self._threshold = torch.zeros((), device=device), threshold
        self._counts = torch.zeros(3, labels, dtype=torch.int64, device=device)  # right, said, there
        self._rows = [(torch.zeros(0, labels, device=device), torch.zeros(0, labels, device=device))]

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        scores, there = outputs.float(), y.float()
        self._loss += binary_cross_entropy_with_logits(scores, there, reduction="none").mean(1).sum()
        said, has = scores.sigmoid() >= self._threshold, there > 0
        self._counts += torch.stack([(said & has).sum(0), said.sum(0), has.sum(0)])
        self._rows.append((scores, there))

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        right, said, there = processes.all_reduce(self._counts).sum(1).tolist()
        known = [one for one in self.average_precisions(processes) if one is not None]
        return {
            "loss": float(processes.all_reduce(self._loss)) / samples,
            MICRO_F1.name: 2 * right / (said + there) if said + there else None,
            MAP.name: sum(known) / len(known) if known else None,
        }

    def average_precisions(self, processes: Processes = ALONE) -> list[float | None]:
        """Of each label; None where no sample has it."""
        import torch

        scores, there = (torch.cat(column) for column in zip(*self._rows, strict=True))
        columns = zip(processes.rows(scores).cpu().T, processes.rows(there).cpu().T, strict=True)
        return [average_precision(*pair) for pair in columns]

    def counts(self) -> list[list[int]]:
        """Of each label how often it was said rightly, said, and there."""
        found: list[list[int]] = self._counts.T.tolist()
        return found


def average_precision(scores: Tensor, there: Tensor) -> float | None:
    """The mean precision over the recall that each threshold brings; None where nothing is there.

    Args:   scores, there: (samples,), the second 0 or 1. Samples of equal scores stand on one side of a threshold.
    Source: sklearn.metrics.average_precision_score.
    """
    import torch

    order = scores.argsort(descending=True, stable=True)
    sorted_scores, hits = scores[order], there[order].double().cumsum(0)
    if not len(hits) or not hits[-1]:
        return None
    last = torch.ones(len(hits), dtype=torch.bool)
    last[:-1] = sorted_scores[1:] != sorted_scores[:-1]
    hits, said = hits[last], last.nonzero().flatten() + 1
    gained = hits.diff(prepend=hits.new_zeros(1))
    return float((gained * hits / said).sum() / hits[-1])


class ShownLabels(NamedTuple):
    """A sample with its loss; labels: its own and those that it is given."""

    loss: float
    place: int
    true: tuple[int, ...]
    said: tuple[int, ...]
    image: Tensor


class LabelReviewer:
    """The scores of each label, and the samples with the largest loss."""

    def __init__(self, device: torch.device, labels: tuple[str, ...], threshold: float, most: int) -> None:
        self._meter = LabelScores(device, len(labels), threshold)
        self._labels, self._threshold, self._most, self._seen = labels, threshold, most, 0
        self.found: list[ShownLabels] = []

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._meter.update(outputs, x, y)
        if self._most and x.dim() == 4:
            self.found = nlargest(self._most, [*self.found, *self._of(outputs, x, y)], key=lambda one: one.loss)
        self._seen += len(y)

    def _of(self, outputs: Tensor, x: Tensor, y: Tensor) -> list[ShownLabels]:
        from torch.nn.functional import binary_cross_entropy_with_logits

        scores = outputs.float()
        losses = binary_cross_entropy_with_logits(scores, y.float(), reduction="none").mean(1)
        said = scores.sigmoid() >= self._threshold
        return [
            ShownLabels(float(losses[place]), self._seen + place, _places(y[place]), _places(said[place]),
                x[place].float().cpu().clone())
            for place in losses.topk(min(self._most, len(losses))).indices.tolist()
        ]  # fmt: skip

    def result(self, samples: int) -> Review:
        found = self._meter.result(samples)
        rows = tuple(
            _row(name, right, said, there, average)
            for name, (right, said, there), average in zip(
                self._labels, self._meter.counts(), self._meter.average_precisions(), strict=True
            )
        )
        f1 = [values[2] for _, count, values in rows if count and values[2] is not None]
        numbers = ((MICRO_F1, found["f1"]), (MACRO_F1, sum(f1) / len(f1) if f1 else None), (MAP, found["map"]))
        shown = tuple(map(self._example, self.found))
        return Review(
            found["loss"] or 0.0, numbers, Rows("label", "pictures", (PRECISION, RECALL, F1, AP), rows),
            gallery=Gallery("Largest losses", SHOWN, shown) if shown else None,
        )  # fmt: skip

    def _example(self, one: ShownLabels) -> Example:
        true, said = (", ".join(self._labels[place] for place in some) or "none" for some in (one.true, one.said))
        kind = "true" if one.true == one.said else "wrong"
        return Example(((one.image, true),), ((true, "true"), (" → ", ""), (said, kind)))


def _places(flags: Tensor) -> tuple[int, ...]:
    return tuple(flags.nonzero().flatten().tolist())


def _row(
    name: str, right: int, said: int, there: int, average: float | None
) -> tuple[str, int, tuple[float | None, ...]]:
    precision, recall = (right / whole if whole else None for whole in (said, there))
    f1 = 2 * right / (said + there) if said + there else None
    return name, there, (precision, recall, f1, average)
