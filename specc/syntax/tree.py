"""The located syntax tree: what was written, with every piece's place, and no meaning yet.

A node knows no layer, no parameter and no shape; `ir.resolve` gives words their meaning. An item that could not be read
is an error node, apart from the others: its error is reported already, and only an editor looks at it.
"""

# No `from __future__ import annotations` here: each field would be compiled out of a text at each start.

from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias

from specc.source import Span


class Word(NamedTuple):
    """A name, a flag, a shorthand such as `k3` or an option word: which one, the resolver decides."""

    text: str
    span: Span


class Number(NamedTuple):
    value: int | Fraction
    span: Span


class SizeLiteral(NamedTuple):
    """`3x32x32`"""

    dims: tuple[int, ...]
    span: Span


class Text(NamedTuple):
    """A string in quotes, for values of the recipe only."""

    text: str
    span: Span


class ListLiteral(NamedTuple):
    """`[1 2 3]`, nested for literal weights; `depth` counts the levels of values inside, here and below."""

    items: "tuple[Value, ...]"
    span: Span
    depth: int


class Call(NamedTuple):
    """`min(a, b)`, `normal(0, 0.01)`, `conv(8, k3, bias=false)`"""

    function: Word
    arguments: "tuple[Argument, ...]"
    span: Span
    depth: int


class Negation(NamedTuple):
    operand: "Value"
    span: Span
    depth: int


class Operation(NamedTuple):
    """`left operator right`, inside parentheses."""

    operator: Word
    left: "Value"
    right: "Value"
    span: Span
    depth: int


Value: TypeAlias = Word | Number | SizeLiteral | Text | ListLiteral | Call | Negation | Operation


class Positional(NamedTuple):
    value: Value
    span: Span


class Keyword(NamedTuple):
    """`key=value`"""

    key: Word
    value: Value
    span: Span


Argument: TypeAlias = Positional | Keyword


class CheckedShape(NamedTuple):
    """`:: 64x16x16`; a None among the dims stands for `_`. None in their place: not a shape."""

    dims: tuple[int | None, ...] | None
    span: Span


class Shortcut(NamedTuple):
    """What follows `shortcut`: `auto`, `same` or a body of its own."""

    kind: Literal["auto", "same", "chain"]
    branches: "tuple[Chain, ...]"
    span: Span


class Step(NamedTuple):
    """`[label:] word argument… [{ branch | branch }] [shortcut …] [:: shape]`; a group has no word.

    `from label` is one, too: its word is `from`, which no other step can have.
    """

    label: Word | None
    word: Word | None
    arguments: tuple[Argument, ...]
    branches: "tuple[Chain, ...] | None"
    shortcut: Shortcut | None
    check: CheckedShape | None
    span: Span
    head: Span  # the word (or the opening brace) with its arguments, without label, body and checked shape


class Input(NamedTuple):
    value: Value
    span: Span


class Param(NamedTuple):
    name: Word
    value: Value
    span: Span


class BlockParameter(NamedTuple):
    name: Word
    default: Value | None
    span: Span


class Block(NamedTuple):
    name: Word
    parameters: tuple[BlockParameter, ...]
    branches: "tuple[Chain, ...]"  # one, unless a `|` stands where it cannot
    span: Span
    head: Span  # `block name(parameters)`


class Budget(NamedTuple):
    quantity: Word
    bound: Value
    span: Span


class Setting(NamedTuple):
    """One line of `train { }`: `optimizer sgd lr=0.1`."""

    name: Word
    arguments: tuple[Argument, ...]
    span: Span


class Train(NamedTuple):
    settings: tuple[Setting, ...]
    span: Span


class Chain(NamedTuple):
    """Steps in the order written."""

    items: tuple[Step, ...]
    span: Span


Item: TypeAlias = Chain | Input | Param | Block | Budget | Train


class Unread(NamedTuple):
    """An error node. parts: what was read of it, nodes and the tokens between them, in the order of the text."""

    parts: tuple[Any, ...]
    span: Span


class Tree(NamedTuple):
    """A text. unread: what could not be read, wherever it stands; comments: their places."""

    items: tuple[Item, ...]
    unread: tuple[Unread, ...] = ()
    comments: tuple[Span, ...] = ()
