"""What a trained network says to single pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import torch

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.pictures import Taker
from specc.evaluate.trained import Trained
from specc.tasks.review import Answer
from specc.tasks.task import Goal

BATCH = 64


class Answered(NamedTuple):
    """A picture with what the network says to it, or with what is wrong with it."""

    picture: str
    answer: Answer | None = None
    problem: Diagnostic | None = None


def predict(trained: Trained, names: Iterable[str], taker: Taker, top: int, device: torch.device) -> Iterator[Answered]:
    """An answer for each picture, in order.

    Args:   top, classes that are told of a picture at most.
    Raises: Problem E646 where the network was not trained to say anything.
    """
    if not trained.task.answers:
        raise Problem.of("E646", f"{trained.name} was trained to {trained.recipe.task} pictures, not to tell classes",
            help="`specc peek` shows what it makes of a picture")  # fmt: skip
    rest, goal = iter(names), trained.goal()
    while some := list(islice(rest, BATCH)):
        yield from _answered(trained, goal, some, taker, top, device)


@torch.inference_mode()
def _answered(
    trained: Trained, goal: Goal, names: Iterable[str], taker: Taker, top: int, device: torch.device
) -> list[Answered]:
    found: list[Answered] = []
    images = []
    for name in names:
        try:
            images.append(taker.read(name))
            found.append(Answered(name))
        except Problem as problem:
            found.append(Answered(name, problem=problem.diagnostic))
    if not images:
        return found
    said = iter(goal.answers(trained.model(torch.stack(images).to(device)), top))
    return [one if one.problem else one._replace(answer=next(said)) for one in found]
