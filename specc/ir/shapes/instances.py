"""Arguments in, values and layers out, where everything in their expressions is known.

Part of `ir.infer`: what is wrong is reported; a layer with the same values is one object.
"""

from __future__ import annotations

from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.ir.model import Argument
from specc.ir.names.instantiate import WrongValue, instantiate
from specc.ir.names.scope import NotYet, Scope
from specc.ir.names.values import evaluate
from specc.ir.shaped import From, ShapedLayer
from specc.ir.shapes.findings import Findings
from specc.ir.shapes.joining import shape_layer
from specc.layers.base import Layer, Shape
from specc.source import Span


class Instances:
    """The layers that were made so far."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._known: dict[tuple[Any, ...], Layer] = {}
        self._shaped: dict[tuple[int, Shape, From | None], ShapedLayer] = {}  # by the layer's identity, which is kept
        self._kept: list[Layer] = []

    def values(self, arguments: tuple[Argument, ...], scope: Scope) -> dict[str, Any] | None:
        """The arguments' values by field; None where one has none (reported, or hidden by an earlier error)."""
        try:
            return {
                argument.name: argument.constant if argument.value is None else evaluate(argument.value, scope)
                for argument in arguments
            }
        except NotYet:
            return None
        except Problem as problem:
            self.findings.tell(problem.diagnostic)
            return None

    def layer(self, cls: type[Layer], arguments: tuple[Argument, ...], scope: Scope) -> Layer | None:
        values = self.values(arguments, scope)
        if values is None:
            return None
        key = cls, *values.items(), *map(type, values.values())  # true is 1 to Python
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            layer = instantiate(cls, values)
        except WrongValue as error:
            span = next(argument.span for argument in arguments if argument.name == error.field)
            self.findings.tell(error.diagnostic._replace(span=span))
            return None
        self._known[key] = layer
        return layer

    def shaped(self, layer: Layer, word: str, span: Span, x: Shape, like: From | None) -> ShapedLayer:
        """A layer on a known shape, which is worked out once. Raises: ShapeError."""
        key = id(layer), x, like
        known = self._shaped.get(key)
        if known is None:
            known = self._shaped[key] = shape_layer(layer, word, span, x, like)
            self._kept.append(layer)
        return ShapedLayer(word, span, x, known.output, known.costs, layer, like)
