"""Weights as safetensors that carry the spec they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def weights_file(model: nn.Module, metadata: dict[str, str]) -> bytes:
    """The content of a safetensors file with the model's state and texts about it.

    In memory, not by safetensors' own writer: only so can a full disk be told from a broken file.
    """
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save(state, metadata={"format": "pt", **metadata})
