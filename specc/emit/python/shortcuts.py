"""When a residual's shortcut is the identity: `stride != 1 or in_channels != c`, where its body's strides decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.emit.python.expressions import (
    Calculation,
    Expression,
    Literal,
    counted,
    expression_of,
    text_of,
    value_of,
)
from specc.emit.python.frames import CodePlace, Strides
from specc.emit.python.layers import layer_node
from specc.emit.python.nodes import ChainNode, ItemNode
from specc.ir.model import FormStep
from specc.ir.shaped import ShapedForm, ShapedLayer
from specc.layers.base import Layer, Shape
from specc.layers.conv import Conv
from specc.layers.linear import Linear
from specc.layers.norm import BatchNorm


class Rule(NamedTuple):
    """When the body gives another shape than what arrives: where one of the pairs differs, or always.

    stride: of the projection.
    """

    stride: Any
    pairs: tuple[tuple[Expression, Expression], ...] = ()
    always: bool = False

    @property
    def differs(self) -> Expression | None:
        """None where it is always the same."""
        return _joined(self.pairs, "!=", "or") if self.pairs and not self.always else None

    @property
    def agrees(self) -> Expression | None:
        return _joined(self.pairs, "==", "and") if self.pairs and not self.always else None

    def value(self, env: Mapping[str, Any]) -> bool:
        """Whether they differ here."""
        return self.always or any(value_of(one, env) != value_of(other, env) for one, other in self.pairs)


def shortcut_rule(
    step: FormStep, node: ShapedForm, x: Shape, body: Shape, strides: Strides, env: Mapping[str, Any]
) -> Rule | None:
    """The rule of a residual by the strides of its body; None where something else is there.

    Args: body, the shape that leaves the body; strides, by what it divides sizes; env, the values of names here.
    """
    stride = _stride(strides) if body[1:] != x[1:] or None not in strides else Literal(1)
    if stride is None:
        return None
    rule = rule_of(stride, x, body, env)
    if rule.value(env) != (body != x):
        return None
    fits = step.shortcut == "same" or body == x or value_of(stride, env) == projected_stride(node)
    return rule if fits else None


def projected_stride(node: ShapedForm) -> int | tuple[int, ...]:
    """The stride of the projection that there is; 1 where there is none."""
    shortcut = dict(node.branches).get("shortcut")
    first = shortcut.steps[0][1] if shortcut is not None else None
    return first.layer.stride if isinstance(first, ShapedLayer) and isinstance(first.layer, Conv) else 1


def rule_of(stride: Expression, x: Shape, body: Shape, env: Mapping[str, Any]) -> Rule:
    """The rule for a stride. Args: as above."""
    arriving, leaving = expression_of(x[0]), expression_of(body[0])
    are_numbers = isinstance(arriving, Literal) and isinstance(leaving, Literal)
    pairs: list[tuple[Expression, Expression]] = []
    if not isinstance(stride, Literal):
        pairs.append((stride, Literal(1)))
    if not are_numbers and text_of(arriving) != text_of(leaving):
        pairs.append((arriving, leaving))
    always = (isinstance(stride, Literal) and stride.value != 1) or (are_numbers and x[0] != body[0])
    value = value_of(stride, env)
    return Rule(counted(value, stride) if type(value) is int else value, tuple(pairs), always)


def _joined(terms: tuple[tuple[Expression, Expression], ...], sign: str, word: str) -> Expression:
    first, *rest = (Calculation(sign, *term) for term in terms)
    found: Expression = first
    for term in rest:
        found = Calculation(word, found, term)
    return found


def _stride(strides: Strides) -> Expression | None:
    """The stride of a body, the same for all dimensions; None where it is not known."""
    known = {text_of(stride): stride for stride in strides if stride is not None}
    if None in strides or len(known) > 1:
        return None
    return next(iter(known.values()), Literal(1))


def projection(at: CodePlace, body: Shape, rule: Rule) -> ChainNode:
    """`conv C k1 s=S nobias -> bn` for what arrives."""
    out = expression_of(body[0])
    written: dict[str, Any] = {} if isinstance(out, Literal) else {"out": out}
    layer: Layer = Linear(out=int(body[0]), bias=False)
    if len(at.x) > 1:
        stride = tuple(map(int, rule.stride)) if isinstance(rule.stride, tuple) else int(rule.stride)
        layer = Conv(out=int(body[0]), kernel=1, stride=stride, bias=False)
        if not isinstance(expression_of(rule.stride), Literal):
            written["stride"] = expression_of(rule.stride)
    items = [("linear1" if len(at.x) == 1 else "conv1", layer_node(layer, written, at.x, ""))]
    items.append(("bn1", layer_node(BatchNorm(), {}, body, "")))
    return ChainNode(tuple(ItemNode(name, one) for name, one in items), False, "")
