"""What the constructor and the forward pass of a class have to agree on: which steps are modules, and their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specc.emit.python import code
from specc.emit.python.code import CallText, Code
from specc.emit.python.drafts import ClassDraft
from specc.emit.python.expressions import (
    Applied,
    Expression,
    Literal,
    Name,
    expression_of,
    names_in,
    parts_of,
    put_in,
    text_of,
)
from specc.emit.python.frames import ClassFrame
from specc.emit.python.nodes import (
    REQUIRED,
    Arg,
    CallNode,
    ChainNode,
    FactoryNode,
    FormNode,
    ItemNode,
    LayerNode,
)
from specc.ir.shapes.naming import RESERVED_BY_TORCH

_LOCALS = {"self", "x", "out", "parts", "step", "number", "torch", "nn", "F", "Tensor"}


class ClassPlan:
    """One class that is being written.

    words: the names of helpers and modules that it takes up; used: the names in its expressions; targets: the classes
    that it calls; remembered: the names that its forward pass asks for.
    """

    def __init__(self, node: ChainNode, frame: ClassFrame) -> None:
        self.node, self.frame = node, frame
        self.words: set[str] = set()
        self.used: set[str] = set()
        self.targets: dict[int, ClassDraft] = {}
        self.remembered: dict[str, Expression] = {}

    # code

    def express(self, value: Any) -> Code:
        """A value as code: its expression, or itself."""
        if isinstance(value, FactoryNode):
            return self._factory(value)
        expression = expression_of(value)
        if isinstance(expression, Literal):
            return code.literal(expression.value)
        for part in parts_of(expression):
            if isinstance(part, Name):
                self.used.add(part.text)
            elif isinstance(part, Applied):
                self.words.add(part.function)
        return text_of(expression)

    def args(self, args: tuple[Arg, ...]) -> Iterator[tuple[str, Code]]:
        skipped = False
        for arg in args:
            if is_literal(arg.value) and arg.default is not REQUIRED and arg.value == arg.default:
                skipped = True
                continue
            yield arg.name if arg.by_name or skipped else "", self.express(arg.value)

    def layer(self, node: LayerNode) -> CallText:
        self.words.add(node.module.name)
        return CallText(node.module.name, tuple(self.args(node.module.args)))

    def call(self, node: CallNode) -> CallText:
        """A class of the program with its arguments; those that must be given are given in their order."""
        self.targets[id(node.target)] = node.target
        given = dict(node.given)
        named = [(name, parameter) for name, parameter in node.target.parameters.items() if name in given]
        args = [("" if parameter.default is None else name, self.express(given[name])) for name, parameter in named]
        return CallText(node.target.name, tuple(args))

    def _factory(self, node: FactoryNode) -> Code:
        """A class, where its own arguments are what it will be given, else a `lambda`."""
        before = set(self.used)
        made = self.layer(node.made) if isinstance(node.made, LayerNode) else self.call(node.made)
        self.used -= set(node.parameters) - before
        given = tuple(key or code.flat(arg) for key, arg in made.args if key in ("", code.flat(arg)))
        if given == node.parameters and len(given) == len(made.args) and not node.fields:
            return made.head
        lambda_head = f"lambda {', '.join(node.parameters)}" if node.parameters else "lambda"
        return CallText(f"{lambda_head}: {made.head}", made.args)

    # steps

    def is_functional(self, item: ItemNode) -> bool:
        """Whether a step is written as a function in the forward pass, without a module."""
        node = item.node
        if not isinstance(node, LayerNode) or node.function is None or item.number is not None:
            return False
        return all(is_literal(arg.value) for arg in node.function.args)

    def is_plain(self) -> bool:
        """Whether the class is nothing but modules one after another, with a loop among them."""
        if self.node.keeps or self.node.borrows or self.frame.is_root:
            return False
        return any(map(is_loop, self.node.items)) and all(map(self.is_module, self.node.items))

    def is_module(self, item: ItemNode) -> bool:
        return not (isinstance(item.node, FormNode) or self.is_functional(item))

    def runs_children(self) -> bool:
        """Whether all modules follow each other, so that one loop runs them."""
        if self.frame.is_root or self.node.keeps or self.node.borrows:
            return False
        if any(isinstance(item.node, FormNode) for item in self.node.items):
            return False
        kinds = [self.is_module(item) for item in self.node.items]
        first = kinds.index(True) if True in kinds else 0
        last = len(kinds) - kinds[::-1].index(True) if True in kinds else 0
        return all(kinds[first:last]) and any(map(is_loop, self.node.items))

    # names

    def child(self, name: str) -> str:
        return attribute("self", name)

    def own(self, name: str) -> str:
        """A name for an attribute that is no step."""
        while name in RESERVED_BY_TORCH or any(_may_be(item, name) for item in self.node.items):
            name += "_"
        return name

    def later(self, expression: Expression) -> str:
        """An expression in the forward pass, which knows what the constructor kept of its parameters."""
        self.express(expression)
        for name in names_in(expression):
            self.remembered.setdefault(name, Name(f"self.{self.own(name)}"))
        return text_of(put_in(expression, self.remembered))

    def keeping(self) -> list[str]:
        """What the constructor keeps of its parameters."""
        return [f"        {text_of(kept)} = {name}" for name, kept in self.remembered.items()]

    def kept(self, name: str) -> str:
        """The local variable for what left a kept step."""
        return name if code.can_be_written(name) and name not in _LOCALS else f"{name}_"

    def flag(self, item: ItemNode) -> str:
        """The attribute that says whether a residual adds its input."""
        return self._of_form("adds", item)

    def sizes(self, item: ItemNode, node: FormNode) -> str:
        """The parts of a `split`: numbers, or the attribute that holds them."""
        if all(map(is_literal, node.parts)):
            return str(list(node.parts))
        return f"self.{self._of_form('sizes', item)}"

    def _of_form(self, name: str, item: ItemNode) -> str:
        forms = [id(other) for other in self.node.items if isinstance(other.node, FormNode)]
        return self.own(name if len(forms) == 1 else f"{name}{forms.index(id(item)) + 1}")


def is_literal(value: Any) -> bool:
    return isinstance(expression_of(value), Literal)


def is_loop(item: ItemNode) -> bool:
    return item.stop is not None


def attribute(path: str, name: str) -> str:
    return f"{path}.{name}" if code.can_be_written(name) else f'getattr({path}, "{name}")'


def _may_be(item: ItemNode, name: str) -> bool:
    if item.number is None:
        return item.prefix == name
    return re.fullmatch(re.escape(item.prefix) + "[0-9]+", name) is not None
