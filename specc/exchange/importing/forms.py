"""What a chain of an imported network is made of, and which form says a join of branches best."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, TypeAlias

from specc.exchange.importing.graph import Leaf
from specc.ir.model import FormWord
from specc.layers.base import Shape


class FromLabel(NamedTuple):
    """What left a labelled step, at the beginning of a branch."""

    label: str
    input: Shape
    output: Shape


class Form(NamedTuple):
    """Branches and how they are joined.

    shortcut: of a residual: `identity`, `auto`, `same`, or `chain`, which is then the second branch; parts: the
    channels of each branch of a `split` that is not even; names: of the branches of `outputs`; label: of the step;
    owners: the modules of the source that join the branches.
    """

    form: FormWord
    branches: tuple[Chain, ...]
    input: Shape
    output: Shape
    shortcut: str = "identity"
    parts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    label: str = ""
    owners: tuple[str, ...] = ()


class FoundCall(NamedTuple):
    """A block with its arguments by name; the leaves that it stands for."""

    block: str
    args: tuple[tuple[str, object], ...]
    inside: Chain
    input: Shape
    output: Shape
    label: str = ""


class Repeated(NamedTuple):
    """A block's call several times in a row. count: how often; calls: those that it stands for."""

    call: FoundCall
    count: Any
    calls: Chain
    input: Shape
    output: Shape
    label: str = ""


Node: TypeAlias = "Leaf | FromLabel | Form | FoundCall | Repeated"
Chain: TypeAlias = "tuple[Node, ...]"


def leaves(chain: Chain) -> list[Leaf]:
    """All layers of a chain, in the order in which they are written."""
    found: list[Leaf] = []
    for node in chain:
        if isinstance(node, Leaf):
            found.append(node)
        elif isinstance(node, FoundCall):
            found += leaves(node.inside)
        elif isinstance(node, Repeated):
            found += leaves(node.calls)
        elif isinstance(node, Form):
            found += [leaf for branch in node.branches for leaf in leaves(branch)]
    return found


def joined(join: str, chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    """The form of branches that are joined: a sum may be a residual, a product a gate, a concatenation a split."""
    if any(chain and isinstance(chain[0], FromLabel) for chain in chains):
        return Form("add" if join == "add" else "mul" if join == "mul" else "concat", chains, x, output)
    if join == "add":
        return _sum(chains, x, output)
    if join == "mul":
        return _product(chains, x, output)
    return _concatenation(chains, x, output)


def _sum(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    if len(chains) != 2:
        return Form("add", chains, x, output)
    body, shortcut = sorted(chains, key=_weight, reverse=True)
    if not shortcut:
        return Form("residual", (body,), x, output)
    if _place(shortcut) < _place(body) < sys.maxsize:  # so that the weights stand in the source's order
        return Form("add", (shortcut, body), x, output)
    if _is_projection(shortcut, x, output):
        return Form("residual", (body,), x, output, "auto")._replace(branches=(body, shortcut))
    if _weight(shortcut) <= _PROJECTION and _weight(shortcut) < _weight(body):
        return Form("residual", (body, shortcut), x, output, "chain")
    return Form("add", chains, x, output)


def _place(chain: Chain) -> int:
    """The first of its weights among the source's; behind all of them where it has none."""
    return min((leaf.place for leaf in leaves(chain) if leaf.weights), default=sys.maxsize)


_PROJECTION = 3  # as many steps are a shortcut rather than a branch of equal rank


def _weight(chain: Chain) -> int:
    return len(leaves(chain))


def _is_projection(chain: Chain, x: Shape, output: Shape) -> bool:
    """Whether a shortcut is the one that `auto` makes: `conv C k1 s=S nobias -> bn`, S the smallest that fits."""
    steps = [node for node in chain if isinstance(node, Leaf)]
    if len(steps) != len(chain) or x == output or len(x) < 2:
        return False
    if [step.word for step in steps] != ["conv", "bn"]:
        return False
    settings = {token.name: token.value for token in steps[0].tokens}
    plain = all(token.value == token.default for token in steps[1].tokens)
    from specc.ir.shapes.forms import projection_stride
    from specc.layers.base import ShapeError

    try:
        stride = projection_stride(x, output)
    except ShapeError:
        return False
    same = settings.get("stride", 1) in (stride, (stride, stride))
    others = {"kernel": 1, "padding": 0, "groups": 1, "bias": False, "frozen": False}
    return plain and same and all(settings.get(name, value) == value for name, value in others.items())


def _product(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    if len(chains) == 2 and () in chains:
        gate = chains[0] or chains[1]
        return Form("gate", (gate,), x, output)
    return Form("mul", chains, x, output)


def _concatenation(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    cuts = [cut for cut in map(_leading_slice, chains) if cut is not None]
    if len(cuts) == len(chains) and _follow_each_other(cuts, x[0]):
        parts = tuple(end - start for start, end in cuts)
        return Form(
            "split", tuple(chain[1:] for chain in chains), x, output, parts=parts if len(set(parts)) > 1 else ()
        )
    return Form("concat", chains, x, output)


def _follow_each_other(cuts: list[tuple[int, int]], channels: int) -> bool:
    """Whether pieces are all of some channels, in their order."""
    starts, ends = zip(*cuts, strict=True)
    return (*starts, channels) == (0, *ends)


def _leading_slice(chain: Chain) -> tuple[int, int] | None:
    if chain and isinstance(chain[0], Leaf) and chain[0].word == "slice" and not chain[0].label:
        start, end = (token.value for token in chain[0].tokens)
        return start, end
    return None
