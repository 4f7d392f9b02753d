"""The operations of a graph while it is read: where each of the model's tensors is, and what a step leaves behind."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import Tensor

from specc.exchange.importing.calls import ModelCall, name_of
from specc.exchange.importing.following import Followed
from specc.exchange.importing.graph import ArgumentToken, Leaf, Op, Wordless
from specc.exchange.importing.steps import step
from specc.exchange.importing.tensors import At, Place, channels_first, kind_of_result, outputs_of
from specc.exchange.importing.weighted import own_tensors
from specc.layers.base import Shape
from specc.layers.torch_call import NoWord


class Recorded:
    """The operations so far, and where each of the model's tensors is among them.

    trained: of each parameter, by its place in memory, whether it is trained. unknown: nodes that had no word and
    give something other than a tensor.
    """

    def __init__(self, followed: Followed, input: Shape, trained: dict[int, bool]) -> None:
        self.followed, self.input, self.trained = followed, input, trained
        self.own = own_tensors(followed.model)
        self.places = {tensor: place for place, tensor in enumerate(self.own)}
        self.ops: list[Op] = []
        self.at: dict[ModelCall, Place] = {}
        self.unknown: set[ModelCall] = set()
        self.wordless: list[Wordless] = []

    def _source(self, node: ModelCall) -> At:
        given = node.args[0] if node.args else None
        at = self.at.get(given) if isinstance(given, ModelCall) else None
        if not isinstance(at, At) or len(node.args) > 1 or node.kwargs:
            raise NoWord(f"`{name_of(node.target)}` of something other than one tensor")
        return at

    def _shape(self, at: At) -> Shape:
        return self.ops[at.op].output

    def _step(self, node: ModelCall, source: At, word: str, **fields: Any) -> At:
        """A step more, by its word."""
        return self._add(node, step(word, self._shape(source), **fields), source)

    def _output(self, node: ModelCall, source: At) -> Shape:
        """The shape that a node gives, channels first."""
        return channels_first(tuple(node.value.shape[1:]), last=source.last)

    def _add(self, node: ModelCall, leaf: Leaf, source: At) -> At:
        if leaf.word == "id" or (leaf.word == "flatten" and leaf.input == leaf.output):
            return source
        places = [self.places.get(tensor.data_ptr(), 0) for _, tensor in leaf.weights]
        leaf = leaf._replace(tokens=(*leaf.tokens, *self._frozen(leaf)), place=min(places, default=0))
        owners = tuple(
            (path, cls.__name__) for path, cls in node.owners if path and not cls.__module__.startswith("torch.nn")
        )
        return self._op(node, Op(self._where(node), (source.op,), leaf.output, leaf._replace(owners=owners)), source)

    def _op(self, node: ModelCall, op: Op, source: At) -> At:
        self.ops.append(op._replace(owners=tuple(path for path, _ in node.owners if path)))
        return At(len(self.ops) - 1, source.last)

    def _frozen(self, leaf: Leaf) -> tuple[ArgumentToken, ...]:
        """Which of a layer's weights are not trained."""
        trained = {name: self.trained[at] for name, tensor in leaf.weights if (at := tensor.data_ptr()) in self.trained}
        names = [name for name, is_trained in trained.items() if not is_trained]
        if names and len(names) < len(trained):
            return (ArgumentToken("frozen", names[0], False),)
        return (ArgumentToken("frozen", bool(names), False, "flag"),) if trained else ()

    def _unknown(self, node: ModelCall) -> At | None:
        """Goes on after a part without a word, so that the others are found too."""
        if not isinstance(node.value, Tensor) or not self.ops:
            self.unknown.add(node)
            return None
        self.ops.append(Op(node.name, (0,), tuple(node.value.shape[1:])))
        return At(len(self.ops) - 1)

    def _where(self, node: ModelCall) -> str:
        return next((path for path, _ in reversed(node.owners) if path), "")

    # the end

    def _result(self, given: Any) -> int:
        """Where the network ends: at a tensor, or at several by name."""
        outputs = {"": given} if isinstance(given, ModelCall) else outputs_of(given)
        places = {name: self.at.get(call) for name, call in outputs.items()}
        known = [place.op for place in places.values() if isinstance(place, At) and not place.last]
        if not known or len(known) < len(places):
            last = any(isinstance(place, At) and place.last for place in places.values())
            what = "the output's channels come last" if last else f"the model gives {kind_of_result(given)}"
            self.wordless.append(Wordless("", what))
            return 0
        if isinstance(given, ModelCall):
            return known[0]
        self.ops.append(Op("outputs", tuple(known), self.ops[known[0]].output, None, "outputs", tuple(outputs)))
        return len(self.ops) - 1

    def _check_sharing(self) -> None:
        """A weight that two steps have in common, by one module that is called twice or by one parameter in two."""
        calls = Counter(tensor.data_ptr() for op in self.ops if op.step is not None for _, tensor in op.step.weights)
        for name, tensor in self.followed.model.state_dict().items():
            count = calls.pop(tensor.data_ptr(), 0)
            if count > 1:
                path, _, own = name.rpartition(".")
                self.wordless.append(Wordless(path or own, f"{count} steps share its weights"))
