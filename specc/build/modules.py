"""The few module classes that torch lacks: branch forms, and a few small words.

Shapes are given as `(N, C, *)`: a batch of N samples, C channels, any spatial dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention


class _Branches(nn.Module):
    """Named branches, in the order in which they are written."""

    def __init__(self, branches: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)


class Concat(_Branches):
    """Every branch gets the input; the outputs are joined along channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class Add(_Branches):
    """Every branch gets the input; the outputs, all of one shape, are summed."""

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor | None = None
        for branch in self.children():
            total = branch(x) if total is None else _same_shape_sum(total, branch(x))
        assert total is not None  # noqa: S101 - a form has at least one branch
        return total


class Mul(_Branches):
    """Every branch gets the input; the outputs are multiplied, dimensions of 1 with every other."""

    def forward(self, x: Tensor) -> Tensor:
        product: Tensor | None = None
        for branch in self.children():
            product = branch(x) if product is None else product * branch(x)
        assert product is not None  # noqa: S101 - a form has at least one branch
        return product


class Split(_Branches):
    """The channels are cut into parts of the given sizes, a branch each; the outputs are joined along channels."""

    def __init__(self, branches: dict[str, nn.Module], sizes: Sequence[int]) -> None:
        super().__init__(branches)
        self.sizes = list(sizes)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.sizes, dim=1)
        return torch.cat([branch(part) for branch, part in zip(self.children(), parts, strict=True)], dim=1)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.sizes))


class Residual(nn.Module):
    """body(x) + shortcut(x); without a shortcut, body(x) + x; where `adds` is False, body(x) alone."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, *, adds: bool = True) -> None:
        super().__init__()
        self.body = body
        if shortcut is not None:
            self.shortcut = shortcut
        self.adds = adds

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        if not self.adds:
            return out
        return _same_shape_sum(out, self.shortcut(x) if hasattr(self, "shortcut") else x)


class Gate(nn.Module):
    """x · branch1(x), dimensions of 1 with every other: squeeze-and-excitation (Hu et al. 2018)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch1 = branch

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.branch1(x)
        return x * gate


def _same_shape_sum(left: Tensor, right: Tensor) -> Tensor:
    """The sum, without torch's broadcasting: a picture of another size than the spec's is refused, not stretched."""
    if left.shape != right.shape:
        raise ValueError(f"branches give different shapes: {tuple(left.shape)} and {tuple(right.shape)}")
    return left + right


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation of each position over its channels, for `(N, C, *)` (Liu et al. 2022, ConvNeXt)."""

    def forward(self, input: Tensor) -> Tensor:
        last = input.movedim(1, -1)
        normalised = F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps)
        return normalised.movedim(-1, 1)


class DropPath(nn.Module):
    """Sets whole samples to 0 with probability p while training, and divides the rest by 1 − p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        shape = (x.shape[0],) + (1,) * (x.dim() - 1)
        keep = x.new_empty(shape).bernoulli_(1 - self.p)
        return x * (keep / (1 - self.p) if self.p < 1 else keep)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class LayerScale(nn.Module):
    """x times a learned factor for each channel, which starts at `value`."""

    def __init__(self, channels: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(value)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *(1,) * (x.dim() - 2))

    def extra_repr(self) -> str:
        return str(self.weight.numel())


class Scale(nn.Module):
    """x times a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x * self.value

    def extra_repr(self) -> str:
        return str(self.value)


class Slice(nn.Module):
    """The channels from `start` up to, and without, `end`."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.end]

    def extra_repr(self) -> str:
        return f"{self.start}, {self.end}"


class LayerShift(nn.Module):
    """x plus a learned number for each channel, which starts at `value`."""

    def __init__(self, channels: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(value)))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight.view(-1, *(1,) * (x.dim() - 2))

    def extra_repr(self) -> str:
        return str(self.weight.numel())


class Shift(nn.Module):
    """x plus a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value

    def extra_repr(self) -> str:
        return str(self.value)


class ChannelMean(nn.Module):
    """The mean of all channels: `(N, 1, *)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)


class ChannelMax(nn.Module):
    """The largest of all channels: `(N, 1, *)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=1, keepdim=True)


class ChannelPad(nn.Module):
    """Channels of zeros before and after those of x."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (*(0, 0) * (x.dim() - 2), self.before, self.after))

    def extra_repr(self) -> str:
        return f"{self.before}, {self.after}"


class GlobalResponseNorm(nn.Module):
    """x + weight · x · r + bias, r the norm of each channel by the mean of all norms (Woo et al. 2023, ConvNeXt V2)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(x, dim=tuple(range(2, x.dim())), keepdim=True)
        response = norm / (norm.mean(dim=1, keepdim=True) + self.eps)
        shape = (-1, *(1,) * (x.dim() - 2))
        return x + self.weight.view(shape) * (x * response) + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"
