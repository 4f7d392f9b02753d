"""The source of what torch has no class for, as the exported file holds it; `build.modules` has the same for specc."""

from __future__ import annotations

_CHAIN = '''\
def chain(**steps: nn.Module) -> nn.Sequential:
    """Steps one after another, under their names."""
    return nn.Sequential(OrderedDict(steps))'''

_BRANCHES = '''\
def branches(**modules: nn.Module) -> nn.ModuleDict:
    """Modules side by side, under their names; `forward` says how they are joined."""
    return nn.ModuleDict(modules)'''

_LAYER_NORM = '''\
class ChannelLayerNorm(nn.LayerNorm):
    """Normalises each position over its channels, for N×C×H×W."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.movedim(-1, 1)'''

_DROP_PATH = '''\
class DropPath(nn.Module):
    """Sets whole samples to 0 with probability p while training: stochastic depth."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        keep = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * (keep / (1 - self.p) if self.p < 1 else keep)'''

_LAYER_SCALE = '''\
class LayerScale(nn.Module):
    """Multiplies each channel by a learned factor."""

    def __init__(self, channels: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(value)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *(1,) * (x.dim() - 2))'''

_SCALE = '''\
class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x * self.value'''

_SLICE = '''\
class Slice(nn.Module):
    """Keeps the channels from start up to but not including end."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.end]'''

_LAYER_SHIFT = '''\
class LayerShift(nn.Module):
    """Adds a learned number to each channel."""

    def __init__(self, channels: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(value)))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight.view(-1, *(1,) * (x.dim() - 2))'''

_SHIFT = '''\
class Shift(nn.Module):
    """Adds a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value'''

_CHANNEL_MEAN = '''\
class ChannelMean(nn.Module):
    """The mean of all channels, as one channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)'''

_CHANNEL_MAX = '''\
class ChannelMax(nn.Module):
    """The largest of all channels, as one channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=1, keepdim=True)'''

_CHANNEL_PAD = '''\
class ChannelPad(nn.Module):
    """Adds channels of zeros."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (*(0, 0) * (x.dim() - 2), self.before, self.after))'''

_RESPONSE_NORM = '''\
class GlobalResponseNorm(nn.Module):
    """Strengthens the channels that respond strongly (Woo et al. 2023)."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=tuple(range(2, x.dim())), keepdim=True)
        response = norm / (norm.mean(dim=1, keepdim=True) + self.eps)
        shape = (-1, *(1,) * (x.dim() - 2))
        return x + self.weight.view(shape) * (x * response) + self.bias.view(shape)'''

_DIVISIBLE = '''\
def divisible(value: float, divisor: int) -> int:
    """The nearest multiple of a divisor, never under nine tenths of the value."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if 10 * nearest < 9 * value else nearest'''

_WHOLE = '''\
def whole(value: float) -> int:
    """A number of channels, or the like, that was worked out with fractions."""
    if abs(value - round(value)) > 1e-9 * abs(value):
        raise ValueError(f"{value:g} is not a whole number")
    return round(value)'''

SUPPLEMENT = {
    "whole": _WHOLE,
    "divisible": _DIVISIBLE,
    "chain": _CHAIN,
    "branches": _BRANCHES,
    "ChannelLayerNorm": _LAYER_NORM,
    "DropPath": _DROP_PATH,
    "LayerScale": _LAYER_SCALE,
    "Scale": _SCALE,
    "Slice": _SLICE,
    "LayerShift": _LAYER_SHIFT,
    "Shift": _SHIFT,
    "ChannelMean": _CHANNEL_MEAN,
    "ChannelMax": _CHANNEL_MAX,
    "ChannelPad": _CHANNEL_PAD,
    "GlobalResponseNorm": _RESPONSE_NORM,
}
"""By the name that code uses it under, in the order in which the file holds them."""

IMPORTED = ("Callable", "F", "OrderedDict", "Tensor", "nn", "torch")
"""What an exported file may import, by the names that its code uses."""
