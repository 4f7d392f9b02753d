"""Layers that the loss does not depend on: what they give is left behind by a `from`, or ends in an output that is not
learned. No gradient reaches them."""

from __future__ import annotations

from collections.abc import Collection

from specc.ir.shaped import ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped


def unreached(model: ShapedModel, learned: Collection[str] = ()) -> list[str]:
    """The names of those steps, as in `named_modules()`; of a chain of them its own.

    Args: learned, the outputs that are learned of a network with several.
    """
    walk = _Backwards(learned)
    if not walk.is_plain(model.chain):
        walk.chain(model.chain, "", [])
    return walk.found


class _Backwards:
    """From the loss back to the input."""

    def __init__(self, learned: Collection[str]) -> None:
        self.learned, self.found = learned, list[str]()
        self.plain: dict[int, bool] = {}

    def is_plain(self, node: SomeShaped) -> bool:
        """Whether every layer in it is needed where it is; a node that many steps share is looked at once."""
        if isinstance(node, ShapedLayer):
            return True
        if id(node) not in self.plain:
            inside = node.steps if isinstance(node, ShapedChain) else node.branches
            leaves = isinstance(node, ShapedForm) and (node.form == "outputs" or bool(node.origins))
            self.plain[id(node)] = not leaves and all(child is None or self.is_plain(child) for _, child in inside)
        return self.plain[id(node)]

    def chain(self, node: ShapedChain, name: str, around: list[set[str]]) -> bool:
        """Walk a chain whose output is needed. Returns: whether what arrives at it is.

        Args: around, of the chains around it, the outermost first, the steps that are known to be needed.
        """
        needed, kept = True, set[str]()
        for step, child in reversed(node.steps):
            own = f"{name}.{step}" if name else step
            if needed or step in kept:
                needed = self.step(child, own, [*around, kept])
            else:
                self.found.append(own)
        return needed

    def step(self, node: SomeShaped, name: str, chains: list[set[str]]) -> bool:
        """The same of a step in the innermost of these chains."""
        if self.is_plain(node):
            return True
        if isinstance(node, ShapedChain):
            return self.chain(node, name, chains)
        assert isinstance(node, ShapedForm)  # noqa: S101 - a layer is plain
        needs = False
        for branch, child in node.branches:
            own = f"{name}.{branch}"
            if node.form == "outputs" and branch not in self.learned:
                self.found += [own] if child is not None else []
            elif child is None or self.chain(child, own, chains):
                origin = node.origins.get(branch)
                if origin is None:
                    needs = True
                else:
                    chains[-1 - origin.above].add(origin.name)
        return needs
