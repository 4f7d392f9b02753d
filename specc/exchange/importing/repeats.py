"""Calls that follow each other: repeats, and chances that grow from one to the next."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from specc.exchange.importing.expressions import Share, is_same
from specc.exchange.importing.forms import Chain, Form, FoundCall, Node, Repeated, leaves
from specc.exchange.importing.graph import Leaf

_FEWEST_SHARES = 3  # as many different chances are a ramp
_MOST_STEPS = 1000  # in a ramp


def collapsed(chain: Chain) -> Chain:
    """Calls of one block in a row, with the same arguments or with a share that grows by one, as one step."""
    found: list[Node] = []
    run: list[FoundCall] = []
    for node in (*chain, None):
        if isinstance(node, FoundCall) and _goes_on(run, node):
            run.append(node)
            continue
        found += [repeat_of(tuple(run))] if len(run) > 1 else run
        run = [node] if isinstance(node, FoundCall) else []
        if node is not None and not run:
            found.append(_inside(node))
    return tuple(found)


def _inside(node: Node) -> Node:
    if not isinstance(node, Form):
        return node
    return node._replace(branches=tuple(map(collapsed, node.branches)))


def _goes_on(run: list[FoundCall], call: FoundCall) -> bool:
    """Whether a call is one more of a run; an empty one has none to go on from."""
    if not run or call.block != run[0].block or run[0].label or call.label:
        return False
    changes = _changes(run[-1], call)
    if len(run) > 1 and bool(changes) != bool(_changes(run[0], run[1])):
        return False
    return not changes or (len(changes) == 1 and _grows(*changes[0]))


def _changes(one: FoundCall, other: FoundCall) -> list[tuple[Any, Any]]:
    """The arguments that two calls of a block do not share."""
    pairs = zip(one.args, other.args, strict=True)
    return [(left, right) for (_, left), (_, right) in pairs if not is_same(left, right)]


def _grows(left: Any, right: Any) -> bool:
    if not isinstance(left, Share) or not isinstance(right, Share) or not isinstance(left.part, int):
        return False
    return right == left._replace(part=left.part + 1)


def repeat_of(calls: Chain) -> Repeated:
    """Calls that `collapsed` takes together, or a single one, as a repeat."""
    first, last = calls[0], calls[-1]
    assert isinstance(first, FoundCall) and isinstance(last, FoundCall)  # noqa: S101 - nothing else is repeated
    grows = len(calls) == 1 or bool(_changes(first, last))
    args = tuple(
        (name, value._replace(part=value.part - 1, with_nth=True))
        if grows and isinstance(value, Share) and isinstance(value.part, int) and not value.with_nth
        else (name, value)
        for name, value in first.args
    )
    return Repeated(first._replace(args=args), len(calls), calls, first.input, last.output)


# stochastic depth


def with_shares(chain: Chain) -> Chain:
    """A network whose chances of stochastic depth grow evenly, with each as a share; else without those that are 0."""
    found = {token.value for leaf in leaves(chain) if leaf.word == "droppath" for token in leaf.tokens}
    ramp = _ramp(sorted(value for value in found if value))
    return tuple(_with_share(node, ramp) for node in _without_idle(chain, ramp is None))


def _ramp(chances: list[float]) -> tuple[float, float, int] | None:
    """The step, the whole and the number of steps of a ramp that chances are on; None where there is none."""
    if len(chances) < _FEWEST_SHARES:
        return None
    step = min(chances[0], *(later - earlier for earlier, later in pairwise(chances)))
    if step <= 0 or any(abs(chance / step - round(chance / step)) > 1e-3 for chance in chances):
        return None
    last = round(chances[-1] / step)
    step = chances[-1] / last
    if last > _MOST_STEPS or any(abs(chance - round(chance / step) * step) > 1e-7 for chance in chances):
        return None
    wholes = {number: step * number for number in (last, last + 1)}
    number = min(wholes, key=lambda number: len(f"{wholes[number]:.6g}"))
    return step, float(f"{wholes[number]:.6g}"), number


def _with_share(node: Node, ramp: tuple[float, float, int] | None) -> Node:
    if ramp is not None and isinstance(node, Leaf) and node.word == "droppath":
        step, whole, number = ramp
        tokens = tuple(token._replace(value=Share(whole, round(token.value / step), number)) for token in node.tokens)
        return node._replace(tokens=tokens)
    if isinstance(node, Form):
        branches = tuple(tuple(_with_share(one, ramp) for one in branch) for branch in node.branches)
        return node._replace(branches=branches)
    return node


def _without_idle(chain: Chain, drops_none: bool) -> Chain:
    """The chain without stochastic depth that never drops, unless the first of a ramp."""
    if not drops_none:
        return chain
    return tuple(
        node._replace(branches=tuple(_without_idle(branch, drops_none) for branch in node.branches))
        if isinstance(node, Form)
        else node
        for node in chain
        if not (isinstance(node, Leaf) and node.word == "droppath" and node.tokens[0].value == 0)
    )
