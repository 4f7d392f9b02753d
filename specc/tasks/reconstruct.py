"""Reconstruction: the sample itself, as an autoencoder gives it back."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from specc.diagnostics.spelling import spelled
from specc.tasks.measure import ACCURACY
from specc.tasks.review import Answer, Cells, Example, Gallery, Review
from specc.tasks.task import ALONE, Goal, Kind, Meter, Misfit, Processes, Reviewer, Shape, Targets, Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SHOWN = "The first test pictures, each beside what the network makes of it, with the mean squared error."


@dataclass(frozen=True)
class Reconstruct(Task):
    """The sample itself: the mean square of output minus input over its values.

    The network's outputs have the shape of its inputs. The input is what the network was given: scaled where the
    recipe normalises, changed where it augments. Targets are not looked at.
    """

    keyword: ClassVar[str] = "reconstruct"
    target: ClassVar[Kind] = "none"
    loss: ClassVar[str] = "mean squared error"

    def objection(self, input: Shape, output: Shape, targets: Targets | None) -> Misfit | None:
        if output == input:
            return None
        message = (
            f"an autoencoder gives back its input, {spelled(input)}, but the network's output is {spelled(output)}"
        )
        return Misfit("E630", message, help=_way_back(input, output))

    def start(self, targets: Targets) -> Goal:
        return SquaredError()


def _way_back(input: Shape, output: Shape) -> str:
    if prod(output) == prod(input):
        reshape = "flatten" if len(input) == 1 else f"unflatten {spelled(input)}"
        return f"end the network with `{reshape}`"
    if len(input) == 3 and len(output) == 3 and output[1:] == input[1:]:
        return f"end the network with `conv {input[0]} k1`"
    return (
        "add layers that lead back to it, such as `upsample 2` or `convtranspose`\n`task classify` trains a classifier"
    )


class Pair(NamedTuple):
    """A sample and what an autoencoder made of it, as the network sees them; loss: their mean squared error."""

    loss: float
    original: Tensor
    made: Tensor


class SquaredError:
    """What is computed."""

    counted: tuple[str, ...] = ()

    def __init__(self) -> None:
        from torch.nn.functional import mse_loss

        self._mse_loss = mse_loss

    def loss(self, outputs: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self._mse_loss(outputs, x)

    def count(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.new_zeros(0)

    def meter(self, device: torch.device) -> Meter:
        return Errors(device)

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return FirstOnes(device, examples)

    def told(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def answers(self, outputs: Tensor, most: int) -> list[Answer]:
        return [Answer({}, ()) for _ in outputs]

    def truths(self, y: Tensor) -> list[Cells]:
        return [() for _ in y]


class Errors:
    """The mean squared error of each sample."""

    def __init__(self, device: torch.device) -> None:
        import torch
        from torch.nn.functional import mse_loss

        self._loss, self._mse_loss = torch.zeros((), device=device), mse_loss

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._loss += self._mse_loss(outputs, x, reduction="none").flatten(1).mean(1).sum()

    def result(self, samples: int, processes: Processes = ALONE) -> dict[str, float | None]:
        # The accuracy that there cannot be has its key, for programs that read those of classifiers.
        return {"loss": float(processes.all_reduce(self._loss)) / samples, ACCURACY.name: None}


class FirstOnes:
    """The loss, and what becomes of the first samples."""

    def __init__(self, device: torch.device, most: int) -> None:
        self._meter, self._most = Errors(device), most
        self.found: list[Pair] = []

    def update(self, outputs: Tensor, x: Tensor, y: Tensor) -> None:
        self._meter.update(outputs, x, y)
        given = x[: self._most - len(self.found)].float().cpu()
        made = outputs[: len(given)].float().cpu()
        errors = (made - given).square().flatten(1).mean(1).tolist()
        self.found += map(Pair, errors, given.clone(), made)

    def result(self, samples: int) -> Review:
        found = self._meter.result(samples)
        shown = tuple(
            Example(((one.original, "original"), (one.made, "reconstruction")), ((f"loss {one.loss:.4g}", ""),))
            for one in self.found
            if one.original.dim() == 3
        )
        gallery = Gallery("Reconstructions", SHOWN, shown, is_wide=True) if shown else None
        return Review(found["loss"] or 0.0, ((ACCURACY, None),), gallery=gallery)
