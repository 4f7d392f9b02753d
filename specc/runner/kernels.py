"""The kernels that see the picture itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.ir.shaped import ShapedModel

if TYPE_CHECKING:
    from torch import Tensor, nn


class Kernels(NamedTuple):
    """The kernels of the first convolution: (filters, channels, height, width)."""

    name: str
    values: Tensor


def first_kernels(model: nn.Module, shaped: ShapedModel) -> Kernels | None:
    """The kernels that see the picture itself; None for a network without a two-dimensional convolution."""
    modules = dict(model.named_modules())
    for row in shaped.rows():
        weight = getattr(modules[row.name], "weight", None)
        if row.layer.startswith("conv") and isinstance(weight, torch.Tensor) and weight.dim() == 4:
            return Kernels(row.name, weight.detach().float().cpu())
    return None
