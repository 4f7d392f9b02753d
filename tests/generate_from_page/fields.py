"""Which arguments a layer takes: the table of the page, retyped."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from generate_from_page.values import Option, Value

ALL = ("relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softsign", "softmax",
       "logsoftmax")  # fmt: skip
# The layers with arguments: those that may stand without a key, then those that may not. `NAME` alone is required,
# `NAME=` has a default that the page explains in words.
TABLE = """
conv: out kernel stride=1 padding=0 dilation=1 groups=1 | bias=true mode=zeros
dwconv: kernel stride=1 padding=0 dilation=1 mult=1 | bias=true mode=zeros
convtranspose: out kernel stride=1 padding=0 output_padding=0 dilation=1 groups=1 | bias=true
maxpool: kernel stride= padding=0 dilation=1 ceil=false |
avgpool: kernel stride= padding=0 ceil=false count_include_pad=true |
adaptiveavgpool: size |
adaptivemaxpool: size |
gap: |
gmp: |
linear: out | bias=true
bn: | eps=0.00001 affine=true momentum=0.1 bias= gamma= beta=
groupnorm: groups | eps=0.00001 affine=true bias=
instancenorm: | eps=0.00001 affine=false momentum=0.1 bias=
layernorm: | eps=0.00001 affine=true bias=true
lrn: size | alpha=0.0001 beta=0.75 k=1.0
grn: | eps=0.000001 bias=
leakyrelu: negative_slope=0.01 |
prelu: num_parameters=1 |
elu: alpha=1.0 |
celu: alpha=1.0 |
gelu: | approximate=none
hardtanh: min_val=-1.0 max_val=1.0 |
softplus: beta=1.0 threshold=20.0 |
dropout: p=0.5 |
dropout2d: p=0.5 |
droppath: p |
flatten: |
id: |
unflatten: shape |
pad: before after= mode=zeros | value=0.0
upsample: scale= mode=nearest | like= size= corners=false
pixelshuffle: r |
pixelunshuffle: r |
channelshuffle: groups |
slice: start end |
channelpad: before after= |
channelmean: |
channelmax: |
layerscale: value=0.000001 |
layershift: value=0.0 |
scale: value |
shift: value |
"""
WEIGHTED = ("conv", "dwconv", "convtranspose", "linear", "bn", "groupnorm", "instancenorm", "layernorm", "grn",
            "prelu", "layerscale", "layershift")  # fmt: skip
LITERALS = ("conv", "dwconv", "convtranspose", "linear")
SHORT = {"k": "kernel", "s": "stride", "p": "padding", "d": "dilation", "g": "groups"}
OPTIONS = {
    ("padding", "conv"): ("same", "valid"),
    ("padding", "dwconv"): ("same", "valid"),
    ("mode", "conv"): ("zeros", "reflect", "replicate", "circular"),
    ("mode", "dwconv"): ("zeros", "reflect", "replicate", "circular"),
    ("mode", "pad"): ("zeros", "reflect", "replicate", "circular"),
    ("mode", "upsample"): ("nearest", "linear", "bicubic"),
    ("approximate", "gelu"): ("none", "tanh"),
}


@dataclass(frozen=True)
class Fields:
    """The fields of a layer or block: their defaults, None where one must be given, and how they are written."""

    positional: tuple[str, ...]
    defaults: dict[str, Value | None]
    explained: frozenset[str] = frozenset()  # may be left out, and then are not there
    short: dict[str, str] | None = None
    options: dict[str, str] | None = None  # a word, and the field that it fills

    @property
    def names(self) -> set[str]:
        return {*self.positional, *self.defaults, *self.explained}

    def key(self, text: str) -> str | None:
        """The field that a long or short key means."""
        return text if text in self.names else (self.short or {}).get(text)

    def flags(self) -> dict[str, tuple[str, bool]]:
        boolean = {name for name, value in self.defaults.items() if isinstance(value, bool)}
        yes = {name: (name, True) for name in boolean}
        return yes | {f"no{name}": (name, False) for name in boolean}


def default(text: str) -> Value | None:
    if not text:
        return None
    if text in ("true", "false"):
        return text == "true"
    return Option(text) if text[0].isalpha() else Fraction(text)


def read(word: str, front: str, back: str) -> Fields:
    pairs = [each.partition("=") for each in (*front.split(), *back.split())]
    extra = {"init", "frozen"} if word in WEIGHTED else set()
    extra |= {"weight"} if word in WEIGHTED else set()
    names = {name for name, _, _ in pairs}
    shorts = {letter: name for letter, name in SHORT.items() if name in names and letter not in names}
    options = {each: name for (name, layer), words in OPTIONS.items() if layer == word for each in words}
    return Fields(
        tuple(each.partition("=")[0] for each in front.split()),
        {name: default(value) for name, sign, value in pairs if value or not sign},
        frozenset({name for name, sign, value in pairs if sign and not value} | extra),
        shorts,
        options,
    )


def table() -> dict[str, Fields]:
    found = {}
    for line in TABLE.strip().splitlines():
        word, _, rest = line.partition(":")
        front, _, back = rest.partition("|")
        found[word] = read(word, front, back)
    return found | {word: read(word, "", "") for word in ALL}


LAYERS = table()
FORMS = ("concat", "add", "mul", "residual", "gate", "split", "outputs")
