"""What a run measures."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from specc.recipe.recipe import Recipe
from specc.tasks.measure import Best, Measure
from specc.tasks.registry import MEASURES

# What a file may say; sums of it stay numbers, and texts of it short.
Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=1e10)]

LOSS_WIDTH = 6  # cells of a loss, however large it is
BY_ACCURACY = Best("accuracy", "max")
SPLITS = ("train", "test", "validation")
LARGEST = sys.float_info.max
LIMITS: dict[str, tuple[float, float]] = {"epoch": (0, 2**53), "seconds": (0, 1e10)}
# How runs kept an epoch in their state when they all were classifiers and autoencoders.
IN_ORDER = (
    "epoch", "train_loss", "test_loss", "test_accuracy", "seconds", "validation_loss", "validation_accuracy"
)  # fmt: skip


@dataclass(frozen=True)
class Metrics:
    """One epoch, a line of `metrics.jsonl` and of `metrics.csv`.

    epoch:           from 1.
    train_loss:      mean loss over the epoch's steps, while the weights change; what the loss is says the task.
    test_loss:       mean loss over the test split after the epoch.
    seconds:         wall time of training and evaluation.
    validation_loss: as for the test split; None, and no key, where the recipe has no validation split.
    measures:        the task's own numbers, by split and name: `test_accuracy`. They are attributes, too. None is a
                     number that there cannot be.
    by:              what epochs are compared by.
    """

    epoch: int
    train_loss: float
    test_loss: float
    seconds: float
    validation_loss: float | None = None
    measures: Mapping[str, float | None] = field(default_factory=dict)
    by: Best = field(default=BY_ACCURACY, compare=False, repr=False)

    def __getattr__(self, name: str) -> float | None:
        if name.startswith("_") or name == "measures" or name not in self.measures:
            raise AttributeError(f"this epoch has no `{name}`")
        return self.measures[name]

    @property
    def score(self) -> float:
        """What epochs are compared by, more is better: the task's measure on the validation split, on the test split
        where there is none; where the task has none, the loss there with a minus."""
        found = self.compared(self.judged_on)
        if found is not None:
            return found[1] if self.by.direction == "max" else -found[1]
        return -(self.test_loss if self.validation_loss is None else self.validation_loss)

    @property
    def judged_on(self) -> Literal["validation", "test"]:
        """The split that epochs are compared on."""
        return "test" if self.validation_loss is None else "validation"

    def told(self, split: str) -> dict[Measure, float]:
        """The measures of a split that there are, in the task's order."""
        return {
            MEASURES[name.removeprefix(f"{split}_")]: value
            for name, value in self.measures.items()
            if name.startswith(f"{split}_") and value is not None
        }

    def compared(self, split: str) -> tuple[Measure, float] | None:
        """The measure by which epochs are compared, of a split; None where that is the loss."""
        value = self.measures.get(f"{split}_{self.by.measure}")
        return None if value is None else (MEASURES[self.by.measure], value)

    def row(self) -> dict[str, Any]:
        """Everything by name."""
        held_out = {name: value for name, value in self.measures.items() if name.startswith("validation_")}
        others = {name: value for name, value in self.measures.items() if name not in held_out}
        row = {"epoch": self.epoch, "train_loss": self.train_loss, "test_loss": self.test_loss, **others}
        row["seconds"] = self.seconds
        return row if self.validation_loss is None else row | {"validation_loss": self.validation_loss, **held_out}


def metrics_of(row: Mapping[str, Any] | Sequence[Any], best: Best = BY_ACCURACY) -> Metrics:
    """The epoch that a row tells of, which may have been written by anybody.

    Args:   best, what the task compares epochs by.
    Raises: ValueError where it is none.
    """
    if not isinstance(row, Mapping):
        told = zip(IN_ORDER, row, strict=True)
        row = {name: value for name, value in told if value is not None or name == "test_accuracy"}
    named: dict[str, Any] = {name: row[name] for name in ("epoch", "train_loss", "test_loss", "seconds") if name in row}
    named |= {name: value for name, value in row.items() if name == "validation_loss"}
    measures = {name: value for name, value in row.items() if name not in named}
    if len(named) < 4 or type(named["epoch"]) is not int or not all(_is_possible(*one) for one in row.items()):
        raise ValueError("no epoch of a run")
    return Metrics(**named, measures=measures, by=best)


def _is_possible(name: str, value: object) -> bool:
    """Whether a file may say this of an epoch."""
    split, _, measure = name.partition("_")
    if value is None:
        return split in SPLITS and measure in MEASURES
    low, high = LIMITS.get(name, (0, -1))  # what there is no such number of lies nowhere
    if split in SPLITS and measure == "loss":
        low, high = -LARGEST, LARGEST
    elif split in SPLITS and measure in MEASURES:
        low, high = MEASURES[measure].low, MEASURES[measure].high
    return type(value) in (int, float) and low <= value <= high  # type: ignore[operator] # it is one of the two


def best_of(metrics: Iterable[Metrics]) -> Metrics | None:
    """The first epoch with the highest score."""
    return max(metrics, key=lambda one: one.score, default=None)


def are_in_order(metrics: Sequence[Metrics]) -> bool:
    """Whether these are epochs from the first on."""
    return all(one.epoch == number for number, one in enumerate(metrics, 1))


def is_complete(metrics: Sequence[Metrics], recipe: Recipe, adopted_after: int = 0) -> bool:
    """Whether a run with these epochs has nothing left to do: all are there, or the score no longer rises.

    Args: adopted_after, epochs that are those of another network or other data.
    """
    return len(metrics) >= recipe.whole_epochs or has_stalled(metrics[adopted_after:], recipe.patience)


def has_stalled(metrics: Sequence[Metrics], patience: int | None) -> bool:
    """Whether the score has not risen for so many epochs."""
    best = best_of(metrics)
    return best is not None and patience is not None and metrics[-1].epoch - best.epoch >= patience


def loss_text(loss: float) -> str:
    """A loss with as many places as six cells have room for.

    >>> loss_text(0.25), loss_text(12.345678), loss_text(1e30), loss_text(float("inf"))
    ('0.2500', '12.346', '1.0e30', 'inf')
    """
    texts = (f"{loss:.{places}f}" for places in range(4, -1, -1))
    short = (text for text in texts if len(text) <= LOSS_WIDTH)
    return next(short, f"{loss:.1e}".replace("e+0", "e").replace("e+", "e"))
