"""Parts of a checked network, found by the names of their modules."""

from __future__ import annotations

from specc.ir.shaped import ShapedChain, ShapedLayer, ShapedModel, SomeShaped


class Nodes:
    """The parts of a network. What a part holds is looked through once, however many names lead into it."""

    def __init__(self, model: ShapedModel) -> None:
        self._whole: SomeShaped = model.chain
        self._inside: dict[int, dict[str, SomeShaped | None]] = {}  # by identity: nodes are shared

    def to(self, name: str) -> list[SomeShaped]:
        """The parts that lead to one, itself last: `basic1.residual1` after `basic1`; empty where there is none.

        Args: name, as in `named_modules()`.
        """
        node = self._whole
        found: list[SomeShaped] = []
        for part in name.split("."):
            inner = self._children(node).get(part)
            if inner is None:
                return []
            node = inner
            found.append(node)
        return found

    def _children(self, node: SomeShaped) -> dict[str, SomeShaped | None]:
        if id(node) not in self._inside:
            self._inside[id(node)] = _children_of(node)
        return self._inside[id(node)]


def _children_of(node: SomeShaped) -> dict[str, SomeShaped | None]:
    if isinstance(node, ShapedLayer):
        return {}
    return dict(node.steps if isinstance(node, ShapedChain) else node.branches)
