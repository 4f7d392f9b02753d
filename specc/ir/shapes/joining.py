"""Branches in, one node out: how each form puts the outputs of its branches together.

Part of `ir.infer`: it knows forms, and nothing of how a branch is walked.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from specc.ir.model import FormStep
from specc.ir.shaped import Costs, From, JoinedBy, ShapedChain, ShapedForm, ShapedLayer
from specc.ir.shapes import forms
from specc.layers.base import Layer, Shape
from specc.layers.conv import Conv
from specc.layers.linear import Linear
from specc.layers.norm import BatchNorm
from specc.layers.weighted import Weighted
from specc.source import Span


class Branch(NamedTuple):
    """A named branch: its chain, None for the identity that is not written, what it gives, and what it goes on from
    in place of what arrives."""

    name: str
    chain: ShapedChain | None
    output: Shape
    origin: From | None = None


def shape_layer(layer: Layer, word: str, span: Span, x: Shape, like: From | None = None) -> ShapedLayer:
    """One layer on a known shape; like, the step whose size it takes. Raises: ShapeError."""
    output = layer.output(x)
    if isinstance(layer, Weighted):
        layer.check_weights(x)
    costs = Costs(layer.parameter_count(x), layer.macs(x), prod(output), 1, 1)
    return ShapedLayer(word=word, span=span, input=x, output=output, costs=costs, layer=layer, like=like)


def join(step: FormStep, x: Shape, branches: list[Branch]) -> ShapedForm:
    """The node of a form whose written branches are all right. Raises: ShapeError where they do not go together."""
    match step.form:
        case "residual":
            return _join_residual(step, x, branches)
        case "gate":
            both = [Branch("input", None, x), *branches]
            return _node(
                step, x, forms.mul_shape([x, branches[0].output], ["the input", "the branch"], "gate"), "mul", both
            )
        case "concat" | "split":
            return _node(step, x, forms.concat_shape([branch.output for branch in branches]), step.form, branches)
        case "outputs":
            return _node(step, x, (), "outputs", branches)
        case "add" | "mul":
            outputs = [branch.output for branch in branches]
            names = [branch.name.replace("branch", "branch ") for branch in branches]
            rule = forms.add_shape if step.form == "add" else forms.mul_shape
            return _node(step, x, rule(outputs, names, step.form), step.form, branches)


def _join_residual(step: FormStep, x: Shape, branches: list[Branch]) -> ShapedForm:
    """The body and its shortcut: written, the identity, or the projection that `auto` stands for."""
    body = branches[0]
    if step.shortcut == "same" and body.output != x:
        return _node(step, x, body.output, "none", [body])
    if step.shortcut == "auto" and body.output != x:
        projection = _projection(step, x, body.output)
        return _node(step, x, body.output, "add", [body, Branch("shortcut", projection, body.output)])
    written_out = step.shortcut == "chain"
    shortcut = branches[1] if written_out else Branch("shortcut", None, x)
    names = ["the body", "the shortcut" if written_out else "the input"]
    output = forms.add_shape([body.output, shortcut.output], names, "residual")
    return _node(step, x, output, "add", [body, shortcut])


def _projection(step: FormStep, x: Shape, wanted: Shape) -> ShapedChain:
    """`conv C k1 s=S nobias -> bn`, or `linear C nobias -> bn` for vectors. Raises: ShapeError where none fits."""
    stride = forms.projection_stride(x, wanted)
    project: Layer = Conv(out=wanted[0], kernel=1, stride=stride, bias=False)
    word = "conv"
    if len(x) == 1:
        word, project = "linear", Linear(out=wanted[0], bias=False)
    span = step.shortcut_span or step.head
    first = shape_layer(project, word, span, x)
    second = shape_layer(BatchNorm(), "bn", span, first.output)
    return ShapedChain(
        word="shortcut", span=span, input=x, output=wanted, costs=first.costs.plus(second.costs).plus(Costs(nodes=1)),
        steps=((f"{word}1", first), ("bn1", second)),
    )  # fmt: skip


def _node(step: FormStep, x: Shape, output: Shape, joined: JoinedBy, branches: list[Branch]) -> ShapedForm:
    elements = sum(prod(branch.output) for branch in branches) if joined == "outputs" else prod(output)
    costs = Costs(elements=elements, layers=1, nodes=1)
    for branch in branches:
        costs = costs.plus(branch.chain.costs) if branch.chain is not None else costs
    return ShapedForm(
        word=step.word, span=step.span, input=x, output=output, costs=costs, form=step.form, joined=joined,
        shortcut=step.shortcut, branches=tuple((branch.name, branch.chain) for branch in branches), frozen=step.frozen,
        origins={branch.name: branch.origin for branch in branches if branch.origin is not None},
    )  # fmt: skip
