"""Blocks found in flat code: steps in a row that come several times, with other numbers, and have no class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from specc.exchange.importing.families import key_of
from specc.exchange.importing.forms import Chain, Form, FoundCall, FromLabel, Node, Repeated, leaves
from specc.exchange.importing.graph import Leaf

_MOST_NODES = 8  # in a row
_FEWEST_STEPS = 3  # of a block, calls of others not counted
_SAVED = 10  # as many steps have to be saved,
_SAVED_IN_A_ROW = 15  # or more where there are no branches: those are easily read


def alike(chain: Chain) -> list[Chain]:
    """The parts of a network that one block says, those of the block that saves the most; none where that is little."""
    found: dict[tuple[object, ...], list[tuple[int, int, Chain]]] = defaultdict(list)
    for number, nodes in enumerate(_chains(chain)):
        keys = [_key(node) for node in nodes]
        for length in range(1, _MOST_NODES + 1):
            for start in range(len(nodes) - length + 1):
                uses, key = found[tuple(keys[start : start + length])], (number, start)
                overlaps = bool(uses) and uses[-1][0] == number and start < uses[-1][1] + length
                if not overlaps and _is_whole(nodes[start : start + length]):
                    uses.append((*key, nodes[start : start + length]))
    best = max(found.values(), key=_worth, default=[])
    branched = bool(best) and any(isinstance(node, Form) for node in best[0][2])
    pays = bool(best) and _saved(best) >= (_SAVED if branched else _SAVED_IN_A_ROW)
    return [part for *_, part in best] if pays else []


def _chains(chain: Chain) -> Iterator[Chain]:
    """A chain and those in its branches."""
    yield chain
    for node in chain:
        if isinstance(node, Form):
            for branch in node.branches:
                yield from _chains(branch)


def _key(node: Node) -> object:
    return key_of((node if isinstance(node, FromLabel) else node._replace(label=""),))


def _is_whole(part: Chain) -> bool:
    """Whether steps begin with what has weights or branches, and end before such a one, as people cut them."""
    first = part[0]
    begins = isinstance(first, Form) or (isinstance(first, Leaf) and bool(first.weights))
    return begins and not any(isinstance(node, FromLabel) or node.label for node in part[:-1])


def _worth(uses: Sequence[tuple[int, int, Chain]]) -> tuple[int, int]:
    """How many steps are said once, and how many of them no repeat would save either."""
    steps = _steps(uses[0][2]) if uses else 0
    return ((len(uses) - 1) * steps, _saved(uses)) if steps >= _FEWEST_STEPS else (0, 0)


def _saved(uses: Sequence[tuple[int, int, Chain]]) -> int:
    """How many steps need not be written, repeats apart."""
    return _steps(uses[0][2]) * sum(not _repeats(one, other) for one, other in pairwise(uses))


def _repeats(one: tuple[int, int, Chain], other: tuple[int, int, Chain]) -> bool:
    """Whether a part comes again at once."""
    follows = one[0] == other[0] and one[1] + len(one[2]) == other[1]
    return follows and _written(one[2]) == _written(other[2])


def _written(part: Chain) -> list[object]:
    return [(leaf.word, *(token.value for token in leaf.tokens)) for leaf in leaves(part)]


def _steps(part: Chain) -> int:
    """As many steps are written."""
    count = 0
    for node in part:
        if isinstance(node, Form):
            count += 1 + sum(map(_steps, node.branches))
        elif not isinstance(node, FoundCall | Repeated | FromLabel):
            count += 1
    return count
