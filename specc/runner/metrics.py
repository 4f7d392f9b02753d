"""What a run measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import Field

from specc.recipe.recipe import Recipe

# What a file may say; sums of it stay numbers, and texts of it short.
Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=1e10)]

LOSS_WIDTH = 6  # cells of a loss, however large it is


class Metrics(NamedTuple):
    """One epoch, a line of `metrics.jsonl` and of `metrics.csv`; the field names are its keys.

    epoch:               from 1.
    train_loss:          mean loss over the epoch's steps, while the weights change: cross-entropy, in nats, with label
                         smoothing and mixup where the recipe has them.
    test_loss:           mean cross-entropy over the test split after the epoch.
    test_accuracy:       share of right answers there, 0 to 1; None where the objective has no classes.
    seconds:             wall time of training and evaluation.
    validation_loss:     as for the test split; None, and no key, where the recipe has no validation split.
    validation_accuracy: the same.
    """

    epoch: Count
    train_loss: Number
    test_loss: Number
    test_accuracy: Share | None
    seconds: Seconds
    validation_loss: Number | None = None
    validation_accuracy: Share | None = None

    @property
    def score(self) -> float:
        """What epochs are compared by, more is better: the accuracy on the validation split, on the test split where
        there is none; where the objective has no classes, the loss there with a minus."""
        if self.test_accuracy is None:
            return -(self.test_loss if self.validation_loss is None else self.validation_loss)
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy

    @property
    def judged_on(self) -> Literal["validation", "test"]:
        """The split that epochs are compared on."""
        return "test" if self.validation_loss is None else "validation"

    def row(self) -> dict[str, Any]:
        """The measures that there are, by name; an accuracy that there cannot be is None."""
        return {name: value for name, value in self._asdict().items() if value is not None or name == "test_accuracy"}


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
    return len(metrics) >= recipe.epochs or has_stalled(metrics[adopted_after:], recipe.patience)


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
