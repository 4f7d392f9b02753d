"""How fast a spec trains on this machine: a few seconds of the runner's own steps, and nothing written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from specc.data.fit import require_output
from specc.recipe.recipe import Recipe
from specc.runner.before import Subject, anchored
from specc.runner.run import make_session
from specc.tasks.registry import task_of

if TYPE_CHECKING:
    from torch import Tensor

    from specc.runner.session import Session

WARM_UP = 3  # steps before the clock runs: allocations, kernels that are chosen, graphs that are compiled
FEWEST = 5  # steps that are timed, however long they take
BATCHES = 16  # of synthetic pictures: enough that they do not stay in the cache
STILL = 1e-9  # seconds; keeps a rate finite where a clock stands


class Measured(NamedTuple):
    """What was measured.

    pictures:          where they came from. sample: the shape of one. batch: pictures of a step.
    step_seconds:      the median of so many `steps`, with the shortest and the longest.
    samples_per_second: pictures trained on; evaluated_per_second: pictures evaluated.
    data_share:        the part of a step that goes to cutting, scaling and augmenting its batch, 0 to 1.
    memory_bytes:      the most that was held at one time: of the GPU, elsewhere of the whole process; None if unknown.
    """

    device: str
    threads: int
    precision: str
    parameters: int
    pictures: str
    sample: tuple[int, ...]
    batch: int
    steps: int
    step_seconds: float
    step_shortest: float
    step_longest: float
    samples_per_second: float
    data_share: float
    evaluated_per_second: float
    memory_bytes: int | None


def measure(subject: Subject, recipe: Recipe, seconds: float, *, data: bool) -> Measured:
    """Train for about so many seconds, then evaluate for as long at most.

    Args:   data, whether on the recipe's data set; else on random pictures of the network's input shape.
    Raises: Problem, as training does.
    """
    from specc.runner.device import choose_device, torch_state_kept

    with torch_state_kept(choose_device(recipe.device)):
        session = make_session(subject, anchored(recipe)) if data else _on_noise(subject, recipe)
        with closing(session):
            return _measured(session, seconds)


def _measured(session: Session, seconds: float) -> Measured:
    import torch

    from specc.runner.device import chosen_kernels

    with chosen_kernels(session.recipe, session.device):
        loading, computing = _steps(session, seconds)
    times = [first + second for first, second in zip(loading, computing, strict=True)]
    sizes = session.train.steps[0]
    return Measured(
        device=str(session.device),
        threads=torch.get_num_threads(),
        precision=session.precision.name,
        parameters=sum(weight.numel() for weight in session.model.parameters()),
        pictures=session.dataset.name,
        sample=session.dataset.sample,
        batch=sum(sizes),
        steps=len(times),
        step_seconds=median(times),
        step_shortest=min(times),
        step_longest=max(times),
        samples_per_second=sum(sizes) / max(STILL, median(times)),
        data_share=sum(loading) / max(STILL, sum(times)),
        evaluated_per_second=_evaluation(session, seconds),
        memory_bytes=_memory(session),
    )


def _on_noise(subject: Subject, recipe: Recipe) -> Session:
    import torch

    from specc.data.images import InMemory
    from specc.data.load import Dataset
    from specc.data.survey import Survey
    from specc.runner.device import choose_device
    from specc.runner.distributed.world import Group
    from specc.runner.session import Session

    count = BATCHES * recipe.batch * recipe.accumulate
    task = task_of(recipe)
    require_output(task, subject.model, None)
    gives = subject.model.gives
    classes = max(1, (gives[task.weighed[0][0]] if isinstance(gives, dict) else gives)[0])
    chance = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, *subject.model.input), dtype=torch.uint8, generator=chance)
    shape = {"class": (), "none": (), "classes": (classes,), "numbers": (classes,), "mask": subject.model.input[1:]}
    most = 2 if task.target == "classes" else classes
    targets = torch.randint(0, most, (count, *shape[task.target]), generator=chance)
    samples = InMemory(images, targets.float() if task.target == "numbers" else targets)
    survey = Survey("random pictures", classes, {}, subject.model.input, target=task.target)
    dataset = Dataset(survey, samples, samples)
    return Session(subject.model, dataset, recipe, Group(choose_device(recipe.device)))


def _steps(session: Session, seconds: float) -> tuple[list[float], list[float]]:
    """The seconds that each step waits for its batches, and those that it computes."""
    session.start_training()
    from specc.runner.loop import make_step

    step, sizes = make_step(*session.trained), session.train.steps[0]
    stream = _endless(session)
    loading: list[float] = []
    computing: list[float] = []
    started = perf_counter()
    while len(loading) < WARM_UP + FEWEST or perf_counter() - started < seconds:
        if len(loading) == WARM_UP:
            started = perf_counter()
        begun = _now(session)
        batches = [next(stream) for _ in sizes]
        loaded = _now(session)
        step(len(loading), batches, sizes)
        loading.append(loaded - begun)
        computing.append(_now(session) - loaded)
    return loading[WARM_UP:], computing[WARM_UP:]


def _endless(session: Session) -> Iterator[tuple[Tensor, Tensor]]:
    """Full batches, epoch after epoch."""
    full = session.train.sizes[0]
    while True:
        for images, labels in session.train.shuffled(session.state.sampler.begin(0)):
            if len(images) == full:
                yield images, labels


def _evaluation(session: Session, seconds: float) -> float:
    """Pictures a second; over the whole split at least once, and until the time is over."""
    from specc.runner.loop import evaluate

    def over() -> None:
        return None

    network, goal = session.evaluated, session.goal
    passes, started = 0, _now(session)
    while passes < 2 or perf_counter() - started < seconds / 2:
        evaluate(network, session.test, over, goal)
        passes += 1
        if passes == 1:
            started = _now(session)  # the first pass warms up
    return (passes - 1) * len(session.test) / max(STILL, _now(session) - started)


def _now(session: Session) -> float:
    """The time when the device has done what it was asked for."""
    import torch

    if session.device.type == "cuda":
        torch.cuda.synchronize(session.device)
    elif session.device.type == "mps":
        torch.mps.synchronize()
    return perf_counter()


def _memory(session: Session) -> int | None:
    import torch

    if session.device.type == "cuda":
        return torch.cuda.max_memory_allocated(session.device)
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return None
    most = getrusage(RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
