"""What makes a run the notebook's, bit for bit: the order of the pictures that `DataLoader(shuffle=True)` draws.

The loop that is reproduced: `torch.manual_seed(seed)`, the network, `ToTensor()`, a `DataLoader` without a generator of
its own, one of torch's optimizers with its defaults, float32. Data in memory give the same floats, `Forward` the same
bits, and the optimizers work on all weights at once with the same results; fused ones, channels_last and bfloat16 would
not.
"""

from __future__ import annotations

import torch


def draw_order(order: torch.Generator) -> None:
    """Seed the generator of the pictures' order as an epoch of a DataLoader seeds its own.

    Source: torch.utils.data, `_BaseDataLoaderIter` and `RandomSampler`: the loader first draws a seed for its workers,
            even if it has none; then its sampler draws the seed of the generator that makes the permutation.
    """
    _draw()
    order.manual_seed(_draw())


def draw_evaluation() -> None:
    """Move torch's random state as one pass over a DataLoader that does not shuffle moves it."""
    _draw()


def _draw() -> int:
    return int(torch.empty((), dtype=torch.int64).random_())
