"""What every source is read into: operations that have a word, and which outputs each takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from specc.layers.base import Shape

Style: TypeAlias = Literal["positional", "word", "short", "named", "flag"]


class ArgumentToken(NamedTuple):
    """An argument of a word.

    style: how it is written: `64`, `k3`, `eps=0.001`, a bare word, `same`, or a flag: `nobias` where the value is
    False, `ceil` where it is True. default: the value that need not be written.
    """

    name: str
    value: Any
    default: Any = None
    style: Style = "named"


class Leaf(NamedTuple):
    """A step that is a layer.

    weights: its tensors under the names that the compiled layer has for them. place: of the first of them among all
    that the source holds.
    owners: the modules of the source that it is part of, each a path and a class's name, outermost first.
    label: what it is called in the spec.
    """

    word: str
    tokens: tuple[ArgumentToken, ...]
    input: Shape
    output: Shape
    weights: tuple[tuple[str, Any], ...] = ()
    owners: tuple[tuple[str, str], ...] = ()
    label: str = ""
    place: int = 0


class Op(NamedTuple):
    """An operation of the source.

    inputs: positions of the operations that it takes, earlier ones; none for the network's input.
    step: the layer that it is, None for the input and for a join. join: how several inputs become one.
    name: what the source calls it; outputs: the names of what a join of several outputs is given;
    owners: the modules of the source that it is part of, outermost first.
    """

    name: str
    inputs: tuple[int, ...]
    output: Shape
    step: Leaf | None = None
    join: Literal["", "add", "mul", "concat", "outputs"] = ""
    outputs: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


class TracedGraph(NamedTuple):
    """Operations in the order of execution; the first is the input, `result` the output."""

    ops: tuple[Op, ...]
    result: int


def reached(ops: Sequence[Op], result: int) -> TracedGraph:
    """The operations that the result comes from; what else the source computes, nobody sees."""
    needed, waiting = {0}, [result]
    while waiting:
        place = waiting.pop()
        if place not in needed:
            needed.add(place)
            waiting += ops[place].inputs
    places = {old: new for new, old in enumerate(sorted(needed))}
    kept = [ops[old]._replace(inputs=tuple(places[one] for one in ops[old].inputs)) for old in places]
    return TracedGraph(tuple(kept), places[result])


class Wordless(NamedTuple):
    """A part of the source that the language has no word for.

    where: its name there; what: what it is; place: the file and line of the code.
    """

    where: str
    what: str
    place: str = ""

    def __str__(self) -> str:
        told = f"{self.where}: {self.what}" if self.where else self.what
        return f"{told} ({self.place})" if self.place else told
