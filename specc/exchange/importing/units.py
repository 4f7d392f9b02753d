"""Small blocks that a single other block uses, written out in it: people name a unit where much is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from specc.exchange.importing.columns import FoundBlock
from specc.exchange.importing.expressions import Expr
from specc.exchange.importing.forms import Chain, Form, FoundCall, Node, Repeated
from specc.exchange.importing.graph import Leaf

_MOST_STEPS = 3  # of a unit that is written out
_MOST_SITES = 4
_QUOTIENT = re.compile(r"(\w+) // (\d+)")
_PRODUCT = re.compile(r"(\d+)\*(\w+)")


def with_units_written_out(blocks: Sequence[FoundBlock], chain: Chain) -> list[FoundBlock]:
    """The blocks without those whose few calls all stand in one other block."""
    found = list(blocks)
    for unit in blocks:
        calls = {block.name: _sites(block.body, unit.name) for block in found}
        homes = [name for name, count in calls.items() if count]
        is_small = len(unit.body) <= _MOST_STEPS and all(isinstance(node, Leaf) for node in unit.body)
        follows = any(isinstance(parameter.default, Expr) for parameter in unit.parameters)
        alone = len(homes) == 1 and calls[homes[0]] <= _MOST_SITES and not _sites(chain, unit.name)
        if is_small and alone and not follows:
            found = [
                block._replace(body=_expanded(block.body, unit)) if block.name == homes[0] else block
                for block in found
                if block.name != unit.name
            ]
    return found


def _sites(chain: Chain, name: str) -> int:
    """How often a block is called in a chain; in a repeat as often as in any number of calls that are written out."""
    count = 0
    for node in chain:
        match node:
            case Form():
                count += sum(_sites(branch, name) for branch in node.branches)
            case FoundCall():
                count += node.block == name
            case Repeated():
                count += (_MOST_SITES + 1) * (node.call.block == name)
    return count


def _expanded(chain: Chain, unit: FoundBlock) -> Chain:
    """A chain with a unit's steps in the place of its calls."""
    found: list[Node] = []
    for node in chain:
        if isinstance(node, Form):
            found.append(node._replace(branches=tuple(_expanded(branch, unit) for branch in node.branches)))
        elif isinstance(node, FoundCall) and node.block == unit.name:
            *steps, last = _steps(unit, dict(node.args))
            found += [*steps, last._replace(label=node.label)]
        else:
            found.append(node)
    return tuple(found)


def _steps(unit: FoundBlock, values: Mapping[str, Any]) -> list[Leaf]:
    found: list[Leaf] = []
    for leaf in unit.body:
        assert isinstance(leaf, Leaf)  # noqa: S101 - a unit has layers alone
        word = values.get(leaf.word, leaf.word)
        tokens = tuple(token._replace(value=_worth(token.value, values)) for token in leaf.tokens)
        if word != "id":
            found.append(leaf._replace(word=word.text if isinstance(word, Expr) else word, tokens=tokens))
    return found


def _worth(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with what a call hands over in the place of parameters."""
    if not isinstance(value, Expr):
        return value
    if value.text in values:
        return values[value.text]
    if (match := _QUOTIENT.fullmatch(value.text)) and match[1] in values:
        given = values[match[1]]
        return given // int(match[2]) if isinstance(given, int) else Expr(f"{_inside(given)} // {match[2]}")
    if (match := _PRODUCT.fullmatch(value.text)) and match[2] in values:
        given = values[match[2]]
        return int(match[1]) * given if isinstance(given, int) else Expr(f"{match[1]}*{_inside(given)}")
    return value


def _inside(value: Any) -> str:
    """A value as a part of an expression."""
    text = value.text if isinstance(value, Expr) else str(value)
    return text if text.isalnum() else f"({text})"
