"""Regression: one number for each sample, or several."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from specc.diagnostics.spelling import spelled
from specc.tasks.constants import tensor_like
from specc.tasks.measure import Best, Measure
from specc.tasks.review import Answer, Cells, Example, Gallery, Review
from specc.tasks.rows import Rows
from specc.tasks.task import ALONE, Goal, Kind, Meter, Misfit, Processes, Reviewer, Shape, Targets, Task, classes_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LARGEST = sys.float_info.max
MAE = Measure("mae", "MAE", high=LARGEST, is_share=False)
R2 = Measure("r2", "R²", low=-LARGEST, is_share=False)
SHOWN = "The pictures with the largest errors: what is true, then what the network says."


@dataclass(frozen=True)
class Regress(Task):
    """Numbers: the mean squared, absolute or Huber error.

    The network's outputs are (size, numbers), in units in which the training targets have mean 0 and deviation 1; what
    is told is in the targets' own. Targets are (size,) or (size, numbers).
    """

    keyword: ClassVar[str] = "regress"
    target: ClassVar[Kind] = "numbers"
    measures: ClassVar[tuple[Measure, ...]] = (MAE, R2)
    best: ClassVar[Best] = Best(R2.name, "max")
    answers: ClassVar[str] = "numbers"
    python: ClassVar[str] = """\
numbers = outputs[0].double() * torch.tensor(TARGET_DEVIATION) + torch.tensor(TARGET_MEAN)
return dict(zip(CLASSES, numbers.tolist()))"""

    error: str = "mse"

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        said = f"the network gives {spelled(output)}"
        if targets is None:
            message = f"`task regress` takes a vector of numbers, but {said}"
            return Misfit("E606", message, (output[0],)) if len(output) > 1 else None
        if output == (targets.number,):
            return None
        message = f"{classes_of(targets)} for each sample, but {said}"
        return Misfit("E606", message, (targets.number,), check="W511")

    def start(self, targets: Targets) -> Goal:
        return NumberErrors(self.error, targets)

    def metadata(self, targets: Targets) -> Mapping[str, object]:
        scale = {"target_mean": targets.mean, "target_deviation": targets.deviation}
        return {**super().metadata(targets), **scale}


class NumberErrors:
    """What is computed."""

    counted: tuple[str, ...] = ()

    def __init__(self, error: str, targets: Targets) -> None:
        from torch.nn.functional import huber_loss, l1_loss, mse_loss

        functions: dict[str, Callable[..., Tensor]] = {"mse": mse_loss, "mae": l1_loss, "huber": huber_loss}
        self._function = functions[error]
        self._names = targets.named
        self._mean = targets.mean or (0.0,) * len(self._names)
        self._deviation = targets.deviation or (1.0,) * len(self._names)

    def scaled(self, y: Tensor) -> Tensor:
        """Targets in the units of the outputs, (size, numbers), float32."""
        wide = y.double() if y.device.type != "mps" else y.float()
        return ((wide.reshape(len(y), -1) - tensor_like(self._mean, wide)) / tensor_like(self._deviation, wide)).float()

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self._function(outputs, self.scaled(y))

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Of each sample, (size,)."""
        return self._function(outputs.float(), self.scaled(y), reduction="none").mean(1)

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.new_zeros(0)

    def meter(self, device: torch.device) -> Meter:
        return Sums(self, device, len(self._names))

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return LargestErrors(self, device, self._names, examples)

    def decode(self, outputs: Tensor) -> Tensor:
        """Outputs in the targets' own units, float64, on the CPU."""
        return self.told(outputs.detach().cpu().double())

    @property
    def deviation(self) -> Sequence[float]:
        return self._deviation

    def told(self, outputs: Tensor) -> Tensor:
        # Tensors made anew: one that is kept would be that of a program while it is exported.
        return outputs * outputs.new_tensor(self._deviation) + outputs.new_tensor(self._mean)

    def answers(self, outputs: Tensor, most: int) -> list[Answer]:
        found = []
        for row in self.decode(outputs).tolist():
            cells = tuple(zip(self._names, row, strict=True))
            words = tuple(f"{name} {value:.6g}" for name, value in cells)
            found.append(Answer({"numbers": dict(cells)}, words, f"has {', '.join(words)}", cells))
        return found

    def truths(self, y: Tensor) -> list[Cells]:
        names = [f"true {name}" for name in self._names]
        return [tuple(zip(names, row, strict=True)) for row in y.reshape(len(y), -1).tolist()]


class Sums:
    """Of each number the sums of the errors and of the targets, in units of the training targets' deviation."""

    def __init__(self, goal: NumberErrors, device: torch.device, numbers: int) -> None:
        import torch

        kind = torch.float32 if device.type == "mps" else torch.float64
        self._goal, self._loss = goal, torch.zeros((), device=device)
        self._sums = torch.zeros(4, numbers, dtype=kind, device=device)  # |error|, error², target, target²

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        import torch

        self._loss += self._goal.losses(outputs, y).sum()
        wanted = self._goal.scaled(y).to(self._sums.dtype)
        error = outputs.to(self._sums.dtype) - wanted
        every = (error.abs(), error.square(), wanted, wanted.square())
        self._sums += torch.stack([one.sum(0) for one in every])

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        rows = self.by_number(samples, processes)
        known = [one for _, one in rows if one is not None]
        return {
            "loss": float(processes.all_reduce(self._loss)) / samples,
            MAE.name: sum(one for one, _ in rows) / len(rows),
            R2.name: sum(known) / len(known) if known else None,
        }

    def by_number(self, samples: int, processes: Processes = ALONE) -> list[tuple[float, float | None]]:
        """MAE and R² of each number; R² is None where the targets are all the same."""
        columns = processes.all_reduce(self._sums).cpu().double().T.tolist()
        found: list[tuple[float, float | None]] = []
        for (absolute, squared, total, squares), unit in zip(columns, self._goal.deviation, strict=True):
            spread = squares - total * total / samples
            r2 = 1 - squared / spread if spread > 1e-9 * samples else None
            found.append((unit * absolute / samples, r2))
        return found


class ShownNumbers(NamedTuple):
    """A sample with its loss; true, said: numbers in their own units."""

    loss: float
    true: tuple[float, ...]
    said: tuple[float, ...]
    image: Tensor


class LargestErrors:
    """The errors of each number, and the samples with the largest ones."""

    def __init__(self, goal: NumberErrors, device: torch.device, names: tuple[str, ...], most: int) -> None:
        self._goal, self._names, self._most = goal, names, most
        self._meter = Sums(goal, device, len(names))
        self.found: list[ShownNumbers] = []

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._meter.update(outputs, x, y)
        if self._most and x.dim() == 4:
            self.found = nlargest(self._most, [*self.found, *self._of(outputs, x, y)], key=lambda one: one.loss)

    def _of(self, outputs: Tensor, x: Tensor, y: Tensor) -> list[ShownNumbers]:
        losses, said = self._goal.losses(outputs, y), self._goal.decode(outputs)
        true = y.reshape(len(y), -1)
        return [
            ShownNumbers(float(losses[place]), tuple(true[place].tolist()), tuple(said[place].tolist()),
                x[place].float().cpu().clone())
            for place in losses.topk(min(self._most, len(losses))).indices.tolist()
        ]  # fmt: skip

    def result(self, samples: int) -> Review:
        found, by_number = self._meter.result(samples), self._meter.by_number(samples)
        rows = tuple((name, samples, values) for name, values in zip(self._names, by_number, strict=True))
        shown = tuple(map(_example, self.found))
        return Review(
            found["loss"] or 0.0, ((MAE, found["mae"]), (R2, found["r2"])),
            Rows("number", "pictures", (MAE, R2), rows),
            gallery=Gallery("Largest errors", SHOWN, shown) if shown else None,
        )  # fmt: skip


def _example(one: ShownNumbers) -> Example:
    true, said = (", ".join(f"{value:.4g}" for value in some) for some in (one.true, one.said))
    return Example(((one.image, true),), ((true, "true"), (" → ", ""), (said, "")))
