"""What is learned of a program by walking it, and changes how it is written: then it is walked once more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specc.emit.python.frames import CodePlace
from specc.ir.model import SomeStep
from specc.ir.shaped import SomeShaped

ParameterKey = tuple[str, str]
"""A parameter's block and its name; without a block, a `param` of the spec."""


@dataclass
class Facts:
    """What all classes have to agree on. It only grows, so that walking comes to an end.

    loops:          by step, a place where it is repeated at least once; missed, steps that needed one.
    takes_channels: parameters whose modules are made for a number of channels.
    asks_channels:  those whose modules are asked how many channels leave; says_channels, blocks whose classes say it.
    fractions:      parameters that are not always whole numbers.
    scales:         `param`s that may be fractions, for they only multiply whole numbers: the width of a network.
    odd:            residuals whose shortcut has a stride of its own; asking, the calls that hand it on.
    fixed:          parameters whose value the code depends on without naming them: no class has them.
    clashes:        what became so in one walk: it counts once nothing else changes.
    """

    loops: dict[int, tuple[CodePlace, SomeShaped]] = field(default_factory=dict)
    missed: set[int] = field(default_factory=set)
    takes_channels: set[ParameterKey] = field(default_factory=set)
    asks_channels: set[ParameterKey] = field(default_factory=set)
    says_channels: set[str] = field(default_factory=set)
    fractions: set[ParameterKey] = field(default_factory=set)
    scales: set[str] = field(default_factory=set)
    odd: set[int] = field(default_factory=set)
    asking: set[object] = field(default_factory=set)
    fixed: set[ParameterKey] = field(default_factory=set)
    clashes: set[ParameterKey] = field(default_factory=set)

    def size(self) -> int:
        """How much is known."""
        known: tuple[set[Any], ...] = (
            self.takes_channels,
            self.asks_channels,
            self.says_channels,
            self.fractions,
            self.scales,
            self.odd,
            self.asking,
        )
        return sum(len(found) for found in known) + len(self.fixed) + len(self.missed & self.loops.keys())

    def note_loop(self, step: SomeStep, at: CodePlace, node: SomeShaped) -> None:
        """A step that is repeated at least once in a place."""
        self.loops.setdefault(id(step), (at, node))

    def loop_of(self, step: SomeStep) -> tuple[CodePlace, SomeShaped] | None:
        """A place where a step is repeated that is not repeated here."""
        self.missed.add(id(step))
        return self.loops.get(id(step))
