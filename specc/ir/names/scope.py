"""What an expression can see, and what a value is: the words in which `values`, `bind` and `partial` speak of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.proposal import Proposal
from specc.layers.fields import Called, Partial
from specc.source import Span
from specc.syntax import tree

if TYPE_CHECKING:
    from specc.ir.model import Block

PlainValue: TypeAlias = Any
"""int | Fraction | bool | str | tuple[PlainValue, ...] | Called | Partial; spelled out, mypy would ask for a cast at
each use."""

MAX_PARTS = 1000  # of a value with names in it, lists in lists counted out
MAX_NESTED = 64  # lists in lists
MAX_SHOWN = 120  # characters of a value in a message
FUNCTIONS = ("min", "max", "divisible")
STANDING = ("in", "nth")  # names that each step has
_NO_BLOCKS: Mapping[str, Block] = MappingProxyType({})


class ValueProblem(Problem):
    """An expression that has no value: what is wrong, where, and what to write."""

    def __init__(
        self,
        message: str,
        span: Span,
        help: str | None = None,
        code: str = "E210",
        proposals: tuple[Proposal, ...] = (),
    ) -> None:
        super().__init__(Diagnostic(code, message, None, span, help=help, proposals=proposals))


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
    unread:   whether values are not looked at, but for their words: of a step with `x0`.
    strings:  whether a text in quotes is a value here: in `train { }`.
    """

    values: Mapping[str, PlainValue]
    blocks: Mapping[str, Block] = _NO_BLOCKS
    open: frozenset[str] = frozenset()
    channels: int | None = None
    repeated: bool = False
    nth: int | None = None
    unread: bool = False
    strings: bool = False

    def at(self, channels: int | None) -> Scope:
        """The same names where so many channels arrive."""
        if channels == self.channels:
            return self
        return Scope(self.values, self.blocks, self.open, channels, self.repeated, self.nth, self.unread, self.strings)

    def knows(self, name: str) -> bool:
        return name in self.values or name in self.open or name in STANDING


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
    """The items as one value. Args: written, what they were. Raises: Problem where it is too large."""
    found = _Gathered(items)
    inner = [extent_of(item) for item in found]
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


def extent_of(value: PlainValue) -> tuple[int, int, bool]:
    """The parts of a value, itself among them, the levels of lists in it, and whether a name stands for some."""
    if isinstance(value, Called | Partial):
        return extent_of(value.arguments if isinstance(value, Called) else value.values)
    return (value.parts, value.nested, value.named) if isinstance(value, _Gathered) else (1, 0, False)


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
