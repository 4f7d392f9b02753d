"""The few module classes that torch lacks: branch forms, and a few small words.

Shapes are given as `(N, C, *)`: a batch of N samples, C channels, any spatial dimensions.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

Kept: TypeAlias = Mapping[str, Tensor]
"""What left the labelled steps of the chains around, by the names of their modules, for one call."""


class Keeping(nn.Sequential):
    """A chain that keeps what leaves some of its steps, for the branches inside that go on from there.

    They are kept for the call, and nothing after it. keeps: the names of those steps; readers: of the steps that are
    given what is kept, here or in a chain around.
    """

    def __init__(self, steps: OrderedDict[str, nn.Module], keeps: Sequence[str] = (), readers: Sequence[str] = ()):
        super().__init__(steps)
        self.keeps, self.readers = tuple(keeps), tuple(readers)

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        known = dict(kept or {})
        for name, step in self._modules.items():
            x = step(x, known) if name in self.readers else step(x)
            if name in self.keeps:
                known[name] = x
        return x

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if isinstance(index, slice):
            found.keeps, found.readers = self.keeps, self.readers
        return found


class _Branches(nn.Module):
    """Named branches, in the order in which they are written; origins: what some go on from, by name."""

    def __init__(self, branches: Mapping[str, nn.Module], origins: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.origins = dict(origins or {})
        for name, branch in branches.items():
            self.add_module(name, branch)

    def run(self, name: str, x: Tensor, kept: Kept | None) -> Tensor:
        """What a branch gives, of what arrives or of what it goes on from."""
        branch = self.get_submodule(name)
        if name in self.origins:
            assert kept is not None  # noqa: S101 - the chain around hands it over
            x = kept[self.origins[name]]
        found: Tensor = branch(x, kept) if isinstance(branch, Keeping) else branch(x)
        return found

    def run_all(self, x: Tensor, kept: Kept | None) -> list[Tensor]:
        return [self.run(name, x, kept) for name in self._modules]


class Concat(_Branches):
    """Every branch gets the input; the outputs are joined along channels."""

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        return torch.cat(self.run_all(x, kept), dim=1)


class Add(_Branches):
    """Every branch gets the input; the outputs, all of one shape, are summed."""

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        return reduce(_same_shape_sum, self.run_all(x, kept))


class Mul(_Branches):
    """Every branch gets the input; the outputs are multiplied, dimensions of 1 with every other."""

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        return reduce(operator.mul, self.run_all(x, kept))


class UpsampleLike(nn.Module):
    """Resizes pictures to the size of what left a labelled step."""

    def __init__(self, like: str, mode: str, align_corners: bool | None = None) -> None:
        super().__init__()
        self.like, self.mode, self.align_corners = like, mode, align_corners

    def forward(self, x: Tensor, kept: Kept) -> Tensor:
        return F.interpolate(x, kept[self.like].shape[2:], mode=self.mode, align_corners=self.align_corners)

    def extra_repr(self) -> str:
        return f"like={self.like}, mode={self.mode}"


class Split(_Branches):
    """The channels are cut into parts of the given sizes, a branch each; the outputs are joined along channels."""

    def __init__(self, branches: Mapping[str, nn.Module], sizes: Sequence[int]) -> None:
        super().__init__(branches)
        self.sizes = list(sizes)

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        parts = zip(self._modules, torch.split(x, self.sizes, dim=1), strict=True)
        return torch.cat([self.run(name, part, kept) for name, part in parts], dim=1)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.sizes))


class Outputs(_Branches):
    """What each branch gives, by its name: the last step of a network."""

    def forward(self, x: Tensor, kept: Kept | None = None) -> dict[str, Tensor]:
        return {name: self.run(name, x, kept) for name in self._modules}


class Residual(_Branches):
    """body(x) + shortcut(x); without a shortcut, body(x) + x; where `adds` is False, body(x) alone."""

    def __init__(
        self, branches: Mapping[str, nn.Module], origins: Mapping[str, str] | None = None, *, adds: bool = True
    ) -> None:
        super().__init__(branches, origins)
        self.adds = adds

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        out = self.run("body", x, kept)
        if not self.adds:
            return out
        return _same_shape_sum(out, self.run("shortcut", x, kept) if "shortcut" in self._modules else x)


class Gate(_Branches):
    """x · branch1(x), dimensions of 1 with every other: squeeze-and-excitation (Hu et al. 2018)."""

    def forward(self, x: Tensor, kept: Kept | None = None) -> Tensor:
        return x * self.run("branch1", x, kept)


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
