"""A part of a checked network, found by the name of its module."""

from __future__ import annotations

from specc.ir.shaped import ShapedChain, ShapedLayer, ShapedModel, SomeShaped


def nodes_to(model: ShapedModel, name: str) -> list[SomeShaped]:
    """The parts that lead to one, itself last: `basic1.residual1` after `basic1`; empty where there is none.

    Args: name, as in `named_modules()`.
    """
    node: SomeShaped = model.chain
    found: list[SomeShaped] = []
    for part in name.split("."):
        inner = None if isinstance(node, ShapedLayer) else _child(node, part)
        if inner is None:
            return []
        node = inner
        found.append(node)
    return found


def _child(node: SomeShaped, name: str) -> SomeShaped | None:
    if isinstance(node, ShapedLayer):
        return None
    children = node.steps if isinstance(node, ShapedChain) else node.branches
    return next((child for own, child in children if own == name), None)
