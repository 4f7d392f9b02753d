"""Max-pooling by windows of 2x2 side by side, on whole tensors, where that is faster than torch's own.

torch's looks at the values one by one where the channels lie apart in memory, and where they are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

VECTOR = 16  # float32 values that a processor takes at once; with fewer channels torch's pooling takes one at a time
# Processors compute with bfloat16 by way of float32, with its bits directly.
BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


def is_halving(module: nn.Module) -> bool:
    """Whether a module is max-pooling by windows of 2x2 side by side."""
    if not isinstance(module, nn.MaxPool2d) or module.ceil_mode or module.return_indices:
        return False
    sizes = (module.kernel_size, module.stride, module.padding, module.dilation)
    return all(given in (size, (size, size)) for given, size in zip(sizes, (2, 2, 0, 1), strict=True))


class ColumnsFirst(nn.Module):
    """For channels that lie apart: forward and backward the same bits as `nn.MaxPool2d(2)`."""

    def forward(self, x: Tensor) -> Tensor:
        return _ColumnsFirst.apply(x)  # type: ignore[no-any-return] # torch leaves it untyped


class RowsFirst(nn.Module):
    """For channels that lie together: forward and backward the same bits as `nn.MaxPool2d(2)`.

    Rows are compared first, since they lie together; of equal values the first one in reading order is the largest, as
    in torch.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not _gains(x):
            return torch.max_pool2d(x, 2)
        if not (x.requires_grad and torch.is_grad_enabled()):
            return torch.maximum(*_columns(torch.maximum(*_rows(x))))
        return _RowsFirst.apply(x)  # type: ignore[no-any-return] # torch leaves it untyped


def _gains(x: Tensor) -> bool:
    """Whether pooling on whole tensors is the faster one: `benchmarks/ablation.py` tells."""
    is_slow = x.dtype == torch.bfloat16 or (x.dtype == torch.float32 and x.shape[1] < VECTOR)
    return is_slow and x.is_contiguous(memory_format=torch.channels_last)


class _RowsFirst(torch.autograd.Function):
    """Which of two values was the larger one is found by their bits, and gradients are given by theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        half = torch.maximum(*_rows(x))
        result = torch.maximum(*_columns(half))
        bits, half = x.view(BITS[x.dtype]), half.view(BITS[x.dtype])
        is_upper = _equal(_rows(bits)[0], half)
        is_left, is_right = (_equal(side, result.view(bits.dtype)) for side in _columns(half))
        upper_left, upper_right = _columns(is_upper)
        # Equal ones at the lower left and the upper right: in reading order the right one is the first.
        is_left &= (is_right & upper_right).bitwise_xor_(1).bitwise_or_(upper_left)
        ctx.save_for_backward(is_upper, is_left)
        ctx.size = x.shape
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        is_upper: Tensor
        is_upper, is_left = ctx.saved_tensors
        half = torch.empty_like(is_upper)
        _share_bits(gradient.view(half.dtype), is_left, *_columns(half))
        result = torch.empty(ctx.size, dtype=half.dtype, memory_format=torch.channels_last)
        if ctx.size[-1] % 2 or ctx.size[-2] % 2:
            result.zero_()
        _share_bits(half, is_upper, *_rows(result))
        return result.view(gradient.dtype)


class _ColumnsFirst(torch.autograd.Function):
    """Of equal values the first one in reading order is the largest, as in torch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        (a, b), (c, d) = map(_columns, _rows(x))
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
        halves = zip(_rows(result), (upper, gradient - upper), (left_above, left_below), strict=True)
        for half, part, is_left in halves:
            _share(part, is_left, *_columns(half))
        return result


def _rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower rows of all windows; an odd last row or column is left."""
    height, width = (size // 2 * 2 for size in x.shape[-2:])
    return x[..., 0:height:2, :width], x[..., 1:height:2, :width]


def _columns(rows: Tensor) -> tuple[Tensor, Tensor]:
    return rows[..., 0::2], rows[..., 1::2]


def _equal(first: Tensor, largest: Tensor) -> Tensor:
    """1 where the first of two values is the largest, 0 elsewhere; of the values' type: booleans take longer."""
    return torch.eq(first, largest, out=torch.empty_like(largest))


def _share_bits(gradient: Tensor, is_first: Tensor, first: Tensor, second: Tensor) -> None:
    """As `_share` does, for the bits of a gradient."""
    torch.mul(gradient, is_first, out=first)
    torch.bitwise_xor(gradient, first, out=second)


def _share(gradient: Tensor, is_first: Tensor, first: Tensor, second: Tensor) -> None:
    """Give each gradient to the one place or to the other, and 0 to the one that is not the largest."""
    torch.mul(gradient, is_first, out=first)
    torch.sub(gradient, first, out=second)
