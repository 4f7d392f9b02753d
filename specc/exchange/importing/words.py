"""torch's modules as words of the language, each with its arguments and where its weights are.

In:         a module and the shape that arrives, channels first.
Out:        a `Leaf`; None where the module does nothing that counts.
Raises:     `NoWord` for a module, or a setting of one, that the language cannot say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from specc.diagnostics.spelling import counted
from specc.exchange.importing.graph import Leaf, Token
from specc.layers.base import Shape


class NoWord(Exception):
    """The language cannot say it; the text is what `it` is."""


def leaf_of(module: nn.Module, x: Shape, output: Shape) -> Leaf:
    """The word for a module. Args: x, the shape that arrives; output, the one that leaves, both without the batch."""
    read = _READERS.get(type(module))
    if read is None:
        raise NoWord(f"no layer does what `{type(module).__name__}` does")
    word, tokens = read(module, x)
    strange = [name for name in module.state_dict() if name not in _TENSORS]
    if strange:
        made_of = " and ".join(f"`{name}`" for name in strange)
        raise NoWord(f"a `{type(module).__name__}` whose weight is made of {made_of} at every step")
    return Leaf(word, tuple(tokens), x, output, tuple(module.state_dict().items()))


Read = tuple[str, list[Token]]
_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _size(value: Any) -> Any:
    """`(3, 3)` as 3."""
    if isinstance(value, tuple | list):
        return value[0] if len(set(value)) == 1 else tuple(value)
    return value


def _short(name: str, value: Any, default: Any = None) -> Token:
    return Token(name, _size(value), default, "short")


def _flag(name: str, value: bool, default: bool) -> Token:
    return Token(name, value, default, "flag")


def _positional(name: str, value: Any, default: Any = None) -> Token:
    return Token(name, _size(value), default, "positional")


def _rank(x: Shape, name: str) -> None:
    if name[-2:-1].isdigit() and len(x) - 1 != int(name[-2]):
        raise NoWord(f"`{name}` on a batch of {counted(len(x) - 1, 'spatial dimension')}")


def _convolution(module: Any, x: Shape) -> Read:
    _rank(x, type(module).__name__)
    tokens = [_short("kernel", module.kernel_size), _short("stride", module.stride, 1)]
    tokens += [_short("padding", module.padding, 0) if module.padding != "same" else _word("same")]
    if module.padding == "valid":
        tokens[-1] = _short("padding", 0, 0)
    tokens.append(_short("dilation", module.dilation, 1))
    ends = [_flag("bias", module.bias is not None, True), Token("mode", module.padding_mode, "zeros")]
    if module.groups == x[0] > 1 and module.out_channels % x[0] == 0:
        return "dwconv", [*tokens, Token("mult", module.out_channels // x[0], 1), *ends]
    return "conv", [_positional("out", module.out_channels), *tokens, _short("groups", module.groups, 1), *ends]


def _word(text: str) -> Token:
    """A bare option word."""
    return Token("padding", text, None, "positional")


def _transposed(module: Any, x: Shape) -> Read:
    _rank(x, type(module).__name__)
    return "convtranspose", [
        _positional("out", module.out_channels),
        _short("kernel", module.kernel_size),
        _short("stride", module.stride, 1),
        _short("padding", module.padding, 0),
        Token("output_padding", _size(module.output_padding), 0),
        _short("dilation", module.dilation, 1),
        _short("groups", module.groups, 1),
        _flag("bias", module.bias is not None, True),
    ]


def _linear(module: Any, x: Shape) -> Read:
    if len(x) > 1:
        raise NoWord(f"a linear layer over the last dimension of {'×'.join(map(str, x))}")
    return "linear", [_positional("out", module.out_features), _flag("bias", module.bias is not None, True)]


def _batch_norm(module: Any, x: Shape) -> Read:
    if module.momentum is None or not module.track_running_stats:
        raise NoWord("batch normalisation without running averages of a fixed momentum")
    ends = [Token("eps", module.eps, 1e-5), Token("momentum", module.momentum, 0.1)]
    return "bn", [*ends, _flag("affine", module.affine, True)]


def _group_norm(module: Any, x: Shape) -> Read:
    ends = [Token("eps", module.eps, 1e-5), _flag("affine", module.affine, True)]
    return "groupnorm", [_positional("groups", module.num_groups), *ends]


def _instance_norm(module: Any, x: Shape) -> Read:
    if module.track_running_stats:
        raise NoWord("instance normalisation with running averages")
    return "instancenorm", [Token("eps", module.eps, 1e-5), _flag("affine", module.affine, False)]


def _layer_norm(module: Any, x: Shape) -> Read:
    if tuple(module.normalized_shape) != x[:1]:
        raise NoWord(f"layer normalisation over {'×'.join(map(str, module.normalized_shape))}, not over the channels")
    affine = module.elementwise_affine
    flags = [_flag("affine", affine, True), _flag("bias", module.bias is not None or not affine, True)]
    return "layernorm", [Token("eps", module.eps, 1e-5), *flags]


def _local_norm(module: Any, x: Shape) -> Read:
    ends = [Token("alpha", module.alpha, 1e-4), Token("beta", module.beta, 0.75), Token("k", module.k, 1.0)]
    return "lrn", [_positional("size", module.size), *ends]


def _pool(module: Any, x: Shape) -> Read:
    _rank(x, type(module).__name__)
    kernel, stride = _size(module.kernel_size), _size(module.stride)
    tokens = [_positional("kernel", kernel), _short("stride", stride, kernel), _short("padding", module.padding, 0)]
    if isinstance(module, nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d):
        if module.return_indices:
            raise NoWord("a pooling that also gives the positions of the maxima")
        return "maxpool", [*tokens, _short("dilation", module.dilation, 1), _flag("ceil", module.ceil_mode, False)]
    if getattr(module, "divisor_override", None):
        raise NoWord("an average with a divisor other than the size of its window")
    ends = [_flag("ceil", module.ceil_mode, False), _flag("count_include_pad", module.count_include_pad, True)]
    return "avgpool", [*tokens, *ends]


def _adaptive(module: Any, x: Shape) -> Read:
    _rank(x, type(module).__name__)
    size = module.output_size if isinstance(module.output_size, tuple | list) else (module.output_size,) * (len(x) - 1)
    filled = tuple(there if want is None else want for want, there in zip(size, x[1:], strict=True))
    is_mean = "Avg" in type(module).__name__
    if all(want == 1 for want in filled):
        return ("gap" if is_mean else "gmp"), []
    return ("adaptiveavgpool" if is_mean else "adaptivemaxpool"), [_positional("size", filled)]


def _plain(word: str, *names: tuple[str, Any]) -> Callable[[Any, Shape], Read]:
    """A word whose named arguments are the module's attributes, each with its default."""

    def read(module: Any, x: Shape) -> Read:
        return word, [Token(name, getattr(module, name), default) for name, default in names]

    return read


def _leaky(module: Any, x: Shape) -> Read:
    return "leakyrelu", [_positional("negative_slope", module.negative_slope, 0.01)]


def _over_channels(word: str) -> Callable[[Any, Shape], Read]:
    def read(module: Any, x: Shape) -> Read:
        if module.dim != 1 and not (len(x) == 1 and module.dim in (None, -1)):
            raise NoWord(f"`{word}` over dimension {module.dim}, not over the channels")
        return word, []

    return read


def _dropout(module: Any, x: Shape) -> Read:
    word = "dropout" if type(module) is nn.Dropout else "dropout2d"
    return word, [_positional("p", module.p, 0.5)]


def _prelu(module: Any, x: Shape) -> Read:
    return "prelu", [_positional("num_parameters", module.num_parameters, 1)]


def _flatten(module: Any, x: Shape) -> Read:
    if module.start_dim != 1 or module.end_dim not in (-1, len(x)):
        raise NoWord(f"flattening from dimension {module.start_dim} to {module.end_dim}")
    return "flatten", []


def _unflatten(module: Any, x: Shape) -> Read:
    if len(x) > 1 or module.dim not in (1, -1):
        raise NoWord("unflattening something other than a vector")
    return "unflatten", [_positional("shape", tuple(module.unflattened_size))]


def _upsample(module: Any, x: Shape) -> Read:
    rank = len(x) - 1
    modes = {"nearest": "nearest", ("linear", "bilinear", "trilinear")[rank - 1]: "linear", "bicubic": "bicubic"}
    if module.mode not in modes or (module.align_corners and module.mode != "nearest"):
        raise NoWord(f"upsampling by `{module.mode}`" + (" with aligned corners" if module.align_corners else ""))
    scale = module.scale_factor
    if scale is None:
        sizes = module.size if isinstance(module.size, tuple | list) else (module.size,) * rank
        scale = tuple(size / there for size, there in zip(sizes, x[1:], strict=True))
    scales = scale if isinstance(scale, tuple | list) else (scale,)
    short = _size(tuple(int(value) if float(value).is_integer() else float(value) for value in scales))
    return "upsample", [_positional("scale", short), Token("mode", modes[module.mode], "nearest", "positional")]


def _pad(module: Any, x: Shape) -> Read:
    sides = tuple(module.padding)
    pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
    if any(before != after or before < 0 for before, after in pairs):
        raise NoWord(f"padding by {sides}, more on one side than on the other")
    name = type(module).__name__
    if name.startswith("Constant") and module.value != 0:
        raise NoWord(f"padding with {module.value}")
    mode = next((mode for start, mode in _PAD_MODES if name.startswith(start)), "zeros")
    return "pad", [_positional("n", tuple(before for before, _ in pairs)), Token("mode", mode, "zeros")]


_PAD_MODES = (("Reflection", "reflect"), ("Replication", "replicate"), ("Circular", "circular"))


def _shuffle(module: Any, x: Shape) -> Read:
    return "channelshuffle", [_positional("groups", module.groups)]


def _pixels(module: Any, x: Shape) -> Read:
    return "pixelshuffle", [_positional("r", module.upscale_factor)]


_READERS: dict[type[nn.Module], Callable[[Any, Shape], Read]] = {
    nn.Linear: _linear,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
    nn.LocalResponseNorm: _local_norm,
    nn.PReLU: _prelu,
    nn.LeakyReLU: _leaky,
    nn.ReLU: _plain("relu"),
    nn.ReLU6: _plain("relu6"),
    nn.ELU: _plain("elu", ("alpha", 1.0)),
    nn.CELU: _plain("celu", ("alpha", 1.0)),
    nn.SELU: _plain("selu"),
    nn.GELU: _plain("gelu", ("approximate", "none")),
    nn.SiLU: _plain("silu"),
    nn.Mish: _plain("mish"),
    nn.Hardswish: _plain("hardswish"),
    nn.Hardsigmoid: _plain("hardsigmoid"),
    nn.Hardtanh: _plain("hardtanh", ("min_val", -1.0), ("max_val", 1.0)),
    nn.Sigmoid: _plain("sigmoid"),
    nn.Tanh: _plain("tanh"),
    nn.Softplus: _plain("softplus", ("beta", 1.0), ("threshold", 20.0)),
    nn.Softsign: _plain("softsign"),
    nn.Softmax: _over_channels("softmax"),
    nn.Softmax2d: _plain("softmax"),
    nn.LogSoftmax: _over_channels("logsoftmax"),
    nn.Identity: _plain("id"),
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.Upsample: _upsample,
    nn.UpsamplingNearest2d: _upsample,
    nn.UpsamplingBilinear2d: _upsample,
    nn.ChannelShuffle: _shuffle,
    nn.PixelShuffle: _pixels,
    nn.Dropout: _dropout,
    nn.Dropout1d: _dropout,
    nn.Dropout2d: _dropout,
    nn.Dropout3d: _dropout,
}
_BY_RANK = {
    "Conv": _convolution, "ConvTranspose": _transposed, "BatchNorm": _batch_norm, "InstanceNorm": _instance_norm,
    "MaxPool": _pool, "AvgPool": _pool, "AdaptiveAvgPool": _adaptive, "AdaptiveMaxPool": _adaptive, "ZeroPad": _pad,
    "ConstantPad": _pad, "ReflectionPad": _pad, "ReplicationPad": _pad, "CircularPad": _pad,
}  # fmt: skip
_READERS |= {getattr(nn, f"{stem}{rank}d"): read for stem, read in _BY_RANK.items() for rank in (1, 2, 3)}
