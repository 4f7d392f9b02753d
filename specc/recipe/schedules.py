"""The schedules: what the learning rate is multiplied by in each step. One is a function below with its line of
documentation; whatever is told of it, and which settings belong to it, follows.

A function of where the run stands, of the recipe, and of the results so far: nothing is kept, so that a run can be
continued anywhere. Torch-free.
"""

from collections.abc import Callable, Sequence
from math import cos, pi
from typing import NamedTuple, Protocol


class ScheduleSettings(Protocol):
    """What a schedule looks at of a recipe."""

    @property
    def whole_epochs(self) -> int: ...
    @property
    def step_epochs(self) -> int | None: ...
    @property
    def step_factor(self) -> float: ...
    @property
    def floor(self) -> float: ...
    @property
    def power(self) -> float: ...


class Course(NamedTuple):
    """Where a run stands.

    step, total, warmup: this step over the whole run, from 0; all steps, and those in which the rate first rises.
    steps:   in an epoch.
    recipe:  with all settings.
    results: gives the score of each finished epoch, more is better.
    """

    step: int
    total: int
    warmup: int
    steps: int
    recipe: ScheduleSettings
    results: Callable[[], Sequence[float]]

    @property
    def done(self) -> float:
        """How much of the run after the warm-up lies behind, 0 to 1."""
        return min(1.0, (self.step - self.warmup) / max(1, self.total - self.warmup))


class Schedule(NamedTuple):
    """factor: see `Course`. settings: those of the recipe that it takes. warms: whether it has a warm-up of its own."""

    factor: Callable[[Course], float]
    doc: str
    settings: tuple[str, ...]
    warms: bool


SCHEDULES: dict[str, Schedule] = {}
PATIENCE = 10  # epochs, as in torch's ReduceLROnPlateau


def schedule(
    doc: str, *settings: str, warms: bool = False
) -> Callable[[Callable[[Course], float]], Callable[[Course], float]]:
    """Enter a function into the table. Args: doc, what a description says of it, after its name."""

    def enter(factor: Callable[[Course], float]) -> Callable[[Course], float]:
        SCHEDULES[factor.__name__] = Schedule(factor, doc, settings, warms)
        return factor

    return enter


@schedule("stays as it is")
def constant(now: Course) -> float:
    return 1.0


@schedule("falls in steps", "step_epochs", "step_factor")
def step(now: Course) -> float:
    every = now.recipe.step_epochs or max(1, now.recipe.whole_epochs // 3)
    return now.recipe.step_factor ** (now.step // (every * now.steps))


@schedule("falls along half a cosine", "floor")
def cosine(now: Course) -> float:
    return _cosine(1, now.recipe.floor, now.done)


# As torch.optim.lr_scheduler.OneCycleLR (Smith and Topin 2018): share of the run until the peak, the first rate and the
# last one as parts of the peak.
PEAK, FIRST, LAST = 0.3, 1 / 25, 1 / 25e4


@schedule("rises for 30 % of the run and then falls", warms=True)
def onecycle(now: Course) -> float:
    top, end = PEAK * now.total - 1, now.total - 1
    if now.step <= top:
        return _cosine(FIRST, 1, now.step / top)
    return _cosine(1, LAST, (now.step - top) / (end - top))


@schedule("falls along a straight line", "floor")
def linear(now: Course) -> float:
    return now.recipe.floor + (1 - now.recipe.floor) * (1 - now.done)


@schedule("falls as a power of what is left of the run", "floor", "power")
def polynomial(now: Course) -> float:
    left: float = (1 - now.done) ** now.recipe.power
    return now.recipe.floor + (1 - now.recipe.floor) * left


@schedule("falls whenever the result has not become better for some epochs", "step_epochs", "step_factor")
def plateau(now: Course) -> float:
    best, waited, factor = float("-inf"), 0, 1.0
    for result in now.results():
        best, waited = (result, 0) if result > best else (best, waited + 1)
        if waited == (now.recipe.step_epochs or PATIENCE):
            waited, factor = 0, factor * now.recipe.step_factor
    return factor


def _cosine(first: float, last: float, done: float) -> float:
    """Half a cosine from one value to another."""
    return last + (first - last) * (1 + cos(pi * min(done, 1))) / 2


def schedule_description() -> str:
    """The description of the setting `schedule`."""
    return f"The learning rate over the run: {', '.join(f'{name} {one.doc}' for name, one in SCHEDULES.items())}."


def schedule_settings() -> frozenset[str]:
    """The settings that belong to some schedule."""
    return frozenset(name for one in SCHEDULES.values() for name in one.settings)


def used_by(setting: str) -> list[str]:
    """The schedules that take a setting."""
    return [name for name, one in SCHEDULES.items() if setting in one.settings]
