"""What is told of the word under the pointer: shapes and costs at a step, layers, names, settings, codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lsprotocol import types

from specc.diagnostics.spelling import counted
from specc.ir.analysis.receptive import Seen
from specc.ir.names.scope import shown
from specc.ir.names.words import PlacedWord, Symbol
from specc.ir.shaped import Costs
from specc.ir.shapes.infer import Visit
from specc.layers.base import Layer, written
from specc.layers.fields import choices
from specc.layers.registry import find_layer
from specc.lsp.documents import Snapshot
from specc.lsp.explanations import explanation
from specc.lsp.reference import field_line, layer_page, setting_page, word_page
from specc.lsp.steps import Here, receptive_fields, step_at
from specc.recipe.recipe import Recipe
from specc.source import Span

MOST_VISITS = 4
_CODE = re.compile(r"[EW][0-9]{3}")


def hover(snapshot: Snapshot, position: types.Position) -> types.Hover | None:
    """The page for a place; None where there is nothing to say."""
    offset = snapshot.positions.offset(position)
    code = _code_at(snapshot, offset)
    if code is not None:
        return _hover(snapshot, code, [explanation(snapshot.source.slice(code))])
    place = snapshot.uses.at(offset)
    return _hover(snapshot, place.span, _pages(snapshot, place)) if place else _keyword(snapshot, offset)


def _keyword(snapshot: Snapshot, offset: int) -> types.Hover | None:
    """The page of a word of the language, `input` or `shortcut`."""
    token = snapshot.tokens.before(offset + 1)
    if token is None or token.span.end < offset:
        return None
    return _hover(snapshot, token.span, [word_page(token.text)])


def _hover(snapshot: Snapshot, span: Span, pages: Iterable[str | None]) -> types.Hover | None:
    text = "\n\n---\n\n".join(page for page in pages if page)
    content = types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.Hover(content, snapshot.range(span)) if text else None


def _code_at(snapshot: Snapshot, offset: int) -> Span | None:
    """A code in a comment."""
    for comment in snapshot.tokens.comments:
        if comment.start <= offset <= comment.end:
            for match in _CODE.finditer(snapshot.text, comment.start, comment.end):
                if match.start() <= offset <= match.end():
                    return Span(*match.span())
    return None


def _pages(snapshot: Snapshot, place: PlacedWord) -> Iterator[str | None]:
    word = snapshot.source.slice(place.span)
    named = snapshot.uses.named_at(place.span.start)
    symbol = named[0] if named else None
    here = step_at(snapshot.checked.analysis.tree, place.span.start)
    if place.role in ("layer", "form", "block", "parameter", "label") and here is not None:
        first = here.step.label or here.step.word
        if place.span.start in (here.step.head.start, first.span.start if first else -1):
            yield _at_step(snapshot, here)
    page = _word_page(place, word) if symbol is None or place.role in ("key", "option") else None
    yield page or (_symbol_page(snapshot, symbol) if symbol is not None else None)


def _word_page(place: PlacedWord, word: str) -> str | None:
    if place.role == "setting":
        return setting_page(word) if word in Recipe.model_fields else word_page(word)
    if place.role in ("key", "option"):
        found = argument_page(place.step, word)
        if found:
            return found
    layer = find_layer(word) if place.role in ("layer", "option") else None
    return layer_page(layer) if layer else word_page(word)


def argument_page(step: str, word: str) -> str | None:
    """The line of the field that a key, a flag or an option word of a step is for."""
    layer = find_layer(step) if step else None
    field = _field_of(layer, word) if layer else None
    return field_line(field, layer.model_fields[field]) if layer and field else None


def _field_of(layer: type[Layer], word: str) -> str | None:
    from specc.ir.names.signature import layer_signature

    signature = layer_signature(layer)
    if word in signature.keys:
        return signature.keys[word]
    if word in signature.flags:
        return signature.flags[word][0]
    return next((name for name, info in layer.model_fields.items() if word in choices(info)), None)


# names


def _symbol_page(snapshot: Snapshot, symbol: Symbol) -> str:
    code = f"```cnn\n{_definition(snapshot, symbol)}\n```"
    if symbol.kind == "param":
        value = snapshot.checked.analysis.resolved.parameters.get(symbol.name)
        return (
            code
            if value is None
            else f"{code}\n\n`{symbol.name}` is {shown(value)}; `--set {symbol.name}=…` overrides it."
        )
    if symbol.kind == "parameter":
        return f"{code}\n\n`{symbol.name}` is a parameter of the block."
    if symbol.kind == "label":
        return f"{code}\n\n`{symbol.name}` names the module in `state_dict()`."
    comment = _comment_above(snapshot, symbol)
    return "\n\n".join(part for part in (code, comment, f"Used in {counted(len(symbol.uses), 'place')}.") if part)


def _definition(snapshot: Snapshot, symbol: Symbol) -> str:
    """The line on which a name is defined, for a block all of it where it is short."""
    text = snapshot.source.slice(symbol.item)
    if symbol.kind == "block" and text.count("\n") > 12:
        return "\n".join([*text.splitlines()[:12], "  …"])
    return text if symbol.kind == "block" else _line(snapshot, symbol.defined.start)


def _line(snapshot: Snapshot, offset: int) -> str:
    return snapshot.positions.line(snapshot.positions.line_of(offset)).strip()


def _comment_above(snapshot: Snapshot, symbol: Symbol) -> str:
    """The lines of comment right above a definition."""
    number, found = snapshot.positions.line_of(symbol.item.start) - 1, list[str]()
    while number >= 0 and (line := snapshot.positions.line(number).strip()).startswith("#"):
        found.insert(0, line.lstrip("# "))
        number -= 1
    return "\n".join(found)


# what happens at a step


def _at_step(snapshot: Snapshot, here: Here) -> str | None:
    """Shapes, costs and receptive field at a step, for the first few different times that it is come past."""
    checked = snapshot.checked
    if here.step.span.end > checked.reliable_to:
        return None
    visits = checked.visits.get(here.step.span, [])
    lines = list(dict.fromkeys(line for visit in visits if (line := _visit_line(visit))))
    if not lines:
        return None
    shown_lines = lines[:MOST_VISITS] + ([f"… and {len(lines) - MOST_VISITS} more"] if len(lines) > MOST_VISITS else [])
    seen = _seen_line(receptive_fields(checked, here.step.span))
    return "  \n".join([*shown_lines, *([seen] if seen else [])])


def _visit_line(visit: Visit) -> str | None:
    if visit.arriving is None or visit.leaving is None:
        return None
    costs = Costs()
    for node in visit.nodes:
        costs = costs.plus(node.costs)
    spent = f" · {counted(costs.parameters, 'parameter')} · {counted(costs.macs, 'MAC')}" if visit.nodes else ""
    return f"`{written(visit.arriving)}` → `{written(visit.leaving)}`{spent}"


def _seen_line(fields: list[Seen]) -> str | None:
    """`receptive field 7×7`, from the first to the last time; the whole picture behind `flatten`."""
    sizes = ["the whole input" if seen is None else "×".join(f"{size:g}" for size in seen.size) for seen in fields]
    if not sizes:
        return None
    return f"receptive field {sizes[0]}" + (f" to {sizes[-1]}" if sizes[-1] != sizes[0] else "")
