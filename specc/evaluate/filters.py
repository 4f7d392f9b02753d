"""The filters that a lecture on convolutions begins with, in place of a network's first weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from specc.ir.shaped import ShapedModel

MEAN = "mean"
# Each stands in the middle of a larger kernel; the mean fills it.
THREE = {
    "edges, upright": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "edges, level": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    MEAN: ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
    "edges, all around": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "edges, rising": ((-2, -1, 0), (-1, 0, 1), (0, 1, 2)),
    "edges, falling": ((0, 1, 2), (-1, 0, 1), (-2, -1, 0)),
    "sharper": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "as it is": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
}


@torch.no_grad()
def fix_first(model: nn.Module, shaped: ShapedModel) -> tuple[str, ...]:
    """Gives the first convolution these filters, one after another, each over the mean of the input's channels.

    Returns: what each of its output channels is called; nothing where no two-dimensional convolution comes first.
    """
    row = next((row for row in shaped.rows() if row.params), None)
    layer = None if row is None else model.get_submodule(row.name)
    weight = getattr(layer, "weight", None)
    if row is None or row.layer not in ("conv", "dwconv") or not isinstance(weight, torch.Tensor) or weight.dim() != 4:
        return ()
    names = tuple(list(THREE)[number % len(THREE)] for number in range(len(weight)))
    for kernel, name in zip(weight, names, strict=True):
        kernel.copy_(_sized(name, kernel.shape[1], kernel.shape[2]) / len(kernel))
    bias = getattr(layer, "bias", None)
    if isinstance(bias, torch.Tensor):
        bias.zero_()
    return names


def _sized(name: str, height: int, width: int) -> Tensor:
    """A filter in a kernel of this size, (height, width); of one smaller than 3 its middle."""
    if name == MEAN:
        return torch.full((height, width), 1 / (height * width))
    found = torch.zeros(max(height, 3), max(width, 3))
    top, left = (found.shape[0] - 3) // 2, (found.shape[1] - 3) // 2
    found[top : top + 3, left : left + 3] = torch.tensor(THREE[name], dtype=torch.float32)
    down, across = (found.shape[0] - height) // 2, (found.shape[1] - width) // 2
    return found[down : down + height, across : across + width]
