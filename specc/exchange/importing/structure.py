"""A graph in, a chain of steps and branch forms out.

A join of branches belongs to the place that all of its inputs have passed: from there on each input is a branch. A
network that cannot be drawn so, for its branches cross, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from specc.exchange.importing.graph import Leaf, Op, TracedGraph, Wordless
from specc.ir.model import FormWord
from specc.layers.base import Shape

MOST_STEPS = 20_000  # that a network is written out to, far more than any that is read
MOST_WORK = 1_000_000


class Form(NamedTuple):
    """Branches and how they are joined.

    shortcut: of a residual: `identity`, `auto`, `same`, or `chain`, which is then the second branch; parts: the
    channels of each branch of a `split` that is not even.
    """

    form: FormWord
    branches: tuple[Chain, ...]
    input: Shape
    output: Shape
    shortcut: str = "identity"
    parts: tuple[int, ...] = ()


class FoundCall(NamedTuple):
    """A block with its arguments by name; the leaves that it stands for."""

    block: str
    args: tuple[tuple[str, object], ...]
    inside: Chain
    input: Shape
    output: Shape


Node: TypeAlias = "Leaf | Form | FoundCall"
Chain: TypeAlias = "tuple[Node, ...]"


class Crossing(Exception):
    """Branches that no form describes; `parts` says which."""

    def __init__(self, parts: list[Wordless]) -> None:
        super().__init__("; ".join(map(str, parts)))
        self.parts = parts


def structure(graph: TracedGraph) -> Chain:
    """Raises: Crossing."""
    return _Builder(_with_prefixes(graph)).build()


def leaves(chain: Chain) -> list[Leaf]:
    """All layers of a chain, in the order in which they are written."""
    found: list[Leaf] = []
    for node in chain:
        if isinstance(node, Leaf):
            found.append(node)
        elif isinstance(node, FoundCall):
            found += leaves(node.inside)
        else:
            found += [leaf for branch in node.branches for leaf in leaves(branch)]
    return found


def _with_prefixes(graph: TracedGraph) -> TracedGraph:
    """A concatenation that begins like an earlier one takes that one's output: so dense blocks become nested ones."""
    known: dict[tuple[int, ...], int] = {}
    ops = list(graph.ops)
    for place, op in enumerate(ops):
        if op.join != "concat":
            continue
        inputs = op.inputs
        for length in range(len(inputs) - 1, 1, -1):
            if inputs[:length] in known:
                ops[place] = op._replace(inputs=(known[inputs[:length]], *inputs[length:]))
                break
        known[inputs] = place
    return TracedGraph(tuple(ops), graph.result)


class _Builder:
    """The graph with, for each operation, the one that all ways to it lead through last.

    made: the chain between two operations, each built once, and how many steps it is when it is written out.
    """

    def __init__(self, graph: TracedGraph) -> None:
        self.graph = graph
        self.ops = _merged(graph)
        self.above = _dominators(self.ops)
        self.made: dict[tuple[int, int], tuple[Chain, int]] = {}
        self.passed: set[int] = set()  # steps that are in a chain
        self.crossed: dict[int, None] = {}  # steps that are in several, in the order in which that was found
        self.work = 0  # operations passed so far

    def build(self) -> Chain:
        chain, _ = self._between(0, self.graph.result)
        if self.crossed:
            what = "its output goes into branches that cross others, which no form allows"
            raise Crossing([Wordless(self.ops[place].name, what) for place in self.crossed])
        return chain

    def _counts(self, place: int) -> bool:
        """Whether a step cannot be written twice: it has weights, or draws by chance."""
        step = self.ops[place].step
        return step is not None and (bool(step.weights) or step.word.startswith("drop"))

    def _between(self, start: int, end: int) -> tuple[Chain, int]:
        """The steps that lead from the output of one operation to the output of another, and how many they are."""
        if (start, end) not in self.made:
            self.made[start, end] = self._walk(start, end)
            return self.made[start, end]
        again = [place for place in self._inside(start, end) if self._counts(place)]
        self.crossed |= dict.fromkeys(again)
        # What is refused anyway need not be written out again, however often it comes.
        return ((), 0) if again else self.made[start, end]

    def _walk(self, start: int, end: int) -> tuple[Chain, int]:
        """A chain, and its steps when it is written out. Raises: Crossing where they are too many."""
        found: list[Node] = []
        steps, place = 0, end
        while place != start:
            op = self.ops[place]
            self.work += 1
            if self._counts(place) and place in self.passed:
                self.crossed[place] = None
            self.passed.add(place)
            source = op.inputs[0] if op.step is not None else self.above[place]
            if op.step is not None:
                found.append(op.step)
                steps += 1
            else:
                branches = [self._between(source, given) for given in op.inputs]
                steps += sum(count for _, count in branches)
                self._require_bounded(steps, op)
                found.append(self._form(op, source, tuple(chain for chain, _ in branches)))
            place = source
        return tuple(reversed(found)), steps

    def _require_bounded(self, steps: int, op: Op) -> None:
        """Raises: Crossing for branches that hold each other so often that no spec could be read."""
        if steps > MOST_STEPS or self.work > MOST_WORK:
            what = f"its branches cross so often that they come to more than {MOST_STEPS:,} steps"
            raise Crossing([Wordless(op.name, what)])

    def _inside(self, start: int, end: int) -> Iterator[int]:
        """The operations between two, each once."""
        waiting, seen = [end], {start}
        while waiting:
            place = waiting.pop()
            if place not in seen:
                self.work += 1
                seen.add(place)
                yield place
                waiting += self.ops[place].inputs

    def _form(self, op: Op, source: int, chains: tuple[Chain, ...]) -> Form:
        x = self.ops[source].output
        if op.join == "add":
            return _sum(chains, x, op.output)
        if op.join == "mul":
            return _product(chains, x, op.output)
        return _concatenation(chains, x, op.output)


def _merged(graph: TracedGraph) -> list[Op]:
    """Sums of sums, and concatenations of concatenations, that nothing else reads, as one with more branches."""
    readers = [0] * len(graph.ops)
    for op in graph.ops:
        for place in op.inputs:
            readers[place] += 1
    readers[graph.result] += 1
    ops = list(graph.ops)
    above = _dominators(ops)
    for place, op in enumerate(ops):
        if op.join in ("add", "concat"):
            inputs: list[int] = []
            for given in op.inputs:
                inner = ops[given]
                # Branches that begin later than the others' place have a form of their own.
                merge = inner.join == op.join and readers[given] == 1 and above[given] == above[place]
                inputs += inner.inputs if merge else (given,)
            ops[place] = op._replace(inputs=tuple(inputs))
    return ops


def _dominators(ops: list[Op]) -> list[int]:
    """For each operation the nearest one before it that all ways from the input lead through."""
    above = [0] * len(ops)
    for place, op in enumerate(ops):
        if place and op.inputs:
            meeting = op.inputs[0]
            for other in op.inputs[1:]:
                meeting = _meet(above, meeting, other)
            above[place] = meeting
    return above


def _meet(above: list[int], left: int, right: int) -> int:
    while left != right:
        if left > right:
            left = above[left]
        else:
            right = above[right]
    return left


# forms


def _sum(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    if len(chains) != 2:
        return Form("add", chains, x, output)
    body, shortcut = sorted(chains, key=_weight, reverse=True)
    if not shortcut:
        return Form("residual", (body,), x, output)
    if _is_projection(shortcut, x, output):
        return Form("residual", (body,), x, output, "auto")._replace(branches=(body, shortcut))
    if _weight(shortcut) <= _PROJECTION and _weight(shortcut) < _weight(body):
        return Form("residual", (body, shortcut), x, output, "chain")
    return Form("add", chains, x, output)


_PROJECTION = 3  # as many steps are a shortcut rather than a branch of equal rank


def _weight(chain: Chain) -> int:
    return len(leaves(chain))


def _is_projection(chain: Chain, x: Shape, output: Shape) -> bool:
    """Whether a shortcut is the one that `auto` makes: `conv C k1 s=S nobias -> bn`, S the smallest that fits."""
    steps = [node for node in chain if isinstance(node, Leaf)]
    if len(steps) != len(chain) or x == output or len(x) < 2:
        return False
    if [step.word for step in steps] != ["conv", "bn"]:
        return False
    settings = {token.name: token.value for token in steps[0].tokens}
    plain = all(token.value == token.default for token in steps[1].tokens)
    from specc.ir.shapes.forms import projection_stride
    from specc.layers.base import ShapeError

    try:
        stride = projection_stride(x, output)
    except ShapeError:
        return False
    same = settings.get("stride", 1) in (stride, (stride, stride))
    others = {"kernel": 1, "padding": 0, "groups": 1, "bias": False, "frozen": False}
    return plain and same and all(settings.get(name, value) == value for name, value in others.items())


def _product(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    if len(chains) == 2 and () in chains:
        gate = chains[0] or chains[1]
        return Form("gate", (gate,), x, output)
    return Form("mul", chains, x, output)


def _concatenation(chains: tuple[Chain, ...], x: Shape, output: Shape) -> Form:
    cuts = [cut for cut in map(_leading_slice, chains) if cut is not None]
    if len(cuts) == len(chains) and _follow_each_other(cuts, x[0]):
        parts = tuple(end - start for start, end in cuts)
        return Form(
            "split", tuple(chain[1:] for chain in chains), x, output, parts=parts if len(set(parts)) > 1 else ()
        )
    return Form("concat", chains, x, output)


def _follow_each_other(cuts: list[tuple[int, int]], channels: int) -> bool:
    """Whether pieces are all of some channels, in their order."""
    starts, ends = zip(*cuts, strict=True)
    return (*starts, channels) == (0, *ends)


def _leading_slice(chain: Chain) -> tuple[int, int] | None:
    if chain and isinstance(chain[0], Leaf) and chain[0].word == "slice":
        start, end = (token.value for token in chain[0].tokens)
        return start, end
    return None
