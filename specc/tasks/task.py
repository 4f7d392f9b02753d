"""What a network is trained to do: the half of a task that knows no torch, and what its torch half gives.

A task is a class in a file of this folder, and a line in `tasks.names`. The class says what data must give for it, what
the network's output must be, what is measured and what epochs are compared by; `start` makes the half that computes,
and torch is imported in there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.tasks.measure import Best, Measure
from specc.tasks.review import Answer, Cells, Review

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Shape = tuple[int, ...]
GIVEN = {
    "none": "nothing besides the samples", "class": "one class for each sample", "classes": "any of several labels",
    "numbers": "numbers for each sample", "mask": "a class for each pixel",
}  # fmt: skip
# What is known of a sample besides itself: nothing, one class, some of several labels, numbers, a class for each pixel.
Kind = Literal["none", "class", "classes", "numbers", "mask"]


class Targets(NamedTuple):
    """What data say of their samples, as far as it is known before a sample is read.

    data:   the name of the data set. kind: what there is for each sample.
    names:  of the classes, labels or numbers, or how many there are, where the data must be loaded to know them.
    counts: training samples of each class, of a mask pixels, where they are counted; samples: of all of them.
    mean, deviation: of each number over the training samples.
    """

    data: str
    names: tuple[str, ...] | int = ()
    kind: Kind = "class"
    counts: tuple[int, ...] | None = None
    samples: int = 0
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """A name for each class, label or number: its place where the data do not say it."""
        return tuple(map(str, range(self.names))) if isinstance(self.names, int) else self.names

    def __str__(self) -> str:
        """How many there are of what is to be found: `10 classes`."""
        return counted(self.number, {"classes": "label", "numbers": "number"}.get(self.kind, "class"))

    @property
    def number(self) -> int:
        return self.names if isinstance(self.names, int) else len(self.names)


class Misfit(NamedTuple):
    """Why a network's output is none for a task.

    code:    of the error that it is in training. wanted: the output that would do, where the ways to it depend on the
             network. help: the way out, where it does not. check: the code of the warning that `check` gives instead.
    output:  which of several it is.
    """

    code: str
    message: str
    wanted: Shape = ()
    help: str = ""
    check: str = ""
    output: str = ""


class Processes(Protocol):
    """The processes that measure a split together, a part of every batch each."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sum over all processes."""

    def rows(self, tensor: Tensor) -> Tensor:
        """The rows of all processes, below each other."""


class Alone:
    """This process, where it measures a split by itself."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        return tensor

    def rows(self, tensor: Tensor) -> Tensor:
        return tensor


ALONE = Alone()


class Meter(Protocol):
    """Adds up on the device what a task measures over a split, batch by batch; nothing waits for the device."""

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        """A batch, and what the network gives for it."""

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        """The mean `loss`, and the task's measures by name.

        Args: samples, of the whole split. processes, those that measured parts of it.
        """


class Reviewer(Protocol):
    """Looks at a split closely, batch by batch."""

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        """A batch, and what the network gives for it."""

    def result(self, samples: int) -> Review:
        """What was found. Args: samples, of the whole split."""


class Goal(Protocol):
    """The half of a task that computes.

    counted: the measures that are counted in training, too, from the outputs that the gradient needs anyway.
    """

    counted: tuple[str, ...]

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The loss of the mean sample of a training batch, a scalar."""

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        """For each measure in `counted` the sum over a batch, (measures,), float32."""

    def meter(self, device: torch.device) -> Meter:
        """A meter that has seen nothing."""

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        """A reviewer that has seen nothing, and keeps so many samples to show."""

    def told(self, outputs: Tensor) -> Tensor:
        """What is told of a batch, as numbers: what `answers` puts into words, and what a program gives that is
        exported to be used by itself. On the device, in operations that can be exported."""

    def answers(self, outputs: Tensor, most: int) -> Sequence[Answer]:
        """What the network says to each sample of a batch; at most so many classes."""

    def truths(self, y: Tensor) -> Sequence[Cells]:
        """What is true of each sample of a batch, to stand beside the cells of its answer."""


@dataclass(frozen=True)
class Task:
    """One kind of learning. Its fields are its settings, by the names that they have in a recipe.

    keyword:  its name in a recipe, and in the table of `tasks.names`.
    target:   what data must give for each sample. moves: whether targets move with the picture.
    measures: what is told of a split besides the loss. best: what epochs are compared by.
    loss:     what the loss is, where a reader would not know.
    examples: samples that the report shows. answers: what `predict` says of a sample; empty where there is nothing.
    python:   how an exported file tells it: the end of a function that has `outputs`, of one sample, and what
              `metadata` says as constants in capitals; empty where it tells nothing.
    """

    keyword: ClassVar[str]
    target: ClassVar[Kind]
    moves: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = ()
    best: ClassVar[Best] = Best("loss", "min")
    loss: ClassVar[str] = ""
    examples: ClassVar[int] = 12
    answers: ClassVar[str] = ""
    python: ClassVar[str] = ""

    @property
    def weighed(self) -> tuple[tuple[str, float], ...]:
        """The outputs that are learned of a network with several, each with what its loss counts; the first is told."""
        return ()

    def accepts(self, targets: Targets) -> Problem | None:
        """Why data cannot be learned from, None where they can."""
        if self.target in ("none", targets.kind):
            return None
        fitting = {"class": "classify", "classes": "multilabel", "numbers": "regress", "mask": "segment"}
        task = fitting.get(targets.kind, "reconstruct")
        return not_learned(
            f"`task {self.keyword}` learns {GIVEN[self.target]}, and {targets.data} gives {GIVEN[targets.kind]}",
            f"`task {task}` in `train {{ }}`, or `--task {task}` of `specc train`, learns what these data give",
        )

    def outputs(self, targets: Targets) -> int:
        """How many outputs, or channels of the output, the network must have: `param classes = auto`."""
        return targets.number

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        """Why a network with this output cannot be trained, None where it can.

        Args: input, output: shapes of one sample; of several outputs each is asked about. targets, None where no data
              are known.
        """
        raise NotImplementedError

    def start(self, targets: Targets) -> Goal:
        """The half that computes."""
        raise NotImplementedError

    def metadata(self, targets: Targets) -> Mapping[str, object]:
        """What an exported file says of the task and of what it learned, for JSON."""
        return {"task": self.keyword, "classes": targets.named}


def not_learned(message: str, help: str) -> Problem:
    """The problem that a task cannot learn from data."""
    return Problem.of("E638", message, help=help)


def classes_of(targets: Targets) -> str:
    """How many classes data have, in words."""
    return f"{targets.data} has {targets}"
