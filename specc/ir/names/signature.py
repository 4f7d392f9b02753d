"""What may stand after a word: the positional fields, keys, flags and option words of a layer or a block."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from specc.ir.model import Block
from specc.layers.base import Layer
from specc.layers.fields import LABEL, accepts, choices, is_flag
from specc.layers.registry import LAYERS, field_keys, positional_fields
from specc.syntax import tree
from specc.syntax.numerals import whole_of

_NO_DEFAULTS: Mapping[str, tree.Value] = MappingProxyType({})
SHORTHAND = re.compile(r"([A-Za-z_]+?)([0-9]+(?:x[0-9]+)*)")  # `k3`, `s2x1`: a key and its size
_MOST_SHORTHANDS = 1024  # that are remembered
SHORT_KEYS = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}


@lru_cache(_MOST_SHORTHANDS)
def shorthand(text: str) -> tuple[str, tuple[int, ...]] | None:
    """The key and the sizes of a shorthand; None for another word.

    >>> shorthand("k3"), shorthand("s2x1"), shorthand("relu")
    (('k', (3,)), ('s', (2, 1)), None)
    """
    parts = SHORTHAND.fullmatch(text)
    return None if parts is None else (parts[1], tuple(map(whole_of, parts[2].split("x"))))


class Signature(NamedTuple):
    """Which arguments a word takes.

    positional: the fields that bare arguments fill, in order.
    keys:       every key that may stand before `=` or a shorthand's size, with its field.
    flags:      words that stand alone, with the field and the value that they set.
    required:   fields that must be given. one_of: fields of which exactly one must.
    labels:     fields whose value is a label, whatever else it could be.
    defaults:   of a block, what its parameters are where they are not given.
    any_word:   whether a bare word that is nothing else is a positional value: a block may hand it on.
    """

    name: str
    positional: tuple[str, ...]
    keys: dict[str, str]
    flags: dict[str, tuple[str, bool | str]]
    required: tuple[str, ...]
    any_word: bool
    one_of: tuple[str, ...] = ()

    def is_complete(self, given: Collection[str]) -> bool:
        """Whether fields are all that must be given."""
        chosen = not self.one_of or any(name in given for name in self.one_of)
        return chosen and all(name in given for name in self.required)

    defaults: Mapping[str, tree.Value] = _NO_DEFAULTS
    labels: frozenset[str] = frozenset()


@cache
def layer_signature(cls: type[Layer]) -> Signature:
    """A layer's arguments, from its fields."""
    flags: dict[str, tuple[str, bool | str]] = {}
    for name, info in cls.model_fields.items():
        if is_flag(info):
            flags[name], flags[f"no{name}"] = (name, True), (name, False)
        else:
            flags.update({word: (name, word) for word in choices(info)})
    required = tuple(name for name, info in cls.model_fields.items() if info.is_required())
    return Signature(
        cls.keyword,
        positional_fields(cls),
        field_keys(cls),
        flags,
        required,
        any_word=False,
        one_of=cls.one_of,
        labels=frozenset(name for name, info in cls.model_fields.items() if accepts(info) == LABEL),
    )


def block_signature(block: Block) -> Signature:
    """A block's arguments, from its parameters: a letter stands for the one parameter that begins with it."""
    names = [parameter.name for parameter in block.parameters]
    keys = {name: name for name in names}
    for letter in {name[0] for name in names} - set(names):
        beginning = [name for name in names if name.startswith(letter)]
        if len(beginning) == 1:
            keys[letter] = beginning[0]
    keys |= {long: keys[short] for long, short in SHORT_KEYS.items() if short in names and long not in keys}
    flags: dict[str, tuple[str, bool | str]] = {}
    for parameter in block.parameters:
        if getattr(parameter.default, "text", None) in ("true", "false"):
            name = parameter.name
            flags[name], flags[f"no{name}"] = (name, True), (name, False)
    required = tuple(parameter.name for parameter in block.parameters if parameter.default is None)
    defaults = {parameter.name: parameter.default for parameter in block.parameters if parameter.default is not None}
    return Signature(block.name, tuple(names), keys, flags, required, any_word=True, defaults=defaults)


@cache
def option_words() -> frozenset[str]:
    """Every word that some layer's field takes: what a block may hand on to a layer inside."""
    words = [choices(info) for cls in LAYERS.values() for info in cls.model_fields.values()]
    from specc.layers.weighted import INITIALIZERS

    return frozenset(word for group in words for word in group) | frozenset(INITIALIZERS)
