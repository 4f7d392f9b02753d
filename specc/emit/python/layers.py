"""Each layer in torch's words: its constructor, its function where it has no weights, what is done to its weights."""

from __future__ import annotations

from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.python.nodes import REQUIRED, Arg, Code, LayerNode, Setting
from specc.ir.shaped import ShapedLayer
from specc.layers import activation, conv, linear, norm, padding, pool, regularise, reshape, scaling
from specc.layers.base import Layer, Shape, spread
from specc.layers.weighted import INITIALIZERS, Weighted, literal_values

_FUNCTIONS = {
    "ReLU": "F.relu", "ReLU6": "F.relu6", "LeakyReLU": "F.leaky_relu", "ELU": "F.elu", "CELU": "F.celu",
    "SELU": "F.selu", "GELU": "F.gelu", "SiLU": "F.silu", "Mish": "F.mish", "Hardswish": "F.hardswish",
    "Hardsigmoid": "F.hardsigmoid", "Hardtanh": "F.hardtanh", "Sigmoid": "torch.sigmoid", "Tanh": "torch.tanh",
    "Softplus": "F.softplus", "Softsign": "F.softsign",
}  # fmt: skip
_TOUCHES = ("normalisation", "activation", "regularisation", "scale", "identity")


def layer_node(step: ShapedLayer) -> LayerNode:
    """A layer as code. Raises: Problem E660 for a word of another package, whose module cannot be written out."""
    module, function = _codes(step.layer, step.input)
    settings = tuple(_settings(step.layer, step.input))
    begins = step.layer.family not in _TOUCHES
    return LayerNode(module, function, settings, begins, step.output)


def _codes(layer: Layer, x: Shape) -> tuple[Code, Code | None]:
    """The constructor, and the function for a layer without weights."""
    module = _weighted(layer, x)
    return (module, None) if module is not None else _weightless(layer, x)


def _weighted(layer: Layer, x: Shape) -> Code | None:
    """The constructor of a layer with weights; None for any other."""
    match layer:
        case conv.Conv() | conv.DepthwiseConv():
            return _convolution(layer, x)
        case conv.TransposedConv():
            return _transposed(layer, x)
        case linear.Linear():
            sizes = (_given("in_features", x[0]), _given("out_features", layer.out))
            return Code("nn.Linear", (*sizes, Arg("bias", layer.bias is not False, True)))
        case norm.BatchNorm() | norm.GroupNorm() | norm.InstanceNorm() | norm.LayerNorm():
            return _normalisation(layer, x)
        case activation.PReLU():
            return Code("nn.PReLU", (Arg("num_parameters", layer.num_parameters, 1, by_name=False),))
        case scaling.LayerScale():
            return Code("LayerScale", (_given("channels", x[0]), _given("value", float(layer.value))))
    return None


def _weightless(layer: Layer, x: Shape) -> tuple[Code, Code | None]:
    rank = len(x) - 1
    match layer:
        case pool.MaxPool() | pool.AvgPool():
            return _both(f"{_stem(layer)}Pool{rank}d", f"{_stem(layer).lower()}_pool{rank}d", _window(layer))
        case pool.AdaptiveAvgPool() | pool.AdaptiveMaxPool():
            return _adaptive(layer.stem, rank, layer.size)
        case pool.GlobalAvgPool() | pool.GlobalMaxPool():
            return _adaptive(layer.stem, rank, 1)
        case activation.Softmax() | activation.LogSoftmax():
            name = "softmax" if isinstance(layer, activation.Softmax) else "log_softmax"
            return _both(layer.torch_name, name, (Arg("dim", 1),))
        case activation.Activation() if layer.torch_name in _FUNCTIONS:
            return _activation(layer)
        case regularise.Dropout() | regularise.ChannelDropout() | regularise.DropPath():
            return _dropout(layer, rank)
        case reshape.Upsample():
            return _upsample(layer, rank)
    return _other(layer, x) if not isinstance(layer, padding.Pad) else _pad(layer, rank)


def _given(name: str, value: Any) -> Arg:
    """An argument that is written without its name."""
    return Arg(name, value, REQUIRED, by_name=False)


def _both(module: str, function: str, args: tuple[Arg, ...]) -> tuple[Code, Code]:
    return Code(f"nn.{module}", args), Code(f"F.{function}", args)


def _stem(layer: Layer) -> str:
    return "Max" if isinstance(layer, pool.MaxPool) else "Avg"


def _convolution(layer: conv.Conv | conv.DepthwiseConv, x: Shape) -> Code:
    out, groups = layer.channels(x)
    return Code(
        f"nn.Conv{len(x) - 1}d",
        (
            _given("in_channels", x[0]),
            _given("out_channels", out),
            _given("kernel_size", _short(layer.kernel)),
            Arg("stride", _short(layer.stride), 1),
            Arg("padding", _short(layer.padding), 0),
            Arg("dilation", _short(layer.dilation), 1),
            Arg("groups", groups, 1),
            Arg("bias", layer.bias is not False, True),
            Arg("padding_mode", layer.mode, "zeros"),
        ),
    )


def _transposed(layer: conv.TransposedConv, x: Shape) -> Code:
    return Code(
        f"nn.ConvTranspose{len(x) - 1}d",
        (
            _given("in_channels", x[0]),
            _given("out_channels", layer.out),
            _given("kernel_size", _short(layer.kernel)),
            Arg("stride", _short(layer.stride), 1),
            Arg("padding", _short(layer.padding), 0),
            Arg("output_padding", _short(layer.output_padding), 0),
            Arg("groups", layer.groups, 1),
            Arg("bias", layer.bias is not False, True),
            Arg("dilation", _short(layer.dilation), 1),
        ),
    )


def _short(size: Any) -> Any:
    """`(3, 3)` as 3."""
    return size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size


def _normalisation(layer: Any, x: Shape) -> Code:
    eps = Arg("eps", float(layer.eps), 1e-5)
    if isinstance(layer, norm.GroupNorm):
        sizes = (_given("num_groups", layer.groups), _given("num_channels", x[0]))
        return Code("nn.GroupNorm", (*sizes, eps, Arg("affine", layer.affine, True)))
    if isinstance(layer, norm.LayerNorm):
        name = "ChannelLayerNorm" if len(x) > 1 else "nn.LayerNorm"
        learned = (Arg("elementwise_affine", layer.affine, True), Arg("bias", layer.bias is not False, True))
        return Code(name, (_given("channels", x[0]), eps, *learned))
    momentum = Arg("momentum", float(layer.momentum), 0.1)
    if isinstance(layer, norm.InstanceNorm):
        affine = Arg("affine", layer.affine, False)
        return Code(f"nn.InstanceNorm{len(x) - 1}d", (_given("num_features", x[0]), eps, momentum, affine))
    affine = Arg("affine", layer.affine, True)
    return Code(f"nn.BatchNorm{max(len(x) - 1, 1)}d", (_given("num_features", x[0]), eps, momentum, affine))


def _window(layer: pool.MaxPool | pool.AvgPool) -> tuple[Arg, ...]:
    kernel, stride = _short(layer.kernel), None if layer.stride is None else _short(layer.stride)
    args = (
        _given("kernel_size", kernel),
        Arg("stride", None if stride == kernel else stride, None),
        Arg("padding", _short(layer.padding), 0),
    )
    if isinstance(layer, pool.MaxPool):
        return (*args, Arg("dilation", _short(layer.dilation), 1), Arg("ceil_mode", layer.ceil, False))
    return (*args, Arg("ceil_mode", layer.ceil, False), Arg("count_include_pad", layer.count_include_pad, True))


def _adaptive(stem: str, rank: int, size: Any) -> tuple[Code, Code]:
    function = f"adaptive_{'avg' if 'Avg' in stem else 'max'}_pool{rank}d"
    return _both(f"{stem}{rank}d", function, (_given("output_size", _short(size)),))


def _activation(layer: activation.Activation) -> tuple[Code, Code]:
    defaults = {name: field.default for name, field in type(layer).model_fields.items()}
    args: tuple[Arg, ...] = tuple(Arg(name, getattr(layer, name), defaults[name]) for name in layer.arguments)
    if isinstance(layer, activation.LeakyReLU):
        args = (args[0]._replace(by_name=False),)
    return Code(f"nn.{layer.torch_name}", args), Code(_FUNCTIONS[layer.torch_name], args)


def _dropout(layer: Any, rank: int) -> tuple[Code, Code | None]:
    if isinstance(layer, regularise.DropPath):
        return Code("DropPath", (_given("p", float(layer.p)),)), None
    dims = f"{rank}d" if isinstance(layer, regularise.ChannelDropout) and rank else ""
    p = _given("p", float(layer.p))
    function = Code(f"F.dropout{dims}", (p, Arg("training", _SELF_TRAINING)))
    return Code(f"nn.Dropout{dims}", (p,)), function


class Verbatim(str):
    """A value that is code already."""

    __slots__ = ()


_SELF_TRAINING = Verbatim("self.training")


def _upsample(layer: reshape.Upsample, rank: int) -> tuple[Code, Code]:
    linear_mode = {1: "linear", 2: "bilinear", 3: "trilinear"}
    mode = linear_mode[rank] if layer.mode == "linear" else layer.mode
    scale = _short(tuple(float(scale) for scale in spread(layer.scale, rank, "scale")))
    return _both("Upsample", "interpolate", (Arg("scale_factor", scale), Arg("mode", mode, "nearest")))


def _pad(layer: padding.Pad, rank: int) -> tuple[Code, Code]:
    sides = tuple(margin for margin in reversed(spread(layer.n, rank, "margin")) for _ in range(2))
    stem = {"zeros": "Zero", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}[layer.mode]
    mode = Arg("mode", "constant" if layer.mode == "zeros" else layer.mode, "constant")
    return Code(f"nn.{stem}Pad{rank}d", (_given("padding", sides),)), Code("F.pad", (_given("pad", sides), mode))


def _other(layer: Layer, x: Shape) -> tuple[Code, Code | None]:
    args: tuple[Arg, ...]
    match layer:
        case reshape.Flatten():
            return Code("nn.Flatten"), Code("torch.flatten", (_given("start_dim", 1),))
        case reshape.Unflatten():
            args = (_given("dim", 1), _given("sizes", tuple(layer.shape)))
            return Code("nn.Unflatten", args), Code("unflatten", args, "method")
        case reshape.PixelShuffle():
            return _both("PixelShuffle", "pixel_shuffle", (_given("upscale_factor", layer.r),))
        case reshape.ChannelShuffle():
            args = (_given("groups", layer.groups),)
            return Code("nn.ChannelShuffle", args), Code("F.channel_shuffle", args)
        case reshape.Slice():
            args = (_given("start", layer.start), _given("end", layer.end))
            return Code("Slice", args), Code("", args, "slice")
        case scaling.Scale():
            args = (_given("value", float(layer.value)),)
            return Code("Scale", args), Code("", args, "times")
        case scaling.Identity():
            return Code("nn.Identity"), Code("", (), "none")
        case norm.LocalResponseNorm():
            numbers = (Arg("alpha", layer.alpha, 1e-4), Arg("beta", layer.beta, 0.75), Arg("k", layer.k, 1.0))
            return _both("LocalResponseNorm", "local_response_norm", (_given("size", layer.size), *numbers))
    raise Problem.of(
        "E660",
        f"`{layer.keyword}` comes from another package, so its code cannot be written out",
        help="`--to pt2` and `--to onnx` export what a network does without its source",
    )


def _settings(layer: Layer, x: Shape) -> list[Setting]:
    if not isinstance(layer, Weighted):
        return []
    found = []
    if layer.init is not None:
        names = INITIALIZERS[layer.init.name].arguments
        args = tuple(("val" if name == "value" else name, value) for name, value in zip(names, layer.init.arguments))  # noqa: B905 - those left out have torch's own values
        found.append(Setting("fill", "weight", layer.init.name, args))
    shapes = layer.weights(x)
    for name, values in layer.literals().items():
        found.append(Setting("values", name, values=_nested(literal_values(name, values, shapes[name]), shapes[name])))
    if isinstance(layer, norm.BatchNorm):
        found += [_filled(name, value) for name, value in layer.constants().items() if value != (name == "weight")]
    if layer.frozen and (layer.frozen in shapes or (layer.frozen is True and shapes)):
        found.append(Setting("freeze", "" if layer.frozen is True else layer.frozen))
    return found


def _filled(tensor: str, value: float) -> Setting:
    if value in (0, 1):
        return Setting("fill", tensor, "zeros" if value == 0 else "ones")
    return Setting("fill", tensor, "constant", (("val", float(value)),))


def _nested(flat: list[float], shape: Shape) -> Any:
    """A flat list as lists within lists."""
    if len(shape) == 1:
        return tuple(flat)
    size = len(flat) // shape[0]
    return tuple(_nested(flat[start : start + size], shape[1:]) for start in range(0, len(flat), size))
