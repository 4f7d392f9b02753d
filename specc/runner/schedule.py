"""The learning rate as a function of the step: nothing to keep, so a run can be continued anywhere."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

from specc.recipe.recipe import Recipe

# One-cycle as in torch.optim.lr_scheduler.OneCycleLR (Smith and Topin 2018): share of the run until the peak, the
# first rate and the last one as parts of the peak.
PEAK, FIRST, LAST = 0.3, 1 / 25, 1 / 25e4

Schedule = Callable[[int], float]


def make_schedule(recipe: Recipe, steps: int) -> Schedule:
    """What the recipe's learning rate is multiplied by in each step, counted from 0.

    Args: steps, in an epoch.
    """
    total = recipe.epochs * steps
    warmup = round(recipe.warmup * steps)
    if recipe.schedule == "onecycle":
        return lambda step: _one_cycle(step, total)
    fall = _fall(recipe, steps, total, warmup)
    return lambda step: (step + 1) / warmup if step < warmup else fall(step)


def _fall(recipe: Recipe, steps: int, total: int, warmup: int) -> Schedule:
    if recipe.schedule == "cosine":
        return lambda step: _cosine(1, 0, (step - warmup) / max(1, total - warmup))
    if recipe.schedule == "step":
        every = (recipe.step_epochs or max(1, recipe.epochs // 3)) * steps
        return lambda step: recipe.step_factor ** (step // every)
    return lambda step: 1.0


def _one_cycle(step: int, total: int) -> float:
    top, end = PEAK * total - 1, total - 1
    if step <= top:
        return _cosine(FIRST, 1, step / top)
    return _cosine(1, LAST, (step - top) / (end - top))


def _cosine(first: float, last: float, done: float) -> float:
    """Half a cosine from one value to another."""
    return last + (first - last) * (1 + cos(pi * min(done, 1))) / 2
