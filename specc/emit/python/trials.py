"""Uses of a program's classes that its spec does not have: what a class is tried with before its file is kept.

A trial is a block with one other argument, or with other channels arriving, that the checker accepts. The class is
right for it where its module is what `build` makes of the block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.emit.python.calls import Program
from specc.emit.python.factories import Made
from specc.emit.python.frames import default_of
from specc.ir.model import Argument, Block, BlockStep, Chain, Model
from specc.ir.names.scope import as_torch
from specc.ir.shaped import ShapedChain, ShapedModel
from specc.ir.shapes.infer import infer
from specc.layers.base import Shape

MOST = 2  # trials of a class
MOST_PARAMETERS = 10**8


class ClassTrial(NamedTuple):
    """A class with arguments, and the network of this one block."""

    name: str
    arguments: dict[str, Any]
    model: ShapedModel


def trials_of(program: Program) -> Iterator[ClassTrial]:
    """Some for each class that is a block's, and that needs no modules to be made for it."""
    counts: dict[int, int] = {}
    for made, block, node in tuple(program.uses):
        if not _stands_alone(made, block, node):
            continue
        for values, input in _others(made, node):
            if counts.get(id(made.draft), 0) >= MOST:
                break
            trial = _trial(program, made, block, values, input)
            if trial is not None:
                counts[id(made.draft)] = counts.get(id(made.draft), 0) + 1
                yield trial


def _stands_alone(made: Made, block: Block, node: ShapedChain) -> bool:
    """Whether a use gives no layer: what makes it could not be handed over."""
    values = dict(node.values)
    for parameter in block.parameters:
        own = made.draft.parameters.get(made.frame.words.get(parameter.name, ""))
        if own is not None and own.is_layer:
            default, is_constant = default_of(parameter.default, made.frame.scope)
            if own.default is None or not is_constant or default != values[parameter.name]:
                return False
    return True


def _others(made: Made, node: ShapedChain) -> Iterator[tuple[dict[str, Any], Shape]]:
    """Other values of the parameters and other channels, one at a time."""
    values = dict(node.values)
    if made.frame.arriving.text in made.draft.parameters:
        for channels in (2 * node.input[0], node.input[0] + 8, node.input[0] // 2):
            if channels:
                yield values, (channels, *node.input[1:])
    for name, value in values.items():
        if type(value) is int and made.frame.words.get(name) in made.draft.parameters:
            yield from ((values | {name: other}, node.input) for other in (2 * value, value + 1, value // 2) if other)


def _trial(program: Program, made: Made, block: Block, values: dict[str, Any], input: Shape) -> ClassTrial | None:
    """The trial; None where the checker refuses it, or where it is another class's to make."""
    model = _alone(program.model, block, values, input)
    shaped, problems = infer(model)
    if shaped is None or problems or shaped.params > MOST_PARAMETERS:
        return None
    inner = shaped.chain.steps[0][1]
    assert isinstance(inner, ShapedChain)  # noqa: S101 - the block's
    other = program.block(block, inner)
    if other.draft is not made.draft:
        return None
    given = {made.frame.arriving.text: input[0]}
    given |= {made.frame.words[name]: as_torch(value) for name, value in values.items() if name in made.frame.words}
    given |= {name.text: value for name, value in other.frame.asked.values()}
    own = made.draft.parameters
    arguments = {name: value for name, value in given.items() if name in own and not own[name].is_layer}
    return ClassTrial(made.draft.name, arguments, shaped)


def _alone(model: Model, block: Block, values: dict[str, Any], input: Shape) -> Model:
    """A network of one block."""
    arguments = tuple(Argument(name, None, value, block.span) for name, value in values.items())
    step = BlockStep(block.span, block.name, block.span, block, arguments)
    return model._replace(input=input, chain=Chain(block.span, (step,)), budgets=())
