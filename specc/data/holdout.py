"""A part of each class held out: a test split for data that comes without one, a validation split on request."""

from __future__ import annotations

import random
from collections.abc import Sequence

from specc.data.dataset import HOLDOUT_SEED


def stratified_fifth(labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices of four fifths to train on and of the fifth to test on, each class in proportion.

    Args:    labels: the class of each sample; no class may have fewer than two.
    Returns: as `stratified`.
    """
    return stratified(labels, 1 / 5)


def stratified(labels: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Indices of what to train on and of the share that is held out, each class in proportion.

    Not scikit-learn's split: that may leave a small class without a sample in the held-out part. Here every class has
    one in both parts, but for a class of one sample, which is trained on.

    Args:    labels: the class of each sample.
    Returns: both parts shuffled, the same for the same labels always.
    """
    shuffle = random.Random(HOLDOUT_SEED).shuffle  # noqa: S311 - no secret
    train: list[int] = []
    test: list[int] = []
    for indices in _by_class(labels):
        shuffle(indices)
        held_out = min(len(indices) - 1, max(1, round(len(indices) * share)))
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
