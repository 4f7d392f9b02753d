"""Where a chain stands: its container, and the names, labels and repeat that it sees; what is told of a layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from generate_from_page.binding import layered
from generate_from_page.values import Scope, Value, WrongError

Shape = tuple[int, ...]
TAKEN = frozenset(dir(nn.Sequential()))


@dataclass
class Row:
    """What `summary` tells of a layer or form."""

    name: str
    kind: str
    line: int
    input: Shape
    output: Shape | dict[str, Shape]
    params: int = 0
    macs: int = 0


@dataclass
class Place:
    """A container: its name with a dot behind it, and how many of each word and which names it has."""

    prefix: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def name(self, word: str, label: str | None) -> str:
        self.counts[word] = self.counts.get(word, 0) + 1
        name = label or f"{word}{self.counts[word]}"
        if name in self.taken or name in TAKEN:
            raise WrongError(f"the name `{name}` is taken")
        self.taken.add(name)
        return self.prefix + name


@dataclass
class Context:
    """Where a chain stands: names, the number of the repeat, labels by the key of what was kept, and `frozen`."""

    names: dict[str, Value]
    place: Place
    nth: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    frozen: bool = False
    depth: int = 0

    def inside(self, name: str, frozen: bool = False) -> Context:
        """The context in braces: a container of its own, which sees what stands around it."""
        return Context(
            self.names, Place(name + "."), self.nth, dict(self.labels), self.frozen or frozen, self.depth + 1
        )

    def scope(self, x: Tensor | None = None) -> Scope:
        return Scope(self.names, None if x is None else x.shape[1], self.nth, layered)
