"""How a network is run: its own layers and weights, in the order and the precision that are fastest.

In:         a compiled model, which stays as it is: its names are those of the spec and of `state_dict()`.
Out:        a second module over the same layers, for the loop alone.
Guarantees: every weight the same tensor; the same bits forward in float32, and backward, too, in an exact run.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from specc.build.known import is_known
from specc.runner.maxpool import ColumnsFirst, RowsFirst, is_halving
from specc.runner.precision import Precision

if TYPE_CHECKING:
    from torch import Tensor

    from specc.recipe.recipe import Recipe

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, ColumnsFirst, RowsFirst)
CUTS = (nn.ReLU, nn.ReLU6)


class Forward(nn.Module):
    """A network as the loop calls it; takes float pictures and gives float32."""

    def __init__(self, model: nn.Module, precision: Precision, halving: type[nn.Module] | None = None) -> None:
        """halving: what takes the place of max-pooling by 2x2, see `halving_for`."""
        super().__init__()
        self._as_written = not is_known(model)
        self.layers = model if self._as_written else rearranged(model, halving)
        self._precision = precision

    def forward(self, images: Tensor) -> Tensor:
        if self._as_written:
            images = images.contiguous()  # pictures out of files have their channels last
        with self._precision.autocast():
            outputs: Tensor = self.layers(images)
        return outputs.float()


def lay_out(model: nn.Module, sample: tuple[int, ...], recipe: Recipe, device: torch.device) -> None:
    """Put the weights into the order that is the faster one; they are saved in torch's usual layout.

    Measured on CPUs; on CUDA it is what PyTorch's performance tuning guide advises.
    """
    may = not recipe.exact and is_known(model)
    wanted = recipe.channels_last == "on" or (recipe.channels_last == "auto" and may)
    if wanted and device.type in ("cpu", "cuda") and len(sample) == 3:
        model.to(memory_format=torch.channels_last)


def halving_for(recipe: Recipe, device: torch.device) -> type[nn.Module] | None:
    """The max-pooling by 2x2 for a layout; torch's own where its compiler would have to look into another."""
    if device.type != "cpu" or recipe.compile == "on":
        return None
    return ColumnsFirst if recipe.exact else RowsFirst


def rearranged(model: nn.Module, halving: type[nn.Module] | None = None) -> nn.Module:
    """The same modules, each max-pooling before the rectifier that stands before it.

    A rectifier keeps the order of its values, so the largest of a window is the same before and after it, and so is the
    place that the gradient goes to: where the largest is cut off, no gradient passes in either order. After a pooling
    of 2x2 it has a quarter of the work.
    """
    children = {name: rearranged(child, halving) for name, child in model.named_children()}
    if not children:
        return halving() if halving is not None and is_halving(model) else model
    order = _swapped(children) if isinstance(model, nn.Sequential) else children
    if list(order.values()) == list(model.children()):
        return model
    view = copy(model)
    view.__dict__["_modules"] = order
    return view


def _swapped(children: dict[str, nn.Module]) -> OrderedDict[str, nn.Module]:
    order = list(children.items())
    for place, ((_, first), (_, second)) in enumerate(pairwise(list(order))):
        if isinstance(first, CUTS) and isinstance(second, POOLS):
            order[place : place + 2] = [order[place + 1], order[place]]
    return OrderedDict(order)
