"""A layer as a step of a graph: its fields as arguments, in the order and the way in which people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specc.exchange.importing.graph import ArgumentToken, Leaf, Style
from specc.ir.names.instantiate import instantiate
from specc.layers.base import Layer, Shape
from specc.layers.fields import is_flag, role
from specc.layers.registry import LAYERS


def step(word: str, x: Shape, owners: tuple[tuple[str, str], ...] = (), **fields: Any) -> Leaf:
    """The step of a word; its shape rule gives the output. Raises: ShapeError, WrongValue."""
    return step_of(instantiate(LAYERS[word], fields), fields, x)._replace(owners=owners)


def step_of(layer: Layer, fields: Iterable[str], x: Shape) -> Leaf:
    """The step that a layer is. Args: fields, those that are told, even with their usual values. Raises: ShapeError."""
    cls, told = type(layer), set(fields)
    ordered = sorted(cls.model_fields, key=lambda name: not role(cls.model_fields[name]).positional)
    tokens = tuple(_token(cls, name, getattr(layer, name)) for name in ordered if name in told)
    return Leaf(layer.keyword, tokens, x, layer.output(x))


def _token(cls: type[Layer], name: str, value: Any) -> ArgumentToken:
    info = cls.model_fields[name]
    return ArgumentToken(name, value, None if info.is_required() else info.default, _style(cls, name, value))


def _style(cls: type[Layer], name: str, value: Any) -> Style:
    info = cls.model_fields[name]
    if is_flag(info):
        return "flag"
    if role(info).positional and isinstance(value, str):
        return "word"
    if cls.is_bare(name):
        return "positional"
    return "short" if role(info).short else "named"
