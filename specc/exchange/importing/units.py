"""Small blocks written out where people do not name them: they name a unit where much is made of it.

A unit with few calls is written out in their place, and so are the few calls that need another window than the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from specc.exchange.importing.columns import FoundBlock
from specc.exchange.importing.expressions import IN, Expr
from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, Repeated
from specc.exchange.importing.graph import Leaf

_MOST_STEPS = 3  # of a unit that is written out
_MOST_SITES = 4  # where it is
_MOST_OTHERS = 3  # with another window, where it has a name
_WINDOW = re.compile(r"(kernel|stride|padding|dilation|groups)\d*")
_QUOTIENT = re.compile(r"(\w+) // (\d+)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PRODUCT = re.compile(r"(\d+)\*(\w+)")


def with_units_written_out(blocks: Sequence[FoundBlock], chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """Blocks and a network with the steps of units in the place of calls, those that do not pay for a name."""
    found = list(blocks)
    for name in [block.name for block in filter(_is_unit, blocks)]:
        unit = next(block for block in found if block.name == name)
        calls = [call for part in (*(block.body for block in found), chain) for call in _sites(part, name)]
        others, usual = _of_other_windows(unit, calls)
        few = len(calls) <= _MOST_SITES
        if not few and not (0 < len(others) <= _MOST_OTHERS and 2 * len(others) < len(calls)):
            continue
        calls = calls if few else others
        if not all(_follows_nothing(unit, call) for call in calls):
            continue
        place = found.index(unit)
        found[place : place + 1] = [] if few else [_with_usual(unit, usual)]
        gone = {id(call) for call in calls}
        written_out = partial(_steps, unit)
        found = [block._replace(body=_written(block.body, gone, written_out)) for block in found]
        chain = _written(chain, gone, lambda call: call.inside)
    return found, chain


def _is_unit(block: FoundBlock) -> bool:
    """Whether a block is a few layers in a row, of whose parameters none follows from what arrives."""
    follows = any(isinstance(parameter.default, Expr) for parameter in block.parameters)
    return 1 < len(block.body) <= _MOST_STEPS and not follows and not any(map(_is_branched, block.body))


def _follows_nothing(unit: FoundBlock, call: FoundCall) -> bool:
    """Whether what a call hands over is the same at each step that takes it: at each, `in` is something else."""
    following = {name for name, value in call.args if isinstance(value, Expr) and IN in _NAME.findall(value.text)}
    taken = {name for node in unit.body[1:] for value in _values(node) for name in _NAME.findall(value)}
    return not following & taken


def _values(node: Node) -> list[str]:
    """The expressions of a layer or a call."""
    match node:
        case Leaf():
            values = [token.value for token in node.tokens]
        case FoundCall():
            values = [value for _, value in node.args]
        case _:
            values = []
    return [value.text for value in values if isinstance(value, Expr)]


def _is_branched(node: Node) -> bool:
    inside = node.inside if isinstance(node, FoundCall) else (node,)
    return not all(isinstance(one, Leaf) for one in inside)


def _sites(chain: Chain, name: str) -> Iterator[FoundCall]:
    """The calls of a block as they are written; those of a repeat so often that they are not written out."""
    for node in chain:
        match node:
            case Form():
                for branch in node.branches:
                    yield from _sites(branch, name)
            case FoundCall() if node.block == name:
                yield node
            case Repeated() if node.call.block == name:
                yield from [node.call] * (_MOST_SITES + 1)


def _of_other_windows(unit: FoundBlock, calls: Sequence[FoundCall]) -> tuple[list[FoundCall], dict[str, Any]]:
    """The calls with another window, stride or number of groups than most, and those of most."""
    names = [one.name for one in unit.parameters if _WINDOW.fullmatch(one.name)]
    settings = [tuple(dict(call.args)[name] for name in names) for call in calls]
    ((usual, _),) = Counter(settings).most_common(1) or [((), 0)]
    others = [call for call, own in zip(calls, settings, strict=True) if own != usual]
    return others, dict(zip(names, usual, strict=True))


def _with_usual(unit: FoundBlock, values: Mapping[str, Any]) -> FoundBlock:
    """A unit without parameters that have one value in all of its calls."""
    if any(isinstance(value, Expr) for value in values.values()):
        return unit
    kept = tuple(parameter for parameter in unit.parameters if parameter.name not in values)
    return unit._replace(parameters=kept, body=_worked_out(unit.body, values))


def _written(chain: Chain, gone: set[int], steps: Callable[[FoundCall], Chain]) -> Chain:
    """A chain with steps in the place of some calls."""
    found: list[Node] = []
    for node in chain:
        if isinstance(node, Form):
            found.append(node._replace(branches=tuple(_written(branch, gone, steps) for branch in node.branches)))
        elif isinstance(node, FoundCall) and id(node) in gone:
            *before, last = steps(node)
            found += [*before, last if isinstance(last, FromLabel) else last._replace(label=node.label)]
        else:
            found.append(node)
    return tuple(found)


def _steps(unit: FoundBlock, call: FoundCall) -> Chain:
    steps = _worked_out(unit.body, dict(call.args))
    return tuple(step for step in steps if not (isinstance(step, Leaf) and step.word == "id"))


def _worked_out(chain: Chain, values: Mapping[str, Any]) -> Chain:
    """Layers and calls with values in the place of parameters."""
    return tuple(_one_worked_out(node, values) for node in chain)


def _one_worked_out(node: Node, values: Mapping[str, Any]) -> Node:
    match node:
        case Leaf():
            word = values.get(node.word, node.word)
            tokens = tuple(token._replace(value=_worth(token.value, values)) for token in node.tokens)
            return node._replace(word=word.text if isinstance(word, Expr) else word, tokens=tokens)
        case FoundCall():
            return node._replace(args=tuple((name, _worth(value, values)) for name, value in node.args))
        case _:
            return node


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
