"""Shaped model in, `nn.Sequential` out: torch's own layers under the names of the spec.

In:         a `ShapedModel`, so nothing unchecked.
Out:        an ordinary module: a chain is an `nn.Sequential`, a branch form one small class of `build.modules`.
Guarantees: `state_dict()` holds the weights in the order in which they are written.
Leaves:     device, precision and memory layout to the caller.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from specc.build import modules
from specc.build.weights import fill_weights, freeze
from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped, borrows


def build(model: ShapedModel) -> nn.Sequential:
    """The network as a module, for inputs of shape `(N, *model.input)`."""
    return _chain(model.chain)


def _chain(chain: ShapedChain) -> nn.Sequential:
    steps = OrderedDict((name, _module(node)) for name, node in chain.steps)
    readers = [name for name, node in chain.steps if borrows(node)]
    sequence = modules.Keeping(steps, chain.keeps, readers) if readers else nn.Sequential(steps)
    if chain.frozen:
        freeze(sequence)
    return sequence


def _module(node: SomeShaped) -> nn.Module:
    match node:
        case ShapedLayer() if node.like is not None:
            arguments = node.layer.torch_arguments({"mode": "mode", "align_corners": "corners"}, node.input)
            return modules.UpsampleLike(node.like.name, **arguments)
        case ShapedLayer():
            module = node.layer.build(node.input)
            fill_weights(module, node.layer)
            return module
        case ShapedChain():
            return _chain(node)
        case ShapedForm():
            return _form(node)


def _form(node: ShapedForm) -> nn.Module:
    branches = {name: _chain(branch) for name, branch in node.branches if branch is not None}
    module = _joined(node, branches)
    if node.frozen:
        freeze(module)
    return module


def _joined(node: ShapedForm, branches: dict[str, nn.Sequential]) -> nn.Module:
    origins = {name: origin.name for name, origin in node.origins.items()}
    match node.form:
        case "residual":
            return modules.Residual(branches, origins, adds=node.joined == "add")
        case "gate":
            return modules.Gate(branches, origins)
        case "concat":
            return modules.Concat(branches, origins)
        case "add":
            return modules.Add(branches, origins)
        case "mul":
            return modules.Mul(branches, origins)
        case "outputs":
            return modules.Outputs(branches, origins)
        case "split":
            return modules.Split(branches, node.parts)
