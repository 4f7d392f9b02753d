"""Several uses of a block in, one node for all of them out, with a column wherever they could differ.

Raises `Differs` where they are built so differently that one class for all would be hard to read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeVar

from specc.emit.python.nodes import (
    MISSING,
    Arg,
    CallNode,
    ChainNode,
    CodeNode,
    FormNode,
    ItemNode,
    LayerNode,
    Node,
    UseColumn,
)

Kind = TypeVar("Kind", LayerNode, CallNode, ChainNode, FormNode)
Maybe = Sequence[Any]  # nodes or their parts; None for a use that lacks them


class Differs(Exception):
    """Two uses have too little in common."""


def unify(nodes: Maybe) -> Node:
    """One node for all uses. Args: nodes, one of a kind for each use, None for a use without it."""
    kinds = {type(node) for node in nodes if node is not None}
    if len(kinds) != 1:
        raise Differs
    kind = kinds.pop()
    if kind is LayerNode:
        return _layers(nodes)
    if kind is CallNode:
        return _calls(nodes)
    if kind is FormNode:
        return _forms(nodes)
    chain = unify_chains(nodes)
    if any(isinstance(item.stop, UseColumn) and not item.stop.is_constant for item in chain.items):
        raise Differs  # a loop needs a class of its own
    return chain


def _one(values: Maybe) -> Any:
    """What all uses have in common."""
    known = [value for value in values if value is not None]
    if any(value != known[0] for value in known):
        raise Differs
    return known[0]


def _column(values: Maybe) -> UseColumn:
    return UseColumn(tuple(MISSING if value is None else value[0] for value in values))


def _each(nodes: Maybe, name: str) -> list[Any]:
    return [None if node is None else getattr(node, name) for node in nodes]


def _outputs(nodes: Maybe) -> tuple[UseColumn, ...]:
    shapes = _each(nodes, "output")
    rank = _one([None if shape is None else len(shape) for shape in shapes])
    return tuple(_column([shape and (shape[axis],) for shape in shapes]) for axis in range(rank))


def _layers(nodes: Maybe) -> LayerNode:
    functions = _each(nodes, "function")
    has_function = any(function is not None for function in functions)
    settings = [node and (node.settings,) for node in nodes]
    like = _one(_each(nodes, "like"))
    if like and (None in nodes or len(set(functions)) > 1):
        raise Differs  # it has no module to leave out, or to make otherwise
    return LayerNode(
        _codes(_each(nodes, "module")),
        _codes(functions) if has_function else None,
        _one(settings)[0],
        _one([node and (node.begins,) for node in nodes])[0],
        _outputs(nodes),
        like,
    )


def _codes(codes: Maybe) -> CodeNode:
    name, kind = _one([code and (code.name, code.kind) for code in codes])
    names = _one([code and tuple(arg.name for arg in code.args) for code in codes])
    args = [_arg([code and code.args[place] for code in codes]) for place in range(len(names))]
    return CodeNode(name, tuple(args), kind)


def _arg(args: Maybe) -> Arg:
    first = next(arg for arg in args if arg is not None)
    return first._replace(value=_column([arg and (arg.value,) for arg in args]))  # type: ignore[no-any-return]  # an Arg


def _calls(nodes: Maybe) -> CallNode:
    key, names = _one([node and (node.key, tuple(name for name, _ in node.args)) for node in nodes])
    args = [(name, _column([node and (node.args[place][1],) for node in nodes])) for place, name in enumerate(names)]
    frozen, borrows = _one([node and (node.frozen, node.borrows) for node in nodes])
    return CallNode(key, tuple(args), frozen, _outputs(nodes), borrows)


def _forms(nodes: Maybe) -> FormNode:
    form = _one(_each(nodes, "form"))
    frozen = _one([node and (node.frozen,) for node in nodes])[0]
    joined = _column([node and (node.joined,) for node in nodes])
    parts, origins = _one([node and (node.parts, node.origins) for node in nodes])
    names = _one([node and tuple(name for name, _ in node.branches) for node in _with_shortcut(nodes)])
    branches: list[tuple[str, Any]] = []
    present = None
    for place, name in enumerate(names):
        chains = [node and node.branches[place][1] for node in _with_shortcut(nodes)]
        there = [node and (chain is not None,) for node, chain in zip(nodes, chains, strict=True)]
        if any(chain is not None for chain in chains):
            branches.append((name, unify(chains)))
            if not _column(there).is_constant:
                if name != "shortcut" or not joined.is_constant:
                    raise Differs
                present = _column(there)
        else:
            branches.append((name, None))
    return FormNode(form, joined, tuple(branches), frozen, _outputs(nodes), present, parts, origins)


def _with_shortcut(nodes: Maybe) -> list[Any]:
    """Residuals that are their body alone get a shortcut all the same, so that they compare with the others."""
    return [
        node._replace(branches=(*node.branches, ("shortcut", None)))
        if node is not None and node.joined == "none"
        else node
        for node in nodes
    ]


# chains


def unify_chains(chains: Maybe) -> ChainNode:
    """Chains whose steps have the same names, in the same order; some may lack some, or repeat one more often."""
    cuts = _cuts(chains)
    pieces = [None if chain is None else _cut(chain, cuts) for chain in chains]
    order = _common_order([list(piece) for piece in pieces if piece is not None])
    items = [_item([piece if piece is None else piece.get(key, 0) for piece in pieces], key) for key in order]
    frozen, keeps, borrows = _one([chain and (chain.frozen, chain.keeps, chain.borrows) for chain in chains])
    return ChainNode(tuple(items), frozen, _outputs(chains), keeps, borrows)


Key = tuple[str, int | None]


def _cuts(chains: Maybe) -> dict[str, list[int]]:
    """Where a run of alike steps begins in any of the chains, by prefix, in order."""
    cuts: dict[str, set[int]] = {}
    for chain in chains:
        for item in chain.items if chain is not None else ():
            if item.number is not None:
                cuts.setdefault(item.prefix, set()).add(item.number)
    return {prefix: sorted(starts) for prefix, starts in cuts.items()}


def _cut(chain: ChainNode, cuts: dict[str, list[int]]) -> dict[Key, ItemNode]:
    """A chain's items, cut wherever another chain's begin."""
    found: dict[Key, ItemNode] = {}
    for item in chain.items:
        if item.number is None:
            found[item.prefix, None] = item
            continue
        own = cuts[item.prefix]
        starts = own[bisect_left(own, item.number) : bisect_left(own, item.stop)]
        for start, stop in zip(starts, [*starts[1:], item.stop], strict=True):
            found[item.prefix, start] = item._replace(number=start, stop=stop)
    return found


def _common_order(sequences: list[list[Key]]) -> list[Key]:
    """An order that agrees with every sequence's own. Raises: Differs where there is none."""
    order = max(sequences, key=len)
    places = {key: place for place, key in enumerate(order)}
    for sequence in sequences:
        place = 0
        for key in sequence:
            if key in places:
                if places[key] < place:
                    raise Differs
                place = places[key] + 1
            else:
                order = [*order[:place], key, *order[place:]]
                places = {key: place for place, key in enumerate(order)}
                place += 1
    return order


def _item(items: Maybe, key: Key) -> ItemNode:
    """One item of all chains. Args: items, 0 where a chain lacks it, None where the chain itself is missing."""
    found = [item or None for item in items]
    node = unify([item and item.node for item in found])
    prefix, number = key
    present = _column([None if item is None else (item != 0,) for item in items])
    if isinstance(node, FormNode) and not present.is_constant:
        raise Differs  # its joining would have to be left out too
    if number is None:
        return ItemNode(prefix, None, None, node, None if present.is_constant else present)
    stops = _column([None if item is None else (number if item == 0 else item.stop,) for item in items])
    if all(stop <= number + 1 for stop in stops.known):
        return ItemNode(prefix, number, UseColumn((number + 1,)), node, None if present.is_constant else present)
    return ItemNode(prefix, number, stops, node)
