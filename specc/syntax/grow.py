"""Grows the located tree while the parser reduces: a method for each rule of the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lark.lexer import Token

from specc.source import Span
from specc.syntax import tree
from specc.syntax.numerals import number_of, whole_of
from specc.syntax.tokens import span_of

MAX_EXPRESSION_DEPTH = 100


class TooDeep(Exception):
    """An expression nested deeper than any that a person writes."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


def _depth(value: tree.Value) -> int:
    return value.depth if isinstance(value, tree.ListLiteral | tree.Call | tree.Negation | tree.Operation) else 0


def _checked_depth(span: Span, *values: tree.Value) -> int:
    depth = 1 + max(map(_depth, values), default=0)
    if depth > MAX_EXPRESSION_DEPTH:
        raise TooDeep(span)
    return depth


class GrowTree:
    """Lark's reductions as nodes of `syntax.tree`. Lark hands a rule's parts over in one list."""

    def __init__(self) -> None:
        for name in [name for name in vars(GrowTree) if not name.startswith("_")]:
            setattr(self, name, _parted(getattr(self, name)))

    # values

    def word(self, token: Token) -> tree.Word:
        return _word(token)

    def number(self, token: Token) -> tree.Number:
        return _number(token)

    def size(self, token: Token) -> tree.SizeLiteral:
        dims = tuple(whole_of(part) for part in token.split("x"))
        return tree.SizeLiteral(dims, span_of(token))

    def text(self, token: Token) -> tree.Text:
        return tree.Text(str(token)[1:-1], span_of(token))

    def list(self, opening: Token, *rest: Any) -> tree.ListLiteral:
        *items, closing = rest
        values = tuple(item for item in items if item is not None)
        span = span_of(opening).to(span_of(closing))
        return tree.ListLiteral(values, span, _checked_depth(span, *values))

    def call(self, function: Token, _opening: Token, *rest: Any) -> tree.Call:
        *arguments, closing = rest
        span = span_of(function).to(span_of(closing))
        depth = _checked_depth(span, *(argument.value for argument in arguments))
        return tree.Call(_word(function), tuple(arguments), span, depth)

    def parenthesis(self, opening: Token, value: tree.Value, closing: Token) -> tree.Value:
        return value._replace(span=span_of(opening).to(span_of(closing)))

    def negation(self, minus: Token, operand: tree.Value | Token) -> tree.Negation:
        value = _number(operand) if isinstance(operand, Token) else operand
        span = span_of(minus).to(value.span)
        return tree.Negation(value, span, _checked_depth(span, value))

    def operation(self, left: tree.Value, operator: Token, right: tree.Value) -> tree.Operation:
        span = left.span.to(right.span)
        return tree.Operation(_word(operator), left, right, span, _checked_depth(span, left, right))

    # steps

    def positional(self, value: tree.Value) -> tree.Positional:
        return _positional(value)

    def keyword(self, key: Token, value: tree.Value) -> tree.Keyword:
        return tree.Keyword(_word(key), value, span_of(key).to(value.span))

    def label(self, name: Token) -> tree.Word:
        return _word(name)

    def check(self, colons: Token, shape: Token) -> tree.CheckedShape | None:
        span = span_of(colons).to(span_of(shape))
        if not re.fullmatch(r"([0-9]+|_)(x([0-9]+|_))*", shape):
            return tree.CheckedShape(None, span)
        dims = tuple(None if part == "_" else whole_of(part) for part in shape.split("x"))
        return tree.CheckedShape(dims, span)

    def branch(self, *chains: tree.Chain | None) -> tree.Chain:
        return _joined([chain for chain in chains if isinstance(chain, tree.Chain)])

    def body(self, opening: Token, *rest: Any) -> tuple[tuple[tree.Chain, ...], Span]:
        *branches, closing = rest
        span = span_of(opening).to(span_of(closing))
        return tuple(chain if chain.items else tree.Chain((), span) for chain in branches), span

    def shortcut(self, word: Token, kind: Any) -> tree.Shortcut:
        if isinstance(kind, Token):
            span = span_of(word).to(span_of(kind))
            return tree.Shortcut("auto" if kind.type == "AUTO" else "same", (), span)
        branches, span = kind
        return tree.Shortcut("chain", branches, span_of(word).to(span))

    def layer(self, label: tree.Word | None, word: Token, *rest: Any) -> tree.Step:
        *arguments, check = rest
        return _step(label, _word(word), tuple(arguments), None, None, check)

    def form(self, label: tree.Word | None, word: Token, *rest: Any) -> tree.Step:
        at = next(index for index, part in enumerate(rest) if _is_body(part))
        before, body, shortcut, after, check = rest[:at], rest[at], rest[at + 1], rest[at + 2 : -1], rest[-1]
        return _step(label, _word(word), (*before, *after), body, shortcut, check)

    def group(self, label: tree.Word | None, body: Any, *rest: Any) -> tree.Step:
        *arguments, check = rest
        return _step(label, None, tuple(arguments), body, None, check)

    def origin(self, label: tree.Word | None, word: Token, name: Token, check: tree.CheckedShape | None) -> tree.Step:
        return _step(label, _word(word), (_positional(_word(name)),), None, None, check)

    def chain(self, *steps: tree.Step) -> tree.Chain:
        return tree.Chain(steps, steps[0].span.to(steps[-1].span))

    # statements

    def input(self, word: Token, value: tree.Value) -> tree.Input:
        return tree.Input(value, span_of(word).to(value.span))

    def param(self, word: Token, name: Token, value: tree.Value) -> tree.Param:
        return tree.Param(_word(name), value, span_of(word).to(value.span))

    def budget(self, word: Token, quantity: Token, bound: tree.Value) -> tree.Budget:
        return tree.Budget(_word(quantity), bound, span_of(word).to(bound.span))

    def parameter(self, name: Token, default: tree.Value | None) -> tree.BlockParameter:
        span = span_of(name)
        return tree.BlockParameter(_word(name), default, span.to(default.span) if default else span)

    def parameters(self, *parameters: tree.BlockParameter | None) -> tuple[tree.BlockParameter, ...]:
        return tuple(parameter for parameter in parameters if parameter is not None)

    def block(self, word: Token, name: Token, _left: Token, parameters: Any, right: Token, body: Any) -> tree.Block:
        return _block(word, _word(name), parameters, body, span_of(right))

    def plain_block(self, word: Token, name: Token, body: Any) -> tree.Block:
        return _block(word, _word(name), (), body, span_of(name))

    def setting(self, name: Token, *arguments: tree.Argument) -> tree.Setting:
        end = arguments[-1].span if arguments else span_of(name)
        return tree.Setting(_word(name), arguments, span_of(name).to(end))

    def settings(self, *settings: tree.Setting | None) -> tuple[tree.Setting, ...]:
        return tuple(setting for setting in settings if isinstance(setting, tree.Setting))

    def train(self, word: Token, _left: Token, settings: Any, right: Token) -> tree.Train:
        return tree.Train(settings, span_of(word).to(span_of(right)))

    def items(self, *items: Any) -> tuple[tree.Item, ...]:
        return tuple(item for item in items if item is not None and not isinstance(item, Token))

    def start(self, items: tuple[tree.Item, ...]) -> tree.Tree:
        return tree.Tree(items)


def _parted(grow: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    return lambda parts: grow(*parts)


def _word(token: Token) -> tree.Word:
    return tree.Word(str(token), span_of(token))


def _number(token: Token) -> tree.Number:
    return tree.Number(number_of(str(token)), span_of(token))


def _positional(value: tree.Value) -> tree.Positional:
    return tree.Positional(value, value.span)


def _is_body(part: Any) -> bool:
    return type(part) is tuple


def _joined(chains: list[tree.Chain]) -> tree.Chain:
    if not chains:
        return tree.Chain((), Span(0, 0))
    steps = tuple(step for chain in chains for step in chain.items)
    return tree.Chain(steps, chains[0].span.to(chains[-1].span))


def _block(
    word: Token, name: tree.Word, parameters: tuple[tree.BlockParameter, ...], body: Any, header_end: Span
) -> tree.Block:
    branches, span = body
    start = span_of(word)
    return tree.Block(name, parameters, branches, start.to(span), start.to(header_end))


def _step(
    label: tree.Word | None,
    word: tree.Word | None,
    arguments: tuple[tree.Argument, ...],
    body: tuple[tuple[tree.Chain, ...], Span] | None,
    shortcut: tree.Shortcut | None,
    check: tree.CheckedShape | None,
) -> tree.Step:
    branches, body_span = body if body else (None, None)
    first = word.span if word else body_span
    assert first is not None  # noqa: S101 - the grammar has no step without a word and a body
    head = Span(first.start, first.start + 1) if word is None else first
    for argument in arguments:
        if body_span is None or argument.span.end <= body_span.start:
            head = head.to(argument.span)
    parts = [label, body_span, shortcut, *arguments, check]
    ends = [part if isinstance(part, Span) else part.span for part in parts if part is not None]
    span = Span((label or first).span.start if label else first.start, max([head.end, *(end.end for end in ends)]))
    return tree.Step(label, word, arguments, branches, shortcut, check, span, head)
