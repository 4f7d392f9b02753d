"""A spec as its author thinks of it: statements, steps and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Number:
    """As it is written: `3`, `0.5`, `1e-3`, `2K`."""

    text: str


@dataclass(frozen=True)
class Sized:
    """`3x5`."""

    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Name:
    """A bare word: a name in scope, `in`, `nth`, `true`, an option."""

    word: str


@dataclass(frozen=True)
class Operation:
    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Negative:
    of: Expression


@dataclass(frozen=True)
class Function:
    """`min(a, b)`."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Listed:
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Valued:
    """A layer or a block as a value, with arguments: `se(20, act=silu)`, `normal(0, 0.01)`."""

    word: str
    arguments: tuple[Argument, ...]


Expression = Number | Sized | Name | Operation | Negative | Function | Listed | Valued


@dataclass(frozen=True)
class Argument:
    """`value`, `key=value`, or with `short` `k3x5`."""

    value: Expression
    key: str | None = None
    short: bool = False


@dataclass
class Branch:
    """A chain in braces; `name` heads those of `outputs`, `start` is the label after `from`."""

    steps: list[Step]
    start: str | None = None
    name: str | None = None


@dataclass
class Step:
    """One step. A group has no word; a form or a group has branches."""

    word: str
    arguments: list[Argument] = field(default_factory=list)
    label: str | None = None
    repeat: Expression | None = None
    note: list[int | None] | None = None
    branches: list[Branch] = field(default_factory=list)
    shortcut: Branch | Literal["auto", "same"] | None = None
    frozen: bool = False  # behind the braces of a form or group
    line: int = 0  # where it was written last
    shortcut_line: int = 0


@dataclass
class Input:
    shape: tuple[int, ...]


@dataclass
class Param:
    name: str
    value: Expression


@dataclass
class Block:
    name: str
    parameters: list[tuple[str, Expression | None]]
    body: Branch


@dataclass
class Budget:
    what: str
    bound: str


@dataclass
class Train:
    settings: list[str]


@dataclass
class Chain:
    """Steps outside of all braces."""

    steps: list[Step]


Statement = Input | Param | Block | Budget | Train | Chain


@dataclass
class Spec:
    """A text, and what the caller hands over: `input` and values of `param`s."""

    statements: list[Statement]
    given: tuple[int, ...] | None = None
    overrides: dict[str, int] = field(default_factory=dict)
