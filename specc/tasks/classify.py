"""Classification: one class for each sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from specc.diagnostics.amounts import percent
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import spelled
from specc.tasks.confusion import MACRO_F1, WEIGHTED_F1, Confusion
from specc.tasks.constants import tensor_like
from specc.tasks.heads import Head, HeadsGoal, weights_of_heads
from specc.tasks.measure import ACCURACY, Best, Measure
from specc.tasks.review import Answer, Cells, Example, Gallery, Review
from specc.tasks.task import ALONE, Goal, Kind, Meter, Misfit, Processes, Reviewer, Shape, Targets, Task, classes_of
from specc.tasks.weights import Weights, refused, weights_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TOP = 5
SHOWN = "The wrong answers that the network was surest of: the true class, then the answer with its probability."
TOP5 = Measure("top5", f"top-{TOP} accuracy", in_line=False)


@dataclass(frozen=True)
class Classify(Task):
    """The class of each sample: the cross-entropy in nats, and the share of right answers.

    The network's outputs are (size, classes), or several of these by name, as `heads` says; targets are classes
    (size,), or shares of them (size, classes) where mixup or cutmix blends.
    """

    keyword: ClassVar[str] = "classify"
    target: ClassVar[Kind] = "class"
    measures: ClassVar[tuple[Measure, ...]] = (ACCURACY, TOP5)
    best: ClassVar[Best] = Best("accuracy", "max")
    examples: ClassVar[int] = 24
    answers: ClassVar[str] = "classes"
    python: ClassVar[str] = """\
shares = zip(CLASSES, outputs.softmax(1)[0].tolist())
return dict(sorted(shares, key=lambda one: -one[1]))"""

    label_smoothing: float = 0.0
    class_weights: Weights = None
    mixup: float | None = None
    cutmix: float | None = None
    heads: str | None = None

    @property
    def weighed(self) -> tuple[Head, ...]:
        return weights_of_heads(self.heads) if self.heads else ()

    def accepts(self, targets: Targets) -> Problem | None:
        return super().accepts(targets) or refused(self.class_weights, targets)

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        if targets is None:
            message = f"a classifier gives one number for each class, but the network gives {spelled(output)}"
            return Misfit("E606", message, (output[0],)) if len(output) > 1 else None
        if output == (targets.number,):
            return None
        message = f"{classes_of(targets)}, but the network gives {spelled(output)}"
        return Misfit("E606", message, (targets.number,), check="W511")

    def start(self, targets: Targets) -> Goal:
        goal = CrossEntropy(self, targets)
        return HeadsGoal(goal, self.weighed) if self.weighed else goal


class CrossEntropy:
    """What is computed. Where pictures are blended there is no right answer to count in training."""

    def __init__(self, task: Classify, targets: Targets) -> None:
        from torch.nn.functional import cross_entropy

        self.counted: tuple[str, ...] = (ACCURACY.name,) if task.mixup is task.cutmix is None else ()
        self._smoothing, self._classes, self._cross_entropy = task.label_smoothing, targets.named, cross_entropy
        self._weights = weights_of(task.class_weights, targets)

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if self._weights is None:
            return self._cross_entropy(outputs, y, label_smoothing=self._smoothing)
        # Not torch's weighted mean, which weighs a batch by itself: parts of a batch would not add up to the whole.
        weights = tensor_like(self._weights, outputs)
        shares = weights[y] if y.dim() == 1 else y @ weights
        return (self._cross_entropy(outputs, y, label_smoothing=self._smoothing, reduction="none") * shares).mean()

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs.argmax(1) == y).sum(0, keepdim=True)

    def meter(self, device: torch.device) -> Meter:
        return Hits(device, len(self._classes))

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return Mistakes(device, self._classes, examples)

    def told(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(1)

    def answers(self, outputs: Tensor, most: int) -> list[Answer]:
        shares, places = self.told(outputs).topk(min(most, outputs.shape[1]))
        likely = zip(places.tolist(), shares.tolist(), strict=True)
        return [answer_of([(self._classes[n], one) for n, one in zip(*row, strict=True)]) for row in likely]

    def truths(self, y: Tensor) -> list[Cells]:
        return [(("true", self._classes[place]),) for place in y.tolist()]


def answer_of(likely: Sequence[tuple[str, float]]) -> Answer:
    """The likeliest classes, the first one first, each with its probability."""
    values: dict[str, object] = {"classes": [{"class": name, "probability": share} for name, share in likely]}
    name, share = likely[0]
    words = tuple(f"{percent(share, 2):>8}  {name}" for name, share in likely)
    if len(likely) == 1:
        words = (f"{name} ({percent(share, 2)})",)
    return Answer(values, words, f"is {name} ({percent(share)})", (("class", name), ("probability", share)))


class Hits:
    """The loss without smoothing, the right answers and, where there are more than five classes, the samples whose
    class is among the five likeliest."""

    def __init__(self, device: torch.device, classes: int) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        self._cross_entropy = cross_entropy
        self._loss = torch.zeros((), device=device)
        self._right, self._near = torch.zeros((2,), dtype=torch.int64, device=device)
        self._tells_top = classes > TOP

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._loss += self._cross_entropy(outputs, y, reduction="sum")
        self._right += (outputs.argmax(1) == y).sum()
        if self._tells_top:
            likelier = (outputs > outputs.gather(1, y.unsqueeze(1))).sum(1)
            self._near += (likelier < TOP).sum()

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        found = {"loss": self._loss, ACCURACY.name: self._right} | ({TOP5.name: self._near} if self._tells_top else {})
        return {name: float(processes.all_reduce(value)) / samples for name, value in found.items()}


class Mistake(NamedTuple):
    """A sample with a wrong answer. confidence: probability of that answer. place: in the split. image: as the network
    got it, on the CPU."""

    confidence: float
    place: int
    true: int
    predicted: int
    image: Tensor


class Mistakes:
    """How often each class is taken for each, and the wrong answers that the network was surest of."""

    def __init__(self, device: torch.device, classes: tuple[str, ...], most: int) -> None:
        import torch

        self._meter, self._classes, self._most = Hits(device, len(classes)), classes, most
        self._counts = torch.zeros(len(classes) ** 2, dtype=torch.int64, device=device)
        self._seen = 0
        self.found: list[Mistake] = []

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._meter.update(outputs, x, y)
        confidence, predicted = outputs.float().softmax(1).max(1)
        self._counts += (y * len(self._classes) + predicted).bincount(minlength=len(self._counts))
        if self._most:
            found = [*self.found, *self._wrong(x, y, predicted, confidence)]
            self.found = nlargest(self._most, found, key=lambda one: (one.confidence, -one.place))
        self._seen += len(y)

    def _wrong(self, x: Tensor, y: Tensor, predicted: Tensor, confidence: Tensor) -> Iterator[Mistake]:
        """The surest wrong answers of a batch."""
        wrong = (y != predicted).nonzero().flatten()
        order = confidence[wrong].argsort(descending=True, stable=True)
        for place in wrong[order[: self._most]].tolist():
            yield Mistake(
                float(confidence[place]), self._seen + place, int(y[place]), int(predicted[place]),
                x[place].float().cpu().clone(),
            )  # fmt: skip

    def result(self, samples: int) -> Review:
        size, found = len(self._classes), self._meter.result(samples)
        counts = self._counts.view(size, size).tolist()
        confusion = Confusion(self._classes, tuple(tuple(row) for row in counts))
        told = [(one, found[one.name]) for one in (ACCURACY, TOP5) if one.name in found]
        numbers = (*told, *zip((MACRO_F1, WEIGHTED_F1), confusion.mean_f1(), strict=True))
        gallery = self._gallery(confusion) if self._most else None
        return Review(found["loss"] or 0.0, numbers, confusion.rows("pictures"), confusion, gallery)

    def _gallery(self, confusion: Confusion) -> Gallery | None:
        """Mistakes as pictures; none for data that are no pictures."""
        shown = tuple(self._example(one) for one in self.found if one.image.dim() == 3)
        if shown:
            return Gallery("Worst mistakes", SHOWN, shown)
        every = confusion.right == confusion.pictures
        return Gallery("Mistakes", "None: every test picture was recognised.") if every else None

    def _example(self, one: Mistake) -> Example:
        true, predicted = self._classes[one.true], self._classes[one.predicted]
        caption = ((true, "true"), (" → ", ""), (predicted, "wrong"), (f" {ACCURACY.text(one.confidence)}", ""))
        return Example(((one.image, f"{true}, taken for {predicted}"),), caption, one.predicted)
