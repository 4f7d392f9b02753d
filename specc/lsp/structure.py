"""The parts of a text: document symbols, folding ranges, semantic tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from specc.ir.names.scope import shown
from specc.ir.names.words import PlacedWord, Role, whole_text
from specc.layers.base import written
from specc.lsp.documents import Snapshot
from specc.source import Span
from specc.syntax import tree

# document symbols


def symbols(snapshot: Snapshot) -> list[types.DocumentSymbol]:
    """The statements, blocks with their labelled steps, and the labelled steps of the network."""
    return list(_symbols(snapshot))


def _symbols(snapshot: Snapshot) -> Iterator[types.DocumentSymbol]:
    analysis = snapshot.checked.analysis
    for item in analysis.tree.items:
        match item:
            case tree.Input(value, span):
                yield _symbol(snapshot, "input", snapshot.source.slice(value.span), types.SymbolKind.Interface, span)
            case tree.Param(name, _, span):
                known = analysis.resolved.parameters.get(name.text)
                detail = "" if known is None else f"= {shown(known)}"
                yield _symbol(snapshot, name.text, detail, types.SymbolKind.Constant, span, name.span)
            case tree.Block(name, parameters, branches, span, _):
                detail = f"({', '.join(parameter.name.text for parameter in parameters)})" if parameters else ""
                inner = [found for branch in branches for found in _labels(snapshot, branch)]
                yield _symbol(snapshot, name.text, detail, types.SymbolKind.Function, span, name.span, inner)
            case tree.Budget(quantity, bound, span):
                detail = f"{quantity.text} <= {snapshot.source.slice(bound.span)}"
                yield _symbol(snapshot, "budget", detail, types.SymbolKind.Property, span)
            case tree.Train(settings, span):
                settled = [_setting(snapshot, setting) for setting in settings]
                yield _symbol(
                    snapshot, "train", "", types.SymbolKind.Object, span, Span(span.start, span.start + 5), settled
                )
            case tree.Chain():
                yield from _labels(snapshot, item)


def _setting(snapshot: Snapshot, setting: tree.Setting) -> types.DocumentSymbol:
    detail = snapshot.source.slice(Span(setting.name.span.end, setting.span.end)).strip()
    return _symbol(snapshot, setting.name.text, detail, types.SymbolKind.Property, setting.span, setting.name.span)


def _labels(snapshot: Snapshot, chain: tree.Chain) -> Iterator[types.DocumentSymbol]:
    """The labelled steps of a chain, each with those inside it; steps without a label are passed through."""
    for step in chain.items:
        branches = (*(step.branches or ()), *(step.shortcut.branches if step.shortcut else ()))
        inner = [found for branch in branches for found in _labels(snapshot, branch)]
        if step.label is None:
            yield from inner
            continue
        shapes = {visit.leaving for visit in snapshot.checked.visits.get(step.span, ())}
        shape = next(iter(shapes)) if len(shapes) == 1 else None
        detail = " → ".join([step.word.text if step.word else "group", *([written(shape)] if shape else [])])
        yield _symbol(snapshot, step.label.text, detail, types.SymbolKind.Field, step.span, step.label.span, inner)


def _symbol(
    snapshot: Snapshot,
    name: str,
    detail: str,
    kind: types.SymbolKind,
    span: Span,
    chosen: Span | None = None,
    children: list[types.DocumentSymbol] | None = None,
) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=name,
        detail=detail,
        kind=kind,
        range=snapshot.range(span),
        selection_range=snapshot.range(chosen or Span(span.start, span.start + len(name))),
        children=children or None,
    )


# folding


def folding(snapshot: Snapshot) -> list[types.FoldingRange]:
    """Brackets over several lines, and runs of lines that are comments."""
    return [*_brackets(snapshot), *_comments(snapshot)]


def _brackets(snapshot: Snapshot) -> Iterator[types.FoldingRange]:
    """From the line of the opening bracket to the line above the closing one, which stays to be seen."""
    waiting: list[int] = []
    for token in snapshot.tokens.words:
        if token.type in ("LBRACE", "LSQB"):
            waiting.append(snapshot.positions.line_of(token.span.start))
        elif token.type in ("RBRACE", "RSQB") and waiting:
            first, last = waiting.pop(), snapshot.positions.line_of(token.span.start) - 1
            if last > first:
                yield types.FoldingRange(first, last, kind=types.FoldingRangeKind.Region)


def _comments(snapshot: Snapshot) -> Iterator[types.FoldingRange]:
    lines = (snapshot.positions.line_of(comment.start) for comment in snapshot.tokens.comments)
    alone = [line for line in lines if snapshot.positions.line(line).lstrip().startswith("#")]
    for first, last in _runs(alone):
        if last > first:
            yield types.FoldingRange(first, last, kind=types.FoldingRangeKind.Comment)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of numbers that follow each other."""
    first = last = -2
    for number in numbers:
        if number != last + 1:
            if first >= 0:
                yield first, last
            first = number
        last = number
    if first >= 0:
        yield first, last


# semantic tokens

TOKEN_TYPES = ["keyword", "function", "class", "variable", "parameter", "property", "enumMember", "number", "string",
               "operator", "comment", "label", "macro"]  # fmt: skip
TOKEN_MODIFIERS = ["declaration", "readonly", "defaultLibrary"]
LEGEND = types.SemanticTokensLegend(TOKEN_TYPES, TOKEN_MODIFIERS)

_LOOKS: dict[Role, tuple[str, tuple[str, ...]]] = {
    "keyword": ("keyword", ()),
    "layer": ("function", ("defaultLibrary",)),
    "form": ("keyword", ("defaultLibrary",)),
    "block": ("class", ()),
    "param": ("variable", ("readonly",)),
    "parameter": ("parameter", ()),
    "key": ("property", ()),
    "option": ("enumMember", ()),
    "setting": ("property", ("defaultLibrary",)),
    "function": ("macro", ("defaultLibrary",)),
    "label": ("label", ()),
    "number": ("number", ()),
    "string": ("string", ()),
    "operator": ("operator", ()),
}


def semantic_tokens(snapshot: Snapshot, within: Span | None = None) -> types.SemanticTokens:
    """Every token with its role, comments too, as the protocol packs them: each relative to the one before."""
    comments = [(span, ("comment", ())) for span in snapshot.tokens.comments]
    pieces = whole_text(snapshot.tokens.words, snapshot.uses)
    words = [(one.span, _look(one)) for one in pieces if isinstance(one, PlacedWord) and one.role in _LOOKS]
    data: list[int] = []
    line = column = 0
    for span, (kind, modifiers) in sorted([*comments, *words]):
        if within is None or (span.start < within.end and span.end > within.start):
            at = snapshot.positions.position(span.start)
            length = snapshot.positions.units(snapshot.text[span.start : span.end])
            bits = sum(1 << TOKEN_MODIFIERS.index(modifier) for modifier in modifiers)
            column = at.character if at.line != line else at.character - column
            data += [at.line - line, column, length, TOKEN_TYPES.index(kind), bits]
            line, column = at.line, at.character
    return types.SemanticTokens(data)


def semantic_tokens_in(snapshot: Snapshot, within: types.Range) -> types.SemanticTokens:
    """Those of a range."""
    return semantic_tokens(snapshot, snapshot.positions.span(within))


def _look(place: PlacedWord) -> tuple[str, tuple[str, ...]]:
    kind, modifiers = _LOOKS[place.role]
    return kind, (*modifiers, "declaration") if place.defines else modifiers
