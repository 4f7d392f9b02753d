"""The stages of a network: steps with a repeat that come several times along its chain, with other numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from specc.exchange.importing.families import SAVED, ClassUse, key_of
from specc.exchange.importing.forms import Chain, FoundCall, Node, Repeated, leaves
from specc.exchange.importing.repeats import repeat_of

_MOST_UNITS = 4  # in a stage
_FEWEST_USES = 3


class _Unit(NamedTuple):
    """Steps that stay together: of the chain, and as a stage writes them; how they are built."""

    part: Chain
    chain: Chain
    key: object


def stages(chain: Chain) -> list[list[ClassUse]]:
    """The uses of the stage that saves the most; none where that is too little."""
    units = list(_units(chain))
    best: list[list[_Unit]] = []
    for length in range(1, _MOST_UNITS + 1):
        for start in range(len(units) - length + 1):
            found = _alike(units, start, length)
            if _worth(found) > _worth(best) and len(found) >= _FEWEST_USES and _varies(found):
                best = found
    return [[_use(run) for run in best]] if _saved(best) >= SAVED else []


def _units(chain: Chain) -> Iterator[_Unit]:
    """A block's call and the repeat of it that follows are one; so is a repeat, in whose place others have both."""
    nodes = list(chain)
    paired = {_block(one) for one, other in pairwise(nodes) if _is_pair(one, other)}
    place = 0
    while place < len(nodes):
        node = nodes[place]
        pair = nodes[place : place + 2]
        if len(pair) > 1 and _is_pair(*pair):
            yield _unit(pair, pair)
            place += 2
            continue
        if isinstance(node, Repeated) and node.call.block in paired:
            yield _unit([node], [node.calls[0], repeat_of(node.calls[1:])])
        else:
            yield _unit([node], [node])
        place += 1


def _unit(part: list[Node], chain: list[Node]) -> _Unit:
    return _Unit(tuple(part), tuple(chain), key_of(tuple(chain)))


def _block(node: Node) -> str:
    """The block that is called; empty for anything else, and for what has a label."""
    call = node.call if isinstance(node, Repeated) else node
    return call.block if isinstance(call, FoundCall) and not call.label else ""


def _is_pair(one: Node, other: Node) -> bool:
    return (
        isinstance(one, FoundCall)
        and isinstance(other, Repeated)
        and bool(_block(one))
        and _block(one) == _block(other)
    )


def _alike(units: Sequence[_Unit], start: int, length: int) -> list[list[_Unit]]:
    """The runs of units that are built like one, which do not overlap."""
    wanted = [unit.key for unit in units[start : start + length]]
    found, place = [], start
    while place + length <= len(units):
        run = list(units[place : place + length])
        if [unit.key for unit in run] == wanted:
            found.append(run)
            place += length
        else:
            place += 1
    return found


def _saved(runs: Sequence[Sequence[_Unit]]) -> int:
    """How many steps need not be written."""
    return (len(runs) - 1) * sum(len(unit.chain) for unit in runs[0]) if runs else 0


def _worth(runs: Sequence[Sequence[_Unit]]) -> tuple[int, bool]:
    """What is saved, and whether the repeat ends the stage, as people write it."""
    return _saved(runs), bool(runs) and isinstance(runs[0][-1].chain[-1], Repeated)


def _varies(runs: Sequence[Sequence[_Unit]]) -> bool:
    """Whether there is a repeat, and not always as often."""
    counts = {tuple(node.count for unit in run for node in unit.chain if isinstance(node, Repeated)) for run in runs}
    labelled = any(getattr(node, "label", "") for run in runs for unit in run for node in unit.part)
    return len(counts) > 1 and not labelled


def _use(run: Sequence[_Unit]) -> ClassUse:
    part = tuple(node for unit in run for node in unit.part)
    chain = tuple(node for unit in run for node in unit.chain)
    return ClassUse(frozenset(id(leaf) for leaf in leaves(part)), part, chain)
