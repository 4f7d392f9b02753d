"""What expressions are worth, as the page says: exact numbers, sizes and lists element by element, layers as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from generate_from_page import tree

OPTION_WORDS = ("same", "valid", "zeros", "reflect", "replicate", "circular", "nearest", "linear", "bicubic", "none",
                "tanh")  # fmt: skip
UNITS = {"K": 10**3, "M": 10**6, "G": 10**9}


class WrongError(Exception):
    """By the page, or by torch, this spec is wrong; the message says why."""


class TooLargeError(Exception):
    """Nobody is to compute this."""


@dataclass(frozen=True)
class Option:
    """A word that is nothing but itself: `reflect`."""

    word: str


@dataclass(frozen=True)
class Macro:
    """A block, with the names that could be seen where it stands."""

    block: tree.Block
    names: dict[str, Value]


@dataclass(frozen=True)
class Layered:
    """A layer or a block with the arguments that it has so far, worked out: pairs of a field, or None, and a value."""

    target: str | Macro
    items: tuple[tuple[str | None, Value], ...] = ()


Value = Fraction | tuple["Value", ...] | bool | Option | Layered


@dataclass
class Scope:
    """What an argument sees: names, the channels that arrive, the number of the repeat.

    `layered` makes a value of a layer's word and arguments.
    """

    names: dict[str, Value]
    channels: int | None = None
    nth: int | None = None
    layered: Callable[[str, tuple[tree.Argument, ...], Scope], Layered | None] = field(default=lambda *_: None)


def evaluate(value: tree.Expression, scope: Scope) -> Value:
    match value:
        case tree.Number(text):
            return Fraction(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else Fraction(text)
        case tree.Sized(sizes):
            return tuple(map(Fraction, sizes))
        case tree.Name(word):
            return named(word, scope)
        case tree.Operation(sign, left, right):
            return apply(sign, evaluate(left, scope), evaluate(right, scope))
        case tree.Negative(of):
            return apply("-", Fraction(0), evaluate(of, scope))
        case tree.Function(name, arguments):
            first, second = (evaluate(each, scope) for each in arguments)
            return apply(name, first, second)
        case tree.Listed(items):
            return tuple(evaluate(each, scope) for each in items)
        case tree.Valued(word, arguments):
            if (made := scope.layered(word, arguments, scope)) is None:
                raise WrongError(f"`{word}(…)` is no layer")
            return made


def named(word: str, scope: Scope) -> Value:
    if word in ("in", "nth"):
        number = scope.channels if word == "in" else scope.nth
        if number is None:
            raise WrongError(f"there is no `{word}` here")
        return Fraction(number)
    if word in ("true", "false"):
        return word == "true"
    if word in scope.names and not isinstance(scope.names[word], Layered):
        return scope.names[word]
    if (made := scope.layered(word, (), scope)) is not None:
        return made
    if word not in OPTION_WORDS:
        raise WrongError(f"there is no `{word}`")
    return Option(word)


def apply(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, tuple) or isinstance(right, tuple):
        count = len(left if isinstance(left, tuple) else right)  # type: ignore[arg-type]  # one of them is
        lefts = left if isinstance(left, tuple) else (left,) * count
        rights = right if isinstance(right, tuple) else (right,) * count
        if len(lefts) != len(rights):
            raise WrongError("lists of different lengths")
        return tuple(apply(sign, a, b) for a, b in zip(lefts, rights, strict=True))
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        raise WrongError("not a number")
    if sign in ("/", "//", "%") and right == 0:
        raise WrongError("division by zero")
    if sign == "**" and (right.denominator != 1 or abs(right) > 64 or (left == 0 and right < 0)):
        raise WrongError("not a power")
    return Fraction(OPERATIONS[sign](left, right))


def divisible(a: Fraction, by: Fraction) -> Fraction:
    """The nearest multiple, never under 90 %."""
    if by < 1 or by.denominator != 1:
        raise WrongError("not a divisor")
    nearest = max(by, floor(a / by + Fraction(1, 2)) * by)
    return nearest + by if nearest < a * Fraction(9, 10) else nearest


OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: Fraction(a // b),
    "%": lambda a, b: a % b,
    "**": lambda a, b: Fraction(a ** int(b)),
    "min": min,
    "max": max,
    "divisible": divisible,
}


def whole(value: Value | None, least: int = 1) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < least:
        raise WrongError(f"{value} is not a whole number from {least} on")
    return int(value)


def real(value: Value | None) -> float:
    if not isinstance(value, Fraction):
        raise WrongError(f"{value} is not a number")
    return float(value)


def sizes(value: Value | None, rank: int, least: int = 1) -> tuple[int, ...]:
    """A number for every dimension, or one for all."""
    if isinstance(value, tuple):
        if len(value) != rank:
            raise WrongError(f"{len(value)} numbers for {rank} dimensions")
        return tuple(whole(each, least) for each in value)
    return (whole(value, least),) * rank


def flag(value: Value | None) -> bool:
    if not isinstance(value, bool):
        raise WrongError(f"{value} is neither true nor false")
    return value


def choice(value: Value | None, *words: str) -> str:
    if not isinstance(value, Option) or value.word not in words:
        raise WrongError(f"{value} is none of {words}")
    return value.word
