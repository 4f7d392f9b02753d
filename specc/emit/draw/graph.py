"""An outline as nodes, edges and clusters: what Mermaid and DOT have words for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from specc.diagnostics.spelling import counted
from specc.emit.draw.outline import Box, DrawnBranch, DrawnGroup, Fork, Item, KeptMark, Outline, stacked
from specc.layers.base import Shape, written


class DrawnNode(NamedTuple):
    """name: unique, a letter and a number; style: a name of the theme."""

    name: str
    lines: tuple[str, ...]
    style: str


class Cluster(NamedTuple):
    name: str
    title: str
    parts: tuple[DrawnNode | Cluster, ...]


class Edge(NamedTuple):
    start: str
    end: str
    label: str


Part: TypeAlias = DrawnNode | Cluster


class Graph(NamedTuple):
    parts: tuple[Part, ...]
    edges: tuple[Edge, ...]


_SIGNS = {"add": "+", "mul": "×", "concat": "concat", "split": "concat"}


def graph_of(network: Outline, *, parameters: bool = False) -> Graph:
    """The graph of a network."""
    return _Grapher(parameters).run(network)


class _Grapher:
    def __init__(self, parameters: bool) -> None:
        self.parameters = parameters
        self.edges: list[Edge] = []
        self.count = 0
        self.kept: dict[str, str] = {}  # by key, the node that something else goes on from

    def run(self, network: Outline) -> Graph:
        first = self.node(("input",), "end")
        parts, last = self.items(network.items, first.name)
        if network.items and isinstance(network.items[-1], Fork) and network.items[-1].joined == "outputs":
            return Graph((first, *parts), tuple(self.edges))
        end = self.node(("output",), "end")
        self.join(last, end, network.output)
        return Graph((first, *parts, end), tuple(self.edges))

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def node(self, lines: Iterable[str], style: str) -> DrawnNode:
        return DrawnNode(self.name(), tuple(lines), style)

    def join(self, start: str, node: DrawnNode, shape: Shape) -> None:
        self.edges.append(Edge(start, node.name, written(shape)))

    def items(self, items: Iterable[Item], last: str) -> tuple[list[Part], str]:
        """The parts of a chain. Returns: them, and the node that its output leaves."""
        parts: list[Part] = []
        for part in stacked(items):
            match part:
                case KeptMark():
                    self.kept[part.key] = last
                case DrawnGroup():
                    cluster, last = self.frame(part, last)
                    parts.append(cluster)
                case Fork():
                    found, last = self.fork(part, last)
                    parts += found
                case boxes:
                    node = self.node(self.lines(boxes), boxes[0].family)
                    self.join(last, node, boxes[0].input)
                    parts.append(node)
                    last = node.name
        return parts, last

    def lines(self, boxes: tuple[Box, ...]) -> list[str]:
        head, *strips = boxes
        lines = [head.title + (f" ×{head.times}" if head.times > 1 else ""), *([head.detail] if head.detail else [])]
        lines += [f"{strip.title} {strip.detail}".strip() for strip in strips]
        count = sum(box.parameters for box in boxes)
        return [*lines, counted(count, "parameter")] if self.parameters and count else lines

    def frame(self, frame: DrawnGroup, last: str) -> tuple[Cluster, str]:
        name = self.name()
        parts, last = self.items(frame.items, last)
        times = f"×{frame.times}" if frame.times > 1 else ""
        return Cluster(name, f"{frame.title} {times}".strip(), tuple(parts)), last

    def fork(self, fork: Fork, last: str) -> tuple[list[Part], str]:
        parts: list[Part] = []
        if fork.joined == "split":
            start = self.node(("split",), "join")
            self.join(last, start, fork.input)
            parts, last = [start], start.name
        ends: list[tuple[str, Shape]] = []
        for branch in fork.branches:
            begins = last if branch.origin is None else self.kept.get(branch.origin.key, last)
            found, end = self.branch(branch, begins)
            parts += found
            ends.append((end, branch.output))
        if fork.joined == "outputs":
            return [*parts, *self.outputs(fork, ends)], last
        joined = self.node((_SIGNS[fork.joined],), "join")
        for end, shape in ends:
            self.join(end, joined, shape)
        return [*parts, joined], joined.name

    def outputs(self, fork: Fork, ends: list[tuple[str, Shape]]) -> list[Part]:
        """A node for each output."""
        nodes = [self.node((branch.name,), "end") for branch in fork.branches]
        for node, (end, shape) in zip(nodes, ends, strict=True):
            self.join(end, node, shape)
        return list(nodes)

    def branch(self, branch: DrawnBranch, last: str) -> tuple[list[Part], str]:
        if branch.times == 1:
            return self.items(branch.items, last)
        name = self.name()
        parts, last = self.items(branch.items, last)
        return [Cluster(name, f"{branch.times} branches alike", tuple(parts))], last
