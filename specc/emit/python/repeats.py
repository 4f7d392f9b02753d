"""A step as often as it is repeated: one after another, or in a loop, whose numbers may depend on a parameter.

A loop is written where all repeats are the same code. Where each gets other channels, a variable holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeAlias

from specc.emit.python import code
from specc.emit.python.expressions import (
    Counted,
    Expression,
    Literal,
    Name,
    counted,
    expression_of,
    names_in,
    operation,
    text_of,
    value_of,
)
from specc.emit.python.facts import Facts
from specc.emit.python.frames import CodePlace, Strides
from specc.emit.python.nodes import CallNode, Carried, FormNode, ItemNode, Node
from specc.emit.python.told import same_size
from specc.ir.model import SomeStep
from specc.ir.shaped import ShapedLayer, SomeShaped
from specc.layers.base import Shape

ONE_BY_ONE = 2  # as many alike steps are written without a loop


class Walked(NamedTuple):
    """The code of a step or a chain, what leaves it, and by what its sizes are divided, counted from the class."""

    node: Node
    x: Shape
    strides: Strides


Builder: TypeAlias = Callable[[SomeStep, SomeShaped, CodePlace], Walked]
"""A step built once, by `BodyWalk.one`."""


class Steps(NamedTuple):
    """A step with its nodes. running: the number of the first among the steps of its word; inline: whether they stand
    in an expression."""

    step: SomeStep
    nodes: tuple[tuple[str, SomeShaped], ...]
    running: Expression
    inline: bool

    @property
    def prefix(self) -> str:
        return self.step.word if self.step.label is None else self.step.label.text

    @property
    def start(self) -> Expression:
        return self.running if self.step.label is None else Literal(1)

    def can_loop(self, keeps: Collection[str]) -> bool:
        """Whether the repeats can be run in a loop: a kept step has a name."""
        if self.inline or any(name in keeps for name, _ in self.nodes):
            return False
        return not any(isinstance(node, ShapedLayer) and node.like for _, node in self.nodes)


Written = list[tuple[ItemNode, Shape, Strides]]
"""The items that a step becomes, each with what leaves it."""


class Repeats:
    """The repeats of one step in its place."""

    def __init__(self, one: Builder, facts: Facts, steps: Steps, at: CodePlace) -> None:
        self.one, self.facts, self.steps, self.at = one, facts, steps, at

    def write(self, total: Expression | None, keeps: Collection[str]) -> Written:
        """The items. Args: total, how many there are, where a parameter says so; keeps, names that are asked for."""
        is_loop = total is not None or len(self.steps.nodes) > ONE_BY_ONE
        found = self._loop(total) if is_loop and self.steps.can_loop(keeps) else None
        return self._singly(self.steps.nodes) if found is None else found

    def _singly(self, nodes: tuple[tuple[str, SomeShaped], ...]) -> Written:
        step, at = self.steps.step, self.at
        found: Written = []
        for number, (name, node) in enumerate(nodes, 1):
            place = at if step.repeat is None else at.counted(number, Literal(number))
            computed = Literal(0) if step.label else plus(self.steps.running, number - 1)
            is_known = isinstance(computed, Literal)
            named = is_known and code.can_be_written(name) and not self.steps.inline
            piece = self.one(step, node, place.called(f"self.{name}" if named else f"{self.steps.prefix}_"))
            at = at.here(piece.x, piece.strides)
            item = ItemNode(name, piece.node) if is_known else ItemNode(self.steps.prefix, piece.node, computed)
            found.append((item, piece.x, piece.strides))
        return found

    def _loop(self, total: Expression | None) -> Written | None:
        """A loop; None where the repeats are built too differently, or are too few behind the first."""
        nodes, begins = self.steps.nodes, expression_of(self.at.x[0])
        if not nodes:
            return self._never(total, begins)
        self.facts.note_loop(self.steps.step, self.at, nodes[0][1])
        leaves = self._leaves(begins, 0)
        if leaves is None:
            return None
        if leaves == begins:
            return self._item(total, self._pieces(begins, 0), 0, None)
        if total is None and self._leaves(leaves, 1) == leaves:
            if len(nodes) - 1 <= ONE_BY_ONE:
                return None
            head = self._singly(nodes[:1])
            self.at = self.at._replace(strides=head[-1][2])
            rest = self._item(total, self._pieces(leaves, 1), 1, None)
            return None if rest is None else [*head, *rest]
        variable = self.at.frame.running(int(self.at.x[0]))
        return self._item(total, self._pieces(variable, 0), 0, (variable, begins))

    def _never(self, total: Expression | None, begins: Expression) -> Written | None:
        """A step that is not repeated here, and is elsewhere: as it is there."""
        example = self.facts.loop_of(self.steps.step)
        if example is None:
            return []
        place, node = example
        place = place._replace(strides=same_size(len(node.input)))
        other = Repeats(self.one, self.facts, self.steps._replace(nodes=(("", node),)), place)
        pieces, variable = other._pieces(begins, 0), None
        if pieces and expression_of(pieces[0].x[0]) != begins:
            name = self.at.frame.running(int(self.at.x[0]))
            place.frame.variables.add(name.text)
            pieces, variable = other._pieces(name, 0), (name, begins)
        found = self._item(total, pieces, 0, variable) or []
        x = self.at.x if variable is None else (counted(int(self.at.x[0]), variable[0]), *self.at.x[1:])
        return [(item, x, self.at.strides) for item, _, _ in found]

    def _item(
        self,
        total: Expression | None,
        pieces: list[Walked] | None,
        skipped: int,
        variable: tuple[Name, Expression] | None,
    ) -> Written | None:
        """The loop of pieces that are alike. Args: variable, what holds the channels, and what it begins with."""
        if pieces is None:
            return None
        start, last = self.steps.start, pieces[-1]
        if isinstance(last.node, FormNode) and not self._is_joined_alike(last.node):
            return None
        stop = plus(start, len(self.steps.nodes)) if total is None else operation("+", total, start)
        x, carried = last.x, None
        if variable is not None:
            name, begins = variable
            carried = Carried(name.text, begins, expression_of(x[0]))
            self.at.frame.env[name.text] = int(x[0])
            x = (counted(int(x[0]), name), *x[1:])
        return [(ItemNode(self.steps.prefix, last.node, plus(start, skipped), stop, carried), x, last.strides)]

    def _is_joined_alike(self, node: FormNode) -> bool:
        """Whether what the forward pass asks of a form is the same for all repeats."""
        asked = [expression_of(value) for value in (*node.parts, *filter(None, (node.adds,)))]
        names = {name for expression in asked for name in names_in(expression)}
        return not any(name == "number" or "." in name or name in self.at.frame.variables for name in names)

    def _leaves(self, arriving: Expression, number: int) -> Expression | None:
        """What leaves one of the repeats where an expression arrives."""
        nodes = self.steps.nodes[number : number + 1]
        pieces = self._pieces(arriving, number, nodes) if nodes else None
        return expression_of(pieces[0].x[0]) if pieces else None

    def _pieces(
        self, arriving: Expression, skipped: int, nodes: tuple[tuple[str, SomeShaped], ...] | None = None
    ) -> list[Walked] | None:
        """Each repeat where the same expression arrives; None where they are not all the same code."""
        env, at = self.at.frame.env, self.at
        nth = operation("-", Name("number"), plus(self.steps.start, -1))
        first = value_of(self.steps.start, env)
        found: list[Walked] = []
        known: int | None = None
        for number, (_, node) in enumerate(self.steps.nodes[skipped:] if nodes is None else nodes, skipped + 1):
            if known != id(node):  # otherwise it is built alike, whatever its number
                known = id(node)
                env["number"] = first + number - 1
                if isinstance(arriving, Name) and arriving.text in self.at.frame.variables:
                    env[arriving.text] = int(node.input[0])
                x = (counted(int(node.input[0]), arriving), *node.input[1:])
                place = at.here(x).counted(number, nth)
                found.append(self.one(self.steps.step, node, place.called("step")))
                at = at._replace(strides=found[-1].strides)
        env.pop("number", None)
        alike = {str((likeness(piece.node), text_of(expression_of(piece.x[0])))) for piece in found}
        return found if len(alike) == 1 else None


def plus(expression: Expression, number: int) -> Expression:
    """`n - 1` and 2 is `n + 1`."""
    return operation("-" if number < 0 else "+", expression, Literal(abs(number)))


def likeness(node: Any) -> Any:
    """What two pieces of code have in common where they are the same: expressions as they are written, no shapes."""
    if isinstance(node, CallNode):
        return ("call", id(node.target), likeness(node.given), node.frozen, node.borrows)
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        pairs = zip(node._fields, node, strict=True)
        return (type(node).__name__, *(likeness(value) for name, value in pairs if name != "told"))
    if isinstance(node, tuple | list):
        return tuple(map(likeness, node))
    if isinstance(node, Counted | Expression):
        return ("written", text_of(expression_of(node)))
    return repr(node)
