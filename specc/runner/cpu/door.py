"""How the layers of a network are run: in the order that is fastest, with the max-pooling that is.

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
from specc.runner.cpu.maxpool import ColumnsFirst, RowsFirst, is_halving
from specc.runner.cpu.process import uses

if TYPE_CHECKING:
    from specc.ir.shaped import ShapedModel
    from specc.recipe.recipe import Recipe
    from specc.runner.cpu.halves import Halves
    from specc.runner.distributed.world import Group

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, ColumnsFirst, RowsFirst)
CUTS = (nn.ReLU, nn.ReLU6)


def arranged(model: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """The model as it is run; one with modules of somebody else's as it is written."""
    if not is_known(model):
        return model
    # torch's compiler would have to look into another max-pooling than its own.
    is_torchs = device.type != "cpu" or recipe.compile == "on" or not uses("maxpool")
    halving = None if is_torchs else ColumnsFirst if recipe.exact else RowsFirst
    return rearranged(model, halving, swaps=uses("order"))


def halves_of(network: nn.Module, shaped: ShapedModel, recipe: Recipe, group: Group) -> Halves | None:
    """The network in two halves, None where they would gain nothing or would not add up to the whole."""
    if group.device.type != "cpu" or not uses("halves"):
        return None
    from specc.runner.cpu.halves import Halves, gains

    return Halves(network) if gains(network, shaped, recipe, group) else None


def rearranged(model: nn.Module, halving: type[nn.Module] | None = None, *, swaps: bool = True) -> nn.Module:
    """The same modules, each max-pooling before the rectifier that stands before it.

    A rectifier keeps the order of its values, so the largest of a window is the same before and after it, and so is the
    place that the gradient goes to: where the largest is cut off, no gradient passes in either order. After a pooling
    of 2x2 it has a quarter of the work.
    """
    children = {name: rearranged(child, halving, swaps=swaps) for name, child in model.named_children()}
    if not children:
        return halving() if halving is not None and is_halving(model) else model
    order = _swapped(children) if swaps and isinstance(model, nn.Sequential) else children
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
