"""Layers and blocks as arguments: `act=nn.SiLU`, `pieces=lambda channels: Apart(channels, c, stride)`.

A parameter that holds a layer is called where it becomes a step. What it is given there are the channels that arrive,
where some module that it makes is made for a number of them, and the arguments of that step.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from specc.emit.python.drafts import ClassDraft, ClassParameter
from specc.emit.python.expressions import Counted, Expression, Literal, Name, counted, expression_of, names_in, put_in
from specc.emit.python.frames import ClassFrame, CodePlace, HeldStep, Strides
from specc.emit.python.layers import layer_node, with_expressions
from specc.emit.python.nodes import CallNode, FactoryNode, MadeNode
from specc.emit.python.repeats import Walked
from specc.emit.python.told import after, told
from specc.emit.python.walk import BodyWalk, Calls
from specc.ir.model import Argument, Block, Model, ParameterStep
from specc.ir.names.bind import bind, take_frozen
from specc.ir.names.partial import Held, held_by
from specc.ir.names.scope import as_torch
from specc.ir.shaped import ShapedChain, ShapedLayer, SomeShaped
from specc.layers.base import Shape
from specc.layers.fields import Partial
from specc.layers.torch_call import IN
from specc.layers.weighted import Weighted
from specc.syntax import tree

OUT = "out_channels"


class Made(NamedTuple):
    """A class for one use of a chain: what leaves it, in its own names, and by what it divides sizes."""

    draft: ClassDraft
    frame: ClassFrame
    channels: Expression
    strides: Strides


class Maker(NamedTuple):
    """What a parameter makes in one place. given: names that the step there gives; made: a block's class there."""

    held: Held
    given: tuple[str, ...]
    node: SomeShaped
    made: Made | None

    def key(self) -> object:
        """What makers have in common that one function can stand for."""
        if self.made is not None:
            return ("block", id(self.made.draft), self.given)
        assert isinstance(self.node, ShapedLayer)  # noqa: S101 - it is no block
        call = self.node.layer.torch
        return (call and self.node.layer.torch_name(call.name, self.node.input), self.given)


class OwnProgram(Calls, Protocol):
    """What factories ask of the program around them, besides what a walk does."""

    model: Model
    walk: BodyWalk

    def key(self, block: str, word: str) -> tuple[str, str]: ...

    def block(self, block: Block, node: ShapedChain) -> Made: ...

    def params_given(self, made: Made, at: CodePlace) -> dict[str, Any]: ...


class Factories:
    """The parameters of a program that make modules."""

    def __init__(self, program: OwnProgram) -> None:
        self.program = program

    # a step whose word is a parameter

    def step(self, step: HeldStep, node: SomeShaped, at: CodePlace) -> Walked:
        """A step that a parameter makes."""
        value = at.scope.values[step.word]
        held = held_by(value, at.scope) or held_by(step.word, at.scope)
        assert held is not None  # noqa: S101 - `infer` made it
        if isinstance(step, ParameterStep):
            raw = take_frozen(step.raw, held.signature.keys)[0] if isinstance(held.target, Block) else step.raw
            bound = bind(raw, held.signature, at.scope, step.head, held.given(step.head)).arguments
        else:
            bound = step.arguments
        maker = self._maker(step.word, held, bound, node, at)
        if maker is not None:
            return self._made(step.word, maker, bound, at)
        if isinstance(held.target, Block):
            assert isinstance(node, ShapedChain)  # noqa: S101 - the same
            return self.program.call(step, held.target, bound, node, at)
        assert isinstance(node, ShapedLayer)  # noqa: S101 - the same
        return self.program.walk.layer(bound, node, at)

    def _maker(
        self, word: str, held: Held, bound: tuple[Argument, ...], node: SomeShaped, at: CodePlace
    ) -> Maker | None:
        """How a parameter makes a step; None where its module is written out in its place."""
        frame = at.frame
        key = self.program.key(frame.block, word)
        if word not in frame.words:
            return None
        given = tuple(argument.name for argument in bound if argument.name not in held.names)
        made = None
        if isinstance(held.target, Block):
            assert isinstance(node, ShapedChain)  # noqa: S101 - `infer` made it of a block
            made = self.program.block(held.target, node)
            names = [made.frame.words.get(name, "") for name in given]
            fits = not node.frozen and all(name in made.draft.parameters for name in names)
            fits = fits and not any(made.draft.parameters[name].is_layer for name in names)
        else:
            assert isinstance(node, ShapedLayer)  # noqa: S101 - it is no block
            fits = self._can_make(node)
        is_shared = not key[0] and (isinstance(held.target, Block) or bool(given))  # no default could say it
        if not fits or is_shared:
            self.program.facts.clashes.add(key)
            return None
        asked = key in self.program.facts.asks_channels and made is None
        if asked and not (isinstance(node, ShapedLayer) and _says_channels(node)):
            self.program.facts.clashes.add(key)
            return None
        maker = Maker(held, given, node, made)
        if self._note(frame, word, maker):
            return maker
        self.program.facts.clashes.add(key)
        return None

    @staticmethod
    def _can_make(node: ShapedLayer) -> bool:
        """Whether a layer is made by one call."""
        layer = node.layer
        if node.like is not None or layer.torch is None:
            return False
        if not isinstance(layer, Weighted):
            return True
        starts = layer.init is not None or layer.frozen or layer.literals()
        return not starts and getattr(layer, "gamma", None) is None and getattr(layer, "beta", None) is None

    def _note(self, frame: ClassFrame, word: str, maker: Maker) -> bool:
        """Whether one function makes this and all that the parameter makes elsewhere in its class."""
        while frame.around is not None and word in frame.around.words:
            frame.layers.add(word)
            frame.makers.setdefault(word, []).append(maker)
            frame = frame.around
        frame.layers.add(word)
        makers = frame.makers.setdefault(word, [])
        makers.append(maker)
        if maker.made is not None or _needs_channels(maker.node):
            self.program.facts.takes_channels.add(self.program.key(frame.block, word))
        return bool(makers[0].key() == maker.key())

    def _takes(self, block: str, word: str) -> bool:
        return self.program.key(block, word) in self.program.facts.takes_channels

    def _made(self, word: str, maker: Maker, bound: tuple[Argument, ...], at: CodePlace) -> Walked:
        frame = at.frame
        args: list[tuple[str, Any]] = [("", at.x[0])] if self._takes(frame.block, word) else []
        names: dict[str, Expression] = {}
        for argument in bound:
            if argument.name in maker.given:
                name, known = self._known(maker, argument.name)
                key = (maker.held.signature.name, argument.name)
                if isinstance(known, Fraction):
                    self.program.facts.fractions.add(key)
                expression = at.written(argument.value, known, whole=key not in self.program.facts.fractions)
                args.append((name, as_torch(known) if expression is None else expression))
                names[name] = expression_of(args[-1][1])
        node = maker.node
        asks = self.program.key(frame.block, word) in self.program.facts.asks_channels
        x = None if asks else self._leaving(maker, names, at)
        variable = ""
        if x is None:
            self.program.facts.asks_channels.add(self.program.key(frame.block, word))
            if isinstance(maker.held.target, Block):
                self.program.facts.says_channels.add(maker.held.target.name)
            x, variable = said_by(word, at, node.output)
        left = after(node.layer, node.input, node.output, at.strides) if isinstance(node, ShapedLayer) else None
        if left is None:
            same = node.output[1:] == node.input[1:]
            left = at.strides if same else (None,) * (len(node.output) - 1)
        made = MadeNode(
            Name(frame.words[word]), tuple(args), self._takes(frame.block, word), told(frame, x, left), variable
        )
        return Walked(made, x, left)

    @staticmethod
    def _known(maker: Maker, name: str) -> tuple[str, Any]:
        """The name of an argument in Python, and its value."""
        if maker.made is not None:
            assert isinstance(maker.node, ShapedChain)  # noqa: S101 - a block's
            return maker.made.frame.words[name], dict(maker.node.values)[name]
        assert isinstance(maker.node, ShapedLayer)  # noqa: S101 - it is no block
        return name, getattr(maker.node.layer, name)

    def _leaving(self, maker: Maker, names: dict[str, Expression], at: CodePlace) -> Shape | None:
        """What leaves, in the names of the class; None where only the module says how many channels."""
        node = maker.node
        if maker.made is not None:
            known = {**names, maker.made.frame.arriving.text: expression_of(at.x[0])}
            inner = maker.made.channels
            if isinstance(inner, Literal) or not all(name in known for name in names_in(inner)):
                return None
            return (counted(node.output[0], put_in(inner, known)), *node.output[1:])
        assert isinstance(node, ShapedLayer)  # noqa: S101 - it is no block
        probe = (Counted(node.input[0], Name("?")), *node.input[1:])
        carrying = with_expressions(node.layer, {name: Name(name) for name in names})
        left = carrying.output(probe)[0]
        if isinstance(left, Counted):
            found = put_in(left.expression, {**names, "?": expression_of(at.x[0])})
            return (counted(node.output[0], found), *node.output[1:])
        return None if _says_channels(node) else node.output

    # parameters and arguments

    def parameters(self, frame: ClassFrame) -> tuple[dict[str, ClassParameter], dict[str, FactoryNode]]:
        """The names of a class that make modules, and what they make where nothing is given."""
        found: dict[str, ClassParameter] = {}
        defaults: dict[str, FactoryNode] = {}
        for word in frame.layers:
            name = frame.words.get(word) or frame.params[word]
            found[name] = ClassParameter(is_layer=True, takes_channels=self._takes(frame.block, word))
            default = self._default(frame, word)
            if default is not None and frame.around is None:
                defaults[name] = default
        return found, defaults

    def _default(self, frame: ClassFrame, word: str) -> FactoryNode | None:
        """What a parameter makes where nothing is given, where that is a layer that needs no more."""
        block = self.program.model.blocks.get(frame.block)
        parameters = {one.name: one.default for one in block.parameters} if block is not None else {}
        value: Any = self.program.model.parameters.get(word)
        if word in parameters:
            default = parameters[word]
            if not isinstance(default, tree.Word) or default.text in self.program.model.parameters:
                return None
            value = default.text
        held = held_by(value, frame.scope)
        makers = frame.makers.get(word, [])
        if held is None or isinstance(held.target, Block) or not makers or makers[0].given:
            return None
        try:
            layer = held.target(**{name: as_torch(one) for name, one in zip(held.names, held.values, strict=True)})
            node = ShapedLayer("", makers[0].node.span, makers[0].node.input, (), makers[0].node.costs, layer)
            if not self._can_make(node) or (_needs_channels(node) and not self._takes(frame.block, word)):
                return None
            return self._factory(Maker(held, (), node, None), {}, frame, takes=self._takes(frame.block, word))
        except ValueError:
            return None

    def given(self, inner: ClassFrame, word: str, argument: Argument | None, value: Any, at: CodePlace) -> Any:
        """The argument for a parameter of a class that makes modules."""
        frame = at.frame
        tied = argument.value if argument is not None else None
        if isinstance(tied, tree.Word) and tied.text in frame.words and at.holds_layer(tied.text):
            self.hand_on(inner, word, frame, tied.text)
            return Name(frame.words[tied.text])
        maker = inner.makers[word][0]
        hidden: dict[str, Any] = {}
        if isinstance(tied, tree.Call) and isinstance(value, Partial):
            held = held_by(tied.function.text, at.scope)
            if held is not None:
                hidden = self._hidden(tied, held, maker, at)
        return self._factory(maker, hidden, frame, takes=self._takes(inner.block, word), at=at)

    def _hidden(self, call: tree.Call, held: Held, maker: Maker, at: CodePlace) -> dict[str, Argument]:
        """The arguments of a call that is a value."""
        arguments = call.arguments
        if isinstance(held.target, Block):
            arguments, _ = take_frozen(arguments, held.signature.keys)
        bound = bind(arguments, held.signature, at.scope, call.span, held.given(call.span), partly=True)
        return {argument.name: argument for argument in bound.arguments}

    def hand_on(self, inner: ClassFrame, word: str, outer: ClassFrame, own: str) -> None:
        """A parameter that is handed to another class as it is: both are called alike."""
        outer.layers.add(own)
        for maker in inner.makers.get(word, []):
            if not self._note(outer, own, maker):
                self.program.facts.clashes.add(self.program.key(outer.block, own))
        facts = self.program.facts.takes_channels
        both = {self.program.key(inner.block, word), self.program.key(outer.block, own)}
        if facts & both:
            facts |= both

    def _factory(
        self, maker: Maker, hidden: dict[str, Argument], frame: ClassFrame, *, takes: bool, at: CodePlace | None = None
    ) -> FactoryNode:
        arriving = "channels" if "channels" not in frame.env else "arriving"
        given = [self._known(maker, name)[0] for name in maker.given]
        parameters = (*((arriving,) if takes else ()), *given)
        node = maker.node
        x: Shape = (Counted(node.input[0], Name(arriving)), *node.input[1:])
        if maker.made is None:
            assert isinstance(node, ShapedLayer)  # noqa: S101 - it is no block
            written: dict[str, Any] = {name: Name(name) for name in maker.given}
            for name, argument in hidden.items():
                expression = at.written(argument.value, getattr(node.layer, name)) if at is not None else None
                if expression is not None:
                    written[name] = expression
            return FactoryNode(parameters, layer_node(node.layer, written, x, ""), bool(given))
        return FactoryNode(parameters, self._call(maker, maker.made, hidden, x, at))

    def _call(self, maker: Maker, made: Made, hidden: dict[str, Argument], x: Shape, at: CodePlace | None) -> CallNode:
        """A block's class with the arguments that a value holds."""
        assert isinstance(maker.node, ShapedChain)  # noqa: S101 - a block's
        values = dict(maker.node.values)
        call: dict[str, Any] = {made.frame.arriving.text: x[0]}
        for name in (*maker.held.names, *maker.given):
            own = made.draft.parameters.get(made.frame.words.get(name, ""))
            if own is None:
                continue
            argument = hidden.get(name)
            if name in maker.given:
                call[made.frame.words[name]] = Name(made.frame.words[name])
            elif own.is_layer and at is not None:
                call[made.frame.words[name]] = self.given(made.frame, name, argument, values[name], at)
            else:
                expression = at.written(argument.value, values[name]) if at is not None and argument else None
                call[made.frame.words[name]] = as_torch(values[name]) if expression is None else expression
        for word, name in made.frame.words.items():
            own = made.draft.parameters.get(name)
            if name not in call and own is not None and own.default is None and word in values and at is not None:
                call[name] = (
                    self.given(made.frame, word, None, values[word], at) if own.is_layer else as_torch(values[word])
                )
        return CallNode(
            made.draft, tuple((call | (self.program.params_given(made, at) if at else {})).items()), False, ""
        )


def said_by(word: str, at: CodePlace, output: Shape) -> tuple[Shape, str]:
    """What leaves a module that says its channels, and the variable that holds it, where it has no name of its own.

    Args: word, for a variable whose module has a name that cannot be one.
    """
    module = at.module
    variable = "" if module.startswith("self.") else module
    if variable and variable != "step":
        variable = at.frame.variable(variable if variable.isidentifier() else word, 0).text
    said = f"{variable or module}.{OUT}"
    at.frame.env[said] = output[0]
    return (Counted(output[0], Name(said)), *output[1:]), variable


def _says_channels(node: ShapedLayer) -> bool:
    """Whether torch's module has its channels as an attribute."""
    return hasattr(node.layer, "out") and len(node.output) > 1


def _needs_channels(node: SomeShaped) -> bool:
    return not isinstance(node, ShapedLayer) or (
        node.layer.torch is not None and IN in node.layer.torch.arguments.values()
    )
