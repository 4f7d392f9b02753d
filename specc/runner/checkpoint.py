"""What is written while a run goes on, and when."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from specc.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor, nn


class Cadence:
    """Says when the next state is due: after so many steps or minutes, whichever comes first."""

    def __init__(self, recipe: Recipe) -> None:
        self.steps, self.seconds = recipe.checkpoint_steps, 60 * recipe.checkpoint_minutes
        self.restart()

    def restart(self) -> None:
        """A state has been written."""
        self._since, self._started = 0, monotonic()

    def is_due(self) -> bool:
        """To be asked once after each step."""
        self._since += 1
        return self._since == self.steps or monotonic() - self._started >= self.seconds


def weights_file(model: nn.Module, metadata: dict[str, str]) -> bytes:
    """The content of a safetensors file with the model's state and texts about it.

    In memory, not by safetensors' own writer: only so can a full disk be told from a broken file.
    """
    from safetensors.torch import save

    return save(plain_tensors(model.state_dict()), metadata={"format": "pt", **metadata})


def plain_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors takes them: on the CPU, contiguous, and each with memory of its own. A weight that has
    two names is written twice."""
    seen: set[int] = set()
    plain = {}
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        plain[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    return plain
