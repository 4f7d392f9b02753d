"""A model without what it asserts about itself: for asking what it could do with another input."""

from __future__ import annotations

from typing import Any

from specc.ir.model import Block, BlockStep, Chain, FormStep, GroupStep, Model, SomeStep


def unchecked(model: Model) -> Model:
    """The same network without budgets and without the shapes noted behind `::`."""
    if "::" not in model.source.text:
        return model._replace(budgets=())
    return _Copy().model(model)


class _Copy:
    """A block that many steps call is copied once."""

    def __init__(self) -> None:
        self.copies: dict[int, Block] = {}

    def model(self, model: Model) -> Model:
        blocks = {name: self.block(block) for name, block in model.blocks.items()}
        return model._replace(budgets=(), blocks=blocks, chain=self.chain(model.chain))

    def block(self, block: Block) -> Block:
        if id(block) not in self.copies:
            self.copies[id(block)] = block._replace(body=self.chain(block.body))
        return self.copies[id(block)]

    def chain(self, chain: Chain) -> Chain:
        return chain._replace(steps=tuple(map(self.step, chain.steps)))

    def step(self, step: SomeStep) -> SomeStep:
        changes: dict[str, Any] = {"check": None}
        match step:
            case BlockStep():
                changes["block"] = self.block(step.block)
            case GroupStep():
                changes["body"] = self.chain(step.body)
            case FormStep():
                changes["branches"] = tuple(map(self.chain, step.branches))
                changes["shortcut_chain"] = self.chain(step.shortcut_chain) if step.shortcut_chain else None
        return step._replace(**changes)
