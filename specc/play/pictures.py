"""The picture of a text as it is now, with the place in the text of everything that it shows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.outline import Folds
from specc.emit.draw.picture import Options, draw_for_page
from specc.emit.draw.styles import Style
from specc.emit.html import totals
from specc.ir.shaped import ShapedModel
from specc.lsp.documents import Snapshot
from specc.play.nodes import Nodes
from specc.source import Span

MOST_FOLDS = 2000

Name = Annotated[str, Field(max_length=2000)]
Names = Annotated[list[Name], Field(max_length=MOST_FOLDS)]


class PictureAsked(BaseModel):
    """How a text is to be drawn. opened, closed: blocks, by the names of their modules."""

    uri: str
    style: Style = "flow"
    unfold: bool = False
    opened: Names = []
    closed: Names = []


def picture(snapshot: Snapshot, asked: PictureAsked) -> dict[str, Any]:
    """The SVG element; nothing in its place for a text with errors but holes, and where the network is too large."""
    model = snapshot.checked.analysis.drawable
    nothing: dict[str, Any] = {"version": snapshot.version, "svg": None, "places": {}, "totals": "", "problem": ""}
    if model is None:
        return nothing
    folds = Folds(frozenset(asked.opened), frozenset(asked.closed))
    try:
        svg, names = draw_for_page(model, Options(asked.style, unfold=asked.unfold), folds)
    except Problem as problem:
        return {**nothing, "totals": totals(model), "problem": problem.diagnostic.message}
    return {**nothing, "svg": svg, "places": _places(snapshot, model, names), "totals": totals(model)}


def _places(snapshot: Snapshot, model: ShapedModel, names: tuple[str, ...]) -> dict[str, list[int]]:
    """For each name where its step stands: line and column of both ends, as the protocol counts them."""
    nodes = Nodes(model)
    return {name: place_of(snapshot, found[-1].span) for name in names if (found := nodes.to(name))}


def place_of(snapshot: Snapshot, span: Span) -> list[int]:
    """A span as four numbers."""
    start, end = snapshot.positions.position(span.start), snapshot.positions.position(max(span))
    return [start.line, start.character, end.line, end.character]
