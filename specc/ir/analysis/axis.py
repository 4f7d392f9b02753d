"""One spatial dimension of a network followed through all its layers, for one size after another.

In:         a shaped model and the number of a dimension.
Out:        for a size along that dimension whether the network takes it, and whether every pixel is read.
Guarantees: exact where it answers at all: `Entangled` is raised where a rule looks at several dimensions at once or
            where channels would change with the size. The answer of a layer for a size is worked out once.
Leaves:     limits and budgets, which have nothing to do with shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from specc.ir.shaped import From, ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped, borrows
from specc.layers.base import Layer, ShapeError
from specc.layers.windows import window_count
from specc.syntax.parse import read_tokens


class Entangled(Exception):
    """This dimension cannot be looked at by itself."""


class Refused(Exception):
    """The network does not take this size."""


class Beyond(Enum):
    """What stands for a size where there is none to follow: everything is as for the model's own input, or a vector
    has come about whose features are more or fewer for another size."""

    FIXED = "fixed"
    FEATURES = "features"


State: TypeAlias = int | Beyond


class After(NamedTuple):
    """What leaves a node, and whether it or a node before it left pixels unread."""

    state: State
    loses: bool


def loses_pixels(node: SomeShaped) -> bool:
    """Whether a window leaves pixels unread, the shortcuts of residuals not counted."""
    if isinstance(node, ShapedLayer):
        numbers = zip(node.layer.windows(node.input), node.input[1:], node.output[1:], strict=False)
        return node.layer.reads_all and any(window.loses(size, count) for window, size, count in numbers)
    if isinstance(node, ShapedChain):
        return any(loses_pixels(child) for child in {id(child): child for _, child in node.steps}.values())
    return any(loses_pixels(branch) for name, branch in node.branches if branch is not None and name != "shortcut")


def is_symmetric(node: SomeShaped) -> bool:
    """Whether all spatial dimensions of a network whose input is square are treated alike."""
    if len(set(node.input[1:])) > 1 or len(set(node.output[1:])) > 1:
        return False
    if isinstance(node, ShapedLayer):
        return len(set(node.layer.windows(node.input))) <= 1
    children = node.steps if isinstance(node, ShapedChain) else node.branches
    return all(is_symmetric(child) for child in {id(child): child for _, child in children}.values() if child)


class Axis:
    """A network along one of its spatial dimensions, counted from 0."""

    def __init__(self, model: ShapedModel, dimension: int) -> None:
        self.model, self.at = model, dimension + 1
        self.around: list[dict[str, State]] = []  # by name, what left the kept steps of the chains around
        self.known: dict[tuple[int, State], After | None] = {}
        self.resizing: dict[int, tuple[SomeShaped, ...]] = {}
        self.features_matter = any(token.type == "IN" for token in read_tokens(model.source.text).all)

    def take(self, size: int) -> bool | None:
        """Whether pixels are lost for a size; None where the network does not take it. Raises: Entangled."""
        try:
            return self._through(self.model.chain, size).loses
        except Refused:
            return None

    def _through(self, node: SomeShaped, state: State) -> After:
        if borrows(node):
            return self._work_out(node, state)
        key = (id(node), state)
        if key not in self.known:
            try:
                self.known[key] = self._work_out(node, state)
            except Refused:
                self.known[key] = None
        found = self.known[key]
        if found is None:
            raise Refused
        return found

    def _work_out(self, node: SomeShaped, state: State) -> After:
        if isinstance(node, ShapedLayer) and node.like is not None:
            return After(self._kept(node.like), False)
        if state is Beyond.FIXED and not borrows(node):
            return After(state, loses_pixels(node))
        if isinstance(node, ShapedLayer):
            return self._layer(node, state) if isinstance(state, int) else After(self._vector(node.layer), False)
        if isinstance(node, ShapedForm):
            return self._form(node, state)
        return self._chain(node, state)

    def _chain(self, chain: ShapedChain, state: State) -> After:
        if chain.keeps or chain.borrows:
            return self._keeping_chain(chain, state)
        loses = False
        children = self._resizing(chain) if isinstance(state, int) else tuple(child for _, child in chain.steps)
        for child in children:
            state, lost = self._through(child, state)
            loses = loses or lost
        return After(state, loses)

    def _keeping_chain(self, chain: ShapedChain, state: State) -> After:
        """A chain where something goes on from a step that is kept: every step counts."""
        loses, kept = False, dict[str, State]()
        self.around.append(kept)
        try:
            for name, child in chain.steps:
                state, lost = self._through(child, state)
                kept[name] = state
                loses = loses or lost
        finally:
            self.around.pop()
        return After(state, loses)

    def _resizing(self, chain: ShapedChain) -> tuple[SomeShaped, ...]:
        """The steps that may change a size, unless a vector comes about on the way: then all steps count."""
        if id(chain) not in self.resizing:
            children = tuple(child for _, child in chain.steps)
            if all(len(child.output) > 1 for child in children):
                children = tuple(
                    child for child in children if not (isinstance(child, ShapedLayer) and child.layer.keeps_size)
                )
            self.resizing[id(chain)] = children
        return self.resizing[id(chain)]

    def _layer(self, node: ShapedLayer, size: int) -> After:
        layer = node.layer
        if not layer.separable or (self.features_matter and len(node.output) == 1):
            raise Entangled
        if len(node.output) == 1:
            return After(Beyond.FEATURES, False)
        x = (*node.input[: self.at], size, *node.input[self.at + 1 :])
        try:
            output = layer.output(x)[self.at]
        except ShapeError:
            raise Refused from None
        loses = layer.reads_all and layer.windows(x)[self.at - 1].loses(size, output)
        return After(Beyond.FIXED if layer.fixes_size() else output, loses)

    def _vector(self, layer: Layer) -> State:
        """What leaves a layer that gets a vector of any number of features."""
        if layer.features is None:
            raise Entangled
        return Beyond.FIXED if layer.features == "fixed" else Beyond.FEATURES

    def _kept(self, origin: From) -> State:
        """What left a kept step of a chain around."""
        return self.around[-1 - origin.above][origin.name]

    # branches

    def _form(self, form: ShapedForm, state: State) -> After:
        ends, loses = [], False
        for name, branch in form.branches:
            if name == "shortcut" and form.shortcut in ("auto", "same"):
                continue
            origin = form.origins.get(name)
            begins = state if origin is None else self._kept(origin)
            end, lost = (begins, False) if branch is None else self._through(branch, begins)
            loses = loses or (lost and name != "shortcut")
            ends.append(self._size(end, branch or form))
        if form.form == "outputs":
            return After(Beyond.FIXED, loses)
        if len(form.output) == 1:
            return After(_joined_vectors(form, ends), loses)
        if not isinstance(state, int) or not all(isinstance(end, int) for end in ends):
            raise Entangled
        sizes = [end for end in ends if isinstance(end, int)]
        if form.shortcut == "auto":
            _require_projection(state, sizes[0])
        return After(_joined(form, sizes), loses)

    def _size(self, end: State, node: ShapedChain | ShapedForm) -> State:
        """A picture that is always the same has its size along this dimension like any other."""
        return node.output[self.at] if end is Beyond.FIXED and len(node.output) > self.at else end


def _joined(form: ShapedForm, sizes: Sequence[int]) -> int:
    """Equal sizes joined; a product also stretches a size of 1. Raises: Refused."""
    distinct = set(sizes)
    if form.joined == "mul" or form.form in ("mul", "gate"):
        distinct = distinct - {1} or {1}
    if len(distinct) > 1:
        raise Refused
    return distinct.pop()


def _joined_vectors(form: ShapedForm, ends: Sequence[State]) -> State:
    """Vectors of any number of features can be strung together, and nothing else."""
    if all(end is Beyond.FIXED for end in ends):
        return Beyond.FIXED
    if form.form == "concat" and all(isinstance(end, Beyond) for end in ends):
        return Beyond.FEATURES
    raise Entangled


def _require_projection(size: int, wanted: int) -> None:
    """Raises: Refused where no stride of `shortcut auto` turns one size into the other."""
    if window_count(size, 1, (size - 1) // wanted + 1, 0) != wanted:
        raise Refused
