"""What a page tells of one part of a network: what it does, what it costs, how its size comes about, what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from pydantic import BaseModel

from specc.emit.draw.labels import label_of
from specc.ir.analysis.receptive import of_rows
from specc.ir.shaped import ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.layers.base import written
from specc.lsp.documents import Snapshot
from specc.play.arguments import turned
from specc.play.nodes import Nodes
from specc.play.pictures import Name, place_of
from specc.play.sliding import sliding


class LayerAsked(BaseModel):
    """A part of the network, by the name of its module."""

    uri: str
    name: Name


def inspected(snapshot: Snapshot, asked: LayerAsked) -> dict[str, Any] | None:
    """Everything that is told of it; None where the text has errors, or no such part."""
    model = snapshot.checked.analysis.model
    nodes = Nodes(model).to(asked.name) if model is not None else []
    if model is None or not nodes:
        return None
    node = nodes[-1]
    layer = node.layer if isinstance(node, ShapedLayer) else None
    return {
        "version": snapshot.version, "name": asked.name, "at": place_of(snapshot, node.span), "word": node.word,
        "family": layer.family if layer else "block", "title": _title(node), "about": _about(node),
        "input": written(node.input), "output": _output(node), "costs": _costs(model, node),
        "weights": _weights(node), "formulas": list(layer.formulas(node.input)) if layer else [],
        "inputs": list(model.input), "outputs": list(node.output),
        "window": sliding(node) if isinstance(node, ShapedLayer) else None,
        "arguments": turned(snapshot, nodes), "seen": _seen(model, asked.name),
    }  # fmt: skip


def _title(node: SomeShaped) -> str:
    if isinstance(node, ShapedLayer):
        label = label_of(node.layer, node.input)
        return f"{label.title}, {label.detail}" if label.detail else label.title
    return node.word


def _about(node: SomeShaped) -> str:
    """A sentence."""
    if isinstance(node, ShapedLayer):
        first = (type(node.layer).__doc__ or "").splitlines()[0].rstrip(".")
        return f"{first[:1].upper()}{first[1:]}."
    if isinstance(node, ShapedForm):
        return _FORMS.get(node.joined, "")
    return f"A block of {len(node.steps)} steps, {node.costs.layers} layers in all."


_FORMS = {
    "add": "The outputs of its branches are added.",
    "mul": "The outputs of its branches are multiplied.",
    "concat": "The outputs of its branches are joined, one behind the other, along the channels.",
    "split": "Its branches get a part of the channels each; their outputs are joined along the channels.",
    "outputs": "Each branch is an output of the network.",
}


def _output(node: SomeShaped) -> str:
    return written(node.gives) if isinstance(node, ShapedForm) else written(node.output)


def _costs(model: ShapedModel, node: SomeShaped) -> dict[str, int]:
    costs, whole = node.costs, model.chain.costs
    return {
        "parameters": costs.parameters, "of_parameters": whole.parameters, "macs": costs.macs, "of_macs": whole.macs,
        "values": prod(node.output) if isinstance(node, ShapedLayer) else costs.elements, "of_values": whole.elements,
    }  # fmt: skip


def _weights(node: SomeShaped) -> list[dict[str, Any]]:
    """The trainable tensors of a layer."""
    if not isinstance(node, ShapedLayer):
        return []
    weights = node.layer.weights(node.input)
    return [{"name": name, "shape": written(shape), "count": prod(shape)} for name, shape in weights.items()]


def _seen(model: ShapedModel, name: str) -> dict[str, Sequence[float]] | None:
    """The receptive field of the values that leave a layer or a form; None for the whole input, and for a block."""
    for row, seen in zip(model.rows(), of_rows(model), strict=True):
        if row.name == name:
            return None if seen is None else seen._asdict()
    return None
