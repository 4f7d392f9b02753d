"""Two networks beside each other: which layers they share, which weights of one fit the other.

In:         two shaped models.
Out:        their rows in one sequence, paired where they correspond; their tensors by name and shape.
Guarantees: a layer that was put in moves no other: rows are matched by what they are, not by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from math import prod
from typing import Literal, NamedTuple, TypeAlias

from specc.ir.shaped import Row, ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.layers.base import Shape, written

Change: TypeAlias = Literal["same", "changed", "removed", "added"]
MOST_MATCHED = 20_000  # rows: beyond it matching takes too long, and rows are paired in order
# How a node was written, and what follows from the rest of it; its children are looked at one by one.
NOT_COMPARED = frozenset(("span", "word", "values", "costs", "steps", "branches"))


class RowPair(NamedTuple):
    """A row of each network; None where one has no counterpart."""

    change: Change
    first: Row | None
    second: Row | None


class WeightsMoved(NamedTuple):
    """What becomes of the first network's tensors in the second, by name.

    carried: there with the same shape; reshaped: there with another one; the rest is in one network only.
    """

    carried: dict[str, Shape]
    reshaped: dict[str, tuple[Shape, Shape]]
    only_first: dict[str, Shape]
    only_second: dict[str, Shape]

    @property
    def carried_parameters(self) -> int:
        return sum(map(prod, self.carried.values()))


def compare_rows(first: ShapedModel, second: ShapedModel) -> list[RowPair]:
    """The rows of both, in order."""
    ours, theirs = list(first.rows()), list(second.rows())
    if len(ours) + len(theirs) > MOST_MATCHED:
        return list(_paired(ours, theirs))
    matcher = SequenceMatcher(None, [_what(row) for row in ours], [_what(row) for row in theirs], autojunk=False)
    pairs: list[RowPair] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            pairs += [RowPair("same", a, b) for a, b in zip(ours[i1:i2], theirs[j1:j2], strict=True)]
        else:
            pairs += _paired(ours[i1:i2], theirs[j1:j2])
    return pairs


def compare_weights(first: ShapedModel, second: ShapedModel) -> WeightsMoved:
    """The tensors of both, as `load_state_dict` would match them."""
    ours, theirs = dict(_tensors(first.chain, "")), dict(_tensors(second.chain, ""))
    shared = {name: (shape, theirs[name]) for name, shape in ours.items() if name in theirs}
    return WeightsMoved(
        carried={name: shape for name, (shape, other) in shared.items() if shape == other},
        reshaped={name: shapes for name, shapes in shared.items() if shapes[0] != shapes[1]},
        only_first={name: shape for name, shape in ours.items() if name not in shared},
        only_second={name: shape for name, shape in theirs.items() if name not in shared},
    )


def _what(row: Row) -> tuple[object, ...]:
    """What makes two rows the same, whatever they are called and wherever they are written."""
    return row.kind, row.input, written(row.output), row.params, row.macs


def _paired(ours: Sequence[Row], theirs: Sequence[Row]) -> Iterator[RowPair]:
    """Rows of one kind in the same order count as changed, the others as removed and added."""
    if len(ours) + len(theirs) > MOST_MATCHED:
        yield from (_pair(a, b) for a, b in zip_longest(ours, theirs))
        return
    matcher = SequenceMatcher(None, [row.kind for row in ours], [row.kind for row in theirs], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            yield from map(_pair, ours[i1:i2], theirs[j1:j2])
        else:
            yield from (RowPair("removed", row, None) for row in ours[i1:i2])
            yield from (RowPair("added", None, row) for row in theirs[j1:j2])


def _pair(first: Row | None, second: Row | None) -> RowPair:
    if first is None or second is None:
        return RowPair("added" if first is None else "removed", first, second)
    return RowPair("same" if _what(first) == _what(second) else "changed", first, second)


def _tensors(node: SomeShaped, name: str) -> Iterator[tuple[str, Shape]]:
    prefix = f"{name}." if name else ""
    if not isinstance(node, ShapedLayer):
        for child_name, child in _children(node):
            if child is not None:
                yield from _tensors(child, prefix + child_name)
        return
    for tensor, shape in node.layer.weights(node.input).items():
        yield prefix + tensor, shape


def same_network(first: ShapedModel, second: ShapedModel) -> bool:
    """Whether two specs are built into the same layers under the same names, however each is written."""
    return _same(first.chain, second.chain, set())


def _same(first: SomeShaped, second: SomeShaped, equal: set[tuple[int, int]]) -> bool:
    """Args: equal, the pairs of nodes that are known to be: a block that is called twice alike is looked at once."""
    pair = (id(first), id(second))
    if pair in equal:
        return True
    if type(first) is not type(second) or any(
        getattr(first, name) != getattr(second, name) for name in set(first._fields) - NOT_COMPARED
    ):
        return False
    ours, theirs = _children(first), _children(second)
    if [name for name, _ in ours] != [name for name, _ in theirs]:
        return False
    for (_, a), (_, b) in zip(ours, theirs, strict=True):
        if a is not b and (a is None or b is None or not _same(a, b, equal)):
            return False
    equal.add(pair)
    return True


def _children(node: SomeShaped) -> Sequence[tuple[str, SomeShaped | None]]:
    if isinstance(node, ShapedChain):
        return node.steps
    return node.branches if isinstance(node, ShapedForm) else ()
