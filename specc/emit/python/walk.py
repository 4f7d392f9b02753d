"""The body of a class, walked once with channels that carry their expression: its nodes, and what leaves it.

In:         the resolved steps of a chain beside their shaped nodes; what arrives, in the names of a class.
Out:        the nodes of the class's code, and the channels that leave as an expression of the same names.
Guarantees: an expression has the number of the shaped node as its value; what has no expression is that number.
Leaves:     calls of blocks, and layers as parameters, to `calls.py`; the text to `render.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from specc.emit.python.expressions import (
    Expression,
    Literal,
    counted,
    expression_of,
    names_in,
    operation,
)
from specc.emit.python.facts import Facts
from specc.emit.python.frames import CodePlace, HeldStep, Strides, is_initializer
from specc.emit.python.layers import layer_node, values_of, with_expressions
from specc.emit.python.nodes import ChainNode, FormNode, ItemNode
from specc.emit.python.repeats import Repeats, Steps, Walked, plus
from specc.emit.python.shortcuts import Rule, projected_stride, projection, rule_of, shortcut_rule
from specc.emit.python.told import after, composed, same_size, told
from specc.ir.model import (
    Argument,
    Block,
    BlockStep,
    Chain,
    FormStep,
    GroupStep,
    LayerStep,
    ParameterStep,
    SomeStep,
)
from specc.ir.names.values import is_rest
from specc.ir.shaped import From, ShapedChain, ShapedForm, ShapedLayer, SomeShaped
from specc.ir.shapes import forms
from specc.layers.base import Shape
from specc.layers.weighted import EXACT, Weighted

UNROLLED = 4  # as many in a chain that is no class


class Calls(Protocol):
    """What a walk leaves to the program around it."""

    facts: Facts

    def call(
        self, step: SomeStep, block: Block, arguments: tuple[Argument, ...], node: ShapedChain, at: CodePlace
    ) -> Walked: ...

    def held(self, step: HeldStep, node: SomeShaped, at: CodePlace) -> Walked: ...

    def inner_class(self, chain: Chain, shaped: ShapedChain, at: CodePlace, word: str) -> Walked: ...


class BodyWalk:
    """One chain after another, inside the frame of a class."""

    def __init__(self, program: Calls) -> None:
        self.program = program

    def chain(self, chain: Chain, shaped: ShapedChain, at: CodePlace, *, inline: bool) -> Walked:
        """A chain's steps. Args: inline, whether it is an expression, in which no loop can stand."""
        frame, place = at.frame, 0
        frame.kept.append({})
        counts: dict[str, Expression] = {}
        items: list[ItemNode] = []
        for step in chain.steps:
            count = 1 if step.repeat is None else int(at.value(step.repeat))
            before = counts.get(step.word, Literal(0))
            steps = Steps(step, shaped.steps[place : place + count], plus(before, 1), inline)
            varying = at.how_often(step.repeat) if step.repeat is not None else None
            made = Repeats(self.one, self.program.facts, steps, at).write(varying, shaped.keeps)
            for item, x, left in made:
                at = at.here(x, left)
                if item.number is None and item.prefix in shaped.keeps:
                    frame.kept[-1][item.prefix] = x[0]
            items += (item for item, _, _ in made)
            is_loop = varying is not None and any(item.stop is not None for item, _, _ in made)
            counts[step.word] = operation("+", before, varying) if is_loop and varying else plus(before, count)
            if varying is not None and not is_loop:
                at.bake(step.repeat)
            place += count
        frame.kept.pop()
        borrows = tuple(dict.fromkeys(origin.name for origin in origins(shaped)))
        node = ChainNode(tuple(items), shaped.frozen, told(frame, at.x, at.strides), shaped.keeps, borrows)
        return Walked(node, at.x, at.strides)

    # one step

    def one(self, step: SomeStep, node: SomeShaped, at: CodePlace) -> Walked:
        """A step built once."""
        if isinstance(step, ParameterStep | LayerStep | BlockStep) and at.is_made(step):
            return self.program.held(step, node, at)
        match step:
            case LayerStep():
                assert isinstance(node, ShapedLayer)  # noqa: S101 - `infer` made it of this step
                return self.layer(step.arguments, node, at)
            case BlockStep():
                assert isinstance(node, ShapedChain)  # noqa: S101 - the same
                return self.program.call(step, step.block, step.arguments, node, at)
            case GroupStep():
                assert isinstance(node, ShapedChain)  # noqa: S101 - the same
                return self.inner(step.body, node, at, "group")
            case FormStep():
                assert isinstance(node, ShapedForm)  # noqa: S101 - the same
                return self._form(step, node, at)
        raise AssertionError(step)  # a broken step has no shape

    def layer(self, arguments: tuple[Argument, ...], node: ShapedLayer, at: CodePlace) -> Walked:
        written = self.written(arguments, node, at)
        carrying = with_expressions(node.layer, written)
        x = checked(carrying.output(at.x), node.output)
        strides = after(carrying, at.x, node.output, at.strides)
        if node.like is not None:
            written = {}  # it is written in the forward pass, which sees no parameter
        made = layer_node(node.layer, written, at.x, told(at.frame, x, strides), node.like)
        used = {name for part in values_of(made) for name in names_in(expression_of(part))}
        for argument in arguments:
            expression = written.get(argument.name)
            inside = expression if isinstance(expression, list) else [expression] * (expression is not None)
            if not inside or not all(name in used for one in inside for name in names_in(expression_of(one))):
                at.bake(argument.value)
        return Walked(made, x, strides)

    @staticmethod
    def written(arguments: tuple[Argument, ...], node: ShapedLayer, at: CodePlace) -> dict[str, Any]:
        """The expressions of a layer's fields."""
        found: dict[str, Any] = {}
        values = {name: getattr(node.layer, name, None) for name in ("weight", "bias", "gamma", "beta")}
        literals = [name for name, value in values.items() if isinstance(value, tuple)]
        for argument in arguments:
            known = getattr(node.layer, argument.name)
            if argument.name in ("init", *literals):
                named = is_initializer(argument.value)
                expression: Any = at.arguments(argument.value, known.arguments) if named else None
            else:
                expression = at.written(argument.value, known)
            if expression is not None:
                found[argument.name] = expression
        return found

    def inner(self, chain: Chain, shaped: ShapedChain, at: CodePlace, word: str) -> Walked:
        """A chain in braces: a class of its own where it needs code, else an expression."""
        if self._needs_class(chain, shaped, at):
            return self.program.inner_class(chain, shaped, at, word)
        return self.chain(chain, shaped, at, inline=True)

    def _needs_class(self, chain: Chain, shaped: ShapedChain, at: CodePlace) -> bool:
        if shaped.keeps or any(True for _ in origins(shaped)):
            return True
        place = 0
        for step in chain.steps:
            count = 1 if step.repeat is None else int(at.value(step.repeat))
            nodes = shaped.steps[place : place + count]
            place += count
            varies = step.repeat is not None and at.how_often(step.repeat) is not None
            if isinstance(step, FormStep) or varies or count > UNROLLED or any(_draws(node) for _, node in nodes):
                return True
        return False

    # forms

    def _form(self, step: FormStep, node: ShapedForm, at: CodePlace) -> Walked:
        chains = dict(zip(step.branch_names, step.branches, strict=True))
        if step.shortcut_chain is not None:
            chains["shortcut"] = step.shortcut_chain
        parts = self._parts(step, node, at)
        ruled = node.form == "residual" and step.shortcut in ("auto", "same")
        branches: list[tuple[str, Any]] = []
        pieces: list[Walked] = []
        for number, (name, shaped) in enumerate(node.branches):
            chain = chains.get(name)
            own = same_size(len(at.x)) if ruled else at.strides
            enters, begins = self._enters(node, name, parts[number] if parts else at.x, at, own)
            if shaped is None or chain is None or all(_is_identity(one) for _, one in shaped.steps):
                branches.append((name, None))
                pieces.append(Walked(ChainNode((), False, ""), enters, begins))
                continue
            piece = self.inner(chain, shaped, at.here(enters, begins).called(name), name)
            branches.append((name, piece.node))
            pieces.append(piece)
        x = checked(joined_shape(node, [piece.x for piece in pieces]), node.output)
        origin_names = tuple((name, origin.name) for name, origin in node.origins.items())
        made = FormNode(node.form, node.joined, tuple(branches), node.frozen, "", origins=origin_names)
        if node.form == "split" and step.parts:
            made = made._replace(parts=tuple(enters[0] for enters in parts))
        left = next((piece.strides for piece in pieces if None not in piece.strides), pieces[0].strides)
        if ruled:
            made = self._with_rule(step, node, made, at, pieces[0])
            x, left = checked(pieces[0].x, node.output), composed(at.strides, pieces[0].strides)
        return Walked(made._replace(told=told(at.frame, x, left) if x else ""), x, left)

    def _parts(self, step: FormStep, node: ShapedForm, at: CodePlace) -> list[Shape]:
        """What arrives at each branch of a `split`."""
        if node.form != "split":
            return []
        sizes: list[int | None] = []
        for part, plain in zip(step.parts, node.parts, strict=False):
            expression = None if is_rest(part) else at.written(part, plain)
            sizes.append(None if is_rest(part) else plain if expression is None else counted(plain, expression))
        found = forms.split_input(at.x, len(step.branches), sizes)
        return [(counted(plain, expression_of(x[0])), *at.x[1:]) for x, plain in zip(found, node.parts, strict=True)]

    @staticmethod
    def _enters(node: ShapedForm, name: str, x: Shape, at: CodePlace, strides: Strides) -> tuple[Shape, Strides]:
        """What a branch begins with."""
        origin = node.origins.get(name)
        if origin is None:
            return x, strides
        shaped = dict(node.branches)[name]
        sizes = shaped.input[1:] if shaped is not None else x[1:]
        channels = at.frame.kept[-1 - origin.above][origin.name]
        return (channels, *sizes), (None,) * len(sizes)

    def _with_rule(self, step: FormStep, node: ShapedForm, made: FormNode, at: CodePlace, body: Walked) -> FormNode:
        """A residual whose shortcut depends on the shapes: by the strides of its body and by its channels."""
        env, kept = at.frame.env, made.branches[:1]
        rule = shortcut_rule(step, node, at.x, body.x, body.strides, env)
        if step.shortcut == "auto":
            rule = self._asked(step, node, at, body.x, rule)
            is_identity = rule.differs is None and not rule.always
            chain = None if is_identity else projection(at, body.x, rule)
            return made._replace(branches=(*kept, ("shortcut", chain)), present=rule.differs)
        if rule is not None and rule.agrees is not None:
            return made._replace(branches=(*kept, ("shortcut", None)), joined="add", adds=rule.agrees)
        return made if node.joined == "none" else made._replace(branches=(*kept, ("shortcut", None)))

    def _asked(self, step: FormStep, node: ShapedForm, at: CodePlace, body: Shape, rule: Rule | None) -> Rule:
        """A rule that holds here: with a parameter for the stride where the body's do not say it for all uses."""
        own, odd = projected_stride(node), self.program.facts.odd
        if rule is not None and id(step) not in odd:
            return rule
        if isinstance(own, tuple) or at.frame.is_root:
            return rule or Rule(own, (), body != at.x)
        odd.add(id(step))
        asked = at.frame.ask(id(step), "shortcut_stride", own)
        return rule_of(expression_of(asked), at.x, body, at.frame.env)


def checked(x: Shape, known: Shape) -> Shape:
    """The shape with the channels of x where they are the known ones; sizes stay numbers."""
    if not known:
        return ()
    return (x[0] if x and x[0] == known[0] else known[0], *map(int, known[1:]))


def joined_shape(node: ShapedForm, outputs: list[Shape]) -> Shape:
    """What leaves a form, by its own rule."""
    if node.joined in ("concat", "split"):
        return forms.concat_shape(outputs)
    if node.joined == "mul":
        return forms.mul_shape(outputs, [name for name, _ in node.branches], node.word)
    return outputs[0]


def origins(chain: ShapedChain) -> Iterator[From]:
    """What a chain goes on from outside of it, counted from the chain around."""
    for _, node in chain.steps:
        inner: list[From] = []
        if isinstance(node, ShapedLayer) and node.like is not None:
            inner = [node.like]
        elif isinstance(node, ShapedChain) and node.borrows:
            inner = list(origins(node))
        elif isinstance(node, ShapedForm) and node.borrows:
            inner = list(node.origins.values())
            inner += [origin for _, branch in node.branches if branch is not None for origin in origins(branch)]
        yield from (origin._replace(above=origin.above - 1) for origin in inner if origin.above)


def _is_identity(node: SomeShaped) -> bool:
    return isinstance(node, ShapedLayer) and node.layer.keyword == "id"


def _draws(node: SomeShaped) -> bool:
    if not isinstance(node, ShapedLayer) or not isinstance(node.layer, Weighted) or node.layer.init is None:
        return False
    return node.layer.init.name not in (*EXACT, "whiten")
