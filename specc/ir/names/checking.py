"""Whether the values that a step is given are ones that its fields take, as far as they are known without shapes.

Part of `ir.resolve`: it reports what is wrong with a value, and knows nothing of what the step becomes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.proposal import renamed
from specc.diagnostics.spelling import nearest
from specc.ir.model import Argument, Block
from specc.ir.names.holes import OPEN_HOLE, is_hole, key_of, open_repeat, open_value
from specc.ir.names.instantiate import WrongValue, instantiate, words_for
from specc.ir.names.scope import NotYet, Scope
from specc.ir.names.signature import layer_signature, option_words
from specc.ir.names.values import evaluate
from specc.layers.base import Layer
from specc.layers.registry import find_layer
from specc.source import Source
from specc.syntax import tree


class ValueChecks:
    """Reports wrong values; lost: the words of what could not be read, which are not unknown."""

    def __init__(
        self,
        source: Source,
        blocks: Mapping[str, Block],
        diagnostics: list[Diagnostic],
        lost: Callable[[], Collection[str]],
    ) -> None:
        self.source, self.blocks, self.diagnostics, self.lost = source, blocks, diagnostics, lost
        self._fitting: set[tuple[Any, ...]] = set()  # layers with values that were tried

    def _tell(self, found: Diagnostic) -> None:
        self.diagnostics.append(found._replace(source=self.source))

    def can_repeat(self, repeat: tree.Value | None, scope: Scope) -> bool:
        """Whether a repeat has a value, or will have one; where it has none, that is reported."""
        try:
            value = None if repeat is None else evaluate(repeat, scope)
            if repeat is not None and isinstance(value, str) and not self._means_something(value):
                return not self._is_unknown_word(Argument("x", repeat, None, repeat.span), value, scope)
        except Problem as problem:
            asked = Problem(open_repeat(repeat.span)) if isinstance(repeat, tree.Word) and is_hole(repeat) else problem
            return self._passes(asked, scope)
        except NotYet:
            pass
        return True

    def inside_repeat(self, repeat: tree.Value | None, scope: Scope) -> Scope:
        """What a step sees inside its own repeat: with `x0`, and where the count is not known, values are not read."""
        if repeat is None:
            return scope
        try:
            unread = not evaluate(repeat, scope)
        except (Problem, NotYet):
            unread = True
        return scope._replace(repeated=True, unread=scope.unread or unread)

    def _passes(self, problem: Problem, scope: Scope) -> bool:
        """Whether a value may be as it is: one that is not read, but for its words; any other is reported."""
        if scope.unread and problem.diagnostic.code not in ("E207", OPEN_HOLE):
            return True
        self._tell(problem.diagnostic)
        return False

    def check_values(self, cls: type[Layer], arguments: tuple[Argument, ...], scope: Scope) -> bool:
        """Whether the values that are known by now are ones that their fields take; reports those that are not."""
        fits, values = True, {}
        for argument in arguments:
            try:
                values[argument.name] = argument.constant if argument.value is None else evaluate(argument.value, scope)
            except Problem as problem:
                if self._passes(problem, scope):
                    return fits
                fits = False
            except NotYet:
                return fits
        return fits and self._try_layer(cls, arguments, values, scope)

    def _try_layer(
        self, cls: type[Layer], arguments: tuple[Argument, ...], values: dict[str, Any], scope: Scope
    ) -> bool:
        key = cls, *values.items(), *map(type, values.values())  # true is 1 to Python
        if key in self._fitting or not layer_signature(cls).is_complete(values):
            return True
        try:
            instantiate(cls, values)
        except WrongValue as error:
            argument = next(argument for argument in arguments if argument.name == error.field)
            takes_words = bool(words_for(cls, error.field))
            if scope.unread and not self._is_unknown_word(argument, values[error.field], scope):
                return True
            if takes_words or not self._is_unknown_word(argument, values[error.field], scope):
                self._tell(error.diagnostic._replace(span=argument.span))
            return False
        self._fitting.add(key)
        return True

    def _is_unknown_word(self, argument: Argument, value: Any, scope: Scope) -> bool:
        """Whether an argument is a bare word that means nothing here, most likely a mistyped name: reports it."""
        if not isinstance(argument.value, tree.Word) or value != argument.value.text or isinstance(value, bool):
            return False
        if value not in self.lost():
            from specc.ir.names.habits import option_meant

            own = option_meant(value, ("true", "false"))
            guess = nearest(value, [*scope.values, *scope.open])
            otherwise = "a name is defined by `param`, above its use"
            help, proposals = renamed(own or guess, otherwise, "written" if own else "")
            message = f"`{value}` is not a name in scope"
            self._tell(Diagnostic("E207", message, None, argument.value.span, help=help, proposals=proposals))
        return True

    def can_evaluate(self, arguments: Iterable[Argument], scope: Scope) -> bool:
        fits = True
        for argument in arguments:
            try:
                value = None if argument.value is None else evaluate(argument.value, scope)
                if isinstance(value, str) and not self._means_something(value):
                    fits = not self._is_unknown_word(argument, value, scope) and fits
            except Problem as problem:
                fits = self._passes(problem, scope) and fits
            except NotYet:
                pass
        return fits

    def _means_something(self, word: str) -> bool:
        return word in self.blocks or word in option_words() or find_layer(word) is not None

    def check_raw(self, arguments: Sequence[tree.Argument], scope: Scope) -> None:
        """What can be said of arguments before their layer is known: whether their expressions make sense.

        A bare word may be that layer's shorthand or flag, and a hole in the place of its number.
        """
        bare = [argument.value for argument in arguments if isinstance(argument, tree.Positional)]
        holes = [word for word in bare if isinstance(word, tree.Word) and not scope.knows(word.text)]
        self.misfits(open_value(word.span) for word in holes if is_hole(word) or key_of(word.text) is not None)
        values = [
            Argument("", argument.value, None, argument.span)
            for argument in arguments
            if isinstance(argument, tree.Keyword) or not isinstance(argument.value, tree.Word)
        ]
        self.can_evaluate(values, scope)

    def misfits(self, misfits: Iterable[Diagnostic]) -> None:
        for misfit in misfits:
            if not (misfit.code == "E207" and misfit.span and self.source.slice(misfit.span) in self.lost()):
                self._tell(misfit)
