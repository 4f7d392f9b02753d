"""Steps whose arguments grow evenly from one to the next, such as the layers of a dense block, as a loop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from specc.emit.python.nodes import CallNode, ItemNode

LEAST = 3  # fewer are written one by one


class Progression(NamedTuple):
    """`prefix{start}` up to and without `prefix{stop}`. node: the last one; its first arguments are in `first`.

    steps: what each argument grows by.
    """

    prefix: str
    start: int
    stop: int
    node: CallNode
    steps: dict[str, int]


def with_progressions(items: tuple[ItemNode, ...]) -> list[ItemNode | Progression]:
    """A class's items, those that progress taken together."""
    found: list[ItemNode | Progression] = []
    place = 0
    while place < len(items):
        run = list(_run(items, place))
        if len(run) >= LEAST:
            found.append(_progression(run))
        else:
            found.append(items[place])
        place += len(run) if len(run) >= LEAST else 1
    return found


def _run(items: tuple[ItemNode, ...], place: int) -> Iterator[ItemNode]:
    """As many items from a place on as progress evenly."""
    first = items[place]
    yield first
    steps: dict[str, int] | None = None
    for before, item in pairwise(islice(items, place, None)):
        found = _steps(before, item)
        if found is None or not _single(first) or (steps is not None and found != steps):
            return
        steps = found
        yield item


def _single(item: ItemNode) -> bool:
    return item.number is not None and item.stop.known[0] == item.number + 1


def _steps(before: ItemNode, item: ItemNode) -> dict[str, int] | None:
    """What each argument grows by; None where the two do not belong together."""
    if not (isinstance(before.node, CallNode) and isinstance(item.node, CallNode)):
        return None
    if before.node.key != item.node.key or before.prefix != item.prefix or before.present or item.present:
        return None
    if before.number is None or item.number != before.number + 1 or not _single(item):
        return None
    if before.node.frozen or item.node.frozen:
        return None
    steps = {}
    for (name, mine), (_, its) in zip(before.node.args, item.node.args, strict=True):
        if not (mine.is_constant and its.is_constant):
            return None
        left, right = mine.known[0], its.known[0]
        if type(left) is int and type(right) is int:
            steps[name] = right - left
        elif left == right:
            steps[name] = 0
        else:
            return None
    return steps


def _progression(run: list[ItemNode]) -> Progression:
    first, last = run[0], run[-1]
    node, ending = first.node, last.node
    assert isinstance(node, CallNode) and isinstance(ending, CallNode)  # noqa: S101 - `_steps` looked
    assert first.number is not None and last.number is not None  # noqa: S101 - the same
    steps = _steps(first, run[1])
    assert steps is not None  # noqa: S101 - the same
    return Progression(first.prefix, first.number, last.number + 1, node._replace(output=ending.output), steps)
