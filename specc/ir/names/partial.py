"""A layer or a block with some of its arguments as a value: `act=leakyrelu(0.1)`, `f=conv(8, k3)`.

In:         a call, and the scope in which it is written: there its arguments get their values.
Out:        a `Partial`; what a value holds, for the step that it becomes.
Leaves:     arguments that are not given, and a block's defaults, to that step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.proposal import Proposal, renamed
from specc.diagnostics.spelling import nearest
from specc.ir.model import FORM_WORDS, Argument, Block
from specc.ir.names.bind import bind, take_frozen, take_repeat
from specc.ir.names.foreign import own_layer_word
from specc.ir.names.instantiate import WrongValue, instantiate
from specc.ir.names.scope import FUNCTIONS, NotYet, PlainValue, Scope, ValueProblem, gathered
from specc.ir.names.signature import Signature, block_signature, layer_signature
from specc.layers.base import Layer
from specc.layers.fields import Partial
from specc.layers.registry import LAYERS, find_layer
from specc.layers.weighted import INITIALIZERS
from specc.source import Span
from specc.syntax import tree


class Held(NamedTuple):
    """What a word or a value stands for as a step: a layer or a block, with the arguments that it has already."""

    target: type[Layer] | Block
    names: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    frozen: bool = False

    @property
    def signature(self) -> Signature:
        return block_signature(self.target) if isinstance(self.target, Block) else layer_signature(self.target)

    def given(self, span: Span) -> list[Argument]:
        """The arguments that it has, as if they were written at a place."""
        pairs = zip(self.names, self.values, strict=True) if self.names else ()
        return [Argument(name, None, value, span) for name, value in pairs]


def held_by(value: PlainValue, scope: Scope) -> Held | None:
    """What a value is as a step; None where it is none."""
    word = value.word if isinstance(value, Partial) else value
    if not isinstance(word, str):
        return None
    target = scope.blocks.get(word) or find_layer(word)
    if target is None:
        return None
    return Held(target, value.names, value.values, value.frozen) if isinstance(value, Partial) else Held(target)


def partial_of(call: tree.Call, scope: Scope, evaluate: Callable[[tree.Value, Scope], PlainValue]) -> Partial:
    """The value of a call of a layer or a block.

    Raises: Problem where the word names neither, or an argument does not fit; NotYet where one has no value yet.
    """
    held = _called(call.function, scope)
    arguments, repeat, _ = take_repeat(call.arguments, scope)
    if repeat is not None:
        raise ValueProblem("a value is not repeated", repeat.span, "repeat the step that it becomes", "E205")
    signature, frozen = held.signature, held.frozen
    if isinstance(held.target, Block):
        arguments, is_frozen = take_frozen(arguments, signature.keys)
        frozen = frozen or is_frozen
    bound = bind(arguments, signature, scope, call.span, held.given(call.span), partly=True)
    for misfit in bound.misfits:
        raise Problem(misfit)
    values = [argument.constant if argument.value is None else evaluate(argument.value, scope)
              for argument in bound.arguments]  # fmt: skip
    _check_values(held.target, bound.arguments, values)
    written = [argument.value for argument in call.arguments]
    return Partial(
        held.target.name if isinstance(held.target, Block) else held.target.keyword,
        tuple(argument.name for argument in bound.arguments),
        gathered(values, call.span, written),
        tuple(map(type, values)),
        frozen,
    )


def _called(word: tree.Word, scope: Scope) -> Held:
    name = word.text
    if name in scope.open or (name in scope.values and scope.values[name] is None):
        raise NotYet
    held = held_by(scope.values.get(name, name), scope)
    if held is None:
        message = f"there is no function `{name}`, nor a layer or a block of that name"
        help, proposals = _meant(name, scope)
        raise ValueProblem(message, word.span, help, "E207", proposals)
    return held


def _meant(name: str, scope: Scope) -> tuple[str, tuple[Proposal, ...]]:
    own = own_layer_word(name)
    if own is not None:
        return renamed(own, "", "called")
    if name in FORM_WORDS:
        return "a form has branches, and is no value: put it into a block", ()
    guess = nearest(name, [*FUNCTIONS, *INITIALIZERS, *scope.blocks, *scope.values, *LAYERS])
    return renamed(guess, "the functions are `min`, `max` and `divisible`")


def _check_values(target: type[Layer] | Block, arguments: tuple[Argument, ...], values: list[Any]) -> None:
    """Raises: Problem where a layer that has all it needs does not take one of its values."""
    named = {argument.name: value for argument, value in zip(arguments, values, strict=True)}
    if isinstance(target, Block) or not layer_signature(target).is_complete(named):
        return
    try:
        instantiate(target, named)
    except WrongValue as error:
        span = next(argument.span for argument in arguments if argument.name == error.field)
        raise Problem(error.diagnostic._replace(span=span)) from None
