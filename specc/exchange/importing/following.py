"""A torch model followed: `torch.fx` reads its code, one real run tells what every step of it gives and changes.

In:         a module in evaluation mode and the shape of one sample.
Out:        `Followed`.
Raises:     ModelFails where the model itself fails on that input; Unfollowable where only following it does.
Leaves:     what the steps mean to `trace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing.drops import is_drop_path
from specc.exchange.importing.tensors import is_response_norm
from specc.exchange.importing.words import is_torchs
from specc.layers.base import Shape

BATCH = 2
FOLLOWS_MODE = "follows_mode"  # a node's mark: one of its arguments is the `training` of a module
DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)


class ModelFails(Exception):
    """The model raises an error of its own, the cause of this one, on the input that it was given."""


class Unfollowable(Exception):
    """A model that runs, but whose code cannot be followed; the text says why."""


class Followed(NamedTuple):
    """The graph of a model's code. values: what every node gave; changed: the nodes whose tensors a node changed."""

    traced: fx.GraphModule
    values: dict[fx.Node, Any]
    changed: dict[fx.Node, tuple[fx.Node, ...]]


def follow(model: nn.Module, input: Shape) -> Followed:
    """Raises: ModelFails, Unfollowable."""
    x = torch.rand(BATCH, *input, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad():
            model(x.clone())
    except Exception as error:  # of any kind: it is the user's code
        raise ModelFails from error
    try:
        with _marked(model):
            graph = _Tracer().trace(model)
        _replace_marks(graph)
        traced = fx.GraphModule(model, graph)
        recorder = _Recorder(traced)
        with torch.no_grad():
            recorder.run(x)
    except Exception as error:  # of any kind: fx runs the user's code with stand-ins for tensors
        raise Unfollowable(_line(error)) from error
    return Followed(traced, recorder.found, recorder.changed)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class _Mode(int):
    """False, as a module's `training` has it, which can be told from a False that is written out."""

    def __repr__(self) -> str:
        return "False"


@contextmanager
def _marked(model: nn.Module) -> Iterator[None]:
    """Marks `training` of every module while the code is followed."""
    modules = list(model.modules())
    try:
        for module in modules:
            module.__dict__["training"] = _Mode(0)
        yield
    finally:
        for module in modules:
            module.__dict__["training"] = False


def _replace_marks(graph: fx.Graph) -> None:
    """Puts a plain False in the place of the marks, and notes on the node that there was one."""
    for node in graph.nodes:
        found: list[_Mode] = []

        def plain(value: Any, found: list[_Mode] = found) -> Any:
            if isinstance(value, _Mode):
                found.append(value)
                return False
            return value

        node.args = fx.node.map_aggregate(node.args, plain)
        node.kwargs = fx.node.map_aggregate(node.kwargs, plain)
        if found:
            node.meta[FOLLOWS_MODE] = True


class _Tracer(fx.Tracer):
    """Takes as one step what is a layer: torch's, one derived from it, stochastic depth, whose code shows nothing."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = is_drop_path(m) or is_response_norm(m) or is_torchs(m)
        return known or super().is_leaf_module(m, module_qualified_name)


class _Recorder(fx.Interpreter):
    """Runs a graph and keeps what every node gave, and which tensors it changed in place."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.found: dict[fx.Node, Any] = {}
        self.changed: dict[fx.Node, tuple[fx.Node, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        given = [node for node in n.all_input_nodes if isinstance(self.found.get(node), Tensor)]
        before = [self.found[node]._version for node in given]
        self.found[n] = super().run_node(n)
        changed = [node for node, version in zip(given, before, strict=True) if self.found[node]._version != version]
        if not changed and self._claims_to_change(n) and given:
            changed = given[:1]  # a dropout in evaluation mode leaves it as it is, and in training does not
        if changed:
            self.changed[n] = tuple(changed)
        return self.found[n]

    def _claims_to_change(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return bool(getattr(self.fetch_attr(str(node.target)), "inplace", False))
        in_fourth_place = node.target in DROPOUTS and len(node.args) > 3 and node.args[3]
        return node.op == "call_function" and bool(node.kwargs.get("inplace") or in_fourth_place)


def read_again(followed: Followed, node: fx.Node, source: fx.Node) -> list[fx.Node]:
    """The nodes before one that changed a tensor in place which share memory with it, and are read after it."""
    order = {other: place for place, other in enumerate(followed.traced.graph.nodes)}
    return [
        other
        for other, value in followed.values.items()
        if order[other] < order[node]
        and any(order[user] > order[node] for user in other.users)
        and (other is source or _overlap(value, followed.values[source]))
    ]


def _overlap(value: Any, changed: Tensor) -> bool:
    """Whether a tensor, or one of several, has memory in common with one that was changed."""
    if isinstance(value, tuple | list):
        return any(_overlap(part, changed) for part in value)
    if not isinstance(value, Tensor) or value.dtype != changed.dtype:
        return False
    memory = changed.untyped_storage()
    if value.untyped_storage().data_ptr() != memory.data_ptr():
        return False
    marks = torch.zeros(memory.nbytes() // changed.element_size(), dtype=torch.bool)
    marks.as_strided(changed.size(), changed.stride(), changed.storage_offset()).fill_(True)
    return bool(marks.as_strided(value.size(), value.stride(), value.storage_offset()).any())
