"""What the constructor and the forward pass of a class have to agree on: which steps are modules, and their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from specc.emit.python import code
from specc.emit.python.nodes import REQUIRED, Arg, ChainNode, FormNode, ItemNode, LayerNode, UseColumn
from specc.emit.python.progressions import Progression, with_progressions
from specc.emit.python.symbols import Symbols

ONE_BY_ONE = 2  # as many alike steps are written without a loop


_LOCALS = {"self", "x", "out", "parts", "step", "number", "torch", "nn", "F", "Tensor"}


class ClassText(NamedTuple):
    """A class as text.

    parameters: those of its constructor in order, each with whether it counts channels; defaults: by name;
    body: the lines below `class`; base: what it is derived from; words: names of helpers that it uses;
    word: the block that it is, empty for the network; shapes: what it makes of what.
    """

    name: str
    parameters: dict[str, bool]
    defaults: dict[str, Any]
    body: tuple[str, ...]
    base: str
    words: frozenset[str]
    word: str
    shapes: str


class ClassPlan:
    """One class that is being written, for all uses of a chain.

    symbols: its parameters; inputs: the shape that arrives, a column a dimension; classes: those that may be used;
    words: the names of helpers and modules that it takes up.
    """

    def __init__(
        self, node: ChainNode, symbols: Symbols, inputs: Sequence[UseColumn], classes: list[ClassText]
    ) -> None:
        self.node, self.symbols, self.inputs, self.classes = node, symbols, tuple(inputs), classes
        self.items = list(node.items) if node.keeps else with_progressions(node.items)
        self.words: set[str] = set()

    def is_functional(self, item: ItemNode) -> bool:
        """Whether a step is written as a function in the forward pass, without a module."""
        node = item.node
        if not isinstance(node, LayerNode) or node.function is None or item.present is not None:
            return False
        return count_of(item) == 1 and all(arg.value.is_constant for arg in node.function.args)

    def is_plain(self) -> bool:
        """Whether the class is nothing but modules one after another, with a loop among them."""
        loops = any(isinstance(item, Progression) or is_loop(item) for item in self.items)
        if self.node.keeps or self.node.borrows:
            return False
        return loops and not self.symbols.is_root and all(self.is_module(item) for item in self.items)

    def is_module(self, item: ItemNode | Progression) -> bool:
        return isinstance(item, Progression) or not (isinstance(item.node, FormNode) or self.is_functional(item))

    def runs_children(self) -> bool:
        """Whether all modules follow each other, so that one loop runs them."""
        kinds = [self.is_module(item) for item in self.items]
        if (
            any(isinstance(item, ItemNode) and isinstance(item.node, FormNode) for item in self.items)
            or self.symbols.is_root
            or self.node.keeps
            or self.node.borrows
        ):
            return False
        first = kinds.index(True) if True in kinds else 0
        last = len(kinds) - kinds[::-1].index(True) if True in kinds else 0
        return all(kinds[first:last]) and any(isinstance(item, Progression) or is_loop(item) for item in self.items)

    # names

    def child(self, name: str) -> str:
        return attribute("self", name)

    def own(self, name: str) -> str:
        """A name for an attribute that is no step; with a number behind it, it is none either."""
        prefixes = {item.prefix for item in self.items}
        while name in prefixes:
            name += "_"
        return name

    def numbers(self, prefix: str) -> str:
        """The attribute that holds a range of steps whose end depends on a parameter."""
        return self.own(f"{prefix}_numbers")

    def kept(self, name: str) -> str:
        """The local variable for what left a kept step."""
        return name if code.can_be_written(name) and name not in _LOCALS else f"{name}_"

    def flag(self, item: ItemNode) -> str:
        name = self.own("adds")
        forms = [other for other in self.items if isinstance(other, ItemNode) and isinstance(other.node, FormNode)]
        return name if len(forms) == 1 else f"{name}{forms.index(item) + 1}"

    def args(self, args: tuple[Arg, ...]) -> Iterator[tuple[str, code.Code]]:
        skipped = False
        for arg in args:
            text = self.symbols.express(arg.value, arg.name)
            value = arg.value.known[0]
            if text is None and arg.default is not REQUIRED and value == arg.default:
                skipped = True
                continue
            yield arg.name if arg.by_name or skipped else "", text or code.literal(value)


def attribute(path: str, name: str) -> str:
    return f"{path}.{name}" if code.can_be_written(name) else f'getattr({path}, "{name}")'


def count_of(item: ItemNode) -> int | None:
    """How often a step is built; None where it depends on the use."""
    if item.number is None:
        return 1
    return int(item.stop.known[0]) - item.number if item.stop.is_constant else None


def is_loop(item: ItemNode) -> bool:
    count = count_of(item)
    return count is None or count > ONE_BY_ONE
