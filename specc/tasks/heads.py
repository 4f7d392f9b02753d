"""A network with several outputs: what the loss of each counts, and what is told, which is the first one's.

`heads main=1 aux=0.3` names outputs. Their losses are added up, each times its number; everything else, measures,
mistakes and answers, is that of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.syntax.numerals import named_numbers
from specc.tasks.review import Answer, Cells
from specc.tasks.task import Goal, Meter, Reviewer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Head = tuple[str, float]


def weights_of_heads(text: str) -> tuple[Head, ...]:
    """The outputs that a text names, each with what its loss counts.

    >>> weights_of_heads("main=1 aux=0.3")
    (('main', 1.0), ('aux', 0.3))

    Raises: ValueError where it says something else, or the first one, which is told, is not learned.
    """
    found = named_numbers(text)
    if not found or not found[0][1]:
        raise ValueError("nothing is learned that is told")
    return found


class WrongHead(NamedTuple):
    """Why heads are not those of a network. name: the one at fault, empty where all are; guess: what is meant."""

    name: str
    message: str
    help: str
    guess: str | None = None


def wrong_head(heads: Sequence[Head], outputs: Collection[str]) -> WrongHead | None:
    """The first head that a network with these outputs cannot have; one with a single output has none by name."""
    if not outputs:
        return WrongHead(
            "", "`heads` says what each of several outputs counts, and this network has a single one",
            "leave `heads` out, or end the network with `outputs { main: … | aux: … }`",
        )  # fmt: skip
    names = [name for name, _ in heads]
    for name in names:
        if name not in outputs:
            from specc.diagnostics.spelling import nearest

            guess = nearest(name, outputs)
            help = f"did you mean `{guess}`?" if guess else f"its outputs are {', '.join(outputs)}"
            return WrongHead(name, f"the network has no output `{name}`", help, guess)
        if names.count(name) > 1:
            return WrongHead(name, f"`heads` names `{name}` twice", "keep one of the two")
    return None


def mapped(change: Callable[..., Any], *outputs: Any) -> Any:
    """What is made of what networks give: of a tensor of each, of several outputs of those of one name."""
    first = outputs[0]
    if not isinstance(first, dict):
        return change(*outputs)
    return {name: change(*(one[name] for one in outputs)) for name in first}


def total(outputs: Any) -> Any:
    """The sum of all that a network gives, a scalar."""
    return sum(part.sum() for part in (outputs.values() if isinstance(outputs, dict) else [outputs]))


class HeadsGoal:
    """The goal of one output, for a network that gives several by name."""

    def __init__(self, goal: Goal, heads: Sequence[Head]) -> None:
        self.counted: tuple[str, ...] = goal.counted
        self._goal, self._learned = goal, [(name, weight) for name, weight in heads if weight]
        self._told = heads[0][0]

    def loss(self, outputs: Any, x: Tensor, y: Tensor) -> Tensor:
        losses = [weight * self._goal.loss(outputs[name], x, y) for name, weight in self._learned]
        whole: Tensor = sum(losses[1:], losses[0])
        return whole

    def count(self, outputs: Any, y: Tensor) -> Tensor:
        return self._goal.count(outputs[self._told], y)

    def meter(self, device: torch.device) -> Meter:
        return _OfOne(self._goal.meter(device), self._told)

    def reviewer(self, device: torch.device, examples: int = 0) -> Reviewer:
        return _OfOne(self._goal.reviewer(device, examples), self._told)

    def told(self, outputs: Any) -> Tensor:
        return self._goal.told(outputs[self._told])

    def answers(self, outputs: Any, most: int) -> Sequence[Answer]:
        return self._goal.answers(outputs[self._told], most)

    def truths(self, y: Tensor) -> Sequence[Cells]:
        return self._goal.truths(y)


class _OfOne:
    """A meter or a reviewer that looks at one of several outputs."""

    def __init__(self, watcher: Meter | Reviewer, name: str) -> None:
        self._watcher, self._name = watcher, name

    def update(self, outputs: Any, x: Tensor, y: Tensor) -> None:
        self._watcher.update(outputs[self._name], x, y)

    def result(self, *given: Any) -> Any:
        return self._watcher.result(*given)
