"""One epoch of training and one pass of evaluation: nothing else touches the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.data.batches import Batches
from specc.diagnostics.diagnostic import Problem
from specc.train.objective import Objective
from specc.train.step import Step

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.train.distributed.group import Group


class Score(NamedTuple):
    """The objective's mean loss over a split, and the share of right answers; None where it has no classes."""

    loss: float
    accuracy: float | None


def train_epoch(
    step: Step,
    batches: Batches,
    order: torch.Generator,
    losses: Tensor,
    after_step: Callable[[int], None],
    *,
    epoch: int = 0,
    first: int = 0,
) -> None:
    """Train on every picture once, or on those that are left of an epoch.

    Args:   order, as it was when the epoch began. losses, (steps,), on the device, is filled in.
            after_step is called after each step with the number of steps that the epoch has now; what it raises
            ends the epoch. epoch, finished ones; first, the steps of this one that are done already.
    Raises: Problem E616, E618.
    """
    step.model.train()
    sizes = batches.steps
    stream = batches.shuffled(order, skip=sum(len(parts) for parts in sizes[:first]))
    with explained(len(batches.labels), batches.size):
        for number, parts in enumerate(sizes[first:], first):
            losses[number] = step(epoch * len(sizes) + number, islice(stream, len(parts)), parts)
            after_step(number + 1)


def mean_loss(losses: Tensor, sizes: list[int]) -> float:
    """The loss of the mean picture: each step's loss counts by the pictures in it."""
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float(losses.cpu().double() @ weights / weights.sum())


CLASSIFY = Objective()
# What devices without an error type of their own for it say when their memory is used up: a CPU, MPS, CUDA's libraries.
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED")


@torch.no_grad()  # not in inference mode: what a layer keeps from there it could not use while it learns
def evaluate(
    model: nn.Module,
    batches: Batches,
    after_batch: Callable[[], None],
    objective: Objective = CLASSIFY,
    group: Group | None = None,
) -> Score:
    """Loss and accuracy over a split, in evaluation mode.

    Args:   group, the processes of which each has its part of every batch, where there are more than this one.
    Raises: Problem E618; whatever `after_batch` raises.
    """
    model.eval()
    loss = torch.zeros((), device=batches.labels.device)
    right = torch.zeros((), dtype=torch.int64, device=batches.labels.device)
    with explained():
        for images, labels in batches.in_order():
            if len(images):
                outputs = model(images)
                loss += objective.total(outputs, images, labels)
                right += objective.right(outputs, labels)
            after_batch()
    count = len(batches.labels)
    if group is not None:
        loss, right = group.total(loss), group.total(right)
    return Score(float(loss) / count, float(right) / count if objective.has_accuracy else None)


@contextmanager
def explained(pictures: int = 0, batch: int = 0) -> Iterator[None]:
    """What a sound network can still run into, said in our words.

    Args: pictures to train on; batch, how many of them are a full batch.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "DataLoader worker" in str(error):
            from specc.data.files import explained_failure

            raise explained_failure(error) or error from error
        if not any(said in str(error) for said in OUT_OF_MEMORY):
            raise
        raise _out_of_memory() from error
    except ValueError as error:
        if "Expected more than 1" not in str(error):
            raise
        raise Problem.of("E616", "a normalisation layer cannot train on a batch of one picture",
            help=_more_pictures(pictures, batch)) from error  # fmt: skip


def _more_pictures(pictures: int, batch: int) -> str:
    """How a batch comes to more than one picture."""
    if pictures == 1:
        return "there is only one picture to train on: raise `--limit`, or add pictures"
    return "`--batch 2` or more" if batch == 1 else "a larger `--batch` gives every process more than one picture"


def _out_of_memory() -> Problem:
    return Problem.of("E618", "the device does not have enough memory for a training step",
        help="halve the batch with `--batch`, or make the pictures smaller with `--resize`")  # fmt: skip
