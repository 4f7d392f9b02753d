"""The resolved model: every word has its meaning, every argument its field; shapes are not known yet.

Expressions stay syntax: what depends on a block's parameters or on `in` has a value only where the block is called.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, InstanceOf, SkipValidation

from specc.ir.recipe import Recipe
from specc.layers.base import Layer
from specc.source import Source, Span
from specc.syntax import tree

Expression: TypeAlias = Annotated[Any, SkipValidation]  # a tree.Value; pydantic would copy the tuples it knows
FormWord: TypeAlias = Literal["concat", "add", "mul", "residual", "gate", "split"]
FORM_WORDS: tuple[FormWord, ...] = ("concat", "add", "mul", "residual", "gate", "split")


class Node(BaseModel):
    """A resolved piece of a spec, with the place where it was written."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    span: InstanceOf[Span]


class Argument(NamedTuple):
    """A value for a field or a block's parameter: an expression, or what a flag or a shorthand says."""

    name: str
    value: tree.Value | None  # None: `constant` says it
    constant: Any
    span: Span


class Chain(Node):
    """Steps in the order written."""

    steps: tuple[SomeStep, ...]


class BlockParameter(NamedTuple):
    name: str
    default: tree.Value | None
    span: Span


class Block(Node):
    """`block name(a, b=1) { … }`"""

    name: str
    parameters: Annotated[tuple[BlockParameter, ...], SkipValidation]
    body: Chain


class Step(Node):
    """What every step has: the word as written, its label, how often it is built, what it must give.

    span covers the whole step, head only its word and arguments.
    """

    word: str
    head: InstanceOf[Span]
    label: InstanceOf[tree.Word] | None = None
    repeat: Expression = None
    check: InstanceOf[tree.CheckedShape] | None = None


class LayerStep(Step):
    layer: type[Layer]
    arguments: Annotated[tuple[Argument, ...], SkipValidation]


class BlockStep(Step):
    block: Block
    arguments: Annotated[tuple[Argument, ...], SkipValidation]
    frozen: bool = False


class ParameterStep(Step):
    """A step whose word is a parameter that holds a layer or a block; its arguments wait for that one's fields."""

    raw: Annotated[tuple[tree.Argument, ...], SkipValidation]


class GroupStep(Step):
    body: Chain
    frozen: bool = False


class FormStep(Step):
    """Branches and how their outputs are joined."""

    form: FormWord
    branches: tuple[Chain, ...]
    shortcut: Literal["identity", "auto", "same", "chain"] = "identity"
    shortcut_chain: Chain | None = None
    shortcut_span: InstanceOf[Span] | None = None
    frozen: bool = False


class BrokenStep(Step):
    """A step with an error, which is reported: what leaves it is unknown."""


SomeStep: TypeAlias = BrokenStep | LayerStep | BlockStep | ParameterStep | GroupStep | FormStep


class Budget(NamedTuple):
    quantity: str
    bound: float
    span: Span


class Model(BaseModel):
    """A whole spec."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    source: InstanceOf[Source]
    input: Annotated[tuple[int, ...] | None, SkipValidation]
    input_span: InstanceOf[Span] | None
    parameters: Annotated[dict[str, Any], SkipValidation]
    blocks: Annotated[dict[str, Block], SkipValidation]
    chain: Chain
    budgets: Annotated[tuple[Budget, ...], SkipValidation]
    recipe: Recipe


for _cls in (Chain, Block, BlockStep, GroupStep, FormStep):
    _cls.model_rebuild()
