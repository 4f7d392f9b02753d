"""The learning rate in each step of a run, by the recipe's schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specc.recipe.recipe import Recipe
from specc.recipe.schedules import SCHEDULES, Course

Schedule = Callable[[int], float]


def make_schedule(recipe: Recipe, steps: int, results: Callable[[], Sequence[float]] = tuple) -> Schedule:
    """What the recipe's learning rate is multiplied by in each step, counted from 0.

    Args: steps, in an epoch. results, gives the scores of the finished epochs, more is better.
    """
    entry, total, warmup = SCHEDULES[recipe.schedule], recipe.epochs * steps, round(recipe.warmup * steps)
    if entry.warms:
        warmup = 0
    course = Course(0, total, warmup, steps, recipe, results)
    return lambda step: (step + 1) / warmup if step < warmup else entry.factor(course._replace(step=step))
