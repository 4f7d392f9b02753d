"""How the layers of a network are run: in the order that is fastest.

In:         a compiled model, which stays as it is: its names are those of the spec and of `state_dict()`.
Out:        a second module over the same layers, for the loop alone.
Guarantees: every weight the same tensor; the same bits forward and backward.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from itertools import pairwise

from torch import nn

from specc.build.known import is_known
from specc.runner.cpu.process import uses

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
CUTS = (nn.ReLU, nn.ReLU6)


def arranged(model: nn.Module) -> nn.Module:
    """The model as it is run; one with modules of somebody else's as it is written."""
    return rearranged(model) if uses("order") and is_known(model) else model


def rearranged(model: nn.Module) -> nn.Module:
    """The same modules, each max-pooling before the rectifier that stands before it.

    A rectifier keeps the order of its values, so the largest of a window is the same before and after it, and so is the
    place that the gradient goes to: where the largest is cut off, no gradient passes in either order. After a pooling
    of 2x2 it has a quarter of the work.
    """
    children = {name: rearranged(child) for name, child in model.named_children()}
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
