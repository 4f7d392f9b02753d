"""Every layer of the language as torch's own module, written from the language page and torch's documentation.

A function for each word takes the batch that arrives and the step's fields; torch judges them by raising. What the
language forbids and torch would let pass is a `Refusal`, stated here and nowhere else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from generate.plan import Call, Rows
from specc.layers.base import Layer
from specc.layers.registry import LAYERS as DECLARED


class Refusal(Exception):
    """A rule of the language that torch does not know."""


Whole: TypeAlias = int
Size: TypeAlias = int | tuple[int, ...]
Margin: TypeAlias = int | tuple[int, ...]
Padding: TypeAlias = int | tuple[int, ...] | str
Number: TypeAlias = float
Factor: TypeAlias = float | tuple[float, ...]
Probability: TypeAlias = float
Switch: TypeAlias = bool
Bias: TypeAlias = bool | Rows
Word: TypeAlias = str


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise Refusal(rule)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_size(value: Any, rank: int, least: int, one: Callable[[Any], bool] = _is_whole) -> bool:
    """A number for all spatial dimensions, or one for each."""
    parts = value if isinstance(value, tuple) and not isinstance(value, Rows | Call) else (value,)
    return all(one(part) and part >= least for part in parts) and len(parts) in (1, rank)


# What a field of each kind takes; whether a number is too small is left to torch where torch says so.
KINDS: dict[str, Callable[[Any, int], bool]] = {
    "Whole": lambda value, rank: _is_whole(value),
    "Size": lambda value, rank: _is_size(value, rank, least=-99),
    "Margin": lambda value, rank: _is_size(value, rank, least=0),
    "Padding": lambda value, rank: value in ("same", "valid") or _is_size(value, rank, least=0),
    "Number": lambda value, rank: _is_number(value),
    "Factor": lambda value, rank: _is_size(value, rank, least=-99, one=_is_number),
    "Probability": lambda value, rank: _is_number(value) and 0 <= value <= 1,
    "Switch": lambda value, rank: isinstance(value, bool),
    "Bias": lambda value, rank: isinstance(value, bool | Rows),
    "Word": lambda value, rank: isinstance(value, str),
    "tuple[int, ...]": lambda value, rank: type(value) is tuple and 2 <= len(value) <= 4 and min(value) >= 1,
}


def module_for(word: str, x: Tensor, fields: Mapping[str, Any]) -> nn.Module:
    """The module that a step means for the batch `x`. Raises: Refusal, or what torch raises."""
    make = LAYERS[word]
    parameters = dict(list(inspect.signature(make).parameters.items())[1:])
    _require(set(fields) <= set(parameters), "an argument that the layer does not have")
    required = {name for name, one in parameters.items() if one.default is one.empty}
    _require(required <= set(fields), "a missing argument")
    for name, value in fields.items():
        fits = KINDS[parameters[name].annotation.removesuffix(" | None")]
        _require(fits(value, x.dim() - 2), f"{name} takes no such value")
    return make(x, **fields)


def _class(stem: str, x: Tensor) -> Any:
    """torch's class for the rank that arrives: Conv2d for images."""
    _require(x.dim() > 2, "a vector has no spatial dimensions")
    return getattr(nn, f"{stem}{x.dim() - 2}d")


def _each(size: Any, x: Tensor) -> tuple[Any, ...]:
    return size if isinstance(size, tuple) else (size,) * (x.dim() - 2)


def conv(  # noqa: PLR0913, PLR0917 - the fields of the language page
    x: Tensor, out: Whole, kernel: Size, stride: Size = 1, padding: Padding = 0, dilation: Size = 1,
    groups: Whole = 1, bias: Bias = True, mode: Word = "zeros",
) -> nn.Module:  # fmt: skip
    cls = _class("Conv", x)
    made: nn.Module = cls(x.shape[1], out, kernel, stride, padding, dilation, groups, bias is not False, mode)
    return made


def dwconv(
    x: Tensor, kernel: Size, stride: Size = 1, padding: Padding = 0, dilation: Size = 1, mult: Whole = 1,
    bias: Bias = True, mode: Word = "zeros",
) -> nn.Module:  # fmt: skip
    channels = x.shape[1]
    return conv(x, channels * mult, kernel, stride, padding, dilation, channels, bias, mode)


def convtranspose(  # noqa: PLR0913, PLR0917 - the same
    x: Tensor, out: Whole, kernel: Size, stride: Size = 1, padding: Margin = 0, output_padding: Margin = 0,
    dilation: Size = 1, groups: Whole = 1, bias: Bias = True,
) -> nn.Module:  # fmt: skip
    cls, has_bias = _class("ConvTranspose", x), bias is not False
    made: nn.Module = cls(x.shape[1], out, kernel, stride, padding, output_padding, groups, has_bias, dilation)
    return made


def maxpool(
    x: Tensor, kernel: Size, stride: Size | None = None, padding: Margin = 0, dilation: Size = 1, ceil: Switch = False
) -> nn.Module:
    made: nn.Module = _class("MaxPool", x)(kernel, stride, padding, dilation, ceil_mode=ceil)
    return made


def avgpool(
    x: Tensor, kernel: Size, stride: Size | None = None, padding: Margin = 0, ceil: Switch = False,
    count_include_pad: Switch = True,
) -> nn.Module:  # fmt: skip
    made: nn.Module = _class("AvgPool", x)(kernel, stride, padding, ceil, count_include_pad)
    return made


def adaptiveavgpool(x: Tensor, size: Size) -> nn.Module:
    made: nn.Module = _class("AdaptiveAvgPool", x)(size)
    return made


def adaptivemaxpool(x: Tensor, size: Size) -> nn.Module:
    made: nn.Module = _class("AdaptiveMaxPool", x)(size)
    return made


def gap(x: Tensor) -> nn.Module:
    return adaptiveavgpool(x, 1)


def gmp(x: Tensor) -> nn.Module:
    return adaptivemaxpool(x, 1)


def linear(x: Tensor, out: Whole, bias: Bias = True) -> nn.Module:
    _require(x.dim() == 2, "linear takes a vector only")
    return nn.Linear(x.shape[1], out, bias is not False)


def bn(x: Tensor, eps: Number = 1e-5, momentum: Number = 0.1, affine: Switch = True) -> nn.Module:
    made: nn.Module = getattr(nn, f"BatchNorm{max(x.dim() - 2, 1)}d")(x.shape[1], eps, momentum, affine)
    return made


def groupnorm(x: Tensor, groups: Whole, eps: Number = 1e-5, affine: Switch = True) -> nn.Module:
    return nn.GroupNorm(groups, x.shape[1], eps, affine)


def instancenorm(x: Tensor, eps: Number = 1e-5, momentum: Number = 0.1, affine: Switch = False) -> nn.Module:
    made: nn.Module = _class("InstanceNorm", x)(x.shape[1], eps, momentum, affine)
    return made


class _OverChannels(nn.LayerNorm):
    """torch normalises the last dimensions; the language, the channels."""

    def forward(self, input: Tensor) -> Tensor:
        # Laid out anew: torch cannot normalise responses of a volume whose width and channels changed places.
        return super().forward(input.transpose(1, -1)).transpose(1, -1).contiguous()


def layernorm(x: Tensor, eps: Number = 1e-5, affine: Switch = True, bias: Bias = True) -> nn.Module:
    return _OverChannels(x.shape[1], eps, affine, bias is not False)


def lrn(x: Tensor, size: Whole, alpha: Number = 1e-4, beta: Number = 0.75, k: Number = 1.0) -> nn.Module:
    return nn.LocalResponseNorm(size, alpha, beta, k)


def leakyrelu(x: Tensor, negative_slope: Number = 0.01) -> nn.Module:
    return nn.LeakyReLU(negative_slope)


def prelu(x: Tensor, num_parameters: Whole = 1) -> nn.Module:
    return nn.PReLU(num_parameters)


def elu(x: Tensor, alpha: Number = 1.0) -> nn.Module:
    return nn.ELU(alpha)


def celu(x: Tensor, alpha: Number = 1.0) -> nn.Module:
    return nn.CELU(alpha)


def gelu(x: Tensor, approximate: Word = "none") -> nn.Module:
    return nn.GELU(approximate)


def hardtanh(x: Tensor, min_val: Number = -1.0, max_val: Number = 1.0) -> nn.Module:
    return nn.Hardtanh(min_val, max_val)


def softplus(x: Tensor, beta: Number = 1.0, threshold: Number = 20.0) -> nn.Module:
    return nn.Softplus(beta, threshold)


def softmax(x: Tensor) -> nn.Module:
    return nn.Softmax(dim=1)


def logsoftmax(x: Tensor) -> nn.Module:
    return nn.LogSoftmax(dim=1)


def dropout(x: Tensor, p: Number = 0.5) -> nn.Module:
    return nn.Dropout(p)


def dropout2d(x: Tensor, p: Number = 0.5) -> nn.Module:
    made: nn.Module = nn.Dropout(p) if x.dim() == 2 else _class("Dropout", x)(p)
    return made


class _SampleDropout(nn.Module):
    """Whole samples: torch's dropout for one number a sample."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(p)

    def forward(self, x: Tensor) -> Tensor:
        kept: Tensor = self.drop(torch.ones(x.shape[0]))
        return x * kept.reshape(-1, *[1] * (x.dim() - 1))


def droppath(x: Tensor, p: Probability) -> nn.Module:
    return _SampleDropout(p)


def flatten(x: Tensor) -> nn.Module:
    return nn.Flatten()


def unflatten(x: Tensor, shape: tuple[int, ...]) -> nn.Module:
    _require(x.dim() == 2, "unflatten takes a vector only")
    return nn.Unflatten(1, shape)


_PADS = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}


def pad(x: Tensor, before: Margin, after: Margin | None = None, mode: Word = "zeros", value: Number = 0) -> nn.Module:
    _require(mode in _PADS, "no such mode")
    _require(value == 0 or mode == "zeros", "a number fills a margin of zeros")
    pairs = zip(_each(before, x), _each(before if after is None else after, x), strict=True)
    sides = tuple(margin for pair in reversed(list(pairs)) for margin in pair)  # torch begins with the last dimension
    made: nn.Module = _class("ConstantPad", x)(sides, value) if value else _class(_PADS[mode], x)(sides)
    return made


def upsample(
    x: Tensor, scale: Factor | None = None, mode: Word = "nearest", size: Size | None = None, corners: Switch = False
) -> nn.Module:
    _require(mode in ("nearest", "linear", "bicubic"), "no such mode")
    _require((scale is None) != (size is None), "a factor or a size")
    _require(not corners or mode != "nearest", "corners are for interpolation")
    of_rank = {3: "linear", 4: "bilinear", 5: "trilinear"}
    if mode == "linear":
        mode = of_rank.get(x.dim(), mode)
    _require(size is None or x.dim() > 2, "a vector has no spatial dimensions")
    aligned = corners or None
    if size is not None:
        return nn.Upsample(_each(size, x), mode=mode, align_corners=aligned)
    return nn.Upsample(scale_factor=_each(scale, x), mode=mode, align_corners=aligned)


def pixelshuffle(x: Tensor, r: Whole) -> nn.Module:
    _require(x.dim() == 4, "pixelshuffle takes images only")
    return nn.PixelShuffle(r)


def pixelunshuffle(x: Tensor, r: Whole) -> nn.Module:
    _require(x.dim() == 4, "pixelunshuffle takes images only")
    return nn.PixelUnshuffle(r)


def channelshuffle(x: Tensor, groups: Whole) -> nn.Module:
    return nn.ChannelShuffle(groups)


class _Slice(nn.Module):
    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.end]


def slice_(x: Tensor, start: Whole, end: Whole) -> nn.Module:
    _require(0 <= start < end <= x.shape[1], "a slice lies within the channels")
    return _Slice(start, end)


class _Times(nn.Module):
    """A factor: a constant, or a weight for each channel."""

    def __init__(self, factor: float | Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(factor) if isinstance(factor, Tensor) else factor

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.weight, nn.Parameter):
            return x * self.weight.reshape(1, -1, *[1] * (x.dim() - 2))
        return x * self.weight


def layerscale(x: Tensor, value: Number = 1e-6) -> nn.Module:
    return _Times(torch.full((x.shape[1],), float(value)))


class _Plus(nn.Module):
    """A summand: a constant, or a weight for each channel."""

    def __init__(self, summand: float | Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(summand) if isinstance(summand, Tensor) else summand

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.weight, nn.Parameter):
            return (x.transpose(1, -1) + self.weight).transpose(1, -1)
        return x + self.weight


def layershift(x: Tensor, value: Number = 0.0) -> nn.Module:
    return _Plus(torch.full((x.shape[1],), float(value)))


def shift(x: Tensor, value: Number) -> nn.Module:
    return _Plus(float(value))


class _Of(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def channelmean(x: Tensor) -> nn.Module:
    return _Of(lambda x: x.mean(1, keepdim=True))


def channelmax(x: Tensor) -> nn.Module:
    return _Of(lambda x: x.max(1, keepdim=True)[0])


def channelpad(x: Tensor, before: Whole, after: Whole | None = None) -> nn.Module:
    counts = (before, before if after is None else after)
    _require(min(counts) >= 0, "no channel is cut off")
    empty = [torch.zeros(x.shape[0], count, *x.shape[2:]) for count in counts]
    return _Of(lambda x: torch.cat([empty[0], x, empty[1]], 1))


class _Responses(nn.Module):
    """Woo et al. 2023, algorithm 1, with channels last as there."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        strength = x.flatten(1, -2).norm(dim=1).reshape(x.shape[0], *[1] * (x.dim() - 2), -1)
        factor = strength / (strength.mean(dim=-1, keepdim=True) + self.eps)
        y: Tensor = self.weight * (x * factor) + self.bias + x
        return y.movedim(-1, 1)


def grn(x: Tensor, eps: Number = 1e-6) -> nn.Module:
    _require(x.dim() > 2, "a vector has no spatial dimensions")
    _require(eps > 0, "a number above 0")
    return _Responses(x.shape[1], eps)


def scale(x: Tensor, value: Number) -> nn.Module:
    return _Times(float(value))


def _plain(cls: type[nn.Module]) -> Callable[[Tensor], nn.Module]:
    def make(x: Tensor) -> nn.Module:
        return cls()

    return make


_FUNCTIONS: tuple[Callable[..., nn.Module], ...] = (
    conv, dwconv, convtranspose, maxpool, avgpool, adaptiveavgpool, adaptivemaxpool, gap, gmp, linear, bn, groupnorm,
    instancenorm, layernorm, lrn, leakyrelu, prelu, elu, celu, gelu, hardtanh, softplus, softmax, logsoftmax, dropout,
    dropout2d, droppath, flatten, unflatten, pad, upsample, pixelshuffle, channelshuffle, layerscale, scale,
    pixelunshuffle, layershift, shift, channelmean, channelmax, channelpad, grn,
)  # fmt: skip
_PLAIN: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "selu": nn.SELU, "silu": nn.SiLU, "mish": nn.Mish, "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "id": nn.Identity,
}  # fmt: skip

LAYERS: dict[str, Callable[..., nn.Module]] = {
    **{function.__name__: function for function in _FUNCTIONS},
    **{word: _plain(cls) for word, cls in _PLAIN.items()},
    "slice": slice_,
}


def _declared(cls: type[Layer]) -> Callable[..., nn.Module]:
    """torch's class for a layer that says only which it is, with the fields as its arguments."""

    def make(x: Tensor, **fields: Any) -> nn.Module:
        assert cls.torch is not None
        module: nn.Module = getattr(nn, cls.torch.name)(
            **{name: fields[str(cls.torch.arguments[name])] for name in cls.torch.arguments}
        )
        return module

    x = inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)
    given = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation="Number",
            default=inspect.Parameter.empty if info.is_required() else info.default,
        )
        for name, info in cls.model_fields.items()
    ]
    vars(make)["__signature__"] = inspect.Signature([x, *given])
    return make


LAYERS |= {word: _declared(cls) for word, cls in DECLARED.items() if word not in LAYERS}
