"""A graph in, a chain of steps and branch forms out.

A join of branches belongs to the place that all ways to it lead through: from there on each input is a branch. Where
branches cross, what several of them take is written before them, under a label, and they go on `from` it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from torch import nn

from specc.exchange.importing.forms import Chain, Form, FromLabel, Node, joined
from specc.exchange.importing.graph import Leaf, Op, TracedGraph
from specc.exchange.importing.nesting import ROOT, dominators, meeting, nested, postdominators, readers_of
from specc.exchange.importing.steps import step
from specc.ir.model import FORM_WORDS
from specc.layers.registry import LAYERS
from specc.syntax.tokens import RESERVED


def structure(graph: TracedGraph) -> Chain:
    """The chain of a network; each operation stands in it once."""
    return _Builder(nested(graph)).build()


class _View(NamedTuple):
    """How a part of the graph is read.

    cuts: places that chains begin at; above: what all ways to an operation lead through, from the cuts on; arriving:
    the place whose output arrives at the chain that is written.
    """

    cuts: frozenset[int]
    above: list[int]
    arriving: int


class _Builder:
    """The graph with, for each operation, those that all ways to it and from it lead through.

    crossing: of a place the operations behind it that branches of different forms take, in their order; labels: what
    the places are called that branches go on from.
    """

    def __init__(self, graph: TracedGraph) -> None:
        self.ops, self.result = graph.ops, graph.result
        self.readers = readers_of(self.ops)
        self.above, self.below = dominators(self.ops), postdominators(self.ops, graph.result)
        self.crossing = self._crossings()
        self.shared = {*self.crossing, *(place for places in self.crossing.values() for place in places)}
        self.labels: dict[int, str] = {}

    def build(self) -> Chain:
        _, found = self._walk(self.result, _View(frozenset((0,)), self.above, 0))
        if 0 in self.labels:
            found = [step("id", self.ops[0].output)._replace(label="0"), *found]
        return self._named(tuple(found))

    def _crossings(self) -> dict[int, list[int]]:
        """The operations that branches of different forms take, by the place that the forms begin at.

        An operation that several take is no such one where all ways from it meet again in a join that nothing else
        leads to. All others are within such a place and its join; the nearest is theirs.
        """
        found: dict[int, list[int]] = {}
        forks = [place for place, readers in enumerate(self.readers) if len(readers) > 1]
        closed = {place for place in forks if self.above[self.below[place]] == place}
        for place in forks:
            if place not in closed:
                home = self.above[place]
                while home not in closed or self.below[home] <= place:
                    home = self.above[home]
                found.setdefault(home, []).append(place)
        return found

    def _walk(self, end: int, view: _View) -> tuple[int, list[Node]]:
        """Where a chain begins, and its steps. Where it begins at several places it takes what arrives."""
        found: list[Node] = []
        place = end
        while place != 0 and (place == end or place not in view.cuts):
            op = self.ops[place]
            if op.step is not None:
                found.append(self._noted(place, op.step))
                place = op.inputs[0]
            elif view.above[place] == ROOT:
                found.append(self._noted(place, self._form(op, view.arriving, view)))
                return view.arriving, found[::-1]
            else:
                source = view.above[place]
                if source in self.crossing and self.below[source] == place:
                    found += self._crossed(source, place)[::-1]
                else:
                    found.append(self._noted(place, self._form(op, source, view)))
                place = source
        return place, found[::-1]

    def _form(self, op: Op, source: int, view: _View) -> Form:
        """A join; each branch that does not begin at its place goes on from a label."""
        inner = view._replace(cuts=view.cuts | {source}, arriving=source)
        chains = []
        for given in op.inputs:
            begin, chain = (given, []) if given in inner.cuts else self._walk(given, inner)
            chains.append(tuple(chain if begin == source else [self._from(begin), *chain]))
        x = self.ops[source].output
        if op.join == "outputs":
            return Form("outputs", tuple(chains), x, op.output, names=op.outputs)
        return joined(op.join, tuple(chains), x, op.output)._replace(owners=op.owners)

    def _crossed(self, source: int, end: int) -> list[Node]:
        """The steps from a place to a join between which branches cross: first what several of them take."""
        cuts = frozenset((source, *self.crossing[source]))
        view = _View(cuts, dominators(self.ops, cuts), source)
        found: list[Node] = []
        for target in (*self.crossing[source], end):
            above = list(view.above)
            above[target] = meeting(above, self.ops[target].inputs)
            begin, chain = self._walk(target, view._replace(above=above))
            if begin != view.arriving:
                x, output = self.ops[view.arriving].output, self.ops[target].output
                whole = (self._from(begin), *chain[:-1], chain[-1]._replace(label=""))
                chain = [self._noted(target, Form("add", (whole,), x, output))]
            found += chain
            view = view._replace(arriving=target)
        return found

    # labels: the number of a place at first, its name in the end

    def _noted(self, place: int, node: Leaf | Form) -> Leaf | Form:
        return node._replace(label=str(place)) if place in self.shared else node

    def _from(self, place: int) -> FromLabel:
        if place not in self.labels:
            self.labels[place] = next(name for name in self._names(place) if name not in self.labels.values())
        output = self.ops[place].output
        return FromLabel(self.labels[place], output, output)

    def _names(self, place: int) -> Iterator[str]:
        """Labels for a place, the best first: the outermost module that it is the end of, else what it does."""
        op = self.ops[place]
        inside = {path for reader in self.readers[place] for path in self.ops[reader].owners}
        path = next((path for path in op.owners if path not in inside), op.owners[-1] if op.owners else "")
        stem = re.sub(r"\W+", "_", path).strip("_").lower()
        if stem and not stem[0].isdigit():
            word = stem.rstrip("0123456789").rstrip("_")
            taken = stem in RESERVED or word in _WORDS or hasattr(nn.Sequential, stem)
            yield f"{stem}_out" if taken else stem
        if place == 0:
            yield "start"
        rest = stem if stem and stem[0].isalpha() else _JOINED[op.join]
        yield from (f"{rest}_{number}" if rest[-1].isdigit() else f"{rest}{number}" for number in count(1))

    def _named(self, chain: Chain) -> Chain:
        """A chain in which the places that branches go on from have their names, and no other a number."""
        return tuple(self._named_node(node) for node in chain)

    def _named_node(self, node: Node) -> Node:
        if isinstance(node, FromLabel):
            return node
        if isinstance(node, Form):
            node = node._replace(branches=tuple(self._named(branch) for branch in node.branches))
        return node._replace(label=self.labels.get(int(node.label), "")) if node.label else node


_JOINED = {"": "step_out", "add": "sum", "mul": "product", "concat": "joined", "outputs": "outputs"}
_WORDS = frozenset((*LAYERS, *FORM_WORDS, "group", "branch"))
