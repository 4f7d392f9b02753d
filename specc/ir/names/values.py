"""What an expression is worth: names looked up, arithmetic done, calls carried out.

In:         a value of the syntax tree and a scope.
Out:        an int, `Fraction`, bool, tuple (a size or a list), option word (str), `Called`, or `Partial`, a layer or
            a block with arguments.
Guarantees: numbers are exact, a whole one is an int; none leaves the range that torch can count in or grows more
            digits than are bounded here; nothing is executed but the operators below.
Leaves:     whether the value fits the field that it is for, to the field.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.ir.names.holes import HOLE, open_value
from specc.ir.names.partial import partial_of
from specc.ir.names.scope import (
    FUNCTIONS,
    NoRepeat,
    NotYet,
    PlainValue,
    Scope,
    ValueProblem,
    extent_of,
    gathered,
    shown,
)
from specc.layers.fields import Called, Partial
from specc.layers.registry import find_layer
from specc.layers.weighted import INITIALIZERS
from specc.source import Span
from specc.syntax import tree
from specc.syntax.numerals import FINEST, MAX_MAGNITUDE, power

MAX_OPERANDS = 100  # of a calculation with lists
_DIVISIBLE = "write `divisible(a, 8)`"
_A_NAME = "a name is defined by `param`, above its use"
_TOO_LARGE = "torch counts to 2^62; is there a digit too many?"
_TOO_FINE = "torch keeps 17 digits of a number: write a rounded one, such as 0.333"
_NTH_ALONE = "`nth` counts the repeats of a step, and no repeat is around it"
_NTH_HELP = "repeat the step, as in `x6`; a block is handed the number: `cell nth x6`"
_WORDS: dict[str, PlainValue] = {"true": True, "false": False}


def evaluate(value: tree.Value, scope: Scope) -> PlainValue:
    """The value of an expression.

    Raises: Problem where it has none; NotYet where a name in it has no value yet.
    """
    match value:
        case tree.Number(number, span):
            return checked(number, span)
        case tree.SizeLiteral(dims, span):
            return gathered([checked(size, span) for size in dims], span)
        case tree.Text(text, span):
            if not scope.strings:
                message = "a string is a value for `train { }` only"
                raise ValueProblem(message, span, "leave out the quotes", "E204")
            return text
        case tree.Word():
            return _look_up(value, scope)
        case tree.ListLiteral():
            return gathered([evaluate(item, scope) for item in value.items], value.span, value.items)
        case tree.Negation():
            return _apply(operator.neg, "-", value.span, evaluate(value.operand, scope))
        case tree.Operation():
            left, right = evaluate(value.left, scope), evaluate(value.right, scope)
            return _apply(_OPERATORS[value.operator.text], value.operator.text, value.span, left, right)
        case tree.Call():
            return _call(value, scope)


def mentions(value: tree.Value, word: str) -> bool:
    """Whether a word stands anywhere in an expression."""
    match value:
        case tree.Word(text, _):
            return text == word
        case tree.Negation():
            return mentions(value.operand, word)
        case tree.Operation():
            return mentions(value.left, word) or mentions(value.right, word)
        case tree.ListLiteral(items, _, _):
            return any(mentions(item, word) for item in items)
        case tree.Call():
            return value.function.text == word or any(mentions(given.value, word) for given in value.arguments)
    return False


def is_rest(part: tree.Value) -> bool:
    """Whether a part of a `split` is written `_`: what the others leave, whatever has that name."""
    return isinstance(part, tree.Word) and part.text == "_"


def is_word(value: PlainValue) -> bool:
    """Whether a value is an option word, which stands for itself."""
    return isinstance(value, str)


def _look_up(word: tree.Word, scope: Scope) -> PlainValue:
    if word.text == "in":
        if scope.channels is None:
            raise NotYet
        return scope.channels
    if word.text == "nth":
        return _running_number(word, scope)
    if word.text in scope.open:
        raise NotYet
    if word.text in scope.values:
        found = scope.values[word.text]
        if found is None:
            raise NotYet
        return found
    if word.text == HOLE:
        raise Problem(open_value(word.span))
    return _WORDS.get(word.text, word.text)


def _running_number(word: tree.Word, scope: Scope) -> int:
    if not scope.repeated:
        raise NoRepeat(_NTH_ALONE, word.span, _NTH_HELP)
    if scope.nth is None:
        raise NotYet
    return scope.nth


def checked(number: int | Fraction, span: Span) -> int | Fraction:
    """A number within the range that torch counts in; an integral one as a whole number."""
    if type(number) is int and -MAX_MAGNITUDE <= number <= MAX_MAGNITUDE:
        return number
    top, bottom = (number, 1) if isinstance(number, int) else (number.numerator, number.denominator)
    if abs(top) > MAX_MAGNITUDE * bottom:
        raise ValueProblem("this number is too large to be a size", span, _TOO_LARGE, "E402")
    if bottom > FINEST:
        raise ValueProblem("this fraction has more than 600 digits", span, _TOO_FINE, "E402")
    return top if bottom == 1 else number


def _apply(function: Callable[..., Any], name: str, span: Span, *operands: PlainValue) -> PlainValue:
    """An operator on numbers, or element by element on sizes and lists; a number goes with every element."""
    lengths = {len(operand) for operand in operands if _is_list(operand)}
    if len(lengths) > 1:
        sides = " and ".join(shown(operand) for operand in operands)
        raise ValueProblem(
            f"`{name}` needs sizes of the same length, not {sides}", span, "or a number, which goes with every size"
        )
    if lengths:
        if sum(extent_of(operand)[0] for operand in operands) > MAX_OPERANDS:
            message = f"`{name}` is for sizes, and these are more than {MAX_OPERANDS} numbers"
            raise ValueProblem(message, span, "calculate with fewer at once", "E402")
        rows = [operand if _is_list(operand) else (operand,) * max(lengths) for operand in operands]
        return gathered([_apply(function, name, span, *row) for row in zip(*rows, strict=True)], span)
    for operand in operands:
        if isinstance(operand, bool) or not isinstance(operand, int | Fraction):
            raise _not_a_number(operand, name, span)
    if name == "**" and not isinstance(operands[1], int):
        message = f"the exponent of `**` is a whole number, not {shown(operands[1])}"
        raise ValueProblem(message, span, "use `//` for a division that must give a whole number")
    try:
        return checked(function(*operands), span)
    except ZeroDivisionError:
        raise ValueProblem("this divides by zero", span, "give it a divisor above 0") from None


def _is_list(value: PlainValue) -> bool:
    return isinstance(value, tuple) and not isinstance(value, Called)


def _not_a_number(operand: PlainValue, name: str, span: Span) -> ValueProblem:
    if isinstance(operand, Partial) or (is_word(operand) and find_layer(operand) is not None):
        message = f"`{name}` needs numbers, and `{shown(operand)}` is a layer"
        return ValueProblem(message, span, f"a layer is handed over by its key, such as `act={shown(operand)}`")
    if is_word(operand):
        return ValueProblem(f"`{operand}` is not a name in scope, and `{name}` needs a number", span, _A_NAME, "E207")
    return ValueProblem(
        f"`{name}` needs numbers, not {shown(operand)}", span, "only numbers, sizes and lists can be calculated with"
    )


def divisible(value: int | Fraction, divisor: int) -> int:
    """The nearest multiple of `divisor`, never under nine tenths of the value (MobileNet's rule).

    Source: Sandler et al. 2018; `_make_divisible` in torchvision.models.

    >>> divisible(Fraction("35.2"), 8), divisible(11, 8)
    (32, 16)
    """
    nearest_multiple = max(divisor, int(value + Fraction(divisor, 2)) // divisor * divisor)
    return nearest_multiple + divisor if 10 * nearest_multiple < 9 * value else nearest_multiple


def _call(call: tree.Call, scope: Scope) -> PlainValue:
    name = call.function.text
    if name not in FUNCTIONS and name not in INITIALIZERS:
        if scope.strings:
            message = f"`{name}(` is a call, and what belongs to a setting's value stands behind it"
            raise ValueProblem(message, call.function.span, f"such as `{name} key=0.1`", "E101")
        return partial_of(call, scope, evaluate)
    for argument in call.arguments:
        if isinstance(argument, tree.Keyword):
            help = "leave out the key, and give the values in their order"
            raise ValueProblem(f"`{name}` takes its arguments without keys", argument.key.span, help, "E202")
    arguments = [evaluate(argument.value, scope) for argument in call.arguments]
    if name in INITIALIZERS:
        return Called(name, gathered(arguments, call.span, [argument.value for argument in call.arguments]))
    if name == "divisible":
        return _divisible(call, arguments)
    return _apply(min if name == "min" else max, name, call.span, *(arguments * 2)[: max(2, len(arguments))])


def _divisible(call: tree.Call, arguments: list[PlainValue]) -> PlainValue:
    if len(arguments) != 2:
        raise ValueProblem("`divisible` takes a number and a divisor", call.span, _DIVISIBLE)
    divisor = arguments[1]
    if isinstance(divisor, bool) or not isinstance(divisor, int) or divisor < 1:
        raise ValueProblem(
            f"`divisible` needs a whole divisor of at least 1, not {shown(divisor)}", call.span, _DIVISIBLE
        )
    return _apply(divisible, "divisible", call.span, *arguments)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": Fraction,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": power,
}
