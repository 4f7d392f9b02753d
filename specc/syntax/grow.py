"""Grows the located tree while the parser reduces: a method for each rule of the grammar."""

from __future__ import annotations

import re
from typing import Any

from specc.source import Span
from specc.syntax import tree
from specc.syntax.lexer import Token
from specc.syntax.numerals import number_of, whole_of

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
    """The grammar's rules as nodes of `syntax.tree`: a method for each takes its parts."""

    # values

    def word(self, token: Token) -> tree.Word:
        return tree.Word(token.text, token.span)

    def number(self, token: Token) -> tree.Number:
        return tree.Number(number_of(token.text), token.span)

    def size(self, token: Token) -> tree.SizeLiteral:
        dims = tuple(whole_of(part) for part in token.text.split("x"))
        return tree.SizeLiteral(dims, token.span)

    def text(self, token: Token) -> tree.Text:
        return tree.Text(token.text[1:-1], token.span)

    def list(self, opening: Token, *rest: Any) -> tree.ListLiteral:
        *items, closing = rest
        values = tuple(item for item in items if item is not None)
        span = opening.span.to(closing.span)
        return tree.ListLiteral(values, span, _checked_depth(span, *values))

    def call(self, function: Token, _opening: Token, *rest: Any) -> tree.Call:
        *arguments, closing = rest
        span = function.span.to(closing.span)
        depth = _checked_depth(span, *(argument.value for argument in arguments))
        return tree.Call(self.word(function), tuple(arguments), span, depth)

    def parenthesis(self, opening: Token, value: tree.Value, closing: Token) -> tree.Value:
        return value._replace(span=opening.span.to(closing.span))

    def negation(self, minus: Token, operand: tree.Value | Token) -> tree.Negation:
        value = self.number(operand) if isinstance(operand, Token) else operand
        span = minus.span.to(value.span)
        return tree.Negation(value, span, _checked_depth(span, value))

    def operation(self, left: tree.Value, operator: Token, right: tree.Value) -> tree.Operation:
        span = left.span.to(right.span)
        return tree.Operation(self.word(operator), left, right, span, _checked_depth(span, left, right))

    # steps

    def positional(self, value: tree.Value) -> tree.Positional:
        return tree.Positional(value, value.span)

    def keyword(self, key: Token, value: tree.Value) -> tree.Keyword:
        return tree.Keyword(self.word(key), value, key.span.to(value.span))

    def label(self, name: Token) -> tree.Word:
        return self.word(name)

    def check(self, colons: Token, shape: Token) -> tree.CheckedShape | None:
        span = colons.span.to(shape.span)
        if not re.fullmatch(r"([0-9]+|_)(x([0-9]+|_))*", shape.text):
            return tree.CheckedShape(None, span)
        dims = tuple(None if part == "_" else whole_of(part) for part in shape.text.split("x"))
        return tree.CheckedShape(dims, span)

    def branch(self, *chains: tree.Chain | None) -> tree.Chain:
        return _joined([chain for chain in chains if isinstance(chain, tree.Chain)])

    def body(self, opening: Token, *rest: Any) -> tuple[tuple[tree.Chain, ...], Span]:
        *branches, closing = rest
        span = opening.span.to(closing.span)
        return tuple(chain if chain.items else tree.Chain((), span) for chain in branches), span

    def shortcut(self, word: Token, kind: Any) -> tree.Shortcut:
        if isinstance(kind, Token):
            span = word.span.to(kind.span)
            return tree.Shortcut("auto" if kind.type == "AUTO" else "same", (), span)
        branches, span = kind
        return tree.Shortcut("chain", branches, word.span.to(span))

    def layer(self, label: tree.Word | None, word: Token, *rest: Any) -> tree.Step:
        return _step(label, self.word(word), rest[:-1], check=rest[-1])

    def form(self, label: tree.Word | None, word: Token, *rest: Any) -> tree.Step:
        at = next(index for index, part in enumerate(rest) if type(part) is tuple)
        return _step(label, self.word(word), rest[:at], rest[at], rest[at + 1], rest[at + 2 : -1], rest[-1])

    def group(self, label: tree.Word | None, body: Any, *rest: Any) -> tree.Step:
        return _step(label, None, (), body, after=rest[:-1], check=rest[-1])

    def origin(self, label: tree.Word | None, word: Token, name: Token, check: tree.CheckedShape | None) -> tree.Step:
        return _step(label, self.word(word), (tree.Positional(self.word(name), name.span),), check=check)

    def chain(self, *steps: tree.Step) -> tree.Chain:
        return tree.Chain(steps, steps[0].span.to(steps[-1].span))

    # statements

    def input(self, word: Token, value: tree.Value) -> tree.Input:
        return tree.Input(value, word.span.to(value.span))

    def param(self, word: Token, name: Token, value: tree.Value) -> tree.Param:
        return tree.Param(self.word(name), value, word.span.to(value.span))

    def budget(self, word: Token, quantity: Token, bound: tree.Value) -> tree.Budget:
        return tree.Budget(self.word(quantity), bound, word.span.to(bound.span))

    def parameter(self, name: Token, default: tree.Value | None) -> tree.BlockParameter:
        span = name.span
        return tree.BlockParameter(self.word(name), default, span.to(default.span) if default else span)

    def parameters(self, *parameters: tree.BlockParameter | None) -> tuple[tree.BlockParameter, ...]:
        return tuple(parameter for parameter in parameters if parameter is not None)

    def block(self, word: Token, name: Token, _left: Token, parameters: Any, right: Token, body: Any) -> tree.Block:
        return _block(word, self.word(name), parameters, body, right.span)

    def plain_block(self, word: Token, name: Token, body: Any) -> tree.Block:
        return _block(word, self.word(name), (), body, name.span)

    def setting(self, name: Token, *arguments: tree.Argument) -> tree.Setting:
        end = arguments[-1].span if arguments else name.span
        return tree.Setting(self.word(name), arguments, name.span.to(end))

    def settings(self, *settings: tree.Setting | None) -> tuple[tree.Setting, ...]:
        return tuple(setting for setting in settings if isinstance(setting, tree.Setting))

    def train(self, word: Token, _left: Token, settings: Any, right: Token) -> tree.Train:
        return tree.Train(settings, word.span.to(right.span))

    def items(self, *items: Any) -> tuple[tree.Item, ...]:
        return tuple(item for item in items if item is not None and not isinstance(item, Token))

    def start(self, items: tuple[tree.Item, ...]) -> tree.Tree:
        return tree.Tree(items)


def _joined(chains: list[tree.Chain]) -> tree.Chain:
    if not chains:
        return tree.Chain((), Span(0, 0))
    steps = tuple(step for chain in chains for step in chain.items)
    return tree.Chain(steps, chains[0].span.to(chains[-1].span))


def _block(
    word: Token, name: tree.Word, parameters: tuple[tree.BlockParameter, ...], body: Any, header_end: Span
) -> tree.Block:
    branches, span = body
    start = word.span
    return tree.Block(name, parameters, branches, start.to(span), start.to(header_end))


def _step(
    label: tree.Word | None,
    word: tree.Word | None,
    before: tuple[tree.Argument, ...],
    body: tuple[tuple[tree.Chain, ...], Span] | None = None,
    shortcut: tree.Shortcut | None = None,
    after: tuple[tree.Argument, ...] = (),
    check: tree.CheckedShape | None = None,
) -> tree.Step:
    """A step. Args: before and after, its arguments on both sides of the body."""
    branches, place = body or (None, None)
    start, end = word.span if word else (place.start, place.start + 1) if place else (0, 0)
    head = Span(start, before[-1].span.end if before else end)
    last = check or (after[-1] if after else shortcut)
    end = last.span.end if last else place.end if place else head.end
    whole = Span(label.span.start if label else start, end)
    return tree.Step(label, word, before + after, branches, shortcut, check, whole, head)
