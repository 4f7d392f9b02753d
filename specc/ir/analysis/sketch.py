"""What can be drawn of a spec with holes: each stretch from a hole to the next shape that is stated is one box.

In:         a resolved model whose only errors are open holes, which stand in it as broken steps.
Out:        the shaped model of the same network with an `AskedSteps` for each stretch, up to a hole after which nothing
            says what comes out; None where that is before the first step.
Guarantees: nothing is built of it: it is for pictures.
"""

from __future__ import annotations

from typing import Any

from specc.ir.model import (
    Argument,
    Block,
    BlockStep,
    BrokenStep,
    Chain,
    FormStep,
    GroupStep,
    LayerStep,
    Model,
    SomeStep,
)
from specc.ir.names.holes import HOLE
from specc.ir.shaped import ShapedModel
from specc.ir.shapes.infer import infer
from specc.layers.base import Layer, Shape
from specc.layers.fields import field
from specc.source import Source, Span
from specc.syntax import tree


class AskedSteps(Layer):
    """What a lesson asks for"""

    keyword = "?"
    family = "hole"

    asked: str = field(positional=True, doc="the steps as they are written")
    gives: tuple[int, ...] = field(doc="what the lesson says comes out")

    def output(self, x: Shape) -> Shape:
        return self.gives


def sketch(model: Model) -> ShapedModel | None:
    """The network with its holes as boxes."""
    return infer(_Sketch(model.source).model(model))[0]


class _Sketch:
    """A block that many steps call is sketched once; None for one that cannot be."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.blocks: dict[int, Block | None] = {}

    def model(self, model: Model) -> Model:
        blocks = {name: self.block(block) or block for name, block in model.blocks.items()}
        steps, _ = self.steps(model.chain.steps)
        return model._replace(budgets=(), blocks=blocks, chain=model.chain._replace(steps=steps))

    def block(self, block: Block) -> Block | None:
        if id(block) not in self.blocks:
            body = self.chain(block.body)
            self.blocks[id(block)] = None if body is None else block._replace(body=body)
        return self.blocks[id(block)]

    def chain(self, chain: Chain) -> Chain | None:
        """A chain to its end; None where nobody knows what leaves it."""
        steps, whole = self.steps(chain.steps)
        return chain._replace(steps=steps) if whole else None

    def steps(self, steps: tuple[SomeStep, ...]) -> tuple[tuple[SomeStep, ...], bool]:
        """The steps with their gaps, up to one that has no end; and whether there is none such."""
        found: list[SomeStep] = []
        opened: SomeStep | None = None
        for step in steps:
            drawn = self.step(step) if opened is None else None
            if drawn is not None:
                found.append(drawn)
                continue
            opened = opened or step
            if step.check is not None and None not in (step.check.dims or (None,)):
                found.append(self.gap(opened.span.to(step.span), step.check))
                opened = None
        return tuple(found), opened is None

    def gap(self, span: Span, stated: tree.CheckedShape) -> LayerStep:
        """The stretch of steps that ends with this shape."""
        asked = " ".join(self.source.text[span.start : stated.span.start].split())
        arguments = Argument("asked", None, asked, span), Argument("gives", None, stated.dims, span)
        return LayerStep(span, HOLE, span, AskedSteps, arguments)

    def step(self, step: SomeStep) -> SomeStep | None:
        """A step with what is in it; None for a hole, and for what holds one that has no end."""
        changes: dict[str, Any] = {}
        match step:
            case BrokenStep():
                return None
            case BlockStep():
                changes["block"] = self.block(step.block)
            case GroupStep():
                changes["body"] = self.chain(step.body)
            case FormStep():
                branches = tuple(map(self.chain, step.branches))
                changes["branches"] = None if None in branches else branches
                if step.shortcut_chain is not None:
                    changes["shortcut_chain"] = self.chain(step.shortcut_chain)
        return None if None in changes.values() else step._replace(**changes)
