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
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from specc.layers.fields import Called, Partial
from specc.layers.registry import find_layer
from specc.layers.weighted import INITIALIZERS
from specc.source import Span
from specc.syntax import tree
from specc.syntax.numerals import FINEST, MAX_MAGNITUDE, power

if TYPE_CHECKING:
    from specc.ir.model import Block

PlainValue: TypeAlias = Any
"""int | Fraction | bool | str | tuple[PlainValue, ...] | Called | Partial; spelled out, mypy would ask for a cast at
each use."""

MAX_PARTS = 1000  # of a value with names in it, lists in lists counted out
MAX_OPERANDS = 100  # of a calculation with lists
MAX_NESTED = 64  # lists in lists
MAX_SHOWN = 120  # characters of a value in a message
_DIVISIBLE = "write `divisible(a, 8)`"
_A_NAME = "a name is defined by `param`, above its use"
_TOO_LARGE = "torch counts to 2^62; is there a digit too many?"
_TOO_FINE = "torch keeps 17 digits of a number: write a rounded one, such as 0.333"
_NTH_ALONE = "`nth` counts the repeats of a step, and no repeat is around it"
_NTH_HELP = "repeat the step, as in `x6`; a block is handed the number: `cell nth x6`"
FUNCTIONS = ("min", "max", "divisible")
STANDING = ("in", "nth")  # names that each step has
_NO_BLOCKS: Mapping[str, Block] = MappingProxyType({})
_WORDS: dict[str, PlainValue] = {"true": True, "false": False}


class ValueProblem(Exception):
    """An expression that has no value: what is wrong, where, and what to write."""

    def __init__(self, message: str, span: Span, help: str | None = None, code: str = "E210") -> None:
        super().__init__(message)
        self.message, self.span, self.help, self.code = message, span, help, code


class NoRepeat(ValueProblem):
    """`nth` where nothing is repeated."""


class NotYet(Exception):
    """The value depends on a block's parameter, on `in` or on `nth`: it is known where the block is called."""


class Scope(NamedTuple):
    """The names that an expression can see.

    values:   names with their values; None for one whose definition is wrong (its error is reported already).
    blocks:   the blocks that are defined, by name: what a call may hand on with its arguments.
    open:     parameters of the block around, whose values are not known yet.
    channels: what `in` stands for; None where it is not known.
    repeated: whether a repeat is around, whose number is `nth`; nth: that number, None where it is not known.
    strings:  whether a text in quotes is a value here: in `train { }`.
    """

    values: Mapping[str, PlainValue]
    blocks: Mapping[str, Block] = _NO_BLOCKS
    open: frozenset[str] = frozenset()
    channels: int | None = None
    repeated: bool = False
    nth: int | None = None
    strings: bool = False

    def knows(self, name: str) -> bool:
        return name in self.values or name in self.open or name in STANDING


def evaluate(value: tree.Value, scope: Scope) -> PlainValue:
    """The value of an expression.

    Raises: ValueProblem where it has none; NotYet where a name in it has no value yet.
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


class _Gathered(tuple[PlainValue, ...]):
    """A list's values, which knows how large it is without being walked.

    parts:  how many values there are in it, lists in lists counted out.
    nested: how many levels of lists.
    named:  whether a name stands for some of them: these double with each line of `param q = [p p]`; others take as
            much text as they are.
    """

    parts: int
    nested: int
    named: bool


def gathered(items: Iterable[PlainValue], span: Span, written: Iterable[tree.Value] = ()) -> PlainValue:
    """The items as one value. Args: written, what they were. Raises: ValueProblem where it is too large."""
    found = _Gathered(items)
    inner = [_extent(item) for item in found]
    found.parts = 1 + sum(parts for parts, _, _ in inner)
    found.nested = 1 + max((nested for _, nested, _ in inner), default=0)
    found.named = any(named for _, _, named in inner) or any(isinstance(value, tree.Word) for value in written)
    if found.named and found.parts > MAX_PARTS:
        message = f"this value has {found.parts:,} parts; at most {MAX_PARTS:,} are handled"
        raise ValueProblem(message, span, "a name stands for everything in it: put fewer into one list", "E402")
    if found.nested > MAX_NESTED:
        message = f"lists and calls are nested more than {MAX_NESTED} deep here"
        raise ValueProblem(message, span, "a size is one list, such as `[3 5]`", "E401")
    return found


def _extent(value: PlainValue) -> tuple[int, int, bool]:
    """The parts of a value, itself among them, the levels of lists in it, and whether a name stands for some."""
    if isinstance(value, Called | Partial):
        return _extent(value.arguments if isinstance(value, Called) else value.values)
    return (value.parts, value.nested, value.named) if isinstance(value, _Gathered) else (1, 0, False)


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


def shown(value: PlainValue) -> str:
    """A value as a message writes it.

    >>> shown((3, 5)), shown(True), shown(0.5), shown(Fraction(11, 20)), shown(Fraction(1, 3))
    ('3x5', 'true', '0.5', '0.55', '0.333333')
    """
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > MAX_SHOWN:
            return f"{text[:MAX_SHOWN]}…"
    return text


def _pieces(value: PlainValue) -> Iterator[str]:
    """A value as a spec writes it, piece by piece: nobody waits for the end of a long one."""
    if isinstance(value, Called):
        yield f"{value.name}("
        yield from _joined(value.arguments, ", ")
        yield ")"
    elif isinstance(value, Partial):
        yield f"{value.word}("
        for place, (name, given) in enumerate(zip(value.names, value.values, strict=True)):
            yield f"{', ' if place else ''}{name}="
            yield from _pieces(given)
        yield ")"
    elif isinstance(value, tuple) and len(value) > 1 and all(isinstance(item, int) and item >= 0 for item in value):
        yield from _joined(value, "x")
    elif isinstance(value, tuple):
        yield "["
        yield from _joined(value, " ")
        yield "]"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, Fraction):
        yield _decimal(value)
    else:
        yield f"{value:g}" if isinstance(value, float) else str(value)


def _joined(values: Iterable[PlainValue], between: str) -> Iterator[str]:
    for number, value in enumerate(values):
        if number:
            yield between
        yield from _pieces(value)


def _decimal(value: Fraction) -> str:
    """All digits of a fraction that has few, else the first six; one that these would make whole is about that."""
    for digits in (6, 15):
        text = f"{float(value):.{digits}g}"
        if Fraction(text) == value:
            return text
    text = f"{float(value):.6g}"
    return f"about {text}" if Fraction(text).denominator == 1 else text


def as_torch(value: PlainValue) -> PlainValue:
    """The nearest float for every fraction in a value: what torch and Python calculate with.

    >>> as_torch((1, Fraction(1, 10)))
    (1, 0.1)
    """
    if isinstance(value, int | str):
        return value
    if isinstance(value, Fraction):
        return value.numerator / value.denominator  # the nearest float, as float() finds it, without a detour
    if isinstance(value, Called):
        return Called(value.name, as_torch(value.arguments))
    return tuple(map(as_torch, value)) if isinstance(value, tuple) else value


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
    return _WORDS.get(word.text, word.text)


def _running_number(word: tree.Word, scope: Scope) -> int:
    if not scope.repeated:
        raise NoRepeat(_NTH_ALONE, word.span, _NTH_HELP)
    if scope.nth is None:
        raise NotYet
    return scope.nth


def checked(number: int | Fraction, span: Span) -> int | Fraction:
    """A number within the range that torch counts in; an integral one as a whole number."""
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
        if sum(_extent(operand)[0] for operand in operands) > MAX_OPERANDS:
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
        from specc.ir.names.partial import partial_of

        return partial_of(call, scope)
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
