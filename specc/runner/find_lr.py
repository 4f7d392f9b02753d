"""A learning-rate range test: some steps, each with a larger rate than the one before, and the loss of each.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject, anchored, prepare
from specc.runner.callbacks.base import Callback
from specc.runner.distributed.world import ALONE
from specc.runner.run import first_session, joined

if TYPE_CHECKING:
    from torch import Tensor

    from specc.runner.session import Session

STEPS = 100
LOWEST, HIGHEST = 1e-7, 10.0
MEMORY = 0.9  # share of the mean loss that stays in each step
LAG = round(MEMORY / (1 - MEMORY))  # steps: the age of the losses in a mean, on average
SETTLED = 10  # steps before the loss may end the test
DIVERGED = 4  # times the smallest mean loss


class RateCurve(NamedTuple):
    """Rates, the loss of the step with each, and the mean of the losses around it; all of one length, up to `LAG` steps
    before the loss ran away."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    means: tuple[float, ...]

    @property
    def lowest(self) -> float:
        """The rate at which the mean loss is smallest."""
        return self.rates[min(range(len(self.means)), key=self.means.__getitem__)]

    @property
    def suggestion(self) -> float | None:
        """The rate at which the mean loss falls most steeply, before it is smallest; None where it falls nowhere."""
        end = self.rates.index(self.lowest)
        falls = {place: self.means[place - 1] - self.means[place + 1] for place in range(1, end)}
        place = max(falls, key=falls.__getitem__, default=0)
        return self.rates[place] if falls.get(place, 0) > 0 else None


def find_lr(subject: Subject, recipe: Recipe, callback: Callback) -> RateCurve:
    """The curve of a run that would be trained by a recipe. Raises: as `train_subject` before its first step."""
    recipe = anchored(recipe)
    data = prepare(subject, recipe, ALONE)
    with joined(recipe.device) as group, closing(first_session(subject, recipe, group, callback, data)) as session:
        return rate_curve(session)


def rate_curve(session: Session) -> RateCurve:
    """The same in a session, which is afterwards what it was, bit for bit."""
    state, position = session.state.state_dict(), replace(session.state.position)
    kept = {name: tensor.clone() for name, tensor in state.items()}
    try:
        return _curve(session)
    finally:
        session.state.load_state_dict(kept, position)


def _curve(session: Session) -> RateCurve:
    from specc.runner.loop import make_step

    lr = float(session.recipe.optimizer_arguments()["lr"])  # type: ignore[arg-type] # every optimizer has one
    rates = [LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1)) for step in range(STEPS + LAG)]
    parts = session.start_training()._replace(schedule=lambda number: rates[number] / lr)
    step, batches = make_step(*parts), _batches(session)
    losses: list[float] = []
    means: list[float] = []
    mean = 0.0
    for number in range(len(rates)):
        found, sizes = next(batches)
        loss = float(step(number, found, sizes)[0])
        mean = MEMORY * mean + (1 - MEMORY) * loss
        unbiased = mean / (1 - MEMORY ** (number + 1))
        if not math.isfinite(loss) or (number > SETTLED and unbiased > DIVERGED * min(means)):
            break
        losses.append(loss)
        means.append(unbiased)
    if not losses:
        raise Problem.of("E615", f"the loss became {loss} in the first step, with a rate of {LOWEST:g}",
            help="scale the pictures with `--normalize`")  # fmt: skip
    told = max(
        1, len(losses) - LAG
    )  # what a rate does shows in the mean `LAG` steps later, at a rate several times as large
    return RateCurve(tuple(rates[:told]), tuple(losses[:told]), tuple(means[-told:]))


def _batches(session: Session) -> Iterator[tuple[Iterator[tuple[Tensor, Tensor]], list[int]]]:
    """Of each step the batches and their sizes, one epoch after the other."""
    while True:
        epoch = session.train.shuffled(session.state.sampler.begin(0))
        for sizes in session.train.steps:
            yield islice(epoch, len(sizes)), sizes
