"""Activations that a model spells out, as the words that the language has for them.

`x * F.relu6(x + 3) / 6` is `hardswish`, `x * torch.sigmoid(x)` is `silu`, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

from specc.exchange.importing.graph import Leaf, Op, TracedGraph, reached
from specc.exchange.importing.steps import step

_GATED = {"sigmoid": "silu", "hardsigmoid": "hardswish"}


def with_idioms(graph: TracedGraph) -> TracedGraph:
    """The graph with one operation where several spell an activation out."""
    ops: list[Op] = []
    for op in graph.ops:
        ops.append(op)
        ops[-1] = _gated(ops, op) or _scaled(ops, op) or op
    return reached(ops, graph.result)


def _word(op: Op) -> str:
    return op.step.word if op.step is not None else op.join


def _value(op: Op) -> float:
    return next((float(token.value) for token in op.step.tokens if token.name == "value"), 0.0) if op.step else 0.0


def _activation(word: str, source: int, op: Op, ops: Sequence[Op], owner: Leaf | None) -> Op:
    leaf = step(word, ops[source].output, owners=owner.owners if owner is not None else ())
    return op._replace(inputs=(source,), step=leaf, join="")


def _gated(ops: Sequence[Op], op: Op) -> Op | None:
    """A product of a tensor with an activation of it."""
    if op.join != "mul" or len(op.inputs) != 2:
        return None
    for x, factor in (op.inputs, op.inputs[::-1]):
        gate = ops[factor]
        if gate.inputs == (x,) and _word(gate) in _GATED:
            return _activation(_GATED[_word(gate)], x, op, ops, gate.step)
        softplus = ops[gate.inputs[0]] if _word(gate) == "tanh" else gate
        if _word(softplus) == "softplus" and softplus is not gate and softplus.inputs == (x,) and _is_plain(softplus):
            return _activation("mish", x, op, ops, gate.step)
    return None


def _is_plain(op: Op) -> bool:
    return op.step is not None and all(token.value == token.default for token in op.step.tokens)


def _scaled(ops: Sequence[Op], op: Op) -> Op | None:
    """A sixth of what `relu6` gives of a tensor and three, alone or times the tensor."""
    if _word(op) != "scale" or not isclose(_value(op), 1 / 6, rel_tol=1e-6):
        return None
    given = ops[op.inputs[0]]
    if (x := _of_three(ops, op.inputs[0])) is not None:
        return _activation("hardsigmoid", x, op, ops, op.step)
    if given.join == "mul" and len(given.inputs) == 2:
        for x, factor in (given.inputs, given.inputs[::-1]):
            if _of_three(ops, factor) == x:
                return _activation("hardswish", x, op, ops, op.step)
    return None


def _of_three(ops: Sequence[Op], place: int) -> int | None:
    """Where `relu6(x + 3)` has its x."""
    if _word(ops[place]) != "relu6":
        return None
    shifted = ops[ops[place].inputs[0]]
    return shifted.inputs[0] if _word(shifted) == "shift" and _value(shifted) == 3 else None
