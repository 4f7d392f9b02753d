"""torch's functions and methods as the modules that do the same, so that `words` knows them all."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing.words import NoWord

Make = Callable[..., nn.Module]


def module_for(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], x: Tensor) -> nn.Module | None:
    """The module that does what a function does to x, its first argument; None for a function that is not known.

    Raises: NoWord for arguments that no module has.
    """
    make = _FUNCTIONS.get(target)
    if make is None:
        return None
    try:
        return make(x, *args, **{name: value for name, value in kwargs.items() if name != "inplace"})
    except TypeError as error:
        raise NoWord(f"`{name_of(target)}` with arguments that its layer does not have") from error


def name_of(target: Any) -> str:
    """What a function is called."""
    return target if isinstance(target, str) else str(getattr(target, "__name__", target))


def _activation(cls: type[nn.Module]) -> Make:
    def make(x: Tensor, *args: Any, **kwargs: Any) -> nn.Module:
        return cls(*(arg for arg in args if not isinstance(arg, bool)), **kwargs)

    return make


def _over(cls: Callable[..., nn.Module]) -> Make:
    def make(x: Tensor, dim: int | None = None, **_: Any) -> nn.Module:
        return cls(dim=dim % x.dim() if dim is not None else 1)

    return make


def _pool(stem: str) -> Make:
    def make(x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, *more: Any, **kwargs: Any) -> nn.Module:
        names = ("dilation", "ceil_mode") if stem == "MaxPool" else ("ceil_mode", "count_include_pad")
        given: dict[str, Any] = {**dict(zip(names, more, strict=False)), **kwargs}
        module: nn.Module = getattr(nn, f"{stem}{x.dim() - 2}d")(kernel_size, stride or None, padding, **given)
        return module

    return make


def _adaptive(stem: str) -> Make:
    def make(x: Tensor, output_size: Any) -> nn.Module:
        module: nn.Module = getattr(nn, f"{stem}{x.dim() - 2}d")(output_size)
        return module

    return make


def _dropout(cls: type[nn.Module]) -> Make:
    def make(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
        return cls(p)

    return make


def _flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> nn.Module:
    return nn.Flatten(start_dim, end_dim)


def _reshape(x: Tensor, *sizes: Any) -> nn.Module:
    """`x.view(x.size(0), -1)` and its like: every sample becomes a vector, or a vector becomes a picture."""
    shape = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    found = x.reshape(*shape).shape
    if found == x.shape:
        return nn.Identity()
    if found[0] == x.shape[0] and len(found) == 2:
        return nn.Flatten()
    if found[0] == x.shape[0] and x.dim() == 2:
        return nn.Unflatten(1, tuple(found[1:]))
    raise NoWord(f"a change of shape from {tuple(x.shape[1:])} to {tuple(found[1:])}")


def _interpolate(
    x: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", **kwargs: Any
) -> nn.Module:
    unknown = {name: value for name, value in kwargs.items() if value and name not in ("align_corners",)}
    if unknown:
        raise NoWord(f"interpolation with {', '.join(unknown)}")
    return nn.Upsample(size, scale_factor, mode, kwargs.get("align_corners"))


def _pad(x: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> nn.Module:
    if len(pad) != 2 * (x.dim() - 2) or value:
        raise NoWord(f"padding by {tuple(pad)}" + (f" with {value}" if value else ""))
    stem = {"constant": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
    module: nn.Module = getattr(nn, f"{stem[mode]}{x.dim() - 2}d")(tuple(pad))
    return module


def _same(x: Tensor, *args: Any, **kwargs: Any) -> nn.Module:
    return nn.Identity()


def _local_norm(x: Tensor, *args: Any, **kwargs: Any) -> nn.Module:
    return nn.LocalResponseNorm(*args, **kwargs)


def is_global_mean(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], x: Tensor) -> bool:
    """Whether a mean is one over all pixels of each channel."""
    if target not in (torch.mean, "mean"):
        return False
    dims = kwargs.get("dim", args[0] if args else None)
    dims = (dims,) if isinstance(dims, int) else dims
    return dims is not None and sorted(dim % x.dim() for dim in dims) == list(range(2, x.dim()))


def scalar_factor(target: Any, other: Any) -> float | None:
    """The constant by which a function multiplies its first argument; None where it does something else."""
    if isinstance(other, bool) or not isinstance(other, int | float):
        return None
    if target in (operator.mul, operator.imul, torch.mul, "mul", "mul_"):
        return float(other)
    if target in (operator.truediv, operator.itruediv, torch.div, "div", "div_") and other:
        return 1 / other
    return None


ADDING = (operator.add, operator.iadd, torch.add, "add", "add_")
MULTIPLYING = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
JOINING = (torch.cat, torch.concat, torch.concatenate)
CUTTING = (torch.chunk, "chunk", torch.split, "split")

_ACTIVATIONS: dict[type[nn.Module], tuple[Any, ...]] = {
    nn.ReLU: (F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"),
    nn.ReLU6: (F.relu6,),
    nn.LeakyReLU: (F.leaky_relu, F.leaky_relu_),
    nn.ELU: (F.elu,), nn.CELU: (F.celu,), nn.SELU: (F.selu,), nn.GELU: (F.gelu,), nn.SiLU: (F.silu,),
    nn.Mish: (F.mish,), nn.Hardswish: (F.hardswish,), nn.Hardsigmoid: (F.hardsigmoid,), nn.Hardtanh: (F.hardtanh,),
    nn.Sigmoid: (torch.sigmoid, F.sigmoid, "sigmoid", "sigmoid_"), nn.Tanh: (torch.tanh, F.tanh, "tanh", "tanh_"),
    nn.Softplus: (F.softplus,), nn.Softsign: (F.softsign,),
}  # fmt: skip
_AVERAGES = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
_MAXIMA = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
_FUNCTIONS: dict[Any, Make] = {
    **{target: _activation(cls) for cls, targets in _ACTIVATIONS.items() for target in targets},
    **dict.fromkeys((F.softmax, torch.softmax, "softmax"), _over(nn.Softmax)),
    **dict.fromkeys((F.log_softmax, torch.log_softmax, "log_softmax"), _over(nn.LogSoftmax)),
    **dict.fromkeys((F.max_pool1d, F.max_pool2d, F.max_pool3d, torch.max_pool2d), _pool("MaxPool")),
    **dict.fromkeys((F.avg_pool1d, F.avg_pool2d, F.avg_pool3d), _pool("AvgPool")),
    **dict.fromkeys(_AVERAGES, _adaptive("AdaptiveAvgPool")),
    **dict.fromkeys(_MAXIMA, _adaptive("AdaptiveMaxPool")),
    F.dropout: _dropout(nn.Dropout), F.dropout1d: _dropout(nn.Dropout1d), F.dropout2d: _dropout(nn.Dropout2d),
    F.dropout3d: _dropout(nn.Dropout3d),
    **dict.fromkeys((torch.flatten, "flatten"), _flatten),
    **dict.fromkeys((torch.reshape, "view", "reshape"), _reshape),
    **dict.fromkeys(("contiguous", "clone", "detach", torch.clone), _same),
    F.interpolate: _interpolate, F.pad: _pad, F.local_response_norm: _local_norm,
    **dict.fromkeys((F.pixel_shuffle, torch.pixel_shuffle), lambda x, r: nn.PixelShuffle(r)),
    **dict.fromkeys((torch.channel_shuffle,), lambda x, groups: nn.ChannelShuffle(groups)),
}  # fmt: skip


def features(shape: tuple[int, ...]) -> int:
    """How many values a sample of that shape has."""
    return math.prod(shape)
