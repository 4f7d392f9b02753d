"""The resolved model: every word has its meaning, every argument its field; shapes are not known yet.

Expressions stay syntax: what depends on a block's parameters or on `in` has a value only where the block is called.
"""

# No `from __future__ import annotations` here: each field would be compiled out of a text at each start.

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from specc.layers.base import Layer
from specc.source import Source, Span
from specc.syntax import tree

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe

Expression: TypeAlias = Any  # a tree.Value or None
FormWord: TypeAlias = Literal["concat", "add", "mul", "residual", "gate", "split", "outputs"]
Shortcut: TypeAlias = Literal["identity", "auto", "same", "chain"]
FORM_WORDS: tuple[FormWord, ...] = ("concat", "add", "mul", "residual", "gate", "split", "outputs")


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


class Chain(NamedTuple):
    """Steps in the order written. origin: what a branch begins with in place of what arrives at its form."""

    span: Span
    steps: "tuple[SomeStep, ...]"
    origin: Origin | None = None


class BlockParameter(NamedTuple):
    name: str
    default: tree.Value | None
    span: Span


class Block(NamedTuple):
    """`block name(a, b=1) { … }`"""

    span: Span
    name: str
    parameters: tuple[BlockParameter, ...]
    body: Chain


# What every step has: span covers the whole of it, head only its word and arguments; the label that stands before it,
# how often it is built, what it must give.


class LayerStep(NamedTuple):
    span: Span
    word: str
    head: Span
    layer: type[Layer]
    arguments: tuple[Argument, ...]
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None


class BlockStep(NamedTuple):
    span: Span
    word: str
    head: Span
    block: Block
    arguments: tuple[Argument, ...]
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None
    frozen: bool = False


class ParameterStep(NamedTuple):
    """A step whose word is a parameter that holds a layer or a block; its arguments wait for that one's fields."""

    span: Span
    word: str
    head: Span
    raw: tuple[tree.Argument, ...]
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None


class GroupStep(NamedTuple):
    span: Span
    word: str
    head: Span
    body: Chain
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None
    frozen: bool = False


class FormStep(NamedTuple):
    """Branches and how their outputs are joined.

    parts: of a `split` with sizes, one for each branch; names: of the branches of `outputs`, as they are written.
    """

    span: Span
    word: str
    head: Span
    form: FormWord
    branches: tuple[Chain, ...]
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None
    parts: tuple[Expression, ...] = ()
    names: tuple[tree.Word, ...] = ()
    shortcut: Shortcut = "identity"
    shortcut_chain: Chain | None = None
    shortcut_span: Span | None = None
    frozen: bool = False

    @property
    def branch_names(self) -> list[str]:
        """What the modules of its branches are called; a shortcut is none of them."""
        if self.form == "outputs":
            return [name.text for name in self.names]
        if self.form == "residual":
            return ["body"]
        return [f"branch{number}" for number in range(1, len(self.branches) + 1)]


class BrokenStep(NamedTuple):
    """A step with an error, which is reported: what leaves it is unknown."""

    span: Span
    word: str
    head: Span
    label: tree.Word | None = None
    repeat: Expression = None
    check: tree.CheckedShape | None = None


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


class Model(NamedTuple):
    """A whole spec.

    trained:   what `train { }` says; None for a spec without one, which is checked without any of the recipe's code.
    left_open: what it leaves to a data set, `input` or `classes`, and nothing has said.
    """

    source: Source
    input: tuple[int, ...] | None
    input_span: Span | None
    parameters: dict[str, Any]
    blocks: dict[str, Block]
    chain: Chain
    budgets: tuple[Budget, ...]
    trained: "Recipe | None"
    doubts: tuple[Doubt, ...]
    left_open: frozenset[str] = frozenset()
    written: dict[str, tree.Value] = {}  # noqa: RUF012 - of the `param`s that nothing overrides, by name

    @property
    def recipe(self) -> "Recipe":
        """What `train { }` says, and the defaults of what it does not say."""
        return recipe_of(self.trained)


def recipe_of(trained: "Recipe | None") -> "Recipe":
    """The recipe of a spec, the one of defaults where it has none."""
    from specc.recipe.recipe import Recipe

    return trained or Recipe.model_construct()
