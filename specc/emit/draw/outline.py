"""A shaped model in, what a picture shows out: boxes, frames and forks, with what is built alike folded.

In:         a shaped model; how deep blocks are opened; whether repeats are folded.
Out:        a tree of `Box`, `Frame` and `Fork`.
Guarantees: at most `MAX_BOXES` boxes, counted before any is made; a repeat is folded where its layers, arguments and
            spatial sizes are the same, and channels too (of a vector always) unless one step was written with `x3`.
Leaves:     places and colours to the layouts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.emit.draw.labels import label_of
from specc.ir.shaped import From, JoinedBy, ShapedChain, ShapedForm, ShapedLayer, ShapedModel, SomeShaped
from specc.layers.base import Shape
from specc.layers.windows import Window

MAX_BOXES = 3000
MANY = 120  # boxes: beyond it repeats are folded too that differ in a number, as `nth` gives it
READABLE = 500  # boxes: beyond it blocks are closed, the deepest first, unless a depth is given
DEEPEST = 64


class Box(NamedTuple):
    """A layer, or a block that is not opened (its family is then `block`).

    output: what leaves the last of its `times` repeats; first: what leaves the first; windows: what it slides; name: of
    its module, of the first where it is repeated.
    """

    family: str
    title: str
    detail: str
    input: Shape
    first: Shape
    output: Shape
    parameters: int
    times: int = 1
    windows: tuple[Window, ...] = ()
    name: str = ""


class DrawnGroup(NamedTuple):
    """A block or a labelled group, with what is in it; what is in it has the shapes of the first repeat.

    varies: what is another at later repeats, "shapes" or "numbers", empty where nothing is; name: of its module, of the
    first where it is repeated; folds: whether it is a block, which could be closed.
    """

    title: str
    items: tuple[Item, ...]
    input: Shape
    output: Shape
    parameters: int
    times: int
    varies: str
    name: str = ""
    folds: bool = False


class DrawnBranch(NamedTuple):
    """items: empty for the identity; times: how many neighbouring branches are like it; origin: what it goes on from in
    place of what arrives; name: that of an output."""

    items: tuple[Item, ...]
    input: Shape
    output: Shape
    times: int = 1
    origin: KeptMark | None = None
    name: str = ""


class KeptMark(NamedTuple):
    """What leaves the step before it is taken up elsewhere; key: the same where it is kept and where it is taken up."""

    name: str
    shape: Shape
    key: str


class Fork(NamedTuple):
    """A branch form. word: as written; joined: how the branches come together; name: of its module."""

    word: str
    joined: JoinedBy
    branches: tuple[DrawnBranch, ...]
    input: Shape
    output: Shape
    name: str = ""


Item: TypeAlias = Box | DrawnGroup | Fork | KeptMark
Run: TypeAlias = list[tuple[str, SomeShaped]]
"""A step with its name, and its repeats."""


class Folds(NamedTuple):
    """Blocks that are opened or closed by hand, by the names of their modules."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


AS_IT_COMES = Folds()


class Outline(NamedTuple):
    """items in the order of execution; depth: how many levels of blocks are open, None for all; layers: how many
    the network has."""

    items: tuple[Item, ...]
    input: Shape
    output: Shape
    parameters: int
    macs: int
    layers: int
    depth: int | None


def outline(
    model: ShapedModel, depth: int | None = None, *, unfold: bool = False, folds: Folds = AS_IT_COMES
) -> Outline:
    """What a picture shows of a model.

    Args:   depth, how many levels of blocks are opened, None for as many as stay readable; unfold, every repeat
            by itself; folds, blocks that are opened or closed in spite of that.
    Raises: Problem E655 where that is too much for a picture.
    """
    reader = _OutlineReader(unfold, folds)
    if not unfold and reader.count(model.chain, DEEPEST) > MANY:
        reader = _OutlineReader(unfold, folds, numbers=False)
    if depth is None:
        depth = _readable_depth(reader, model.chain)
    count = reader.count(model.chain, depth)
    if count > MAX_BOXES:
        raise _too_large(count, unfold)
    items, costs = tuple(reader.items(model.chain, depth)), model.chain.costs
    whole = None if depth >= DEEPEST else depth
    return Outline(items, model.input, model.output, costs.parameters, costs.macs, costs.layers, whole)


def _readable_depth(reader: _OutlineReader, chain: ShapedChain) -> int:
    """As deep as stays readable; 0, every block closed, where nothing does."""
    if reader.count(chain, DEEPEST) <= READABLE or reader.count(chain, 0) > READABLE:
        return DEEPEST if reader.count(chain, DEEPEST) <= READABLE else 0
    return next(depth for depth in range(8, -1, -1) if reader.count(chain, depth) <= READABLE)


def _too_large(count: int, unfold: bool) -> Problem:
    help = (
        "leave out `--unfold`"
        if unfold
        else "`--depth 1` leaves the blocks closed\nwrite a long chain as a block, which can be closed"
    )
    return Problem.of("E655", f"the picture would have {count:,} boxes; at most {MAX_BOXES:,} are drawn", help=help)


class _OutlineReader:
    """Reads a network's nodes. Nodes are shared, so what is known of one is kept by its identity.

    numbers: whether repeats of a step are told apart by the numbers of their layers.
    """

    def __init__(self, unfold: bool, folds: Folds, *, numbers: bool = True) -> None:
        self.unfold, self.folds, self.numbers = unfold, folds, numbers
        self.path: list[str] = []  # the names that lead to what is being read
        self.made = 0  # boxes, which blocks that are opened by hand add to
        self.around: list[ShapedChain] = []  # the chains that hold what is being read
        self.known: dict[tuple[int, bool], int] = {}
        self.known_runs: dict[int, list[Run]] = {}
        self.kinds: dict[Hashable, int] = {}
        self.counts: dict[tuple[int, int], int] = {}

    def kind(self, node: SomeShaped, *, exact: bool) -> int:
        """A number that nodes share which are built alike: the same words, arguments and sizes; channels if exact."""
        place = id(node), exact
        if place not in self.known:
            key = self._key(node, exact)
            self.known[place] = self.kinds.setdefault(key, len(self.kinds))
        return self.known[place]

    def _key(self, node: SomeShaped, exact: bool) -> Hashable:
        shapes: Hashable = tuple(x if exact or len(x) == 1 else x[1:] for x in (node.input, node.output))
        if not exact and not self.numbers:
            shapes = len(node.input), len(node.output)
        if isinstance(node, ShapedLayer):
            return exact, node.word, node.layer if exact or self.numbers else node.layer.keyword, shapes
        if isinstance(node, ShapedChain):
            return exact, node.word, node.frozen, shapes, tuple(self.kind(step, exact=exact) for _, step in node.steps)
        branches = (None if branch is None else self.kind(branch, exact=exact) for _, branch in node.branches)
        return exact, node.word, node.joined, shapes, tuple(branches), tuple(node.origins.items())

    def runs(self, chain: ShapedChain) -> list[Run]:
        """A chain's steps, those that are repeats of the one before them together."""
        if id(chain) in self.known_runs:
            return self.known_runs[id(chain)]
        runs: list[Run] = []
        for step in chain.steps:
            before = runs[-1][-1] if runs else None
            folds = before is not None and not self.unfold and before[0] not in chain.keeps
            if before is not None and folds and self._repeats(before[1], step[1]):
                runs[-1].append(step)
            else:
                runs.append([step])
        self.known_runs[id(chain)] = runs
        return runs

    def _repeats(self, before: SomeShaped, node: SomeShaped) -> bool:
        if before is node:
            return True
        if before.word != node.word or before.costs.layers != node.costs.layers or before.input[1:] != node.input[1:]:
            return False
        if isinstance(node, ShapedLayer) and node.layer.family in ATTACHED:
            return False
        if self.kind(before, exact=True) == self.kind(node, exact=True):
            return True
        if isinstance(node, ShapedLayer) and not self.numbers:
            return False  # its box has no room to say so
        return before.span == node.span and self.kind(before, exact=False) == self.kind(node, exact=False)

    def alike(self, branch: ShapedChain, other: ShapedChain | None) -> bool:
        """Whether two branches hold the same; their names differ anyway."""
        if other is None or self.unfold or len(branch.steps) != len(other.steps):
            return False
        pairs = zip(branch.steps, other.steps, strict=True)
        return all(self.kind(one, exact=True) == self.kind(two, exact=True) for (_, one), (_, two) in pairs)

    # how much there is

    def count(self, node: SomeShaped, depth: int) -> int:
        """How many boxes a node becomes."""
        place = id(node), depth
        if place not in self.counts:
            self.counts[place] = self._count(node, depth)
        return self.counts[place]

    def _count(self, node: SomeShaped, depth: int) -> int:
        if isinstance(node, ShapedLayer):
            return 1
        if isinstance(node, ShapedForm):
            return 1 + sum(1 if branch is None else self.count(branch, depth) for _, branch in node.branches)
        firsts = [run[0][1] for run in self.runs(node)]
        inner = [(first, depth - _is_block(first)) for first in firsts if not isinstance(first, ShapedLayer)]
        return len(firsts) - len(inner) + sum(self.count(first, left) if left >= 0 else 1 for first, left in inner)

    # the tree

    def items(self, chain: ShapedChain, depth: int) -> Iterator[Item]:
        self.around.append(chain)
        for run in self.runs(chain):
            self.path.append(run[0][0])
            yield from self._item(run, depth)
            self.path.pop()
            name, node = run[-1]
            if name in chain.keeps:
                yield self._kept(From(name, 0), node.output)
        self.around.pop()

    def _kept(self, origin: From, shape: Shape) -> KeptMark:
        return KeptMark(origin.name, shape, f"{id(self.around[-1 - origin.above])}.{origin.name}")

    def _item(self, run: Run, depth: int) -> Iterator[Item]:
        """What a step becomes that stands there once or several times."""
        (name, node), last = run[0], run[-1][1]
        times, parameters = len(run), sum(step.costs.parameters for _, step in run)
        path = ".".join(self.path)
        if isinstance(node, ShapedLayer):
            yield self._counted(_layer_box(node, last.output, parameters, times, path))
            return
        title = node.word if isinstance(node, ShapedForm) else _title(name, node, times)
        inner = depth - _is_block(node)
        if self._is_closed(node, path, inner):
            detail = counted(node.costs.layers, "layer")
            box = Box("block", title, detail, node.input, node.output, last.output, parameters, times, name=path)
            yield self._counted(box)
            return
        inner = max(inner, 0)
        items = self._form(node, depth) if isinstance(node, ShapedForm) else tuple(self.items(node, inner))
        if times == 1 and (isinstance(node, ShapedForm) or not title or is_plain(items)):
            yield from items
        elif items:
            varies, folds = self._varied(run), _is_block(node)
            group = DrawnGroup(title, items, node.input, last.output, parameters, times, varies, path, folds)
            yield _merged(group)

    def _is_closed(self, node: SomeShaped, path: str, depth: int) -> bool:
        """Whether a block is drawn as one box; depth: how many levels of blocks are open in it, below 0 for none."""
        if not _is_block(node):
            return False
        return path in self.folds.closed or (depth < 0 and path not in self.folds.opened)

    def _counted(self, box: Box) -> Box:
        self.made += 1
        if self.made > MAX_BOXES:
            raise _too_large(self.made, self.unfold)
        return box

    def _varied(self, run: Run) -> str:
        """What is another at later repeats: their channels, their numbers, or nothing."""
        first = run[0][1]
        if any((step.input, step.output) != (first.input, first.output) for _, step in run):
            return "shapes"
        return "numbers" if len({self.kind(step, exact=True) for _, step in run}) > 1 else ""

    def _form(self, form: ShapedForm, depth: int) -> tuple[Item, ...]:
        branches: list[DrawnBranch] = []
        before: ShapedChain | None = None
        entering = _entering(form)
        for name, chain in form.branches:
            origin = self._kept(form.origins[name], chain.input) if chain is not None and name in form.origins else None
            if chain is None:
                branches.append(DrawnBranch((), entering, entering))
            elif self.alike(chain, before) and branches[-1].origin == origin and form.form != "outputs":
                branches[-1] = branches[-1]._replace(times=branches[-1].times + 1)
            else:
                self.path.append(name)
                items = _unless_identity(self.items(chain, depth))
                self.path.pop()
                label = name if form.form == "outputs" else ""
                branches.append(DrawnBranch(items, chain.input, chain.output, origin=origin, name=label))
            before = chain
        if form.joined == "none":
            return branches[0].items
        return (Fork(form.word, form.joined, tuple(branches), form.input, form.output, ".".join(self.path)),)


def _unless_identity(items: Iterable[Item]) -> tuple[Item, ...]:
    """A branch's items; none where they are `id`."""
    found = tuple(items)
    return () if all(isinstance(item, Box) and item.family == "identity" for item in found) else found


def _entering(form: ShapedForm) -> Shape:
    parts = len(form.branches) if form.joined == "split" else 1
    return (form.input[0] // parts, *form.input[1:])


def _is_block(node: SomeShaped) -> bool:
    return isinstance(node, ShapedChain) and node.word != "group"


def _title(name: str, node: ShapedChain, times: int) -> str:
    """A block's word, with its label if it has one; of a group only the label. What is repeated has no number."""
    word = "" if node.word == "group" else node.word
    stem = name.rstrip("0123456789")
    if stem == node.word:
        return word
    label = stem if times > 1 else name
    return f"{label}: {word}" if word else label


def _merged(frame: DrawnGroup) -> DrawnGroup:
    """A frame that holds nothing but a frame, as one of them, where only one is repeated."""
    inner = frame.items[0]
    if len(frame.items) > 1 or not isinstance(inner, DrawnGroup) or (frame.times > 1 and inner.times > 1):
        return frame
    title = " · ".join(filter(None, (frame.title, inner.title)))
    varies = frame.varies or inner.varies
    return frame._replace(title=title, items=inner.items, times=frame.times * inner.times, varies=varies)


def is_plain(items: tuple[Item, ...]) -> bool:
    """Whether a frame would hold one stack of boxes: a convolution with its normalisation and its activation."""
    return all(isinstance(item, Box) and (number == 0 or is_attached(item)) for number, item in enumerate(items))


ATTACHED = {"normalisation", "activation", "regularisation", "scale", "identity"}


def is_attached(item: Item) -> bool:
    """Whether a box is drawn as a strip under the one before it: it changes values, and no shape."""
    return isinstance(item, Box) and item.family in ATTACHED and item.input == item.output


def stacked(items: Iterable[Item]) -> Iterator[tuple[Box, ...] | DrawnGroup | Fork | KeptMark]:
    """Items, where a box and what is attached to it come together."""
    stack: tuple[Box, ...] = ()
    for item in items:
        if isinstance(item, Box) and stack and is_attached(item) and item.times == stack[0].times == 1:
            stack = (*stack, item)
            continue
        if stack:
            yield stack
        stack = (item,) if isinstance(item, Box) else ()
        if not isinstance(item, Box):
            yield item
    if stack:
        yield stack


def _layer_box(node: ShapedLayer, output: Shape, parameters: int, times: int, name: str) -> Box:
    label = label_of(node.layer, node.input)
    windows = node.layer.windows(node.input)
    return Box(
        node.layer.family, label.title, label.detail, node.input, node.output, output, parameters, times, windows, name
    )  # fmt: skip
