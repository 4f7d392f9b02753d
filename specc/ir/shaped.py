"""The model with every shape known: the only thing that `build` takes, so nothing unchecked can be compiled.

Nodes are immutable and shared: a block that is called twice alike, or repeated, is one node with two names.
Parameters, MACs, elements and layers are summed up when a node is made, so no question walks the whole network.
"""

# No `from __future__ import annotations` here: each field would be compiled out of a text at each start.

from collections.abc import Iterator
from math import prod
from operator import add
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from specc.ir.model import Doubt, FormWord, Model, Shortcut, recipe_of
from specc.layers.base import Layer, Shape
from specc.source import Source, Span

if TYPE_CHECKING:
    from specc.recipe.recipe import Recipe

JoinedBy: TypeAlias = Literal["concat", "add", "mul", "split", "outputs", "none"]


class Costs(NamedTuple):
    """What a piece of the network costs for one sample.

    parameters: values in trainable tensors; macs: multiply-accumulates; elements: values in all outputs;
    layers: rows of the summary; nodes: the same with the blocks, groups and branches around them.
    """

    parameters: int = 0
    macs: int = 0
    elements: int = 0
    layers: int = 0
    nodes: int = 0

    def plus(self, other: "Costs") -> "Costs":
        return Costs._make(map(add, self, other))


class From(NamedTuple):
    """What a branch goes on from in place of what arrives: a kept step of a chain around.

    name: of its module; above: how many chains further out than the one that holds the form.
    """

    name: str
    above: int


class ShapedLayer(NamedTuple):
    """One layer with its fields, what arrives and what leaves; like: the step whose size it takes when it is called."""

    word: str
    span: Span
    input: Shape
    output: Shape
    costs: Costs
    layer: Layer
    like: From | None = None


class ShapedChain(NamedTuple):
    """Named steps in order. frozen: their weights are not trained; values: a called block's parameters, by name, exact;
    keeps: the steps from which something inside goes on; borrows: whether something goes on from a step outside."""

    word: str
    span: Span
    input: Shape
    output: Shape
    costs: Costs
    steps: "tuple[tuple[str, SomeShaped], ...]"
    frozen: bool = False
    values: tuple[tuple[str, Any], ...] = ()
    keeps: tuple[str, ...] = ()
    borrows: bool = False


class ShapedForm(NamedTuple):
    """Named branches and how they are joined.

    branches: chains by name; None is the input itself, which has no module. joined: "none" where one branch
    stands alone (`shortcut same` where the shapes differ). shortcut: what is written behind a residual. origins: what
    branches go on from that do not begin with what arrives, by name.
    """

    word: str
    span: Span
    input: Shape
    output: Shape
    costs: Costs
    form: FormWord
    joined: JoinedBy
    origins: dict[str, From]
    branches: tuple[tuple[str, ShapedChain | None], ...]
    shortcut: Shortcut = "identity"
    frozen: bool = False

    @property
    def borrows(self) -> bool:
        """Whether something in it goes on from a step outside of it."""
        return bool(self.origins) or any(branch is not None and branch.borrows for _, branch in self.branches)

    @property
    def gives(self) -> Shape | dict[str, Shape]:
        """What leaves: a shape, of `outputs` several by name."""
        if self.form != "outputs":
            return self.output
        return {name: branch.output for name, branch in self.branches if branch is not None}

    @property
    def parts(self) -> tuple[int, ...]:
        """How many channels arrive at each branch."""
        return tuple((self if branch is None else branch).input[0] for _, branch in self.branches)


SomeShaped: TypeAlias = ShapedLayer | ShapedChain | ShapedForm


def borrows(node: SomeShaped) -> bool:
    """Whether something in a node goes on from a step outside of it."""
    return node.like is not None if isinstance(node, ShapedLayer) else node.borrows


class Row(NamedTuple):
    """A line of the summary: a layer, or a branch form after its branches. layer: whose word it has, or which a
    parameter holds; empty for a form."""

    name: str
    kind: str
    line: int
    input: Shape
    output: Shape | dict[str, Shape]
    params: int
    macs: int
    layer: str = ""

    def public(self) -> dict[str, Any]:
        """What other programs may rely on."""
        found = self._asdict()
        del found["layer"]
        return found


class ShapedModel(NamedTuple):
    """A checked network, ready to be built. resolved: what it was shaped from, with its expressions."""

    source: Source
    chain: ShapedChain
    trained: "Recipe | None"  # what `train { }` says
    parameters: dict[str, Any]  # the `param`s, by name
    resolved: Model
    doubts: tuple[Doubt, ...] = ()  # bare words that a reader may take for others

    @property
    def recipe(self) -> "Recipe":
        """What `train { }` says, and the defaults of what it does not say."""
        return recipe_of(self.trained)

    @property
    def input(self) -> Shape:
        return self.chain.input

    @property
    def output(self) -> Shape:
        """What leaves; of a network with `outputs`, which has no one shape, `()`."""
        return self.chain.output

    @property
    def gives(self) -> Shape | dict[str, Shape]:
        """What leaves: a shape, of a network with `outputs` several by name."""
        last = self.chain.steps[-1][1] if self.chain.steps else self.chain
        return last.gives if isinstance(last, ShapedForm) else self.output

    @property
    def params(self) -> int:
        return self.chain.costs.parameters

    @property
    def macs(self) -> int:
        return self.chain.costs.macs

    @property
    def memory(self) -> int:
        """Bytes in float32: weights and gradients, and the input and every step's output for one sample."""
        return memory_of(self.chain)

    def layers(self) -> Iterator[Layer]:
        """Every layer in the order of execution; one that is repeated, each time."""
        return _layers(self.chain)

    def rows(self) -> Iterator[Row]:
        """Every layer in the order of execution, under its name in `named_modules()`."""
        return _rows(self.chain, "", self.source)


def memory_of(chain: ShapedChain) -> int:
    """4 × (2 × parameters + elements of the input and of every step's output), in bytes."""
    return 4 * (2 * chain.costs.parameters + prod(chain.input) + chain.costs.elements)


def _layers(node: SomeShaped) -> Iterator[Layer]:
    if isinstance(node, ShapedLayer):
        yield node.layer
        return
    for _, child in node.steps if isinstance(node, ShapedChain) else node.branches:
        if child is not None:
            yield from _layers(child)


def _rows(node: SomeShaped, name: str, source: Source) -> Iterator[Row]:
    prefix = f"{name}." if name else ""
    if isinstance(node, ShapedChain):
        for child_name, child in node.steps:
            yield from _rows(child, prefix + child_name, source)
        return
    if isinstance(node, ShapedForm):
        for child_name, branch in node.branches:
            if branch is not None:
                yield from _rows(branch, prefix + child_name, source)
        yield Row(name, node.word, source.place(node.span.start).line, node.input, node.gives, 0, 0)
        return
    line = source.place(node.span.start).line
    costs = node.costs
    yield Row(
        name, node.word, line, node.input, node.output, costs.parameters, costs.macs, node.layer.keyword
    )  # fmt: skip
