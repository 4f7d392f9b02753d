"""What the code of a class is made of: a layer, a call of another class, a chain, a form.

A value in a node is plain, or an expression of the class's parameters (`expressions.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from specc.emit.python.expressions import Expression, Name

if TYPE_CHECKING:
    from specc.emit.python.drafts import ClassDraft


class Missing:
    """No value: the argument has to be written."""


REQUIRED: Any = Missing()


class Arg(NamedTuple):
    """An argument of a call. name: torch's; by_name: whether it is written as `name=value`."""

    name: str
    value: Any
    default: Any = REQUIRED
    by_name: bool = True


class CodeNode(NamedTuple):
    """A call: a module's constructor, or a function whose first argument is x.

    kind: `call` for `name(x, …)`, `template` for code with `{x}` and the arguments in it: `{x}[:, {start}:{end}]`.
    """

    name: str
    args: tuple[Arg, ...] = ()
    kind: Literal["call", "template"] = "call"


class SettingNode(NamedTuple):
    """What is done to a layer after it is made: `fill` by a function of nn.init, `first`, which so fills as many
    filters as channels arrive, `values` written out, `freeze`."""

    kind: Literal["fill", "first", "values", "freeze"]
    tensor: str
    name: str = ""
    args: tuple[tuple[str, Any], ...] = ()
    values: Any = None


class LayerNode(NamedTuple):
    """A layer. function: how it is written without a module, None where it holds weights; told: the shape that leaves;
    like: the kept step whose size it takes when it is called, or empty: then it is always written as a function."""

    module: CodeNode
    function: CodeNode | None
    settings: tuple[SettingNode, ...]
    begins: bool  # whether a new statement begins with it, for it is more than a touch to what went before
    told: str
    like: str = ""


class CallNode(NamedTuple):
    """A class of the program with what its parameters may be given; borrows: what is handed to its `forward`
    beside x; variable: the name of the module where its channels are asked for."""

    target: ClassDraft
    given: tuple[tuple[str, Any], ...]
    frozen: bool
    told: str
    borrows: tuple[str, ...] = ()
    variable: str = ""


class MadeNode(NamedTuple):
    """A module that a parameter makes. variable: as above."""

    factory: Name
    args: tuple[tuple[str, Any], ...]
    begins: bool
    told: str
    variable: str = ""


class FactoryNode(NamedTuple):
    """A layer or a block as an argument: what makes a module. parameters: what it will be given; fields: whether
    fields of a layer are among them, which torch calls otherwise."""

    parameters: tuple[str, ...]
    made: LayerNode | CallNode
    fields: bool = False


class Carried(NamedTuple):
    """A variable for the channels that arrive at each repeat: what it begins with, and what it becomes."""

    variable: str
    begins: Expression
    becomes: Expression


class ItemNode(NamedTuple):
    """A step, or steps that are alike and follow each other: `basic2` up to and without `basic{stop}`.

    number: a number or an expression, None for a step whose name is the prefix. stop: the same, None for a single step.
    """

    prefix: str
    node: Node
    number: Any = None
    stop: Any = None
    carried: Carried | None = None


class ChainNode(NamedTuple):
    """keeps: the steps from which branches go on, by their names; borrows: those outside of the chain."""

    items: tuple[ItemNode, ...]
    frozen: bool
    told: str
    keeps: tuple[str, ...] = ()
    borrows: tuple[str, ...] = ()


class FormNode(NamedTuple):
    """Branches by name, None for the input itself.

    joined: how they are joined. adds: of a residual that may be its body alone, when the input is added. present: when
    a residual has a shortcut of its own, None for always. parts: of a `split` that is not even. origins: the kept
    steps that branches go on from, by the branch.
    """

    form: str
    joined: str
    branches: tuple[tuple[str, ChainNode | CallNode | None], ...]
    frozen: bool
    told: str
    adds: Expression | None = None
    present: Expression | None = None
    parts: tuple[Any, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


Node: TypeAlias = LayerNode | CallNode | MadeNode | ChainNode | FormNode
