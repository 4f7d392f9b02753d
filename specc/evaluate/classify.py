"""The most likely classes of single pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import torch

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.pictures import Taker
from specc.evaluate.trained import Trained

BATCH = 64


class Answer(NamedTuple):
    """A picture with its likeliest classes and their probabilities, or with what is wrong with it."""

    picture: str
    classes: tuple[tuple[str, float], ...] = ()
    problem: Diagnostic | None = None


def classify(trained: Trained, names: Iterable[str], taker: Taker, top: int, device: torch.device) -> Iterator[Answer]:
    """An answer for each picture, in order. Raises: Problem E646 where the network knows no classes."""
    if trained.recipe.objective == "reconstruct":
        raise Problem.of("E646", f"{trained.name} was trained to reconstruct pictures, not to tell classes",
            help="`specc peek` shows what it makes of a picture")  # fmt: skip
    rest = iter(names)
    while some := list(islice(rest, BATCH)):
        yield from _answers(trained, some, taker, top, device)


@torch.inference_mode()
def _answers(trained: Trained, names: Iterable[str], taker: Taker, top: int, device: torch.device) -> list[Answer]:
    found: list[Answer] = []
    images = []
    for name in names:
        try:
            images.append(taker.read(name))
            found.append(Answer(name))
        except Problem as problem:
            found.append(Answer(name, problem=problem.diagnostic))
    if not images:
        return found
    shares = trained.model(torch.stack(images).to(device)).float().softmax(1).cpu()
    values, places = shares.topk(min(top, shares.shape[1]))
    classes = trained.data.classes
    likely = (
        tuple((classes[place], value) for place, value in zip(row, shares_of, strict=True))
        for row, shares_of in zip(places.tolist(), values.tolist(), strict=True)
    )
    return [one if one.problem else one._replace(classes=next(likely)) for one in found]
