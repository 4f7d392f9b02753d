"""A unified node in, the text of its class out: constructor and forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specc.emit.python import code
from specc.emit.python.code import CallText, laid_out
from specc.emit.python.constructor import Constructor
from specc.emit.python.forward import ForwardMethod
from specc.emit.python.nodes import ChainNode, Node, UseColumn
from specc.emit.python.plan import ClassPlan, ClassText
from specc.emit.python.symbols import Symbols


def class_text(
    name: str, node: Node, symbols: Symbols, inputs: Sequence[UseColumn], classes: list[ClassText], word: str
) -> ClassText:
    """A class for all uses of a chain.

    Args: inputs, the shape that arrives, a column a dimension; classes, those that may be used;
          word, the block's.
    """
    assert isinstance(node, ChainNode)  # noqa: S101 - chains unify to a chain
    plan = ClassPlan(node, symbols, inputs, classes)
    made = Constructor(plan).write()
    forward = ForwardMethod(plan)
    plain = plan.is_plain()
    run = [] if plain else ["", *forward.write()]
    parameters, defaults = _signature(symbols)
    lines = [*_head(symbols, parameters, defaults), "        super().__init__()", *made, *run]
    base = "nn.Sequential" if plain else "nn.Module"
    words = frozenset((*plan.words, base))
    return ClassText(name, parameters, defaults, tuple(lines), base, words, word, forward.summary())


def _signature(symbols: Symbols) -> tuple[dict[str, bool], dict[str, Any]]:
    """Parameters that count channels come first, those with a default last."""
    used = {name: symbols.used[name] for name in symbols.columns if name in symbols.used}
    defaults = {}
    for name, is_channels in used.items():
        values = symbols.columns[name].values
        common = max(dict.fromkeys(values), key=values.count)
        if not is_channels and 2 * values.count(common) > len(values) and not isinstance(common, tuple):
            defaults[name] = common
    order = sorted(used, key=lambda name: (not used[name], name in defaults))
    return {name: used[name] for name in order}, defaults


def _head(symbols: Symbols, parameters: dict[str, bool], defaults: dict[str, Any]) -> list[str]:
    """`def __init__(self, in_channels: int, stride: int = 1) -> None:`"""
    args = []
    for name in parameters:
        kind = _type_of(symbols.columns[name].values)
        default = f" = {code.flat(code.literal(defaults[name]))}" if name in defaults else ""
        args.append(("", f"{name}: {kind}{default}"))
    return laid_out("", CallText("def __init__", (("", "self"), *args)), " -> None:", code.INDENT)


def _type_of(values: tuple[Any, ...]) -> str:
    kinds = {_kind(value) for value in values}
    return " | ".join(sorted(kinds))


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple[{', '.join(['int'] * len(value))}]"
    return type(value).__name__
