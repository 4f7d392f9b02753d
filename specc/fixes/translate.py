"""A layer as torch, Keras or Darknet write it, in the words of this language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from specc.diagnostics.spelling import nearest
from specc.fixes.inputs import input_written
from specc.ir.model import FORM_WORDS
from specc.ir.names.foreign import DROPPED, inferred, own_argument_word, own_layer_word
from specc.ir.names.habits import means_input, option_meant, step_meant
from specc.ir.names.instantiate import words_for
from specc.ir.names.signature import Signature, layer_signature
from specc.layers.base import Layer
from specc.layers.fields import role
from specc.layers.registry import LAYERS, find_layer
from specc.layers.torch_call import IN
from specc.syntax.foreign import Written

_OF_KERAS = ("Dense", "1D", "2D", "3D", "Transpose")  # Keras does not; it writes its words so
_SWITCH = ("true", "false")
_SIZE = re.compile(r"[0-9]+(x[0-9]+)*")


def own_word(word: str, blocks: Sequence[str] = ()) -> str | None:
    """The layer, form or block that a wrong word means."""
    return own_layer_word(word) or step_meant(word, [*LAYERS, *FORM_WORDS, *blocks])


def translations(written: Written) -> list[str]:
    """What may be meant, likeliest first; empty for a word that means no layer.

    >>> translations(Written("Conv2d", ("3", "64", "3"), (("padding", "1"),)))
    ['conv 64 3 p1', 'conv 3 64 3 p1']
    >>> translations(Written("Dense", ("10",), (("activation", "relu"),)))
    ['linear 10 -> relu']
    """
    if means_input(written.word):
        return _input(written)
    if written.word.lower() == "activation" and written.positional:
        step = _activation(written.positional[0])
        return [step] if step else []
    in_parts = _in_parts(written)
    if in_parts:
        return in_parts
    own = own_word(written.word)
    layer = find_layer(own) if own else None
    if own is None or layer is None:
        return []
    signature = layer_signature(layer)
    keyed, after = _keyed(written.keyed, signature)
    if not written.positional:
        keyed = _first_bare(keyed, signature)
    tail = f" -> {after}" if after else ""
    orders = [written.positional]
    if _counts_input(layer) and len(written.positional) > 1 and not written.word.endswith(_OF_KERAS):
        orders.insert(0, written.positional[1:])
    if not signature.positional and (_counts_input(layer) or not own_layer_is_exact(written.word)):
        orders = [()]
    return list(dict.fromkeys(" ".join([own, *order, *keyed]) + tail for order in orders))


def _counts_input(layer: type[Layer]) -> bool:
    """Whether torch is given the number of channels that arrive, first."""
    return layer.torch is not None and next(iter(layer.torch.arguments.values()), "") == IN


def _in_parts(written: Written) -> list[str]:
    """Words for what other steps do here: a picture of a given size, a separable convolution."""
    word, keyed = written.word.lower(), dict(written.keyed)
    size = written.positional[:1] or [value for key, value in written.keyed if "size" in key]
    if word in ("resize", "interpolate") and size and "scale_factor" not in keyed:
        return [f"upsample size={size[0]}", f"adaptiveavgpool {size[0]}"]
    if word.startswith(("sepconv", "separableconv")) and written.positional:
        out, *rest = written.positional
        found = translations(Written("Conv2D", (), written.keyed))
        arguments = found[0].removeprefix("conv").split() if found else []
        return [" ".join(["dwconv", *rest, *arguments, "->", "conv", out, "k1"])]
    return []


def _input(written: Written) -> list[str]:
    """`Input(shape=(28, 28, 1))` as `input 1x28x28`."""
    shapes = [*written.positional, *(value for key, value in written.keyed if "shape" in key or "size" in key)]
    sizes = shapes[0].split("x") if len(shapes) == 1 else shapes
    if not sizes or not all(size.isdecimal() for size in sizes):
        return []
    return [input_written(sizes)]


def own_layer_is_exact(word: str) -> bool:
    """Whether a word is this language's own."""
    return find_layer(word) is not None


def _keyed(pairs: Sequence[tuple[str, str]], signature: Signature) -> tuple[list[str], str]:
    """The arguments in this language, and the activation that stands among them."""
    written, after = [], ""
    for key, value in pairs:
        if key == "activation":
            after = _activation(value)
        elif key not in inferred() and key not in DROPPED:
            written.append(argument(key, value, signature))
    return written, after


def _first_bare(keyed: list[str], signature: Signature) -> list[str]:
    """The first field without its key, as it is most often written: `conv out=16 k3` as `conv 16 k3`."""
    for field in signature.positional[:1]:
        for text in keyed:
            if text.startswith(f"{field}="):
                return [text.partition("=")[2], *(other for other in keyed if other != text)]
    return keyed


def _activation(value: str) -> str:
    own = value if find_layer(value) is not None else own_word(value)
    return "" if value in ("None", "linear") else own or value


def argument(key: str, value: str, signature: Signature) -> str:
    """One argument under its own key: `kernel_size=3` as `k3`, `padding=same` as `same`."""
    own = own_argument_word(key)
    name = signature.keys.get(key) or (own if own in signature.keys else None) or nearest(key, signature.keys)
    if name is None:
        return f"{key}={value}"
    name = signature.keys.get(name, name)
    layer = find_layer(signature.name)
    options = words_for(layer, name) if layer is not None else ()
    value = value if value in options else option_meant(value, options) or option_meant(value, _SWITCH) or value
    if value in signature.flags and signature.flags[value][0] == name:
        return value
    if f"no{name}" in signature.flags and value in ("true", "false"):
        return name if value == "true" else f"no{name}"
    short = role(layer.model_fields[name]).short if layer is not None else ""
    return f"{short}{value}" if short and _SIZE.fullmatch(value) else f"{name}={value}"
