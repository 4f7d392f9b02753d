"""Spellings from torch, Keras and Darknet, and the words that they become here.

torch's own names are those that the layers declare their calls with; the tables hold what other frameworks and habit
add. Underscores, capitals and a rank at the end make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from specc.layers.registry import LAYERS, required_fields
from specc.layers.torch_call import IN

LAYER_SPELLINGS = {
    "conv": "convolution convolutional",
    "dwconv": "depthwiseconv",
    "convtranspose": "deconv deconvolutional",
    "maxpool": "maxpooling pool pooling",
    "avgpool": "averagepooling averagepool",
    "gap": "globalaveragepooling globalavgpool globalpool",
    "gmp": "globalmaxpooling globalmaxpool",
    "linear": "fc dense fullyconnected connected innerproduct affine",
    "bn": "batchnormalization batchnormalize",
    "groupnorm": "groupnormalization gn",
    "layernorm": "layernormalization ln",
    "leakyrelu": "leaky lrelu",
    "silu": "swish",
    "dropout": "alphadropout",
    "dropout2d": "spatialdropout",
    "droppath": "stochasticdepth",
    "flatten": "reshape view ravel",
    "pad": "zeropadding",
    "upsample": "upsampling",
    "pixelshuffle": "depthtospace",
    "id": "noop",
    "concat": "concatenate cat route",
    "add": "sum",
    "mul": "multiply",
    "residual": "res resblock residualblock shortcut skip skipconnection",
}

ARGUMENT_SPELLINGS = {
    "out": "filters features units output_dim channels num_output c_out",
    "kernel": "size pool_size ksize filter_size",
    "stride": "strides subsample",
    "padding": "pad pads border",
    "dilation": "dilation_rate dilations",
    "bias": "use_bias",
    "p": "rate prob probability drop_prob",
    "groups": "group",
    "negative_slope": "alpha slope",
    "eps": "epsilon",
    "init": "kernel_initializer weight_init",
    "scale": "factor",
}

# What has no counterpart: how a framework runs the layer, not what the layer is.
DROPPED = frozenset(
    (
        "inplace", "name", "trainable", "device", "dtype", "data_format", "track_running_stats", "start_dim", "end_dim",
        "return_indices", "dim", "axis",
    )
)  # fmt: skip
NO_EFFECT = frozenset(("inplace", "device"))  # of those: what changes nothing that the network calculates
_KERAS_INPUT = ("input_shape", "input_dim", "c_in")
_RANK = r"[123]d(?=transpose$|$)"


@cache
def inferred() -> frozenset[str]:
    """The arguments that say what arrives, which is inferred here."""
    calls = [cls.torch for cls in LAYERS.values() if cls.torch and not cls.torch.own]
    own = {name for call in calls for name, source in call.arguments.items() if source == IN}
    return frozenset((*own, *_KERAS_INPUT))


def own_layer_word(spelling: str) -> str | None:
    """The word of this language for another framework's layer; None where only capitals differ.

    >>> own_layer_word("Conv2d"), own_layer_word("BatchNormalization"), own_layer_word("nonsense")
    ('conv', 'bn', None)
    """
    plain = spelling.lower().replace("_", "").removeprefix("lazy")
    known = _layers()
    found = known.get(plain) or known.get(re.sub(_RANK, "", plain))
    return None if found == spelling.lower() else found


def own_argument_word(spelling: str) -> str | None:
    """The field of this language for another framework's argument."""
    return _arguments().get(spelling.lower())


@cache
def _layers() -> dict[str, str]:
    found = {name.lower().replace("_", ""): word for name, word in _of_torch()} | {word: word for word in LAYERS}
    return found | {spelling: word for word, spellings in LAYER_SPELLINGS.items() for spelling in spellings.split()}


def _of_torch() -> Iterator[tuple[str, str]]:
    """torch's names with the word of each, that of a layer which needs more arguments last."""
    for cls in sorted(LAYERS.values(), key=lambda cls: len(required_fields(cls))):
        names = (*cls.torch.classes(), *cls.torch.functions()) if cls.torch else ()
        yield from ((form, cls.keyword) for name in names for form in (name, re.sub(_RANK, "", name)))


@cache
def _arguments() -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in LAYERS.values():
        sources = cls.torch.arguments if cls.torch else {}
        fields = {name: field for name, field in sources.items() if isinstance(field, str)}
        found |= {name: field for name, field in fields.items() if field in cls.model_fields and name != field}
    return found | {spelling: own for own, spellings in ARGUMENT_SPELLINGS.items() for spelling in spellings.split()}
