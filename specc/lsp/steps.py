"""The step at a place, and what was seen of it: shapes, parameters, multiply-accumulates, receptive field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specc.ir.analysis.receptive import Around, Seen, beginning, of_input, through
from specc.ir.shaped import ShapedChain, ShapedForm, SomeShaped
from specc.lsp.documents import Checked
from specc.source import Span
from specc.syntax import tree


class Here(NamedTuple):
    """A step and the block in whose definition it stands."""

    step: tree.Step
    block: tree.Block | None


def steps(spec: tree.Tree) -> Iterator[Here]:
    """Every step in the order of the text, those inside another one after it."""
    for item in spec.items:
        if isinstance(item, tree.Chain):
            yield from _steps(item, None)
        elif isinstance(item, tree.Block):
            for branch in item.branches:
                yield from _steps(branch, item)


def _steps(chain: tree.Chain, block: tree.Block | None) -> Iterator[Here]:
    for step in chain.items:
        yield Here(step, block)
        for branch in (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ())):
            yield from _steps(branch, block)


def step_at(spec: tree.Tree, offset: int) -> Here | None:
    """The innermost step that holds an offset, or ends there."""
    found = None
    for item in spec.items:
        if item.span.start <= offset <= item.span.end:
            for here in steps(tree.Tree((item,))):
                if here.step.span.start <= offset <= here.step.span.end:
                    found = here
    return found


def receptive_fields(checked: Checked, span: Span) -> list[Seen]:
    """What has been seen behind a step each time that the network comes past it; empty for a spec with errors."""
    model = checked.analysis.model
    if model is None:
        return []
    wanted = {id(node) for visit in checked.visits.get(span, ()) for node in visit.nodes}
    return [seen for node, seen in _walk(model.chain, of_input(model.input), ()) if id(node) in wanted]


def _walk(node: SomeShaped, seen: Seen, around: Around) -> Iterator[tuple[SomeShaped, Seen]]:
    """Every node in the order of execution, with what has been seen behind it."""
    before = seen
    if isinstance(node, ShapedChain):
        kept: dict[str, Seen] = {}
        for name, child in node.steps:
            yield from _walk(child, seen, (kept, *around))
            seen = kept[name] = through(child, seen, around=(kept, *around))
    elif isinstance(node, ShapedForm):
        for name, branch in node.branches:
            if branch is not None:
                yield from _walk(branch, beginning(node, name, before, around), around)
    yield node, through(node, before, around=around)
