"""Parts that the source has a class for, and that come several times, become blocks with parameters.

Uses of a class that are built alike share a block; what differs among them becomes a parameter, or an expression of
one: `conv (4*c) k1`. A class that is used once, or is a single layer, stays written out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from specc.exchange.importing.columns import OUT, FoundBlock, VaryingValues
from specc.exchange.importing.expressions import Expr, Share, renamed
from specc.exchange.importing.families import (
    ClassUse,
    families,
    is_plain_activation,
    is_step,
    labels_of,
    written_branches,
)
from specc.exchange.importing.flat import alike
from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, Repeated, leaves
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.repeats import collapsed, with_shares
from specc.exchange.importing.stages import stages
from specc.exchange.importing.units import with_units_written_out
from specc.ir.model import FORM_WORDS
from specc.layers.registry import LAYERS, of_family
from specc.syntax.tokens import RESERVED

TAKEN = {*RESERVED, *FORM_WORDS, *LAYERS}
_NORMS = frozenset(of_family("normalisation"))
_SETTINGS = {"eps", "momentum", "bias"}
_OFTEN = 3


def with_blocks(chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """The blocks of a network, each after those that it uses, and the network written with them."""
    blocks, chain = _with_norms(with_shares(chain))
    for _, owned in _classes(chain):
        seen = Counter(_references(chain))
        parts = {ids: _part(chain, ids, path) for path, ids in owned.items()}
        uses = [ClassUse(ids, part, *_unlabelled(part)) for ids, part in parts.items() if part is not None]
        uses = [use._replace(chain=collapsed(use.chain)) for use in uses if _is_closed(use.chain, seen)]
        for family in families(uses):
            block, calls = _block(family, _taken(blocks, chain), _class_of(family))
            blocks.append(block)
            chain = _replaced(chain, calls)
    return with_units_written_out(*_with_stages(*_with_flat(blocks, chain)))


def _taken(blocks: list[FoundBlock], chain: Chain) -> set[str]:
    """Names that no block may get: those of others, and what with a number behind it is the label of a step."""
    return {block.name for block in blocks} | {label.rstrip("0123456789") for label in _all_labels(chain)}


def _all_labels(chain: Chain) -> Iterator[str]:
    """The labels of a chain, also of the steps that calls stand for."""
    yield from labels_of(chain)
    for node in chain:
        match node:
            case Form():
                for branch in node.branches:
                    yield from _all_labels(branch)
            case FoundCall():
                yield from _all_labels(node.inside)
            case Repeated():
                yield from _all_labels(node.calls)
            case _:
                pass


def _with_norms(chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """Normalisations with settings of their own that come often, each as a block, so that these are written once."""
    found: dict[object, list[Leaf]] = {}
    for leaf in leaves(chain):
        own = tuple((token.name, token.value) for token in leaf.tokens if token.value != token.default)
        if leaf.word in _NORMS and own and {name for name, _ in own} <= _SETTINGS:
            found.setdefault((leaf.word, own), []).append(leaf)
    blocks: list[FoundBlock] = []
    for norms in found.values():
        if len(norms) >= _OFTEN:
            name = _named("norm", _taken(blocks, chain))
            blocks.append(FoundBlock(name, (), (norms[0]._replace(label=""),)))
            chain = _replaced(chain, {frozenset((id(leaf),)): _call_of(name, leaf) for leaf in norms})
    return blocks, chain


def _call_of(name: str, leaf: Leaf) -> FoundCall:
    return FoundCall(name, (), (leaf,), leaf.input, leaf.output, leaf.label)


def _with_flat(blocks: list[FoundBlock], chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """What comes several times without a class of its own, as blocks more; and calls in a row as repeats."""
    while True:
        chain = collapsed(chain)
        seen = Counter(_references(chain))
        uses = [ClassUse(_ids(part), part, *_unlabelled(part)) for part in alike(chain) if _is_closed(part, seen)]
        if len(uses) < 2:
            return blocks, chain
        block, calls = _block(uses, _taken(blocks, chain), "Unit")
        blocks, chain = [*blocks, block], _replaced(chain, calls)


def _with_stages(blocks: list[FoundBlock], chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """The stages of a network, steps with a repeat that come several times in a row, as a block more."""
    for uses in stages(chain):
        block, calls = _block(uses, _taken(blocks, chain), "Stage", listed=True)
        blocks, chain = [*blocks, block], _replaced(chain, calls)
    return blocks, chain


def _unlabelled(part: Chain) -> tuple[Chain, str]:
    """Steps without the label of the last, which becomes the block's."""
    last = part[-1]
    label = "" if isinstance(last, FromLabel) else last.label
    return ((*part[:-1], last._replace(label="")) if label else part), label


def _references(chain: Chain) -> Iterator[str]:
    """The labels that branches go on from, as often as they do."""
    for node in chain:
        if isinstance(node, FromLabel):
            yield node.label
        elif isinstance(node, Form):
            for branch in node.branches:
                yield from _references(branch)


def _is_closed(part: Chain, seen: Counter[str]) -> bool:
    """Whether steps may stand in a block of their own: it sees its own labels only, and nobody else sees them."""
    own, inside = set(labels_of(part)), Counter(_references(part))
    return inside.keys() <= own and all(inside[label] == seen[label] for label in own)


def _classes(chain: Chain) -> Iterator[tuple[str, dict[str, frozenset[int]]]]:
    """The source's classes, those inside others first, with the layers of each use by its path."""
    found: dict[str, dict[str, set[int]]] = {}
    depth: Counter[str] = Counter()
    for leaf in leaves(chain):
        for path, name in leaf.owners:
            found.setdefault(name, {}).setdefault(path, set()).add(id(leaf))
            depth[name] = max(depth[name], path.count("."))
    for name in sorted(found, key=lambda name: -depth[name]):
        if len(found[name]) > 1:
            yield name, {path: frozenset(ids) for path, ids in found[name].items()}


def _ids(nodes: Chain) -> frozenset[int]:
    return frozenset(id(leaf) for leaf in leaves(nodes))


def _part(chain: Chain, ids: frozenset[int], path: str) -> Chain | None:
    """The steps in a row that hold exactly these layers, wherever they stand; None where there are none.

    A form whose branches are joined elsewhere than in the module of that path is none of them.
    """
    span = _span(chain, ids)
    if span is not None and _joins(chain[span[0] : span[1]], path):
        return chain[span[0] : span[1]]
    for node in chain:
        for inner in _chains_in(node):
            if ids <= _ids(inner):
                return _part(inner, ids, path)
    return None


def _joins(part: Chain, path: str) -> bool:
    """Whether steps are all a module's own; a concatenation may be told by the module that takes it."""
    (node,) = part if len(part) == 1 else (None,)
    summed = isinstance(node, Form) and node.form in ("residual", "add", "gate", "mul") and bool(node.owners)
    return not (summed and isinstance(node, Form) and path not in node.owners)


def _chains_in(node: Node) -> tuple[Chain, ...]:
    return node.branches if isinstance(node, Form) else ()


def _span(chain: Chain, ids: frozenset[int]) -> tuple[int, int] | None:
    """From where to where a chain holds exactly these layers."""
    inside = [_ids((node,)) for node in chain]
    touching = [place for place, own in enumerate(inside) if own & ids]
    if not touching:
        return None
    start, stop = touching[0], touching[-1] + 1
    return (start, stop) if frozenset().union(*inside[start:stop]) == ids else None


def _replaced(chain: Chain, calls: dict[frozenset[int], FoundCall]) -> Chain:
    """A chain with calls in the place of the steps that they stand for."""
    for ids, call in calls.items():
        span = _span(chain, ids)
        if span is not None and _is_form(chain[span[0] : span[1]]) == _is_form(call.inside):
            chain = (*chain[: span[0]], call, *chain[span[1] :])
    return tuple(
        node._replace(branches=tuple(_replaced(branch, calls) for branch in node.branches))
        if isinstance(node, Form)
        else node
        for node in chain
    )


def _is_form(part: Chain) -> bool:
    return len(part) == 1 and isinstance(part[0], Form)


# one block


def _class_of(family: list[ClassUse]) -> str:
    """The innermost class that holds all layers of a use."""
    inside = leaves(family[0].part)
    common = [owner for owner in inside[0].owners if all(owner in leaf.owners for leaf in inside)]
    return common[-1][1] if common else ""


def _block(
    family: list[ClassUse], taken: set[str], class_name: str, *, listed: bool = False
) -> tuple[FoundBlock, dict[frozenset[int], FoundCall]]:
    """The block of a family, and the call that each use becomes. Args: listed, whether people list its channels."""
    columns = VaryingValues([] if listed else [use.chain[0].input[0] for use in family])
    body = _unified([use.chain for use in family], columns)
    parameters, names = columns.parameters()
    name = _name(body, class_name, taken)
    order = [parameter.name for parameter in parameters]
    calls = {}
    for place, use in enumerate(family):
        ordered = tuple(sorted(columns.arguments(place, names), key=lambda arg: order.index(arg[0])))
        inside = use.part
        calls[use.ids] = FoundCall(name, ordered, inside, inside[0].input, inside[-1].output, use.label)
    return FoundBlock(name, parameters, _renamed(body, names)), calls


def _name(chain: Chain, class_name: str, taken: set[str]) -> str:
    """What a short chain of layers consists of, or else the class's own name as the language writes names."""
    words = [node.word for node in chain if isinstance(node, Leaf)]
    if len(words) == len(chain) <= 3:
        stem = "_".join(words)
    else:
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).strip("_").lower() or "block1"
    if stem in TAKEN or not re.fullmatch(r"[a-z_][a-z0-9_]*", stem):
        stem = "cell" if stem == "block" else re.sub(r"[^a-z0-9_]", "_", f"{stem}_block")
    return _named(stem, taken)


def _named(stem: str, taken: set[str]) -> str:
    """A name that no other block has."""
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def _unified(chains: list[Chain], columns: VaryingValues) -> Chain:
    """The body of a block: the first use's, with expressions in the place of values that differ."""
    found: list[Node] = []
    for nodes in zip(*chains, strict=True):
        found.append(_unified_node(list(nodes), columns, found[-1] if found else None))
    return tuple(found)


def _unified_node(nodes: list[Any], columns: VaryingValues, before: Node | None) -> Node:
    first: Node = nodes[0]
    arriving = [node.input[0] for node in nodes]
    if all(map(is_step, nodes)):
        return _unified_step(nodes, arriving, columns)
    match first:
        case FromLabel():
            return first
        case Form():
            shortcut = "auto" if any(node.shortcut == "auto" for node in nodes) else first.shortcut
            written_out = [written_branches(node) for node in nodes]
            branches = tuple(_unified(list(chains), columns) for chains in zip(*written_out, strict=True))
            return first._replace(branches=branches, shortcut=shortcut)
        case Leaf():
            return _unified_leaf(nodes, arriving, columns)
        case FoundCall():
            return _unified_call(nodes, arriving, columns)
        case Repeated():
            call = _unified_call([node.call for node in nodes], [], columns)
            one_before = isinstance(before, FoundCall) and before.block == call.block
            count = columns.express([node.count + one_before for node in nodes], arriving, "n")
            if one_before:  # people count it too
                count = Expr(f"{count.text} - 1") if isinstance(count, Expr) else count - 1
            return first._replace(call=call, count=count)


def _unified_step(nodes: list[Leaf | FoundCall], arriving: list[int], columns: VaryingValues) -> Node:
    words = [node.block if isinstance(node, FoundCall) else node.word for node in nodes]
    word = columns.express(words, arriving, "att")
    first = nodes[0]
    return Leaf(word.text, (), first.input, first.output) if isinstance(word, Expr) else first


def _unified_leaf(nodes: list[Leaf], arriving: list[int], columns: VaryingValues) -> Leaf:
    first = nodes[0]
    if is_plain_activation(first):
        word = columns.express([node.word for node in nodes], arriving, "act")
        return first._replace(word=word.text if isinstance(word, Expr) else word)
    tokens = [
        token._replace(value=columns.express([node.tokens[place].value for node in nodes], arriving, token.name))
        for place, token in enumerate(first.tokens)
    ]
    return first._replace(tokens=tuple(tokens))


def _unified_call(nodes: list[FoundCall], arriving: list[int], columns: VaryingValues) -> FoundCall:
    args = []
    for place, (name, _) in enumerate(nodes[0].args):
        values = [node.args[place][1] for node in nodes]
        shares = [value for value in values if isinstance(value, Share)]
        if len(shares) == len(values):
            args.append((name, columns.express_share(shares, arriving)))
        else:
            kind = OUT if re.fullmatch(r"c\d*", name) else name
            args.append((name, columns.express(values, arriving, kind)))
    return nodes[0]._replace(args=tuple(args))


def _renamed(chain: Chain, names: Mapping[str, str]) -> Chain:
    """The body with its parameters under their last names."""
    return tuple(_renamed_node(node, names) for node in chain)


def _renamed_node(node: Node, names: Mapping[str, str]) -> Node:
    match node:
        case FromLabel():
            return node
        case Form():
            return node._replace(branches=tuple(_renamed(branch, names) for branch in node.branches))
        case FoundCall():
            return _renamed_call(node, names)
        case Repeated():
            return node._replace(call=_renamed_call(node.call, names), count=renamed(node.count, names))
        case Leaf():
            tokens = (token._replace(value=renamed(token.value, names)) for token in node.tokens)
            return node._replace(tokens=tuple(tokens))


def _renamed_call(call: FoundCall, names: Mapping[str, str]) -> FoundCall:
    return call._replace(args=tuple((name, renamed(value, names)) for name, value in call.args))
