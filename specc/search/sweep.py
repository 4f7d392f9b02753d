"""A sweep: trials until there are as many as were asked for, each of them a run folder, chosen by Optuna.

What a sweep knows is in Optuna's storage, so that any number of processes can take part, and an interrupted sweep goes
on: a trial whose process is gone is taken over, and its run resumed. Who works on a trial holds its lock.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock, Timeout

from specc.api import SpecError
from specc.diagnostics.diagnostic import Problem
from specc.runner.callbacks.base import Callback, best_line
from specc.runner.metrics import Metrics
from specc.runner.resume import resume
from specc.runner.run import Run, train
from specc.search.space import Choice, Varied, combinations, count_of, parted

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

JOURNAL = "trials.log"
TURN = ".turn.lock"
FEW = 20  # trials of a sweep with a range in it, unless told otherwise
# What a study and its trials are marked with.
ABOUT, HOST, FOLDER, SURPLUS, RESULT, JUDGED = "specc", "host", "folder", "surplus", "result", "judged"

Say = Callable[[str], None]


class SweepPlan(NamedTuple):
    """What is searched.

    spec:    its path, or the text; text: what it says. input, params, options: as `specc.train` takes them, in every
             trial. trials: how many there are to be. prune: whether trials that fall behind are stopped early.
    folder:  of the runs. storage: a URL of Optuna's; None keeps the trials in the folder.
    """

    spec: str | Path
    text: str
    space: tuple[Varied, ...]
    folder: Path
    input: tuple[int, ...] | None = None
    params: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}
    trials: int | None = None
    prune: bool = False
    storage: str | None = None

    @property
    def total(self) -> int:
        """How many trials there are to be: every combination where there are only so many."""
        combined = count_of(self.space)
        wanted = self.trials or combined or FEW
        return wanted if combined is None else min(wanted, combined)


class Trial(NamedTuple):
    """A trial as it stands.

    number: from 1. chosen: what it varies. state: complete, pruned, failed or running. score: more is better.
    result: its best epoch in a line, or why there is none. folder: of its run. judged_on: the split that it was chosen
    on.
    """

    number: int
    chosen: Mapping[str, object]
    state: str
    score: float | None
    result: str
    folder: str
    judged_on: str = ""


class Stopped(Exception):
    """A signal has ended a trial, and the sweep with it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Pruned(Exception):
    """A trial is behind the others."""


def sweep(study: optuna.Study, plan: SweepPlan, say: Say) -> None:
    """Run trials until there are as many as the plan says. Args: study, of `open_study`. Raises: Stopped."""
    while True:
        with _turn(study, plan) as number:
            if number is None:
                break
            _tried(study, plan, number, say)


def open_study(plan: SweepPlan) -> optuna.Study:
    """The study of a sweep, made where there is none. Raises: Problem E671, E672, E673."""
    try:
        import optuna
    except ImportError:
        raise Problem.of("E672", "a sweep needs Optuna",
            help="`pip install 'specc-cnn[sweep]'` installs it") from None  # fmt: skip
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(plan.folder / TURN):  # two that make the same tables would stop each other
            study = optuna.create_study(
                storage=plan.storage or _journal(plan.folder), study_name=plan.folder.name, direction="maximize",
                pruner=optuna.pruners.MedianPruner() if plan.prune else optuna.pruners.NopPruner(), load_if_exists=True,
            )  # fmt: skip
        about = {"spec": plan.text, "varied": [str(varied) for varied in plan.space], "options": _plain(plan)}
        before = study.user_attrs.get(ABOUT)
        if before is None:
            study.set_user_attr(ABOUT, about)
    except Exception as error:  # of any kind: storages are of many makes
        where = plan.storage or plan.folder
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise Problem.of("E673", f"the trials cannot be kept in {where}: {reason}",
            help="`--storage` takes a URL such as `sqlite:///trials.db`; without it they are kept in the sweep's folder"
        ) from error  # fmt: skip
    if before not in (None, about):
        raise _another(plan, before, about)
    return study


def _journal(folder: Path) -> optuna.storages.BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


def _plain(plan: SweepPlan) -> dict[str, str]:
    """What every trial has in common, as it can be compared."""
    given = {name: value for name, value in plan.options.items() if value is not None}
    return {name: str(value) for name, value in {**plan.params, **given, "input": plan.input}.items()}


def _another(plan: SweepPlan, before: Mapping[str, Any], about: Mapping[str, Any]) -> Problem:
    names = {"spec": "its spec", "varied": "what it varies", "options": "its settings"}
    other = " and ".join(name for key, name in names.items() if before.get(key) != about[key])
    return Problem.of("E671", f"the sweep in {plan.folder} is another one: {other} differed when it began",
        help="`--out DIR` begins a new one; only `--trials` and `--prune` may change",
        notes=(f"it varies {', '.join(map(str, before.get('varied', [])))}",))  # fmt: skip


@contextmanager
def _turn(study: optuna.Study, plan: SweepPlan) -> Iterator[int | None]:
    """The number of a trial that this process is to work on, its lock held; None where there are enough."""
    with FileLock(plan.folder / TURN):
        number = _abandoned(study, plan)
        if number is None:
            number = _asked(study, plan)
        lock = None if number is None else FileLock(_lock_of(plan, number))
        if lock is not None:
            lock.acquire()
    try:
        yield number
    finally:
        if lock is not None:
            lock.release()
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)


def _lock_of(plan: SweepPlan, number: int) -> Path:
    return plan.folder / f".trial-{number + 1:04}.lock"


def _abandoned(study: optuna.Study, plan: SweepPlan) -> int | None:
    """A trial of this machine that runs, and whose process is gone."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(HOST, socket.gethostname()) != socket.gethostname():
            continue
        with suppress(Timeout), FileLock(_lock_of(plan, trial.number)).acquire(blocking=False):
            # Who held the lock until now may have ended the trial after it was looked at.
            if study.get_trials(deepcopy=False)[trial.number].state == TrialState.RUNNING:
                return trial.number
    return None


def _asked(study: optuna.Study, plan: SweepPlan) -> int | None:
    """A new trial, where there are fewer than the plan says."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    counted = _counted(study)
    begun = [trial for trial in counted if trial.state != TrialState.WAITING]
    if len(begun) >= plan.total:
        return None
    if len(begun) == len(counted):  # else a process ended between the two halves of asking, and left one waiting
        untried = _untried(plan, begun)
        if untried is not None:
            study.enqueue_trial(untried)
    # Processes that ask at the same time are to choose differently, and a process alone as it did before.
    where = zlib.crc32(f"{socket.gethostname()}:{plan.folder.absolute()}".encode()) if plan.storage else 0
    seed = (int(plan.options.get("seed") or 0) + where + len(study.get_trials(deepcopy=False))) % 2**32
    study.sampler = TPESampler(seed=seed, constant_liar=True)
    trial = study.ask(_distributions(plan.space))
    trial.set_user_attr(HOST, socket.gethostname())
    before = sum(other.number < trial.number for other in _counted(study))
    if before < plan.total:
        return trial.number
    trial.set_user_attr(SURPLUS, True)  # another machine was first
    study.tell(trial, state=TrialState.FAIL)
    return None


def _counted(study: optuna.Study) -> list[FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if SURPLUS not in trial.user_attrs]


def _untried(plan: SweepPlan, kept: list[FrozenTrial]) -> dict[str, str] | None:
    """The first combination that no trial has, where all of them are to be tried."""
    combined = count_of(plan.space)
    if combined is None or plan.total < combined:
        return None
    tried = [trial.params for trial in kept]
    return next((one for one in combinations(plan.space) if one not in tried), None)


def _distributions(space: tuple[Varied, ...]) -> dict[str, BaseDistribution]:
    return {varied.name: _distribution(varied) for varied in space}


def _distribution(varied: Varied) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(varied, Choice):
        return CategoricalDistribution(varied.texts)
    if varied.whole:
        return IntDistribution(int(varied.low), int(varied.high), log=varied.log, step=int(varied.step or 1))
    return FloatDistribution(varied.low, varied.high, log=varied.log, step=varied.step)


class _Reporting(Callback):
    """Tells Optuna of each epoch, and ends a trial that is behind."""

    def __init__(self, trial: optuna.Trial, known: Mapping[int, float], say: Say) -> None:
        self.trial, self.known, self._say = trial, known, say

    def say(self, line: str) -> None:
        return None

    def warn(self, message: str) -> None:
        self._say(f"warning: {message}")

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        if metrics.epoch not in self.known:
            self.trial.report(metrics.score, metrics.epoch)
        if metrics.epoch < epochs and self.trial.should_prune():
            raise _Pruned(f"pruned after epoch {metrics.epoch} of {epochs}")


def _tried(study: optuna.Study, plan: SweepPlan, number: int, say: Say) -> None:
    """Work on a trial to its end, and tell the study. Raises: Stopped."""
    import optuna
    from optuna.trial import TrialState

    frozen = study.get_trials(deepcopy=False)[number]
    trial = optuna.Trial(study, frozen._trial_id)
    folder = plan.folder / f"trial-{number + 1:04}"
    trial.set_user_attr(FOLDER, str(folder))
    head = f"trial {number + 1} of {plan.total}: {as_text(frozen.params)}"
    try:
        run = _run(plan, frozen.params, folder, _Reporting(trial, frozen.intermediate_values, say))
    except (Problem, SpecError, MemoryError, _Pruned) as error:
        state = TrialState.PRUNED if isinstance(error, _Pruned) else TrialState.FAIL
        reason = _reason(error)
        trial.set_user_attr(RESULT, reason)
        study.tell(trial, state=state)
        say(f"{head}: {reason}")
        return
    if run.stopped:
        raise Stopped(run.stopped)
    best = run.best
    assert best is not None  # noqa: S101 - a run that was not stopped has an epoch
    result = best_line([best])
    trial.set_user_attr(RESULT, result)
    trial.set_user_attr(JUDGED, best.judged_on)
    study.tell(trial, best.score, state=TrialState.COMPLETE)
    say(f"{head}: {result}")


def _run(plan: SweepPlan, chosen: Mapping[str, Any], folder: Path, callback: Callback) -> Run:
    if (folder / "recipe.json").exists():
        return resume(folder, callback=callback)
    params, settings = parted(plan.space, chosen)
    return train(
        plan.spec, folder, input=plan.input, params={**plan.params, **params}, callback=callback,
        **{**plan.options, **settings},
    )  # fmt: skip


def _reason(error: BaseException) -> str:
    if isinstance(error, Problem):
        return error.diagnostic.message
    if isinstance(error, SpecError):
        return error.diagnostics[0].message
    return str(error) or type(error).__name__


def as_text(chosen: Mapping[str, object]) -> str:
    """What a trial chose, in a line.

    >>> as_text({"lr": 0.0031622776, "width": "32"})
    'lr=0.003162 width=32'
    """
    parts = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in chosen.values())
    return " ".join(f"{name}={part}" for name, part in zip(chosen, parts, strict=True))


def trials_of(study: optuna.Study, plan: SweepPlan) -> list[Trial]:
    """The trials of a sweep, the best first, those without a result last."""
    found = [_as_trial(trial) for trial in _counted(study)[: plan.total]]
    return sorted(found, key=lambda one: (one.score is None, -(one.score or 0.0), one.number))


def _as_trial(trial: FrozenTrial) -> Trial:
    state = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state.name, "running")
    score = trial.value if state == "complete" else None
    about = trial.user_attrs
    return Trial(trial.number + 1, trial.params, state, score, about.get(RESULT, ""), about.get(FOLDER, ""),
        about.get(JUDGED, ""))  # fmt: skip
