"""Each class as often as any other, drawn by the run's own generator."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from specc.data.batches import Batches, evenly, places_by_class
from specc.data.images import InMemory
from specc.diagnostics.diagnostic import Problem
from specc.runner.run import train


def drawn(labels: list[int], seed: int = 0, count: int | None = None) -> list[int]:
    return evenly(places_by_class(labels), count or len(labels), torch.Generator().manual_seed(seed)).tolist()


@settings(deadline=None)
@given(some.lists(some.integers(0, 4), min_size=1, max_size=60), some.integers(0, 3))
def test_as_many_of_each_class(labels: list[int], seed: int) -> None:
    found = drawn(labels, seed)
    assert len(found) == len(labels)
    counts = [sum(labels[place] == label for place in found) for label in sorted(set(labels))]
    assert max(counts) - min(counts) <= 1
    for label in set(labels):
        often = [found.count(place) for place in range(len(labels)) if labels[place] == label]
        assert max(often) - min(often) <= 1
    assert drawn(labels, seed) == found


def test_an_epoch_of_batches_is_even() -> None:
    labels = [0] * 90 + [1] * 9 + [2]
    images = InMemory(torch.arange(100, dtype=torch.float32).view(100, 1, 1, 1), torch.tensor(labels))
    generator = torch.Generator().manual_seed(0)
    batches = Batches(images, 16, balanced=True)
    epochs = [torch.cat([y for _, y in batches.shuffled(generator)]) for _ in range(2)]
    assert all(sorted(epoch.bincount().tolist()) == [33, 33, 34] for epoch in epochs)
    assert not epochs[0].equal(epochs[1])
    assert not epochs[0].equal(epochs[0].sort()[0])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"task": "reconstruct"}, "`sampling balanced` needs one class for each sample"),
        ({"task": "segment"}, "which `task segment` has not"),
        ({"exact": True}, "which `sampling` changes"),
    ],
)
def test_where_it_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(Problem, match=told):
        train("input 1x8x8\nflatten -> linear 10\n", sampling="balanced", **settings)
