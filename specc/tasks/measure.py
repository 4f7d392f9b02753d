"""The numbers that tasks tell."""

from __future__ import annotations

from typing import Literal, NamedTuple

from specc.diagnostics.amounts import percent


class Measure(NamedTuple):
    """A number that a task tells of a split. In `metrics.jsonl` its key is the split's name and this one:
    `test_accuracy`.

    title:     as people read it. low, high: what it can be at all.
    is_share:  whether it is told in per cent. in_line: whether the line of an epoch has room for it.
    """

    name: str
    title: str
    low: float = 0.0
    high: float = 1.0
    is_share: bool = True
    in_line: bool = True

    def text(self, value: float) -> str:
        """A value as people read it.

        >>> ACCURACY.text(0.9375)
        '93.75 %'
        """
        return percent(value, 2) if self.is_share else f"{value:.4g}"


ACCURACY = Measure("accuracy", "accuracy")


class Best(NamedTuple):
    """What epochs are compared by: a measure, or the loss."""

    measure: str
    direction: Literal["max", "min"]
