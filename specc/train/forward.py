"""How a network is run: its own layers and weights, in the order and the precision that are fastest.

In:         a compiled model, which stays as it is: its names are those of the spec and of `state_dict()`.
Out:        a second module over the same layers, for the loop alone.
Guarantees: in float32 the same bits forward and backward, with every weight the same tensor.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from specc.train.precision import Precision

if TYPE_CHECKING:
    from torch import Tensor

POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
CUTS = (nn.ReLU, nn.ReLU6)


class Forward(nn.Module):
    """A network as the loop calls it; takes float pictures and gives float32."""

    def __init__(self, model: nn.Module, precision: Precision, *, plain_layout: bool = False) -> None:
        """plain_layout: whether pictures lie channel by channel in memory, where torch's own max-pooling is slow."""
        super().__init__()
        self.layers = rearranged(model, swift_pools=plain_layout)
        self._precision = precision

    def forward(self, images: Tensor) -> Tensor:
        with self._precision.autocast():
            outputs: Tensor = self.layers(images)
        return outputs.float()


def rearranged(model: nn.Module, *, swift_pools: bool = False) -> nn.Module:
    """The same modules, each max-pooling before the rectifier that stands before it.

    A rectifier keeps the order of its values, so the largest of a window is the same before and after it, and so is the
    place that the gradient goes to: where the largest is cut off, no gradient passes in either order. After a pooling
    of 2x2 it has a quarter of the work.
    """
    children = {name: rearranged(child, swift_pools=swift_pools) for name, child in model.named_children()}
    if not children:
        return SwiftMaxPool() if swift_pools and is_halving(model) else model
    order = _swapped(children) if isinstance(model, nn.Sequential) else children
    if list(order.values()) == list(model.children()):
        return model
    view = copy(model)
    view.__dict__["_modules"] = order
    return view


def _swapped(children: dict[str, nn.Module]) -> OrderedDict[str, nn.Module]:
    order = list(children.items())
    for place, ((_, first), (_, second)) in enumerate(pairwise(list(order))):
        if isinstance(first, CUTS) and isinstance(second, (*POOLS, SwiftMaxPool)):
            order[place : place + 2] = [order[place + 1], order[place]]
    return OrderedDict(order)


def is_halving(module: nn.Module) -> bool:
    """Whether a module is max-pooling by windows of 2x2 side by side."""
    if not isinstance(module, nn.MaxPool2d) or module.ceil_mode or module.return_indices:
        return False
    sizes = (module.kernel_size, module.stride, module.padding, module.dilation)
    return all(given in (size, (size, size)) for given, size in zip(sizes, (2, 2, 0, 1), strict=True))


class SwiftMaxPool(nn.Module):
    """Max-pooling by windows of 2x2 side by side, on whole tensors; the same bits as `nn.MaxPool2d(2)`.

    torch's own looks at the values one by one where the channels lie apart, which takes twice as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        return _HalvingMax.apply(x)  # type: ignore[no-any-return] # torch leaves it untyped


class _HalvingMax(torch.autograd.Function):
    """Of equal values the first one in reading order is the largest, as in torch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        (a, b), (c, d) = _corners(x)
        upper, lower = torch.maximum(a, b), torch.maximum(c, d)
        ctx.save_for_backward(a >= b, c >= d, upper >= lower)
        ctx.size = x.shape
        return torch.maximum(upper, lower)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        left_above, left_below, above = ctx.saved_tensors
        is_even = not (ctx.size[-1] % 2 or ctx.size[-2] % 2)
        result = (gradient.new_empty if is_even else gradient.new_zeros)(ctx.size)
        upper = gradient * above
        halves = zip(_corners(result), (upper, gradient - upper), (left_above, left_below), strict=True)
        for (left, right), part, is_left in halves:
            torch.mul(part, is_left, out=left)
            torch.sub(part, left, out=right)
        return result


def _corners(x: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The four corners of all windows, row by row, each (N, C, height // 2, width // 2); an odd last line is left."""
    height, width = (size // 2 * 2 for size in x.shape[-2:])
    upper, lower = x[..., 0:height:2, :width], x[..., 1:height:2, :width]
    return (upper[..., 0::2], upper[..., 1::2]), (lower[..., 0::2], lower[..., 1::2])
