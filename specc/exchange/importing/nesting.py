"""A graph of operations made ready to be drawn as nested forms, and which of them lead where.

Sums of sums become one, concatenations share what they begin with, and inputs of a join that come from one place
further down become a join of their own: `concat(x, a, g(a))` as `concat { id | f -> concat { id | g } }`.
"""

from __future__ import annotations

from collections.abc import Sequence

from specc.exchange.importing.graph import Op, TracedGraph, reached

ROOT = -1  # before every operation


def nested(graph: TracedGraph) -> TracedGraph:
    return _grouped(_merged(_with_prefixes(graph)))


def dominators(ops: Sequence[Op], cuts: frozenset[int] = frozenset()) -> list[int]:
    """For each operation the nearest one before it that all ways to it lead through.

    Args: cuts, operations that ways begin at; where those to one begin at several, it is given `ROOT`.
    """
    above = [ROOT] * len(ops)
    for place, op in enumerate(ops):
        if op.inputs and place not in cuts:
            above[place] = meeting(above, op.inputs)
    return above


def postdominators(ops: Sequence[Op], result: int) -> list[int]:
    """For each operation the nearest one behind it that all ways to the result lead through."""
    last = len(ops)
    readers = readers_of(ops)
    below = [last] * (last + 1)
    for place in range(last - 1, -1, -1):
        if place != result and readers[place]:
            found = readers[place][0]
            for other in readers[place][1:]:
                found = _meet_behind(below, found, other)
            below[place] = found
    return below[:last]


def readers_of(ops: Sequence[Op]) -> list[list[int]]:
    """For each operation those that take what it gives, as often as they do."""
    readers: list[list[int]] = [[] for _ in ops]
    for place, op in enumerate(ops):
        for given in op.inputs:
            readers[given].append(place)
    return readers


def meeting(above: Sequence[int], places: Sequence[int]) -> int:
    """The nearest operation before some that all ways to each of them lead through."""
    found = places[0]
    for other in places[1:]:
        found = _meet(above, found, other)
    return found


def _meet(above: Sequence[int], left: int, right: int) -> int:
    while left != right:
        if left > right:
            left = above[left]
        else:
            right = above[right]
    return left


def _meet_behind(below: Sequence[int], left: int, right: int) -> int:
    while left != right:
        if left < right:
            left = below[left]
        else:
            right = below[right]
    return left


def _with_prefixes(graph: TracedGraph) -> TracedGraph:
    """A concatenation that begins like an earlier one takes that one's output: so dense blocks become nested ones."""
    known: dict[tuple[int, ...], int] = {}
    ops = list(graph.ops)
    for place, op in enumerate(ops):
        if op.join != "concat":
            continue
        inputs = op.inputs
        for length in range(len(inputs) - 1, 1, -1):
            if inputs[:length] in known:
                ops[place] = op._replace(inputs=(known[inputs[:length]], *inputs[length:]))
                break
        known[inputs] = place
    return TracedGraph(tuple(ops), graph.result)


def _merged(graph: TracedGraph) -> TracedGraph:
    """Sums of sums, and concatenations of concatenations, that nothing else reads, as one with more branches."""
    ops = list(graph.ops)
    readers = readers_of(ops)
    above = dominators(ops)
    for place, op in enumerate(ops):
        if op.join in ("add", "concat"):
            inputs: list[int] = []
            for given in op.inputs:
                inner = ops[given]
                alone = len(readers[given]) == 1 and given != graph.result
                # Branches that begin later than the others' place have a form of their own.
                merge = inner.join == op.join and alone and above[given] == above[place]
                inputs += inner.inputs if merge else (given,)
            ops[place] = op._replace(inputs=tuple(inputs))
    return reached(ops, graph.result)


def _grouped(graph: TracedGraph) -> TracedGraph:
    """Neighbouring inputs of a join whose ways meet later than those of all as a join of their own."""
    ops: list[Op] = []
    above: list[int] = []
    places: list[int] = []  # of the old operations among the new ones

    def add(op: Op) -> int:
        ops.append(op)
        above.append(meeting(above, op.inputs) if op.inputs else ROOT)
        return len(ops) - 1

    def joined(op: Op, inputs: tuple[int, ...]) -> int:
        parts = [run[0] if len(run) == 1 else joined(op, run) for run in _runs(above, inputs, meeting(above, inputs))]
        shapes = [ops[part].output for part in parts]
        whole = op.output if op.join == "add" else (sum(shape[0] for shape in shapes), *op.output[1:])
        return add(op._replace(inputs=tuple(parts), output=whole))

    for op in graph.ops:
        inputs = tuple(places[given] for given in op.inputs)
        places.append(joined(op, inputs) if op.join in ("add", "concat") else add(op._replace(inputs=inputs)))
    return TracedGraph(tuple(ops), places[graph.result])


def _runs(above: Sequence[int], inputs: tuple[int, ...], top: int) -> list[tuple[int, ...]]:
    """The inputs of a join, those together whose ways meet before the place where those of all meet."""
    runs: list[tuple[int, ...]] = []
    for given in inputs:
        if runs and given != top and meeting(above, (*runs[-1], given)) != top:
            runs[-1] = (*runs[-1], given)
        else:
            runs.append((given,))
    return runs if len(runs) > 1 else [(given,) for given in inputs]
