"""A test split for data that comes without one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from specc.data.dataset import HOLDOUT_SEED


def stratified_fifth(labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices of four fifths to train on and of the fifth to test on, each class in proportion.

    Not scikit-learn's split: that may leave a small class without a sample to test on.

    Args:    labels: the class of each sample; no class may have fewer than two.
    Returns: both parts shuffled, the same for the same labels always.
    """
    shuffle = random.Random(HOLDOUT_SEED).shuffle  # noqa: S311 - no secret
    train: list[int] = []
    test: list[int] = []
    for indices in _by_class(labels):
        shuffle(indices)
        held_out = max(1, round(len(indices) / 5))
        test += indices[:held_out]
        train += indices[held_out:]
    shuffle(train)
    shuffle(test)
    return train, test


def _by_class(labels: Sequence[int]) -> list[list[int]]:
    members: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for index, label in enumerate(labels):
        members[label].append(index)
    return list(members.values())
