"""A layer of the page as torch's own module, or as the few lines that the page describes."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from generate_from_page.values import Value, WrongError, choice, flag, real, sizes, whole

Given = dict[str, Value]
NO_VECTORS = ("conv", "dwconv", "convtranspose", "maxpool", "avgpool", "adaptiveavgpool", "adaptivemaxpool", "gap",
              "gmp", "pad", "instancenorm", "lrn", "grn", "channelshuffle", "upsample")  # fmt: skip
PLAIN: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "selu": nn.SELU, "silu": nn.SiLU, "mish": nn.Mish, "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign, "id": nn.Identity,
    "softmax": lambda: nn.Softmax(1), "logsoftmax": lambda: nn.LogSoftmax(1), "flatten": nn.Flatten,
}  # fmt: skip


class Formula(nn.Module):
    """A function of what arrives, and of the weights if it has some."""

    def __init__(self, function: Callable[[Tensor, Formula], Tensor], **weights: Tensor) -> None:
        super().__init__()
        self.function = function
        self.weight: Tensor
        self.bias: Tensor
        for name, value in weights.items():
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self)


def module(word: str, given: Given, x: Tensor) -> nn.Module:
    """The module for what arrives; raises WrongError for what the page forbids, and what torch raises."""
    rank = x.dim() - 2
    if rank == 0 and word in NO_VECTORS:
        raise WrongError(f"`{word}` on a vector")
    if rank and word in ("linear", "unflatten"):
        raise WrongError(f"`{word}` wants a vector")
    if rank != 2 and word in ("pixelshuffle", "pixelunshuffle"):
        raise WrongError(f"`{word}` wants an image")
    if word in PLAIN:
        return PLAIN[word]()
    for family in (convolution, pooling, normalisation, activation, shaping, channels):
        if (made := family(word, given, x, rank)) is not None:
            return made
    raise WrongError(f"there is no layer `{word}`")


def convolution(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    arriving = x.shape[1]
    bias = isinstance(given.get("bias"), tuple) or given.get("bias", False)
    if word == "linear":
        return nn.Linear(arriving, whole(given["out"]), bool(bias))
    if word not in ("conv", "dwconv", "convtranspose"):
        return None
    kernel, stride, dilation = (sizes(given[name], rank) for name in ("kernel", "stride", "dilation"))
    if word == "convtranspose":
        padding, beyond = (sizes(given[name], rank, 0) for name in ("padding", "output_padding"))
        kind = getattr(nn, f"ConvTranspose{rank}d")
        out, groups = whole(given["out"]), whole(given["groups"])
        return kind(arriving, out, kernel, stride, padding, beyond, groups, bool(bias), dilation)  # type: ignore[no-any-return]
    padded = given["padding"]
    around = choice(padded, "same", "valid") if not isinstance(padded, tuple) and hasattr(padded, "word") else None
    mode = choice(given["mode"], "zeros", "reflect", "replicate", "circular")
    out, groups = (arriving * whole(given["mult"]), arriving) if word == "dwconv" else (
        whole(given["out"]), whole(given["groups"]))  # fmt: skip
    return getattr(nn, f"Conv{rank}d")(  # type: ignore[no-any-return]
        arriving, out, kernel, stride, around or sizes(padded, rank, 0), dilation, groups, bool(bias), mode
    )


def pooling(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    if word in ("gap", "gmp"):
        kind = "AdaptiveAvgPool" if word == "gap" else "AdaptiveMaxPool"
        return getattr(nn, f"{kind}{rank}d")((1,) * rank)  # type: ignore[no-any-return]
    if word in ("adaptiveavgpool", "adaptivemaxpool"):
        kind = "AdaptiveAvgPool" if word == "adaptiveavgpool" else "AdaptiveMaxPool"
        return getattr(nn, f"{kind}{rank}d")(sizes(given["size"], rank))  # type: ignore[no-any-return]
    if word not in ("maxpool", "avgpool"):
        return None
    kernel = sizes(given["kernel"], rank)
    stride = sizes(given["stride"], rank) if "stride" in given else kernel
    padding, ceil = sizes(given["padding"], rank, 0), flag(given["ceil"])
    if word == "maxpool":
        dilation = sizes(given["dilation"], rank)
        return getattr(nn, f"MaxPool{rank}d")(kernel, stride, padding, dilation, ceil_mode=ceil)  # type: ignore[no-any-return]
    counted = flag(given["count_include_pad"])
    return getattr(nn, f"AvgPool{rank}d")(kernel, stride, padding, ceil, counted)  # type: ignore[no-any-return]


def normalisation(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    if word not in ("bn", "groupnorm", "instancenorm", "layernorm", "lrn", "grn"):
        return None
    arriving = x.shape[1]
    if word == "lrn":
        return nn.LocalResponseNorm(whole(given["size"]), real(given["alpha"]), real(given["beta"]), real(given["k"]))
    eps = real(given["eps"])
    if word == "grn":
        return Formula(lambda x, own: responses(x, own, eps), weight=torch.zeros(arriving), bias=torch.zeros(arriving))
    affine = flag(given["affine"])
    if word == "groupnorm":
        return nn.GroupNorm(whole(given["groups"]), arriving, eps, affine)
    if word == "layernorm":
        return PositionNorm(arriving, eps, affine, bias=isinstance(given["bias"], tuple) or flag(given["bias"]))
    kind = "BatchNorm" if word == "bn" else "InstanceNorm"
    return getattr(nn, f"{kind}{max(rank, 1)}d")(arriving, eps, real(given["momentum"]), affine)  # type: ignore[no-any-return]


class PositionNorm(nn.LayerNorm):
    """Each position over its channels."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def responses(x: Tensor, own: Formula, eps: float) -> Tensor:
    """Woo et al. 2023: a channel's norm over the picture, divided by the mean of all channels', times it, and x."""
    norm: Tensor = torch.linalg.vector_norm(x, dim=tuple(range(2, x.dim())), keepdim=True)
    ratio: Tensor = norm / (norm.mean(1, keepdim=True) + eps)
    column = (1, -1) + (1,) * (x.dim() - 2)
    y: Tensor = own.weight.view(column) * (x * ratio) + own.bias.view(column) + x
    return y


def activation(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    if word in SHAPED:
        return SHAPED[word](**{name: real(value) for name, value in given.items()})
    match word:
        case "prelu":
            return nn.PReLU(whole(given["num_parameters"]))
        case "gelu":
            return nn.GELU(choice(given["approximate"], "none", "tanh"))
        case "dropout" | "dropout2d":  # on a vector a channel is a feature
            kind = f"Dropout{rank}d" if word == "dropout2d" and rank else "Dropout"
            return getattr(nn, kind)(real(given["p"]))  # type: ignore[no-any-return]
        case "droppath":
            p = real(given["p"])
            if not 0 <= p <= 1:
                raise WrongError("no probability")
            return Formula(lambda x, own: x * kept(x, p) if own.training else x)
    return None


SHAPED: dict[str, Callable[..., nn.Module]] = {
    "leakyrelu": nn.LeakyReLU, "elu": nn.ELU, "celu": nn.CELU, "hardtanh": nn.Hardtanh, "softplus": nn.Softplus,
}  # fmt: skip


def kept(x: Tensor, p: float) -> Tensor:
    return (torch.rand(len(x), *(1,) * (x.dim() - 1)) >= p) / max(1 - p, 1e-9)


def shaping(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    match word:
        case "unflatten":
            shape = given["shape"] if isinstance(given["shape"], tuple) else (given["shape"],)
            return nn.Unflatten(1, tuple(whole(each) for each in shape))
        case "pad":
            before = sizes(given["before"], rank, 0)
            after = sizes(given["after"], rank, 0) if "after" in given else before
            amounts = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
            mode, value = choice(given["mode"], "zeros", "reflect", "replicate", "circular"), real(given["value"])
            if mode == "zeros":
                return Formula(lambda x, _: F.pad(x, amounts, "constant", value))
            if value:
                raise WrongError("a mode that takes pixels, and a number")
            return Formula(lambda x, _: F.pad(x, amounts, mode))
        case "pixelshuffle":
            return nn.PixelShuffle(whole(given["r"]))
        case "pixelunshuffle":
            return nn.PixelUnshuffle(whole(given["r"]))
        case "upsample":
            return upsampling(given, rank)
    return None


def upsampling(given: Given, rank: int) -> nn.Module:
    """`like` has been worked out: it is a size by now."""
    ways = [name for name in ("scale", "size") if name in given]
    if len(ways) != 1:
        raise WrongError("one of scale, size and like")
    mode = choice(given["mode"], "nearest", "linear", "bicubic")
    if mode == "bicubic" and rank != 2:
        raise WrongError("bicubic is for images")
    torch_mode = ("linear", "bilinear", "trilinear")[rank - 1] if mode == "linear" else mode
    corners = flag(given["corners"])
    if corners and mode == "nearest":
        raise WrongError("corners go with linear and bicubic")
    aligned = None if mode == "nearest" else corners
    if "size" in given:
        return nn.Upsample(size=sizes(given["size"], rank), mode=torch_mode, align_corners=aligned)
    scale = given["scale"]
    factors = tuple(map(real, scale if isinstance(scale, tuple) else (scale,) * rank))
    if len(factors) != rank or min(factors) <= 0:
        raise WrongError("no factor for each dimension")
    return nn.Upsample(scale_factor=factors, mode=torch_mode, align_corners=aligned)


def channels(word: str, given: Given, x: Tensor, rank: int) -> nn.Module | None:
    count = x.shape[1]
    match word:
        case "channelshuffle":
            groups = whole(given["groups"])
            if count % groups:
                raise WrongError("an uneven shuffle")
            return Formula(lambda x, _: x.reshape(len(x), groups, count // groups, -1).transpose(1, 2).reshape(x.shape))
        case "slice":
            start, end = whole(given["start"], 0), whole(given["end"])
            if not start < end <= count:
                raise WrongError("no such channels")
            return Formula(lambda x, _: x[:, start:end])
        case "channelpad":
            before = whole(given["before"], 0)
            after = whole(given["after"], 0) if "after" in given else before
            return Formula(lambda x, _: F.pad(x, (0, 0) * rank + (before, after)))
        case "channelmean":
            return Formula(lambda x, _: x.mean(1, keepdim=True))
        case "channelmax":
            return Formula(lambda x, _: x.amax(1, keepdim=True))
    return scaling(word, given, count)


def scaling(word: str, given: Given, count: int) -> nn.Module | None:
    if word not in ("layerscale", "layershift", "scale", "shift"):
        return None
    value = real(given["value"])
    start = torch.full((count,), value)

    def along(own: Formula, x: Tensor) -> Tensor:
        return own.weight.view(-1, *(1,) * (x.dim() - 2))

    match word:
        case "layerscale":
            return Formula(lambda x, own: x * along(own, x), weight=start)
        case "layershift":
            return Formula(lambda x, own: x + along(own, x), weight=start)
        case "scale":
            return Formula(lambda x, _: x * value)
    return Formula(lambda x, _: x + value)


def macs(word: str, made: nn.Module, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates for one sample, by the page's formulas."""
    if isinstance(made, nn.Linear):
        return made.in_features * made.out_features
    if word in ("conv", "dwconv", "convtranspose"):
        window = math.prod(made.kernel_size)  # type: ignore[arg-type]  # torch's own size
        groups = int(made.groups)  # type: ignore[arg-type]
        moved, others = (x, y) if word == "convtranspose" else (y, x)
        return moved[0].numel() * (others.shape[1] // groups) * window
    return 0


def nested(value: Value) -> list[object] | float:
    return [nested(each) for each in value] if isinstance(value, tuple) else real(value)


def fill(weight: Tensor, value: Value) -> None:
    """A literal, whose leading dimensions of size 1 may be left out."""
    try:
        literal = torch.tensor(nested(value))
    except (ValueError, TypeError) as problem:
        raise WrongError("a ragged literal") from problem
    missing = weight.dim() - literal.dim()
    if missing < 0 or tuple(weight.shape) != (1,) * missing + tuple(literal.shape):
        raise WrongError(f"a literal of {tuple(literal.shape)} for {tuple(weight.shape)}")
    with torch.no_grad():
        weight.copy_(literal.view(weight.shape))
