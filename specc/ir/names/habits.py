"""Words that people bring along from Python, Keras, Darknet or Caffe and that name no layer: what to write instead.

Imported only where a spec has an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from specc.diagnostics.spelling import nearest

STATEMENTS = ("input", "param", "block", "budget", "train")
INPUT_WORDS = frozenset(("input", "inputs", "inputlayer", "input_shape", "input_size", "inputshape", "input_layer"))

CHAIN_WORDS = frozenset(("sequential", "modulelist", "model", "module", "network", "net", "layer", "layers"))
DEFINING_WORDS = frozenset(("def", "class", "function", "macro", "define", "fn", "let", "var", "const", "set"))
_CHAIN = "the steps of a spec are a chain already: leave it out, or write `{ … }` around steps that belong together"
_REPEAT = "a repeat comes after what is repeated: `conv 64 k3 p1 x3`, or `{ conv 64 k3 p1 -> relu } x3`"
_BLOCK = "`block name(c) { … }` defines a chain of your own"
_TRAINING = "whatever concerns training goes in `train { }`; the loss is cross-entropy"
_PROGRAM = "a spec is not a program: leave this line out"
_SEQUENCES = "the language is for convolutional networks, and has no such layer"
_GATE = "squeeze-and-excitation of 64 channels: `gate { gap -> conv 4 k1 -> relu -> conv 64 k1 -> sigmoid }`"
_OUTPUT = "the output is what the last step gives: leave this line out"
_SEPARABLE = "a separable convolution is two steps: `dwconv k3 -> conv 64 k1`"
_RESIZE = "`upsample size=24` gives a picture of 24×24 pixels, `upsample 2` one twice as large"
_SOURCE = "a branch begins with what arrives at its form: write the steps in between into it, `concat { id | … }`"
_ADVICE = {
    "activation": "write the activation itself as a step, such as `-> relu`",
    **dict.fromkeys(CHAIN_WORDS, _CHAIN),
    **dict.fromkeys(("repeat", "for", "loop", "times", "while"), _REPEAT),
    **dict.fromkeys(("def", "class", "function", "macro", "define", "fn"), _BLOCK),
    **dict.fromkeys(("let", "var", "const", "set", "parameter", "params"), "`param name = value` names a value"),
    **dict.fromkeys(("import", "return", "print", "self"), _PROGRAM),
    **dict.fromkeys(("se", "squeeze", "excitation", "seblock", "se_block", "cbam"), _GATE),
    **dict.fromkeys(("output", "outputs", "end"), _OUTPUT),
    **dict.fromkeys(("data", "dataset"), "the data set is a setting of the recipe: `train { data mnist }`"),
    "resize": _RESIZE,
    "from": _SOURCE,
    **dict.fromkeys(("sepconv", "sepconv2d", "separableconv", "separableconv2d"), _SEPARABLE),
    **dict.fromkeys(("loss", "crossentropyloss", "criterion", "optimizer", "epochs", "lr", "batch"), _TRAINING),
    **dict.fromkeys(INPUT_WORDS, "a statement says what arrives: `input 3x32x32`"),
}

# Option words of other frameworks, and the one that is meant.
_VALUES = {
    "True": "true", "False": "false", "yes": "true", "no": "false", "on": "true", "off": "false", "None": "false",
    "SAME": "same", "VALID": "valid", "half": "same", "full": "same",
    "bilinear": "linear", "trilinear": "linear",
    "mirror": "reflect", "symmetric": "reflect", "edge": "replicate", "border": "replicate", "wrap": "circular",
    "periodic": "circular", "zero": "zeros", "constant": "zeros",
    "leaky": "leakyrelu", "swish": "silu",
}  # fmt: skip
_INITIALIZERS = {
    "xavier": "xavier_uniform", "glorot": "xavier_uniform", "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_normal", "he": "kaiming_normal", "he_normal": "kaiming_normal",
    "he_uniform": "kaiming_uniform", "kaiming": "kaiming_normal", "msra": "kaiming_normal", "gaussian": "normal",
    "random_normal": "normal", "truncated_normal": "trunc_normal", "zero": "zeros", "one": "ones", "uniform":
    "xavier_uniform",
}  # fmt: skip


_OF_SEQUENCES = re.compile(r"attention|transformer|embed|positional|lstm|(^|_)(gru|rnn|mha)($|_|cell)")
LEAST_LIKENESS = 0.7  # of a word to the layer that it may mean


def advice_on(word: str) -> str | None:
    """What to write in place of a word that stands where a layer should."""
    return _ADVICE.get(word.lower()) or (_SEQUENCES if _OF_SEQUENCES.search(word.lower()) else None)


def on_label(label: str) -> str:
    """What to write in place of a label that stands where a step should: branches, or a block to use twice."""
    return (
        f"a branch goes on from there: `add {{ from {label} -> … }}`, `concat {{ id | from {label} }}`\n"
        "to build the same steps twice, write them as a `block`"
    )


def step_meant(word: str, known: Iterable[str]) -> str | None:
    """The layer, form or block that a mistyped word is near to; None for a word that has a meaning of its own.

    >>> step_meant("maxpol", ["maxpool", "avgpool"]), step_meant("attention", ["flatten"]), step_meant("gru", ["grn"])
    ('maxpool', None, None)
    """
    return None if advice_on(word) else nearest(word, known, cutoff=LEAST_LIKENESS)


def statement_meant(word: str) -> str | None:
    """The statement whose word was mistyped, None for a word that is not near one.

    >>> statement_meant("imput"), statement_meant("blok"), statement_meant("print")
    ('input', 'block', None)
    """
    return nearest(word, STATEMENTS, cutoff=0.75)


def means_input(word: str) -> bool:
    """Whether a word stands for the statement `input`: mistyped, or another framework's."""
    return word.lower() in INPUT_WORDS or word.lower().startswith("input") or statement_meant(word) == "input"


def option_meant(word: str, options: tuple[str, ...] = ()) -> str | None:
    """The option word for another framework's, None where it is none of those that are taken.

    >>> option_meant("bilinear", ("nearest", "linear")), option_meant("he_normal", ("kaiming_normal", "normal"))
    ('linear', 'kaiming_normal')
    """
    found = (table.get(word) for table in (_VALUES, _INITIALIZERS))
    return next((own for own in found if own is not None and own in (options or (own,))), None)
