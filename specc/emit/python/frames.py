"""What the code of one class can name, and an expression of the spec in these names.

A class has a name for the channels that arrive, for the parameters of its block, for the `param`s of the spec, for
`nth` and for the channels of kept steps outside of it. Those that its code names become parameters of its constructor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from math import isclose
from typing import Any, NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Problem
from specc.emit.python.expressions import (
    Applied,
    Calculation,
    Counted,
    Expression,
    Literal,
    Name,
    Several,
    expression_of,
    factors_in,
    names_in,
    value_of,
)
from specc.ir.model import BlockStep, LayerStep, ParameterStep
from specc.ir.names.partial import held_by
from specc.ir.names.scope import FUNCTIONS, NotYet, Scope, as_torch
from specc.ir.names.values import evaluate, mentions
from specc.layers.base import Shape
from specc.layers.weighted import INITIALIZERS
from specc.syntax import tree

HeldStep: TypeAlias = ParameterStep | LayerStep | BlockStep
"""What may be a step whose word is a parameter: the `param`s of a spec are known when its steps are resolved."""

LOCALS = ("self", "number", "step", "x", "out", "parts")  # what the code of a class calls things by itself


class OfferedName(NamedTuple):
    """A name that a class may take as a parameter.

    value: of the use at hand; default: the value that need not be given, None where it must be; worked_out: the
    expression of the other names that stands for a default; is_layer: whether it makes modules.
    """

    value: Any
    default: Literal | None = None
    worked_out: Expression | None = None


class CannotWrite(Exception):
    """An expression that Python has no operator for, such as one on the elements of sizes."""


class ClassFrame:
    """The names of one class.

    scope: of the spec's own words, with exact values. words: by the spec's word, the name in Python; params: the same
    for the `param`s of the spec. around: the class whose names it sees. offers: by name. env: the values of all names
    in the code, those of variables too. kept: by the name of a kept step, the channels that leave it, for each chain
    around, the innermost last.
    """

    def __init__(self, block: str, scope: Scope, avoid: Collection[str], arriving: Shape, *, is_root: bool) -> None:
        self.block, self.scope, self.avoid, self.is_root = block, scope, avoid, is_root
        self.words: dict[str, str] = {}
        self.params: dict[str, str] = {}
        self.offers: dict[str, OfferedName] = {}
        self.env: dict[str, Any] = {}
        self.layers: set[str] = set()  # words of those that make modules
        self.variables: set[str] = set()
        self.around: ClassFrame | None = None
        self.makers: dict[str, list[Any]] = {}  # by word, how it makes a step, in each place
        self.asked: dict[object, tuple[Name, int]] = {}
        self.baked: set[str] = set()  # words whose values the code depends on without naming them
        self.factors: set[str] = set()  # names that multiply what has to be a whole number, and those that are one
        self.counts: set[str] = set()
        self.passed: set[str] = set()  # names of what is no parameter of the spec
        self.kept: list[dict[str, int]] = []
        self.input = arriving
        self.arriving = self.offer("in_channels" if len(arriving) > 1 else "in_features", OfferedName(int(arriving[0])))

    @property
    def arrives(self) -> Shape:
        """The shape that arrives, its channels by their name."""
        return (int(self.input[0]) if self.is_root else Counted(self.input[0], self.arriving), *self.input[1:])

    def offer(self, word: str, offer: OfferedName, *, is_word: bool = False) -> Name:
        """One more name. Args: is_word, whether the spec has it."""
        name = self.free(word)
        self.offers[name] = offer
        self.env[name] = offer.value
        if is_word:
            self.words[word] = name
        return Name(name)

    def ask(self, key: object, word: str, value: int) -> Name | int:
        """A parameter of the class's own, 1 where it is not given, for a place that its names say nothing of.

        Returns: the number itself where one parameter cannot be all that the place needs.
        """
        if self.is_root:
            return value
        if key not in self.asked:
            self.asked[key] = (self.offer(word, OfferedName(value, Literal(1))), value)
        name, before = self.asked[key]
        return name if before == value else value

    def variable(self, stem: str, value: Any) -> Name:
        """A name for a variable of the constructor."""
        name = self.free(stem)
        self.env[name] = value
        self.variables.add(name)
        return Name(name)

    def running(self, value: int) -> Name:
        """The variable for the channels that arrive at the repeats of a loop: one for all loops, unless it is asked
        for later what it was before."""
        free = "channels" in self.variables and not any(self.kept)
        return Name("channels") if free else self.variable("channels", value)

    def free(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        stem = f"{name}_" if self._is_taken(name) else name
        number, found = 2, stem
        while found in self.env or self._is_taken(found):
            found, number = f"{stem}{number}", number + 1
        return found

    def _is_taken(self, name: str) -> bool:
        return name in self.avoid or name in LOCALS

    def makes(self, word: str) -> bool:
        """Whether a word is a name for what makes modules."""
        return word in self.words and word in self.layers


Strides: TypeAlias = tuple[Expression | None, ...]
"""By what each size is divided, rounded up; None where it is something else."""


class CodePlace(NamedTuple):
    """A place in a body.

    x: what arrives, its channels with their expression; strides: by what its sizes are divided, counted from the class;
    nth: of the repeat around; module: how the step there is called behind it: `self.conv1`, `step` in a loop, else the
    name for a variable.
    """

    frame: ClassFrame
    x: Shape
    scope: Scope
    strides: Strides
    nth: Expression | None = None
    module: str = ""

    def here(self, x: Shape, strides: Strides | None = None) -> CodePlace:
        """The same place where something else arrives."""
        scope = self.scope._replace(channels=int(x[0]) if x else None)
        return self._replace(x=x, scope=scope, strides=self.strides if strides is None else strides)

    def called(self, module: str) -> CodePlace:
        """The place of a step whose module has a name."""
        return self._replace(module=module)

    def counted(self, number: int, nth: Expression) -> CodePlace:
        """Inside a repeat."""
        return self._replace(nth=nth, scope=self.scope._replace(repeated=True, nth=number))

    # expressions of the spec

    def value(self, value: tree.Value) -> Any:
        """The exact value of an expression of the spec."""
        return evaluate(value, self.scope)

    def written(self, value: tree.Value | None, known: Any, *, whole: bool = True) -> Expression | None:
        """An expression of the spec, None where it is a mere value.

        Args: known, its value: what Python makes of the expression is the same; whole, whether a whole number is one
              wherever it comes from.
        """
        if value is None or isinstance(value, tree.Number | tree.SizeLiteral | tree.Text):
            return None
        found = self._tried(value, known, whole=whole)
        if found is None:
            self.bake(value)
        return found

    def bake(self, value: tree.Value | None) -> None:
        """Notes that code depends on an expression and has a number in its place."""
        self.frame.baked |= {word for word in words_in(value) if word in self.frame.words}

    def _tried(self, value: tree.Value, known: Any, *, whole: bool) -> Expression | None:
        try:
            found = self._written(value)
            told = isinstance(found, Literal) or (isinstance(self.nth, Literal) and mentions(value, "nth"))
            return None if told and not any(names_in(found)) else self._as_known(found, known, whole=whole)
        except (CannotWrite, ArithmeticError, TypeError, ValueError, KeyError):
            return None

    def arguments(self, value: tree.Value | None, known: tuple[Any, ...]) -> list[Any] | None:
        """Those of an initializer, each as it is written."""
        if not isinstance(value, tree.Call) or len(value.arguments) != len(known):
            return None
        pairs = zip(value.arguments, known, strict=True)
        found = [(self.written(argument.value, one), one) for argument, one in pairs]
        return [one if expression is None else expression for expression, one in found]

    def how_often(self, value: tree.Value) -> Expression | None:
        """How often a step is repeated, where a name says so."""
        found = self.written(value, self.value(value))
        return found if found is not None and any(True for _ in names_in(found)) else None

    def unchecked(self, value: tree.Value) -> Expression:
        """An expression, whatever its value. Raises: CannotWrite."""
        return self._written(value)

    def _as_known(self, found: Expression, known: Any, *, whole: bool) -> Expression | None:
        made = value_of(found, self.frame.env)
        known = as_torch(known)
        if whole and type(known) is int:
            for name, scales in factors_in(found):
                (self.frame.factors if scales else self.frame.counts).add(name)
        if whole and type(known) is int and isinstance(made, float):
            if not any(names_in(found)):
                return None
            function = "int" if isinstance(found, Calculation) and found.sign == "//" else "whole"
            found = Applied(function, (found,))
            made = value_of(found, self.frame.env)
        return found if _alike(made, known) else None

    def _written(self, value: tree.Value) -> Expression:
        match value:
            case tree.Number(number):
                return Literal(as_torch(number))
            case tree.SizeLiteral(dims):
                return Literal(dims)
            case tree.Word(text):
                return self._word(text)
            case tree.ListLiteral(items):
                found = tuple(map(self._written, items))
                plain = all(isinstance(item, Literal) for item in found)
                return Literal(as_torch(self.value(value))) if plain else Several(found)
            case tree.Negation(operand):
                return Applied("-", (self._operand(operand),))
            case tree.Operation():
                return Calculation(value.operator.text, self._operand(value.left), self._operand(value.right))
            case tree.Call() if value.function.text in FUNCTIONS:
                return Applied(value.function.text, tuple(self._operand(one.value) for one in value.arguments))
        raise CannotWrite

    def _operand(self, value: tree.Value) -> Expression:
        found = self._written(value)
        if isinstance(value_of(found, self.frame.env), tuple):
            raise CannotWrite
        return found

    def _word(self, text: str) -> Expression:
        if text == "in":
            return expression_of(self.x[0])
        if text == "nth":
            if self.nth is None:
                raise CannotWrite
            return self.nth
        if text in self.frame.words:
            return Name(self.frame.words[text])
        if text in self.scope.values:
            raise CannotWrite
        return Literal({"true": True, "false": False}.get(text, text))

    def is_made(self, step: HeldStep) -> bool:
        """Whether the word of a step is that of a parameter."""
        return isinstance(step, ParameterStep) or (step.word in self.scope.values and self.holds_layer(step.word))

    def holds_layer(self, word: str) -> bool:
        """Whether a word in scope stands for a layer or a block."""
        value = self.scope.values.get(word)
        return value is not None and held_by(value, self.scope) is not None


def _alike(made: Any, known: Any) -> bool:
    if isinstance(made, float) and isinstance(known, int | float) and not isinstance(known, bool):
        return isclose(made, known, rel_tol=1e-12, abs_tol=0)
    return bool(made == known) and (isinstance(made, bool) == isinstance(known, bool))


def default_of(value: tree.Value | None, scope: Scope) -> tuple[Any, bool]:
    """The value of a parameter's default where it is the same for all uses, and whether it is."""
    if value is None:
        return None, False
    bare = scope._replace(values={}, open=frozenset(scope.values), channels=None, repeated=True, nth=None)
    try:
        return evaluate(value, bare), True
    except (NotYet, Problem):
        return None, False


def words_in(value: tree.Value | None) -> Iterator[str]:
    """The words of an expression."""
    match value:
        case tree.Word(text):
            yield text
        case tree.Negation(operand):
            yield from words_in(operand)
        case tree.Operation():
            yield from words_in(value.left)
            yield from words_in(value.right)
        case tree.ListLiteral(items):
            yield from (word for item in items for word in words_in(item))
        case tree.Call():
            yield value.function.text
            yield from (word for argument in value.arguments for word in words_in(argument.value))


def is_initializer(value: tree.Value | None) -> bool:
    return isinstance(value, tree.Call) and value.function.text in INITIALIZERS


def is_plain(value: Any) -> bool:
    """Whether a value can be an argument of a class: numbers, sizes and words."""
    return isinstance(value, int | float | Fraction | str) or (
        isinstance(value, tuple) and all(isinstance(item, int | float | Fraction) for item in value)
    )
