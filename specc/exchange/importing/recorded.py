"""The operations of a graph while it is read: where each of the model's tensors is, and what a step leaves behind."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import Tensor, fx

from specc.exchange.importing.following import Followed
from specc.exchange.importing.graph import Leaf, Op, Token, Wordless
from specc.exchange.importing.steps import step
from specc.exchange.importing.tensors import At, Cut, Dealt, Maxima, channels_first, kind_of_result
from specc.exchange.importing.words import name_of
from specc.layers.base import Shape
from specc.layers.torch_call import NoWord


class Recorded:
    """The operations so far, and where each of the model's tensors is among them.

    trained: of each parameter, by its place in memory, whether it is trained. unknown: nodes that had no word and
    give something other than a tensor.
    """

    def __init__(self, followed: Followed, input: Shape, trained: dict[int, bool]) -> None:
        self.followed, self.input, self.trained = followed, input, trained
        self.traced, self.values = followed.traced, followed.values
        self.ops: list[Op] = []
        self.at: dict[fx.Node, At | Cut | Dealt | Maxima] = {}
        self.unknown: set[fx.Node] = set()
        self.wordless: list[Wordless] = []
        self.modules = dict(self.traced.named_modules())

    def _called(self, node: fx.Node) -> str:
        """What a node does, for a sentence."""
        is_module = node.op == "call_module"
        return type(self.modules[str(node.target)]).__name__ if is_module else name_of(node.target)

    def _given(self, node: fx.Node) -> Tensor:
        """The tensor that a node works on."""
        value = self._values((node.args[0],))[0]
        assert isinstance(value, Tensor)  # noqa: S101 - `_function` looked
        return value

    def _source(self, node: fx.Node) -> At:
        given = node.args[0] if node.args else None
        at = self.at.get(given) if isinstance(given, fx.Node) else None
        if not isinstance(at, At) or len(node.args) > 1 or node.kwargs:
            raise NoWord(f"`{type(self.modules[str(node.target)]).__name__}` of something other than one tensor")
        return at

    def _shape(self, at: At) -> Shape:
        return self.ops[at.op].output

    def _step(self, node: fx.Node, source: At, word: str, **fields: Any) -> At:
        """A step more, by its word."""
        return self._add(node, step(word, self._shape(source), **fields), source)

    def _output(self, node: fx.Node, source: At) -> Shape:
        """The shape that a node gives, channels first."""
        return channels_first(tuple(self.values[node].shape[1:]), last=source.last)

    def _add(self, node: fx.Node, leaf: Leaf, source: At) -> At:
        if leaf.word == "id" or (leaf.word == "flatten" and leaf.input == leaf.output):
            return source
        leaf = leaf._replace(tokens=(*leaf.tokens, *self._frozen(leaf)))
        owners = tuple(
            (str(path), cls.__name__)
            for path, cls in (node.meta.get("nn_module_stack") or {}).values()
            if not cls.__module__.startswith("torch.nn") and str(path)
        )
        self.ops.append(Op(self._where(node), (source.op,), leaf.output, leaf._replace(owners=owners)))
        return At(len(self.ops) - 1, source.last)

    def _frozen(self, leaf: Leaf) -> tuple[Token, ...]:
        """Which of a layer's weights are not trained."""
        trained = {name: self.trained[at] for name, tensor in leaf.weights if (at := tensor.data_ptr()) in self.trained}
        names = [name for name, is_trained in trained.items() if not is_trained]
        if names and len(names) < len(trained):
            return (Token("frozen", names[0], False),)
        return (Token("frozen", bool(names), False, "flag"),) if trained else ()

    def _unknown(self, node: fx.Node) -> At | None:
        """Goes on after a part without a word, so that the others are found too."""
        if not isinstance(self.values[node], Tensor) or not self.ops:
            self.unknown.add(node)
            return None
        self.ops.append(Op(node.name, (0,), tuple(self.values[node].shape[1:])))
        return At(len(self.ops) - 1)

    def _where(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return str(node.target)
        owners = [str(path) for path, _ in (node.meta.get("nn_module_stack") or {}).values() if str(path)]
        return owners[-1] if owners else ""

    def _values(self, args: Any) -> Any:
        return fx.map_arg(args, lambda node: self.values[node])

    # the end

    def _result(self, node: fx.Node) -> int:
        given = node.args[0]
        at = self.at.get(given) if isinstance(given, fx.Node) else None
        if not isinstance(at, At):
            self.wordless.append(
                Wordless("", f"the model gives {kind_of_result(given)}, but a network gives one tensor")
            )
            return 0
        if at.last:
            self.wordless.append(Wordless("", "the output's channels come last"))
        return at.op

    def _check_sharing(self) -> None:
        """A weight that two steps have in common, by one module that is called twice or by one parameter in two."""
        calls = Counter(tensor.data_ptr() for op in self.ops if op.step is not None for _, tensor in op.step.weights)
        for name, tensor in self.traced.state_dict().items():
            count = calls.pop(tensor.data_ptr(), 0)
            if count > 1:
                path, _, own = name.rpartition(".")
                self.wordless.append(Wordless(path or own, f"{count} steps share its weights"))
