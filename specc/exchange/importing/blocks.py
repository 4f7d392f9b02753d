"""Parts that the source has a class for, and that come several times, become blocks with parameters.

Uses of a class that are built alike share a block; what differs among them becomes a parameter, or an expression of
one: `conv (4*c) k1`. A class that is used once, or is a single layer, stays written out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, leaves
from specc.exchange.importing.graph import Leaf, Token
from specc.ir.model import FORM_WORDS
from specc.layers.registry import LAYERS
from specc.syntax.tokens import RESERVED

TAKEN = {*RESERVED, *FORM_WORDS, *LAYERS}
_LARGEST_FACTOR = 64
OUT = "out"  # the argument that counts channels


class Expr(NamedTuple):
    """A value that depends on a block's parameters, as it is written."""

    text: str

    @property
    def is_name(self) -> bool:
        return self.text.isidentifier()


class Parameter(NamedTuple):
    """A block's parameter. default: None where it must be given; is_channels: whether it counts channels."""

    name: str
    default: Any
    is_channels: bool


class FoundBlock(NamedTuple):
    name: str
    parameters: tuple[Parameter, ...]
    body: Chain


class _ClassUse(NamedTuple):
    """A class's use: the layers in it, the part of the chain that they are, and that part without its last label."""

    ids: frozenset[int]
    part: Chain
    chain: Chain
    label: str = ""


def with_blocks(chain: Chain) -> tuple[list[FoundBlock], Chain]:
    """The blocks of a network, each after those that it uses, and the network written with them."""
    blocks: list[FoundBlock] = []
    for _, owned in _classes(chain):
        seen = Counter(_references(chain))
        uses = [_ClassUse(ids, part, *_unlabelled(part)) for ids in owned if (part := _part(chain, ids)) is not None]
        uses = [use for use in uses if _is_closed(use.chain, seen)]
        for family in _families(uses):
            block, calls = _block(family, {block.name for block in blocks}, _class_of(family))
            blocks.append(block)
            chain = _replaced(chain, calls)
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


def _labels(chain: Chain) -> Iterator[str]:
    """The labels of steps."""
    for node in chain:
        if isinstance(node, Form):
            for branch in node.branches:
                yield from _labels(branch)
        if not isinstance(node, FromLabel) and node.label:
            yield node.label


def _is_closed(part: Chain, seen: Counter[str]) -> bool:
    """Whether steps may stand in a block of their own: it sees its own labels only, and nobody else sees them."""
    own, inside = set(_labels(part)), Counter(_references(part))
    return inside.keys() <= own and all(inside[label] == seen[label] for label in own)


def _classes(chain: Chain) -> Iterator[tuple[str, list[frozenset[int]]]]:
    """The source's classes, those inside others first, with the layers of each use."""
    found: dict[str, dict[str, set[int]]] = {}
    depth: Counter[str] = Counter()
    for leaf in leaves(chain):
        for path, name in leaf.owners:
            found.setdefault(name, {}).setdefault(path, set()).add(id(leaf))
            depth[name] = max(depth[name], path.count("."))
    for name in sorted(found, key=lambda name: -depth[name]):
        if len(found[name]) > 1:
            yield name, [frozenset(ids) for ids in found[name].values()]


def _ids(nodes: Chain) -> frozenset[int]:
    return frozenset(id(leaf) for leaf in leaves(nodes))


def _part(chain: Chain, ids: frozenset[int]) -> Chain | None:
    """The steps in a row that hold exactly these layers, wherever they stand; None where there are none."""
    span = _span(chain, ids)
    if span is not None:
        return chain[span[0] : span[1]]
    for node in chain:
        for inner in _chains_in(node):
            if ids <= _ids(inner):
                return _part(inner, ids)
    return None


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
        if span is not None:
            chain = (*chain[: span[0]], call, *chain[span[1] :])
    return tuple(
        node._replace(branches=tuple(_replaced(branch, calls) for branch in node.branches))
        if isinstance(node, Form)
        else node
        for node in chain
    )


# families


def _families(uses: list[_ClassUse]) -> list[list[_ClassUse]]:
    """Uses that are built alike, where there are at least two and it pays to name them."""
    found: dict[object, list[_ClassUse]] = {}
    for use in _with_same(uses):
        found.setdefault(_key(use.chain), []).append(use)
    return [family for family in found.values() if len(family) > 1 and _is_worth_it(family[0].chain)]


def _is_worth_it(chain: Chain) -> bool:
    return len(leaves(chain)) > 1 and not (len(chain) == 1 and isinstance(chain[0], FoundCall))


def _with_same(uses: list[_ClassUse]) -> list[_ClassUse]:
    """Residuals beside uses that are the body alone: `shortcut same` says both, where the shapes tell them apart."""
    bodies = {_key(body) for use in uses if (body := _lone_body(use.chain)) is not None}
    found = []
    for use in uses:
        body = _lone_body(use.chain)
        x, output = use.chain[0].input, use.chain[-1].output
        alone = _key(use.chain) in bodies and x != output
        if body is not None and any(_key(other.chain) == _key(body) for other in uses if other is not use):
            form = use.chain[0]
            assert isinstance(form, Form)  # noqa: S101 - `_lone_body` looked
            found.append(use._replace(chain=(form._replace(shortcut="same"),)))
        elif alone:
            found.append(use._replace(chain=(Form("residual", (use.chain,), x, output, "same"),)))
        else:
            found.append(use)
    return found


def _lone_body(chain: Chain) -> Chain | None:
    if len(chain) == 1 and isinstance(chain[0], Form) and chain[0].form == "residual" and len(chain[0].branches) == 1:
        return chain[0].branches[0] if chain[0].shortcut == "identity" else None
    return None


def _key(chain: Chain) -> object:
    """How a chain is built, whatever the numbers and the labels in it."""
    numbers = {label: number for number, label in enumerate(_labels(chain))}
    return tuple(_node_key(node, numbers) for node in chain)


def _node_key(node: Node, numbers: dict[str, int]) -> object:
    if isinstance(node, FromLabel):
        return ("from", numbers.get(node.label, node.label))
    label = numbers.get(node.label)
    match node:
        case Leaf():
            tokens = tuple((token.name, token.style, token.value is None) for token in node.tokens)
            return (node.word, label, tokens)
        case FoundCall():
            return ("call", label, node.block)
        case Form():
            shortcut = "auto" if node.shortcut == "identity" else node.shortcut
            branches = tuple(tuple(_node_key(one, numbers) for one in branch) for branch in _written(node))
            return (node.form, label, node.parts, node.names, shortcut, branches)


def _written(form: Form) -> tuple[Chain, ...]:
    """The branches that are written out: the projection of `auto` is not."""
    return form.branches[:1] if form.shortcut == "auto" else form.branches


# one block


def _class_of(family: list[_ClassUse]) -> str:
    """The innermost class that holds all layers of a use."""
    inside = leaves(family[0].chain)
    common = [owner for owner in inside[0].owners if all(owner in leaf.owners for leaf in inside)]
    return common[-1][1] if common else ""


def _block(
    family: list[_ClassUse], taken: set[str], class_name: str
) -> tuple[FoundBlock, dict[frozenset[int], FoundCall]]:
    """The block of a family, and the call that each use becomes."""
    columns = _Columns(len(family))
    body = _unified([use.chain for use in family], columns)
    parameters, names = columns.parameters()
    name = _name(family[0].chain, class_name, taken)
    calls = {}
    for place, use in enumerate(family):
        args = tuple((names[old], columns.columns[old][place]) for old in columns.columns)
        ordered = tuple(sorted(args, key=lambda arg: [parameter.name for parameter in parameters].index(arg[0])))
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
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


class _Columns:
    """A block's parameters while they are found: a value for each use."""

    def __init__(self, uses: int) -> None:
        self.uses = uses
        self.columns: dict[str, list[Any]] = {}
        self.channels: set[str] = set()

    def express(self, values: list[Any], arriving: list[int], name: str) -> Any:
        """A value that all uses share, or an expression that gives each its own."""
        if all(type(value) is type(values[0]) and value == values[0] for value in values):
            return values[0]
        counts = name == OUT
        found = self._known(values) or (_of_arriving(values, arriving) if counts else None)
        if found is not None:
            return Expr(found)
        stem = {"out": "c", "p": "drop", "num_parameters": "c", "frozen": "fixed"}.get(name, name)
        name, number = stem, 2
        while name in self.columns:
            name, number = f"{stem}{number}", number + 1
        self.columns[name] = values
        if counts:
            self.channels.add(name)
        return Expr(name)

    def _known(self, values: list[Any]) -> str | None:
        for name, column in self.columns.items():
            if column == values:
                return name
        for name, column in self.columns.items():
            found = _multiple(name, column, values)
            if found:
                return found
        return None

    def parameters(self) -> tuple[tuple[Parameter, ...], dict[str, str]]:
        """Those that count channels first, those with a default last; and what each is called in the end."""
        names = dict(zip(self.columns, self.columns, strict=True))
        many = [name for name in self.columns if name in self.channels]
        if len(many) > 1:
            names |= {name: f"c{number}" for number, name in enumerate(many, start=1)}
        found = []
        for name, column in self.columns.items():
            common = max(column, key=column.count)
            usual = name not in self.channels and 2 * column.count(common) > len(column)
            found.append(Parameter(names[name], common if usual else None, name in self.channels))
        order = sorted(found, key=lambda one: (not one.is_channels, one.default is not None))
        return tuple(order), names


def _multiple(name: str, column: list[Any], values: list[Any]) -> str | None:
    """`4*c`, `c // 2`"""
    if not all(type(value) is int for value in [*column, *values]):
        return None
    if all(value == at // 2 for at, value in zip(column, values, strict=True)):
        return f"{name} // 2"
    if min(*column, *values) < 1:
        return None
    factor, divisor = values[0] // column[0], column[0] // values[0]
    if 1 < factor <= _LARGEST_FACTOR and all(value == factor * at for at, value in zip(column, values, strict=True)):
        return f"{factor}*{name}"
    if 1 < divisor <= _LARGEST_FACTOR and all(value == at // divisor for at, value in zip(column, values, strict=True)):
        return f"{name} // {divisor}"
    return None


def _of_arriving(values: list[Any], arriving: list[int]) -> str | None:
    return "in" if values == arriving else _multiple("in", arriving, values)


def _unified(chains: list[Chain], columns: _Columns) -> Chain:
    """The body of a block: the first use's, with expressions in the place of values that differ."""
    return tuple(_unified_node(list(nodes), columns) for nodes in zip(*chains, strict=True))


def _unified_node(nodes: list[Any], columns: _Columns) -> Node:
    first: Node = nodes[0]
    if isinstance(first, FromLabel):
        return first
    if isinstance(first, Form):
        shortcut = "auto" if any(node.shortcut == "auto" for node in nodes) else first.shortcut
        written_out = [_written(node) for node in nodes]
        branches = tuple(_unified(list(chains), columns) for chains in zip(*written_out, strict=True))
        return first._replace(branches=branches, shortcut=shortcut)
    arriving = [node.input[0] for node in nodes]
    if isinstance(first, Leaf):
        tokens = [
            token._replace(value=columns.express([node.tokens[place].value for node in nodes], arriving, token.name))
            for place, token in enumerate(first.tokens)
        ]
        return first._replace(tokens=tuple(tokens))
    args = []
    for place, (name, _) in enumerate(first.args):
        kind = OUT if re.fullmatch(r"c\d*", name) else name
        args.append((name, columns.express([node.args[place][1] for node in nodes], arriving, kind)))
    return first._replace(args=tuple(args))


def _renamed(chain: Chain, names: dict[str, str]) -> Chain:
    """The body with its parameters under their last names."""
    return tuple(_renamed_node(node, names) for node in chain)


def _renamed_node(node: Node, names: dict[str, str]) -> Node:
    def rename(value: Any) -> Any:
        if not isinstance(value, Expr):
            return value
        return Expr(re.sub(r"[a-z_]\w*", lambda match: names.get(match[0], match[0]), value.text))

    match node:
        case FromLabel():
            return node
        case Form():
            return node._replace(branches=tuple(_renamed(branch, names) for branch in node.branches))
        case FoundCall():
            return node._replace(args=tuple((name, rename(value)) for name, value in node.args))
        case Leaf():
            return node._replace(tokens=tuple(_token(token, rename(token.value)) for token in node.tokens))


def _token(token: Token, value: Any) -> Token:
    return token._replace(value=value)
