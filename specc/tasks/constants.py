"""Settings as tensors."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def tensor_like(values: tuple[float, ...], like: Tensor) -> Tensor:
    """The values on another tensor's device and in its type; the same tensor each time, so that no step waits for it to
    be copied to a device."""
    return _tensor(values, like.dtype, like.device)


@lru_cache(maxsize=64)
def _tensor(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    import torch

    return torch.tensor(values, dtype=dtype, device=device)
