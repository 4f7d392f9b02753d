"""What the code of a network is made of.

A node comes in two states. As read from a spec it holds plain values. After `unify` it stands for all uses of a block
at once, and each value that could differ is a `Column`: one value for each use.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias


class Missing:
    """The value in a column for a use that lacks the step: any other value will do in its place."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()
REQUIRED: Any = Missing()


class UseColumn(NamedTuple):
    """A value for each use of a block."""

    values: tuple[Any, ...]

    @property
    def known(self) -> list[Any]:
        return [value for value in self.values if value is not MISSING]

    @property
    def is_constant(self) -> bool:
        known = self.known
        return all(same(value, known[0]) for value in known)


def same(left: Any, right: Any) -> bool:
    """Equal and of one type: True is not 1 here."""
    return type(left) is type(right) and bool(left == right)


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
    """What is done to a layer after it is made: `fill` by a function of nn.init, `values` written out, `freeze`."""

    kind: Literal["fill", "values", "freeze"]
    tensor: str
    name: str = ""
    args: tuple[tuple[str, Any], ...] = ()
    values: Any = None

    @property
    def is_random(self) -> bool:
        """Whether it draws numbers, so that its place among the layers matters."""
        return self.kind == "fill" and self.name not in ("zeros", "ones", "constant", "dirac")


class LayerNode(NamedTuple):
    """A layer. function: how it is written without a module, None where it holds weights; like: the kept step whose
    size it takes when it is called, or empty: then it is always written as a function."""

    module: CodeNode
    function: CodeNode | None
    settings: tuple[SettingNode, ...]
    begins: bool  # whether a new statement begins with it, for it is more than a touch to what went before
    output: tuple[Any, ...]
    like: str = ""


class CallNode(NamedTuple):
    """A class of the program with its arguments by name; `key` is the class's; borrows: what is handed to its
    `forward` beside x."""

    key: int
    args: tuple[tuple[str, Any], ...]
    frozen: bool
    output: tuple[Any, ...]
    borrows: tuple[str, ...] = ()


class ItemNode(NamedTuple):
    """Steps that are alike and follow each other: `conv1`, or `basic2` up to and without `basic{stop}`.

    number: None for a label without one. present: a column of booleans where some uses lack the step.
    """

    prefix: str
    number: int | None
    stop: Any
    node: Node
    present: UseColumn | None = None

    @property
    def name(self) -> str:
        return self.prefix + ("" if self.number is None else str(self.number))


class ChainNode(NamedTuple):
    """keeps: the steps from which branches go on, by their names; borrows: those outside of the chain."""

    items: tuple[ItemNode, ...]
    frozen: bool
    output: tuple[Any, ...]
    keeps: tuple[str, ...] = ()
    borrows: tuple[str, ...] = ()


class FormNode(NamedTuple):
    """Branches by name, None for the input itself.

    joined: how they are joined, a column where only some uses add the input. present: for a residual, a column of
    booleans where only some uses have a shortcut of their own. parts: of a `split` that is not even. origins: the kept
    steps that branches go on from, by the branch.
    """

    form: str
    joined: Any
    branches: tuple[tuple[str, ChainNode | CallNode | None], ...]
    frozen: bool
    output: tuple[Any, ...]
    present: UseColumn | None = None
    parts: tuple[int, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


Node: TypeAlias = LayerNode | CallNode | ChainNode | FormNode
