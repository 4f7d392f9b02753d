"""Inlay hints: at each line's end the shape that leaves it.

Outside blocks that is the shape at this place. A step that is come past several times, inside a block or a repeated
group, shows what leaves it the first time, and `…` where it is not always the same. A line that ends with a checked
shape has none; behind a syntax error every shape would be a guess. What a hint says at more length is most of an
answer: an editor that can ask for it when somebody looks at the hint gets it then.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from specc.diagnostics.spelling import spelled
from specc.ir.shapes.infer import Visit
from specc.layers.base import Shape, written
from specc.lsp.documents import Snapshot
from specc.lsp.steps import Here, steps
from specc.source import Span
from specc.syntax import tree

MOST_TOLD = 8


def hints(snapshot: Snapshot, within: types.Range, brief: bool = False) -> list[types.InlayHint]:
    """The hints of the lines in a range. Args: brief, whether `resolved` is asked for the rest."""
    first, last = within.start.line, within.end.line
    ending = _last_on_each_line(snapshot, first, last)
    found = (_hint(snapshot, ending[line], brief) for line in sorted(ending))
    return [hint for hint in found if hint is not None]


def resolved(snapshot: Snapshot, hint: types.InlayHint) -> types.InlayHint:
    """A brief hint with the rest; itself where none stands there any more."""
    here = types.Range(hint.position, hint.position)
    return next((whole for whole in hints(snapshot, here) if whole.position == hint.position), hint)


def _last_on_each_line(snapshot: Snapshot, first: int, last: int) -> dict[int, Here]:
    """By line, the outermost step that ends on it."""
    positions, found = snapshot.positions, dict[int, Here]()
    start, end = _offsets(snapshot, first, last)
    items = [item for item in snapshot.checked.analysis.tree.items if item.span.start <= end and item.span.end >= start]
    for here in steps(tree.Tree(tuple(items))):
        line = positions.line_of(here.step.span.end)
        if first <= line <= last and (line not in found or here.step.span.end > found[line].step.span.end):
            found[line] = here
    return found


def _offsets(snapshot: Snapshot, first: int, last: int) -> Span:
    most = snapshot.positions.line_count - 1
    return Span(snapshot.positions.line_span(min(first, most)).start, snapshot.positions.line_span(min(last, most)).end)


def _hint(snapshot: Snapshot, here: Here, brief: bool) -> types.InlayHint | None:
    step, checked = here.step, snapshot.checked
    if step.span.end > checked.reliable_to or (step.check is not None and None not in (step.check.dims or (None,))):
        return None
    visits = checked.visits.get(step.span, [])
    shapes = list(dict.fromkeys(visit.leaving for visit in visits if visit.leaving is not None))
    if not shapes:
        return None
    position = snapshot.positions.position(step.span.end)
    label = f"{written(shapes[0])}{' …' if len(shapes) > 1 else ''}"
    if brief:
        return types.InlayHint(position, label, padding_left=True, data=snapshot.uri)
    once = here.block is None and len(shapes) == 1 and step.check is None
    note = f":: {spelled(shapes[0])}"
    return types.InlayHint(
        position=position,
        label=label,
        tooltip=types.MarkupContent(types.MarkupKind.Markdown, _told(visits, shapes)),
        padding_left=True,
        text_edits=[types.TextEdit(types.Range(position, position), f" {note}")] if once else None,
    )


def _told(visits: list[Visit], shapes: list[Shape]) -> str:
    """What the hint says at more length."""
    if len(shapes) == 1:
        arriving = {visit.arriving for visit in visits}
        came = f"`{written(shape)}` → " if len(arriving) == 1 and (shape := next(iter(arriving))) else ""
        return f"{came}`{written(shapes[0])}`"
    return "What leaves this step, in the order of execution:\n\n" + "\n".join(_listed(shapes))


def _listed(shapes: list[Shape]) -> Iterator[str]:
    for shape in shapes[:MOST_TOLD]:
        yield f"- `{written(shape)}`"
    if len(shapes) > MOST_TOLD:
        yield f"- … and {len(shapes) - MOST_TOLD} more"
