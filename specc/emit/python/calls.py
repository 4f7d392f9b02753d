"""The classes of a program: a block is one, with its own parameters; so is a chain in braces that needs code.

A block's body is walked for each use, in the class's own names, and uses whose code is the same share a class. A
layer or a block that a parameter holds becomes a factory argument, where its module can be made so.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.python.drafts import ClassDraft, class_name, without_comments
from specc.emit.python.expressions import (
    Expression,
    Literal,
    Name,
    counted,
    expression_of,
    names_in,
    put_in,
    value_of,
)
from specc.emit.python.factories import Factories, Made, said_by
from specc.emit.python.facts import Facts
from specc.emit.python.frames import CannotWrite, ClassFrame, CodePlace, HeldStep, OfferedName, default_of, is_plain
from specc.emit.python.nodes import CallNode, ChainNode, FactoryNode
from specc.emit.python.render import draft_class
from specc.emit.python.repeats import Walked
from specc.emit.python.told import composed, same_size, told
from specc.emit.python.walk import BodyWalk, origins
from specc.ir.model import Argument, Block, Chain, Model, SomeStep
from specc.ir.names.scope import NotYet, Scope, as_torch
from specc.ir.shaped import ShapedChain, ShapedModel, SomeShaped
from specc.layers.base import Shape
from specc.syntax import tree


class Program:
    """The classes found so far, and which one each chain became."""

    def __init__(self, model: Model, name: str, taken: frozenset[str], facts: Facts) -> None:
        self.model, self.name, self.facts = model, name, facts
        parameters = {parameter.name for block in model.blocks.values() for parameter in block.parameters}
        self.words = {*parameters, *model.parameters}
        self.avoid = {*taken, name, *map(class_name, model.blocks)}
        self.names = {*taken, name, *self.words}
        self.walk = BodyWalk(self)
        self.factories = Factories(self)
        self.drafts: dict[object, ClassDraft] = {}
        self.made: dict[int, Made] = {}
        self.frames: list[ClassFrame] = []
        self.uses: list[tuple[Made, Block, ShapedChain]] = []

    def network(self, shaped: ShapedModel) -> ClassDraft:
        """The network's own class."""
        scope = Scope(self.model.parameters, self.model.blocks, channels=shaped.input[0])
        frame = self._frame("", scope, shaped.input, is_root=True)
        self._offer_params(frame)
        at = CodePlace(frame, shaped.input, scope, same_size(len(shaped.input)))
        piece = self.walk.chain(self.model.chain, shaped.chain, at, inline=False)
        network = self._draft(self.name, "", piece, frame)
        self.facts.clashes |= {self.key(found.block, word) for found in self.frames for word in found.baked}
        self.facts.scales |= self._used_in(lambda frame: frame.factors) - self._used_in(lambda frame: frame.counts)
        return network

    def _used_in(self, place: Callable[[ClassFrame], set[str]]) -> set[str]:
        """The `param`s whose names stand in some place of any class."""
        return {word for frame in self.frames for word, name in frame.params.items() if name in place(frame)}

    def key(self, block: str, word: str) -> tuple[str, str]:
        """A parameter as facts know it: with its block, without one for a `param` of the spec."""
        own = self.model.blocks.get(block)
        return (block if own is not None and any(one.name == word for one in own.parameters) else "", word)

    def _frame(self, block: str, scope: Scope, arriving: Shape, *, is_root: bool = False) -> ClassFrame:
        self.frames.append(ClassFrame(block, scope, self.avoid, arriving, is_root=is_root))
        return self.frames[-1]

    # blocks

    def call(
        self, step: SomeStep, block: Block, arguments: tuple[Argument, ...], node: ShapedChain, at: CodePlace
    ) -> Walked:
        """A block in its place."""
        made = self.block(block, node)
        given = self._given(block, made, arguments, node, at) | self._asked(id(step), made.frame, at)
        return self.use(made, given, node, at)

    def use(self, made: Made, given: dict[str, Any], node: ShapedChain, at: CodePlace) -> Walked:
        """A class called with what its names are given."""
        names = mapping(made.frame, given)
        x, variable = self.leaving(made, names, node.output, at), ""
        if node.output and not all(name in names for name in names_in(made.channels)):
            self.facts.says_channels.add(made.draft.block)
            x, variable = said_by(made.draft.block, at, node.output)
        inner = tuple(None if one is None else _put(one, names) for one in made.strides)
        left = composed(at.strides, inner)
        borrows = tuple(dict.fromkeys(origin.name for origin in origins(node)))
        shown = told(at.frame, x, left) if x else ""
        return Walked(CallNode(made.draft, tuple(given.items()), node.frozen, shown, borrows, variable), x, left)

    @staticmethod
    def leaving(made: Made, names: dict[str, Expression], output: Shape, at: CodePlace) -> Shape:
        """What leaves a class, in the names of the one that calls it."""
        if not output:
            return ()
        expression = _put(made.channels, names)
        if expression is None or isinstance(expression, Literal):
            return output
        try:
            fits = value_of(expression, at.frame.env) == output[0]
        except KeyError:
            fits = False
        return (counted(output[0], expression) if fits else output[0], *output[1:])

    def block(self, block: Block, node: ShapedChain) -> Made:
        """The class for a use of a block."""
        known = self.made.get(id(node))
        if known is None:
            values = {**self.model.parameters, **dict(node.values)}
            scope = Scope(values, self.model.blocks, channels=node.input[0])
            frame = self._frame(block.name, scope, node.input)
            self._offer_params(frame)
            self._offer_own(frame, block, dict(node.values), self._inside(frame))
            known = self.made[id(node)] = self._make(block.body, node, frame, block.name)
            self.uses.append((known, block, node))
        return known

    @staticmethod
    def _inside(frame: ClassFrame, scope: Scope | None = None, nth: Expression | None = None) -> CodePlace:
        """Where the body of a class begins."""
        return CodePlace(frame, frame.arrives, scope or frame.scope, same_size(len(frame.input)), nth)

    def _make(self, chain: Chain, node: ShapedChain, frame: ClassFrame, word: str) -> Made:
        piece = self.walk.chain(chain, node, self._inside(frame), inline=False)
        draft = self._draft("", word, piece, frame)
        channels = expression_of(piece.x[0]) if piece.x else Literal(0)
        return Made(draft, frame, channels, piece.strides)

    def _draft(self, name: str, word: str, piece: Walked, frame: ClassFrame) -> ClassDraft:
        """The class of what was walked: a new one, or one that there is already."""
        assert isinstance(piece.node, ChainNode)  # noqa: S101 - a class is a chain
        factories, defaults = self.factories.parameters(frame)
        says = expression_of(piece.x[0]) if word in self.facts.says_channels and piece.x else None
        draft = draft_class(name, word, piece.node, frame, factories, defaults, says)
        key = (word, tuple(draft.parameters.items()).__repr__(), draft.base, without_comments(draft.lines))
        if name or key not in self.drafts:
            draft.name = name or self._class_name(word)
            self.drafts[key] = draft
        draft = self.drafts[key]
        draft.note({name: frame.offers[name].value for name in draft.parameters})
        return draft

    def _class_name(self, word: str) -> str:
        stem = class_name(word)
        between = "_" * stem[-1].isdigit()
        name, number = stem, 2
        while name in self.names:
            name, number = f"{stem}{between}{number}", number + 1
        self.names.add(name)
        return name

    # names

    def _offer_own(self, frame: ClassFrame, block: Block, values: dict[str, Any], at: CodePlace) -> None:
        """A block's parameters, with their defaults."""
        for parameter in block.parameters:
            if (block.name, parameter.name) in self.facts.fixed:
                continue
            value = values[parameter.name]
            default, is_constant = default_of(parameter.default, frame.scope)
            offer = OfferedName(as_torch(value))
            if is_constant and is_plain(default):
                offer = offer._replace(default=Literal(as_torch(default)))
            elif parameter.default is not None and not is_constant:
                offer = offer._replace(worked_out=self._worked_out(parameter.default, at))
            frame.offer(parameter.name, offer, is_word=True)

    @staticmethod
    def _worked_out(default: Any, at: CodePlace) -> Expression | None:
        """A default as an expression of what stands before it; None where it is the call's to say."""
        try:
            return at.written(default, at.value(default))
        except (NotYet, Problem, CannotWrite):
            return None

    def _offer_params(self, frame: ClassFrame) -> None:
        """The `param`s of the spec; those whose names a block takes for itself have others."""
        block = self.model.blocks.get(frame.block)
        own = {parameter.name for parameter in block.parameters} if block is not None else set()
        for word, value in self.model.parameters.items():
            if value is None or ("", word) in self.facts.fixed:
                continue
            default = Literal(as_torch(value)) if is_plain(value) else None
            offer = OfferedName(as_torch(value), default)
            said = self.model.written.get(word)
            if word in self.facts.scales and type(offer.value) is int and isinstance(said, tree.Number | None):
                offer = offer._replace(value=float(offer.value))
            written = said if frame.is_root else None
            if written is not None:
                expression = self._worked_out(written, self._inside(frame))
                offer = offer._replace(worked_out=expression) if expression is not None else offer
            name = frame.offer(word, offer, is_word=word not in own)
            frame.params[word] = name.text

    # what is given

    def _given(
        self, block: Block, made: Made, arguments: tuple[Argument, ...], node: ShapedChain, at: CodePlace
    ) -> dict[str, Any]:
        """By the names of a block's class, what it gets in a place."""
        frame = made.frame
        by_name = {argument.name: argument for argument in arguments}
        given: dict[str, Any] = {frame.arriving.text: at.x[0]}
        for parameter in block.parameters:
            argument = by_name.get(parameter.name)
            if (block.name, parameter.name) in self.facts.fixed:
                at.bake(argument.value if argument is not None else parameter.default)
                continue
            name, value = frame.words[parameter.name], dict(node.values)[parameter.name]
            own = made.draft.parameters.get(name)
            if own is not None and own.is_layer:
                if argument is not None or own.default is None:
                    given[name] = self.factories.given(made.frame, parameter.name, argument, value, at)
            elif argument is not None:
                if isinstance(value, Fraction):
                    self.facts.fractions.add((block.name, parameter.name))
                whole = (block.name, parameter.name) not in self.facts.fractions
                expression = at.written(argument.value, value, whole=whole)
                given[name] = as_torch(value) if expression is None else expression
            elif frame.offers[name].default is None and frame.offers[name].worked_out is None:
                given[name] = self._of_call(parameter.default, value, made, given, at)
        return given | self.params_given(made, at)

    def _asked(self, place: int, inner: ClassFrame, at: CodePlace) -> dict[str, Any]:
        """What a class asks for beside the parameters of its block: the class around asks in its turn."""
        given: dict[str, Any] = {}
        for key, (name, value) in inner.asked.items():
            if value != 1:
                self.facts.asking.add((place, key))
            if (place, key) in self.facts.asking:
                given[name.text] = at.frame.ask((place, key), name.text, value)
        return given

    def params_given(self, made: Made, at: CodePlace) -> dict[str, Any]:
        """The `param`s of the spec that a class takes."""
        given: dict[str, Any] = {}
        for word, name in made.frame.params.items():
            own = made.draft.parameters.get(name)
            if own is not None and word in at.frame.params:
                given[name] = Name(at.frame.params[word])
                if own.is_layer:
                    self.factories.hand_on(made.frame, word, at.frame, word)
        return given

    @staticmethod
    def _of_call(default: Any, value: Any, made: Made, given: dict[str, Any], at: CodePlace) -> Any:
        """A default that depends on the call, such as on its `nth`."""
        inner = Program._inside(made.frame, at.scope, Name("nth"))
        names = mapping(made.frame, given)
        try:
            if at.nth is not None:
                made.frame.env["nth"] = value_of(at.nth, at.frame.env)
            found = _put(inner.unchecked(default), names | ({"nth": at.nth} if at.nth is not None else {}))
            if found is not None and value_of(found, at.frame.env) == as_torch(value):
                return found
        except (CannotWrite, ArithmeticError, TypeError, KeyError):
            pass
        return as_torch(value)

    # layers as parameters

    def held(self, step: HeldStep, node: SomeShaped, at: CodePlace) -> Walked:
        return self.factories.step(step, node, at)

    # chains in braces

    def inner_class(self, chain: Chain, shaped: ShapedChain, at: CodePlace, word: str) -> Walked:
        """A class for a chain in braces: it sees what the code around it sees."""
        outer = at.frame
        frame = self._frame(outer.block, at.scope, shaped.input)
        given: dict[str, Any] = {frame.arriving.text: at.x[0]}
        for name, offer in outer.offers.items():
            if Name(name) == outer.arriving or name in outer.passed:
                continue
            given[frame.offer(name, OfferedName(offer.value)).text] = Name(name)
        frame.words = {word: _renamed(given, name) for word, name in outer.words.items()}
        frame.params = {word: _renamed(given, name) for word, name in outer.params.items()}
        frame.around = outer
        nth = None
        if at.nth is not None:
            nth = frame.offer("nth", OfferedName(value_of(at.nth, outer.env)))
            given[nth.text] = at.nth
            frame.passed.add(nth.text)
        for kept in outer.kept:
            inside = {}
            for label, channels in kept.items():
                called = frame.offer(f"{label}_channels", OfferedName(int(channels)))
                inside[label] = counted(int(channels), called)
                given[called.text] = channels
                frame.passed.add(called.text)
            frame.kept.append(inside)
        place = self._inside(frame, at.scope._replace(channels=shaped.input[0]), nth)
        piece = self.walk.chain(chain, shaped, place, inline=False)
        given |= self._asked(id(chain), frame, at)
        own = f"{outer.block}_{word}".lstrip("_")
        draft = self._draft("", own, piece, frame)
        leaves = expression_of(piece.x[0]) if piece.x else Literal(0)
        return self.use(Made(draft, frame, leaves, piece.strides), given, shaped, at)


def mapping(frame: ClassFrame, given: dict[str, Any]) -> dict[str, Expression]:
    """What the names of a class stand for where it is called, those of defaults too."""
    found = {name: expression_of(value) for name, value in given.items() if not isinstance(value, FactoryNode)}
    defaults = {name: offer.default for name, offer in frame.offers.items() if offer.default is not None}
    found = {name: default for name, default in defaults.items() if name not in given} | found
    for name, offer in frame.offers.items():
        if offer.worked_out is not None and name not in given:
            worked_out = _put(offer.worked_out, found)
            if worked_out is not None:
                found[name] = worked_out
    return found


def _put(expression: Expression, names: dict[str, Expression]) -> Expression | None:
    """An expression in other names; None where one of its own has none."""
    if not all(name in names for name in names_in(expression)):
        return None
    return put_in(expression, names)


def _renamed(given: dict[str, Any], outer: str) -> str:
    return next(name for name, value in given.items() if value == Name(outer))


def written_program(model: ShapedModel, name: str, taken: frozenset[str]) -> tuple[Program, list[ClassDraft]]:
    """The classes of a network, each after those that it uses, and the program that they are.

    Args: name, the network's own class, the last one; taken, names that mean something else in the file.
    """
    facts = Facts()
    while True:
        before = facts.size()
        facts.clashes.clear()
        program = Program(model.resolved, name, taken, facts)
        network = program.network(model)
        if facts.size() == before:
            if not facts.clashes:
                return program, list(network.reached(set()))
            facts.fixed |= facts.clashes
