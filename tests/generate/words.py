"""The language page's table of layers, as the generator needs it: which words, in which order their arguments stand."""

from __future__ import annotations

from specc.layers.registry import LAYERS as DECLARED
from specc.layers.registry import positional_fields

POSITIONS: dict[str, tuple[str, ...]] = {
    "conv": ("out", "kernel", "stride", "padding", "dilation", "groups"),
    "dwconv": ("kernel", "stride", "padding", "dilation", "mult"),
    "convtranspose": ("out", "kernel", "stride", "padding", "output_padding"),
    "maxpool": ("kernel", "stride", "padding", "dilation", "ceil"),
    "avgpool": ("kernel", "stride", "padding", "ceil", "count_include_pad"),
    "adaptiveavgpool": ("size",),
    "adaptivemaxpool": ("size",),
    "gap": (),
    "gmp": (),
    "linear": ("out",),
    "bn": (),
    "groupnorm": ("groups",),
    "instancenorm": (),
    "layernorm": (),
    "lrn": ("size",),
    "grn": (),
    "relu": (),
    "relu6": (),
    "leakyrelu": ("negative_slope",),
    "prelu": ("num_parameters",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "selu": (),
    "gelu": (),
    "silu": (),
    "mish": (),
    "hardswish": (),
    "hardsigmoid": (),
    "hardtanh": ("min_val", "max_val"),
    "sigmoid": (),
    "tanh": (),
    "softplus": ("beta", "threshold"),
    "softsign": (),
    "softmax": (),
    "logsoftmax": (),
    "dropout": ("p",),
    "dropout2d": ("p",),
    "droppath": ("p",),
    "flatten": (),
    "unflatten": ("shape",),
    "pad": ("before", "after", "mode"),
    "upsample": ("scale", "mode"),
    "pixelshuffle": ("r",),
    "pixelunshuffle": ("r",),
    "channelshuffle": ("groups",),
    "slice": ("start", "end"),
    "channelpad": ("before", "after"),
    "channelmean": (),
    "channelmax": (),
    "layerscale": ("value",),
    "scale": ("value",),
    "layershift": ("value",),
    "shift": ("value",),
    "id": (),
}

WRITTEN = tuple(POSITIONS)
# A layer that is not here is one that only says which of torch's it is.
POSITIONS |= {word: positional_fields(cls) for word, cls in DECLARED.items() if word not in POSITIONS}

SHORT_KEYS = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
SWITCHES = ("corners", "ceil", "count_include_pad", "affine", "bias", "frozen")
OPTION_WORDS = ("same", "valid", "zeros", "reflect", "replicate", "circular", "nearest", "linear", "bicubic", "tanh")
LAYERS = tuple(POSITIONS)
FORMS = ("concat", "add", "mul", "residual", "gate", "split")

# Layers that take every shape: the only wrong thing about them are values, and one argument too many.
ANY_SHAPE: tuple[str, ...] = (
    *(word for word in DECLARED if word not in WRITTEN),
    "relu", "relu6", "leakyrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh",
    "sigmoid", "tanh", "softplus", "softsign", "softmax", "logsoftmax", "dropout", "dropout2d", "droppath", "flatten",
    "scale", "shift", "channelpad", "channelmean", "channelmax", "id",
)  # fmt: skip
SPATIAL = (
    "conv", "dwconv", "convtranspose", "maxpool", "avgpool", "adaptiveavgpool", "adaptivemaxpool", "gap", "gmp",
    "instancenorm", "lrn", "channelshuffle", "pad", "upsample", "pixelshuffle", "pixelunshuffle",
    "grn",
)  # fmt: skip
VECTOR = ("linear", "unflatten")
CHOOSY = tuple(word for word in LAYERS if word not in ANY_SHAPE)
ON_VECTORS = tuple(word for word in LAYERS if word not in SPATIAL)
ON_PICTURES = tuple(word for word in LAYERS if word not in VECTOR)
