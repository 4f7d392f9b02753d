"""The steps of a spec in the order of the text, each with its neighbours: where an edit can be made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.ir.model import Block
from specc.ir.names.scope import NotYet, PlainValue, Scope
from specc.ir.names.values import evaluate
from specc.ir.shapes.infer import Visits
from specc.layers.base import Layer
from specc.layers.registry import find_layer
from specc.pipeline import Analysis, analyse
from specc.source import Span
from specc.syntax import tree
from specc.syntax.parse import read_tokens
from specc.syntax.tokens import Tokens


class Site(NamedTuple):
    """A step, the chain in which it stands, the step and the block around it."""

    step: tree.Step
    body: tuple[tree.Step, ...]
    position: int
    parent: Site | None
    block: tree.Block | None

    @property
    def word(self) -> str:
        return self.step.word.text if self.step.word else ""

    @property
    def layer(self) -> type[Layer] | None:
        """The layer that the word names, None for a form, a block or a wrong word."""
        return find_layer(self.word) if self.word and self.step.branches is None else None


class SpecOutline:
    """A spec's steps and definitions, as they are written."""

    def __init__(self, analysis: Analysis) -> None:
        self.source, self.items = analysis.source, analysis.tree.items
        self.resolved = analysis.resolved.blocks
        self.params = {item.name.text: item for item in self.items if isinstance(item, tree.Param)}
        self.blocks = {item.name.text: item for item in self.items if isinstance(item, tree.Block)}
        self.input = next((item for item in self.items if isinstance(item, tree.Input)), None)
        self.sites = sorted(self._sites(), key=lambda site: (site.step.span.start, -site.step.span.end))
        self.values = dict(self._values())

    @cached_property
    def tokens(self) -> Tokens:
        """The text's tokens, among which edits are made."""
        return read_tokens(self.source.text)

    @cached_property
    def visits(self) -> Visits:
        """What arrives at each step, each time that it is built."""
        visits: Visits = {}
        analyse(self.source, visits=visits)
        return visits

    def _sites(self) -> Iterator[Site]:
        top = tuple(step for item in self.items if isinstance(item, tree.Chain) for step in item.items)
        yield from _walk(top, None, None)
        for block in self.blocks.values():
            for branch in block.branches:
                yield from _walk(branch.items, None, block)

    def _values(self) -> Iterator[tuple[str, PlainValue]]:
        known: dict[str, PlainValue] = {}
        for name, param in self.params.items():
            try:
                known[name] = evaluate(param.value, Scope(known, self.resolved))
            except (Problem, NotYet):
                known[name] = None
            yield name, known[name]

    def scope(self, site: Site) -> Scope:
        """The names that a step can see."""
        own = frozenset(parameter.name.text for parameter in site.block.parameters) if site.block else frozenset()
        return Scope(self.values, self.resolved, own)

    def value(self, value: tree.Value, site: Site) -> PlainValue:
        """What an expression is worth, None where that depends on a block's call."""
        try:
            return evaluate(value, self.scope(site))
        except (Problem, NotYet):
            return None

    def at(self, span: Span) -> Site | None:
        """The innermost step around a place."""
        around = [site for site in self.sites if site.step.span.start <= span.start and span.end <= site.step.span.end]
        return min(around, key=lambda site: site.step.span.end - site.step.span.start, default=None)

    def before(self, site: Site) -> list[Site]:
        """The steps that end before one begins, in the order of the text, nearest first."""
        return [other for other in reversed(self.sites) if other.step.span.end <= site.step.span.start]

    def called(self, site: Site) -> Block | None:
        """The block that a step calls."""
        return self.resolved.get(site.word) if site.step.branches is None else None

    def calls_of(self, block: tree.Block | None) -> list[Site]:
        """The steps that call a block."""
        return [site for site in self.sites if block is not None and site.word == block.name.text]

    def reached(self, span: Span) -> list[Site]:
        """The steps within a place and within the blocks that are called there."""
        found, waiting, seen = self.inside(span), [span], set[str]()
        while waiting:
            words = {site.word for site in self.inside(waiting.pop())}
            for name in [name for name in self.blocks if name in words - seen]:
                seen.add(name)
                waiting.append(self.blocks[name].span)
                found += self.inside(self.blocks[name].span)
        return found

    def inside(self, span: Span) -> list[Site]:
        """The steps within a place, in the order of the text."""
        return [site for site in self.sites if span.start <= site.step.span.start and site.step.span.end <= span.end]

    def line(self, site: Site) -> int:
        """The line in which a step begins."""
        return self.source.place(site.step.head.start).line

    def text(self, site: Site) -> str:
        """The word and the arguments of a step as they are written."""
        return self.source.slice(site.step.head)


def _walk(body: tuple[tree.Step, ...], parent: Site | None, block: tree.Block | None) -> Iterator[Site]:
    for index, step in enumerate(body):
        site = Site(step, body, index, parent, block)
        yield site
        shortcut = step.shortcut.branches if step.shortcut else ()
        for branch in (*(step.branches or ()), *shortcut):
            yield from _walk(branch.items, site, block)
