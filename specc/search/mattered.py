"""What mattered in a sweep: how much of the differences between its trials comes from each thing that was varied.

Source: Hutter, Hoos and Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter Importance" (fANOVA), as
        Optuna computes it, with a forest of scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from specc.search.space import Varied

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

LEAST, MOST = 4, 1000  # complete trials that are looked at
SEED = 0  # of the forest: the same trials give the same answer


class Mattered(NamedTuple):
    """share: of the differences, 0 to 1, all together 1. points: of each trial what was chosen, and its score."""

    varied: Varied
    share: float
    points: tuple[tuple[float | str, float], ...]


def what_mattered(study: optuna.Study, space: Sequence[Varied]) -> list[Mattered]:
    """The most important first; nothing where there are too few trials, or all of them gave the same."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials = trials[:: -(-len(trials) // MOST)] if trials else []
    if len(trials) < LEAST or len({trial.value for trial in trials}) == 1:
        return []
    looked = optuna.create_study(direction="maximize")
    looked.add_trials(trials)
    found = get_param_importances(looked, evaluator=FanovaImportanceEvaluator(seed=SEED))
    named = {varied.name: varied for varied in space}
    return [Mattered(named[name], share, _points(name, trials)) for name, share in found.items()]


def _points(name: str, trials: Sequence[FrozenTrial]) -> tuple[tuple[float | str, float], ...]:
    return tuple((trial.params[name], float(trial.value or 0)) for trial in trials)
