"""The order of the samples.

In an exact run it is the notebook's, bit for bit: that which `DataLoader(shuffle=True)` draws. The loop that is
reproduced: `torch.manual_seed(seed)`, the network, `ToTensor()`, a `DataLoader` without a generator of its own, one of
torch's optimizers with its defaults, float32. Data in memory give the same floats, `Forward` the same bits, and the
optimizers work on all weights at once with the same results; fused ones, channels_last and bfloat16 would not.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Sampler:
    """The order of the samples, drawn on the CPU, so that it is the same on every device.

    generator: its state at an epoch's beginning gives the epoch's order again.
    """

    def __init__(self, generator: torch.Generator, *, exact: bool) -> None:
        """exact: whether epochs are drawn as a DataLoader draws them."""
        self.generator, self.exact = generator, exact
        self._beginning = generator.get_state()

    def begin(self, step: int) -> torch.Generator:
        """The generator for the epoch that begins, or goes on after so many steps."""
        if self.exact and not step:
            draw_order(self.generator)
            self._beginning = self.generator.get_state()
        return self.generator

    def end(self) -> None:
        """The epoch is over."""
        self._beginning = self.generator.get_state()

    def state_dict(self) -> dict[str, Tensor]:
        return {"order": self._beginning}

    def objection(self, state: dict[str, Tensor], step: int) -> str | None:
        return not_random("random/order", "cpu", state.get("order"))

    def load_state_dict(self, state: dict[str, Tensor], step: int) -> None:
        self.generator.set_state(state["order"])
        self._beginning = state["order"].clone()


def not_random(name: str, device: str, state: Tensor | None) -> str | None:
    """Why a tensor, called so in a message, is no random state, None where it is one: a generator that nobody uses
    tells, for torch checks it where it is set."""
    try:
        torch.Generator(device).set_state(state)  # type: ignore[arg-type] # what is no tensor is told, too
    except (RuntimeError, TypeError):
        return f"its random state `{name}` is not a valid one"
    return None


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
