"""The resolved model: every word has its meaning, every argument its field; shapes are not known yet.

Expressions stay syntax: what depends on a block's parameters or on `in` has a value only where the block is called.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from specc.ir.opaque import Opaque
from specc.layers.base import Layer
from specc.recipe.recipe import Recipe
from specc.source import Source, Span
from specc.syntax import tree

Expression: TypeAlias = Any  # a tree.Value or None
FormWord: TypeAlias = Literal["concat", "add", "mul", "residual", "gate", "split", "outputs"]
Shortcut: TypeAlias = Literal["identity", "auto", "same", "chain"]
FORM_WORDS: tuple[FormWord, ...] = ("concat", "add", "mul", "residual", "gate", "split", "outputs")


class Node(BaseModel):
    """A resolved piece of a spec, with the place where it was written."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    span: Annotated[Span, Opaque()]


class Argument(NamedTuple):
    """A value for a field or a block's parameter: an expression, or what a flag or a shorthand says."""

    name: str
    value: tree.Value | None  # None: `constant` says it
    constant: Any
    span: Span


class Origin(NamedTuple):
    """`from label :: shape`, first in a branch: it goes on from what left that step."""

    label: tree.Word
    check: tree.CheckedShape | None
    head: Span


class Chain(Node):
    """Steps in the order written. origin: what a branch begins with in place of what arrives at its form."""

    steps: Annotated["tuple[SomeStep, ...]", Opaque()]
    origin: Annotated[Origin | None, Opaque()] = None


class BlockParameter(NamedTuple):
    name: str
    default: tree.Value | None
    span: Span


class Block(Node):
    """`block name(a, b=1) { … }`"""

    name: str
    parameters: Annotated[tuple[BlockParameter, ...], Opaque()]
    body: Annotated[Chain, Opaque()]


class Step(Node):
    """What every step has: the word as written, its label, how often it is built, what it must give.

    span covers the whole step, head only its word and arguments.
    """

    word: str
    head: Annotated[Span, Opaque()]
    label: Annotated[tree.Word | None, Opaque()] = None
    repeat: Expression = None
    check: Annotated[tree.CheckedShape | None, Opaque()] = None


class LayerStep(Step):
    layer: Annotated[type[Layer], Opaque()]
    arguments: Annotated[tuple[Argument, ...], Opaque()]


class BlockStep(Step):
    block: Annotated[Block, Opaque()]
    arguments: Annotated[tuple[Argument, ...], Opaque()]
    frozen: bool = False


class ParameterStep(Step):
    """A step whose word is a parameter that holds a layer or a block; its arguments wait for that one's fields."""

    raw: Annotated[tuple[tree.Argument, ...], Opaque()]


class GroupStep(Step):
    body: Annotated[Chain, Opaque()]
    frozen: bool = False


class FormStep(Step):
    """Branches and how their outputs are joined.

    parts: of a `split` with sizes, one for each branch; names: of the branches of `outputs`, as they are written.
    """

    form: FormWord
    parts: tuple[Expression, ...] = ()
    names: Annotated[tuple[tree.Word, ...], Opaque()] = ()
    branches: Annotated[tuple[Chain, ...], Opaque()]
    shortcut: Shortcut = "identity"
    shortcut_chain: Annotated[Chain | None, Opaque()] = None
    shortcut_span: Annotated[Span | None, Opaque()] = None
    frozen: bool = False


class BrokenStep(Step):
    """A step with an error, which is reported: what leaves it is unknown."""


SomeStep: TypeAlias = BrokenStep | LayerStep | BlockStep | ParameterStep | GroupStep | FormStep


class Doubt(NamedTuple):
    """A bare word that means one thing where a reader may take it for another."""

    message: str
    span: Span
    help: str


class Budget(NamedTuple):
    quantity: str
    bound: int | Fraction
    span: Span


class Model(BaseModel):
    """A whole spec. left_open: what it leaves to a data set, `input` or `classes`, and nothing has said."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    source: Annotated[Source, Opaque()]
    input: Annotated[tuple[int, ...] | None, Opaque()]
    input_span: Annotated[Span | None, Opaque()]
    parameters: Annotated[dict[str, Any], Opaque()]
    blocks: Annotated[dict[str, Block], Opaque()]
    chain: Annotated[Chain, Opaque()]
    budgets: Annotated[tuple[Budget, ...], Opaque()]
    recipe: Annotated[Recipe, Opaque()]
    doubts: Annotated[tuple[Doubt, ...], Opaque()]
    left_open: Annotated[frozenset[str], Opaque()] = frozenset()


Chain.model_rebuild()
