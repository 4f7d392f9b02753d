"""Expressions of a class's parameters: `4 * c`, `in_channels // 2`, `stride != 1 or in_channels != c`.

An expression is a small tree that is written out, that other expressions can be put into, and that has a value. A
`Counted` is a whole number that carries its expression through the arithmetic of a layer's shape rule.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from specc.emit.python.code import flat, literal
from specc.ir.names.values import divisible

MOST_PARTS = 24  # of an expression; what is larger is written as its number


@dataclass(frozen=True, slots=True)
class Name:
    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a word, a truth value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Several:
    """A tuple."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Calculation:
    """`left sign right`"""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Applied:
    """`function(argument, …)`; `-` is the sign before one."""

    function: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Name | Literal | Several | Calculation | Applied


OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "or": (0, lambda left, right: left or right), "and": (1, lambda left, right: left and right),
    "==": (2, operator.eq), "!=": (2, operator.ne),
    "+": (3, operator.add), "-": (3, operator.sub),
    "*": (4, operator.mul), "/": (4, operator.truediv), "//": (4, operator.floordiv), "%": (4, operator.mod),
    "**": (6, operator.pow),
}  # fmt: skip
"""By its sign, how tightly an operator binds, and what it does."""

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "divisible": divisible, "int": int, "whole": round, "-": operator.neg,
}  # fmt: skip
_ATOM, _SIGNED = 8, 5
_JOINED = {"+": ("+", "-"), "*": ("*",), "or": ("or",), "and": ("and",)}
"""By an operator, those whose results may stand on its right without parentheses."""


def text_of(expression: Expression) -> str:
    """An expression as Python writes it.

    >>> text_of(Calculation("*", Name("c"), Calculation("//", Name("n"), Literal(2))))
    'c * (n // 2)'
    """
    match expression:
        case Name(text):
            return text
        case Literal(value):
            return flat(literal(value))
        case Several(items):
            inside = ", ".join(map(text_of, items))
            return f"({inside},)" if len(items) == 1 else f"({inside})"
        case Applied("-", (operand,)):
            return f"-{_inside(operand, _ATOM)}"
        case Applied(function, arguments):
            return f"{function}({', '.join(map(text_of, arguments))})"
        case Calculation("**", left, right):
            hug = "**" if _level(left) == _ATOM and _is_simple(left) and _is_simple(right) else " ** "
            return f"{_inside(left, _ATOM)}{hug}{_inside(right, _SIGNED)}"
        case Calculation(sign, left, right):
            level = OPERATORS[sign][0]
            same = isinstance(right, Calculation) and right.sign in _JOINED.get(sign, ())
            return f"{_inside(left, level)} {sign} {_inside(right, level + (not same))}"


def _inside(expression: Expression, level: int) -> str:
    """A part of an expression, in parentheses where it binds less tightly than what is around it."""
    text = text_of(expression)
    return f"({text})" if _level(expression) < level else text


def _level(expression: Expression) -> int:
    if isinstance(expression, Calculation):
        return OPERATORS[expression.sign][0]
    if isinstance(expression, Literal) and isinstance(expression.value, int | float) and expression.value < 0:
        return _SIGNED
    return _SIGNED if isinstance(expression, Applied) and expression.function == "-" else _ATOM


def _is_simple(expression: Expression) -> bool:
    """Whether a formatter leaves no space between it and `**`."""
    match expression:
        case Applied("-", (operand,)):
            return _is_simple(operand)
        case Calculation("**", left, right):
            return _level(left) == _ATOM and _is_simple(left) and _is_simple(right)
    return isinstance(expression, Name | Literal)


def factors_in(expression: Expression, *, scales: bool = False) -> Iterator[tuple[str, bool]]:
    """The names of an expression that is a whole number, and whether each only multiplies what is there: then it need
    not be whole by itself."""
    match expression:
        case Name(text):
            yield text, scales
        case Calculation(sign, left, right):
            for part in (left, right):
                yield from factors_in(part, scales=sign in ("*", "/"))
        case Applied("divisible", (value, divisor)):
            yield from (*factors_in(value, scales=True), *factors_in(divisor))
        case Applied(_, parts) | Several(parts):
            for part in parts:
                yield from factors_in(part, scales=scales)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of."""
    yield expression
    inner: tuple[Expression, ...] = ()
    match expression:
        case Calculation(_, left, right):
            inner = (left, right)
        case Applied(_, arguments):
            inner = arguments
        case Several(items):
            inner = items
    for part in inner:
        yield from parts_of(part)


def names_in(expression: Expression) -> Iterator[str]:
    return (part.text for part in parts_of(expression) if isinstance(part, Name))


def put_in(expression: Expression, names: Mapping[str, Expression]) -> Expression:
    """An expression with others in place of its names."""
    match expression:
        case Name(text):
            return names.get(text, expression)
        case Several(items):
            return Several(tuple(put_in(item, names) for item in items))
        case Calculation(sign, left, right):
            join = Calculation if sign == "//" else operation  # `x // 1` cuts a fraction off
            return join(sign, put_in(left, names), put_in(right, names))
        case Applied(function, arguments):
            return Applied(function, tuple(put_in(argument, names) for argument in arguments))
    return expression


def value_of(expression: Expression, names: Mapping[str, Any]) -> Any:
    """What Python makes of an expression. Raises: ArithmeticError, TypeError, KeyError where it has no value."""
    match expression:
        case Name(text):
            return names[text]
        case Literal(value):
            return value
        case Several(items):
            return tuple(value_of(item, names) for item in items)
        case Calculation(sign, left, right):
            return OPERATORS[sign][1](value_of(left, names), value_of(right, names))
        case Applied(function, arguments):
            return _FUNCTIONS[function](*(value_of(argument, names) for argument in arguments))


def operation(sign: str, left: Expression, right: Expression) -> Expression:
    """`left sign right`, without what changes nothing: `1 * c` is `c`, `c + c` is `2 * c`."""
    values = [one.value for one in (left, right) if isinstance(one, Literal) and type(one.value) is int]
    if len(values) == 2 and sign in ("+", "-", "*", "//") and values[1]:
        return Literal(OPERATORS[sign][1](*values))
    neutral = {"+": 0, "-": 0, "*": 1, "//": 1}.get(sign)
    if isinstance(right, Literal) and right.value == neutral:
        return left
    if isinstance(left, Literal) and left.value == neutral and sign in ("+", "*"):
        return right
    if sign in ("+", "-"):
        return _sum(sign, left, right)
    return Calculation(sign, left, right)


_ONE = Literal(1)


def _sum(sign: str, left: Expression, right: Expression) -> Expression:
    """A sum whose terms are put together where some are alike: `n + 1` and `n - 1` are `2 * n`."""
    terms = [*_terms(left), *(_terms(right) if sign == "+" else ((-times, one) for times, one in _terms(right)))]
    found: dict[Expression, int] = {}
    for times, one in terms:
        found[one] = found.get(one, 0) + times
    alike = {one: times for one, times in found.items() if times}
    if len(alike) == len(terms):
        return Calculation(sign, left, right)
    order = sorted(alike.items(), key=lambda pair: (pair[0] == _ONE, pair[1] < 0))
    total: Expression = Literal(0)
    for one, times in order:
        term = operation("*", Literal(abs(times)), one)
        if isinstance(total, Literal) and total.value == 0:
            total = term if times > 0 else Applied("-", (term,))
        else:
            total = Calculation("+" if times > 0 else "-", total, term)
    return total


def _terms(expression: Expression) -> Iterator[tuple[int, Expression]]:
    """The terms of a sum, each with how often it is in there."""
    match expression:
        case Calculation("+", left, right):
            yield from _terms(left)
            yield from _terms(right)
        case Calculation("-", left, right):
            yield from _terms(left)
            yield from ((-times, one) for times, one in _terms(right))
        case Calculation("*", Literal(int() as times), one):
            yield times, one
        case Literal(int() as times):
            yield times, _ONE
        case _:
            yield 1, expression


class Counted(int):
    """A whole number with its expression.

    It is a number like any other to what calculates with it, and its results carry their expressions. What compares
    sets of numbers, such as those of a size, keeps numbers apart that are written differently: they are equal here,
    and need not be so for other arguments.
    """

    expression: Expression

    def __new__(cls, value: int, expression: Expression) -> Counted:
        found = super().__new__(cls, value)
        found.expression = expression
        return found

    def __hash__(self) -> int:
        return hash(self.expression)

    __eq__ = int.__eq__


def _arithmetic(sign: str, *, backwards: bool) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return _joined(sign, other, self) if backwards else _joined(sign, self, other)

    return method


for _sign, _name in {"+": "add", "-": "sub", "*": "mul", "//": "floordiv"}.items():
    setattr(Counted, f"__{_name}__", _arithmetic(_sign, backwards=False))
    setattr(Counted, f"__r{_name}__", _arithmetic(_sign, backwards=True))


def _joined(sign: str, left: Any, right: Any) -> Any:
    if not (isinstance(left, int) and isinstance(right, int)):
        return NotImplemented
    value = OPERATORS[sign][1](int(left), int(right))
    return counted(value, operation(sign, expression_of(left), expression_of(right)))


def counted(value: int, expression: Expression) -> int:
    """A whole number with an expression; a plain one where that says no more, or is too long to be read."""
    if isinstance(expression, Literal) or sum(1 for _ in parts_of(expression)) > MOST_PARTS:
        return value
    return Counted(value, expression)


def expression_of(value: Any) -> Expression:
    """The expression of a value: what it carries, or itself."""
    if isinstance(value, Counted):
        return value.expression
    if isinstance(value, tuple) and any(isinstance(item, Counted) for item in value):
        return Several(tuple(map(expression_of, value)))
    if isinstance(value, Name | Literal | Several | Calculation | Applied):
        return value
    return Literal(value)
