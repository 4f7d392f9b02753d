"""Which labels a place sees, and why one that it names is not among them.

In:         the steps of chains as they are resolved, one after another.
Guarantees: what is seen stands earlier in the same chain or in one around it, at a step that has ended; a block's body
            sees its own labels only.
Leaves:     how often a step is built, and so which numbers a repeated label has, to `ir.shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.proposal import renamed
from specc.diagnostics.spelling import nearest
from specc.ir.names.holes import HOLE, open_label
from specc.source import Source, Span
from specc.syntax import tree

Known = TypeVar("Known")


class Chains(Generic[Known]):
    """What is known of each chain around the place at hand, the innermost last. new: makes what is known at first."""

    def __init__(self, new: Callable[[], Known]) -> None:
        self._new = new
        self.chains: list[Known] = []

    @contextmanager
    def chain(self) -> Iterator[Known]:
        """Within it, labels are those of one more chain."""
        self.chains.append(self._new())
        try:
            yield self.chains[-1]
        finally:
            self.chains.pop()

    @contextmanager
    def block(self) -> Iterator[None]:
        """Within it, nothing outside is seen."""
        around, self.chains = self.chains, []
        try:
            yield
        finally:
            self.chains = around


class Labels(Chains[dict[str, bool]]):
    """The labels of the chains around, each with whether it is repeated."""

    def __init__(self, source: Source, spec: tree.Tree) -> None:
        super().__init__(dict)
        self.source, self.spec = source, spec
        self.chains.append({})

    @property
    def is_outermost(self) -> bool:
        """Whether the place is inside no braces but a block's own."""
        return len(self.chains) == 1

    @cached_property
    def written(self) -> frozenset[str]:
        """Every label of the text, also in what could not be read."""
        found = {place.label.text for place in _places(self.spec)}
        for lost in self.spec.unread:
            steps = tuple(part for part in lost.parts if isinstance(part, tree.Step))
            found |= {place.label.text for place in _in_chain(tree.Chain(steps, lost.span), None)}
            found |= {part.text for part in lost.parts[:1] if isinstance(part, tree.Word)}
        return frozenset(found)

    def ended(self, label: tree.Word, *, repeated: bool) -> None:
        """A labelled step of the innermost chain has ended."""
        chain = self.chains[-1]
        chain[label.text] = repeated or chain.get(label.text, False)  # `stage: conv 8 k1 x2 -> stage: relu` has stage1

    def fault(self, label: tree.Word) -> Diagnostic | None:
        """Why a label cannot be seen here, and what to do; None where it can."""
        for chain in self.chains:
            if label.text in chain or any(chain.get(stem) for stem, _ in numbered(label.text)):
                return None
        if label.text == HOLE:
            return open_label(label.span)._replace(source=self.source)
        places = [place for place in _places(self.spec) if place.is_called(label.text)]
        if places:
            what, help = _why_not(label, _block_at(self.spec, label.span), places, self.source)
            return Diagnostic("E223", what, self.source, label.span, help=help)
        known = {place.label.text for place in _places(self.spec)}
        otherwise = f"a label stands before its step: `{label.text}: conv 64 k3 p1`"
        help, proposals = renamed(nearest(label.text, sorted(known)), otherwise)
        what = f"no step is labelled `{label.text}`"
        return Diagnostic("E223", what, self.source, label.span, help=help, proposals=proposals)


def numbered(label: str) -> Iterator[tuple[str, int]]:
    """What a label may be of a repeated step: its stem and the number of the repeat.

    >>> list(numbered("stage12")), list(numbered("stage"))
    ([('stage1', 2), ('stage', 12)], [])
    """
    digits = re.search(r"[0-9]*$", label)
    for length in range(1, min(len(digits[0]) if digits else 0, 9) + 1):
        stem, number = label[:-length], label[-length:]
        if stem and number[0] != "0":
            yield stem, int(number)


class _Place(NamedTuple):
    """A labelled step. block: in whose body it stands."""

    label: tree.Word
    step: tree.Step
    block: tree.Block | None

    def is_called(self, name: str) -> bool:
        repeated = any(_is_repeat(argument) for argument in self.step.arguments)
        return self.label.text == name or (repeated and any(stem == self.label.text for stem, _ in numbered(name)))


def _is_repeat(argument: tree.Argument) -> bool:
    if isinstance(argument, tree.Keyword):
        return argument.key.text == "x"
    return isinstance(argument.value, tree.Word) and re.fullmatch(r"x[0-9]+", argument.value.text) is not None


def _places(spec: tree.Tree) -> Iterator[_Place]:
    """Every labelled step; the names of `outputs` are no labels."""
    for item in spec.items:
        if isinstance(item, tree.Chain):
            yield from _in_chain(item, None)
        elif isinstance(item, tree.Block):
            for branch in item.branches:
                yield from _in_chain(branch, item)


def _in_chain(chain: tree.Chain, block: tree.Block | None, *, headed: bool = False) -> Iterator[_Place]:
    for number, step in enumerate(chain.items):
        if step.label is not None and not (headed and number == 0):
            yield _Place(step.label, step, block)
        headings = step.word is not None and step.word.text == "outputs"
        for branch in (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ())):
            yield from _in_chain(branch, block, headed=headings)


def _block_at(spec: tree.Tree, span: Span) -> tree.Block | None:
    blocks = (item for item in spec.items if isinstance(item, tree.Block))
    return next((block for block in blocks if block.span.start <= span.start < block.span.end), None)


def _why_not(label: tree.Word, own: tree.Block | None, places: list[_Place], source: Source) -> tuple[str, str]:
    """What keeps a place from being seen, of several the one that is nearest to what is allowed."""
    place = next((place for place in places if place.block is own), places[0])
    name, line = label.text, source.place(place.label.span.start).line
    if place.block is not own and place.block is not None:
        block = place.block.name.text
        what = f"`{name}` is a label inside the block `{block}`, and nobody sees it from outside"
        return what, f"label the step that calls `{block}`"
    if place.block is not own:
        what = f"a block sees its own labels only, and `{name}` stands outside of it, at line {line}"
        return what, "put the form behind the block's call, or the labelled step into the block"
    if place.step.span.start <= label.span.start < place.step.span.end:
        what = f"the step that is labelled `{name}` has not ended here: this is a part of it"
        return what, "label a step before it, and go on from there"
    if place.step.span.start > label.span.start:
        what = f"`{name}` stands further down, at line {line}: only what has been computed can be taken up"
        return what, f"move this behind the step that is labelled `{name}`"
    what = f"`{name}` is a label inside braces that have ended, at line {line}, and nobody sees it from outside"
    return what, "label the step that these braces belong to"
