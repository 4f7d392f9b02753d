"""Signature help: the arguments of the step at hand, and which of them is due."""

from __future__ import annotations

from lsprotocol import types

from specc.layers.registry import find_layer
from specc.lsp.cursor import given
from specc.lsp.documents import Snapshot
from specc.lsp.reference import field_line, parameters

TRIGGERS = [" ", "="]


def signature(snapshot: Snapshot, position: types.Position) -> types.SignatureHelp | None:
    """The arguments of the step at hand, and which of them is due."""
    _, state = snapshot.cursor(snapshot.positions.offset(position))
    item = state.item
    if item.kind != "step" or item.word is None or item.checking or item.has_body:
        return None
    takes, filled = given(state, snapshot.uses)
    if takes is None:
        return None
    due = takes.keys.get(item.key or "") or next((name for name in takes.positional if name not in filled), None)
    block = snapshot.uses.blocks.get(item.word)
    if block is not None:
        return _signature(item.word, parameters(block, snapshot.text), [], due)
    layer = find_layer(item.word)
    if layer is None or not layer.model_fields:
        return None
    shown = [*takes.positional, *(name for name in layer.model_fields if name not in takes.positional)]
    return _signature(item.word, shown, [field_line(name, layer.model_fields[name]) for name in shown], due)


def _signature(word: str, parts: list[str], docs: list[str], due: str | None) -> types.SignatureHelp:
    label = " ".join([word, *parts])
    index = next((number for number, part in enumerate(parts) if part.partition("=")[0] == due), None)
    pages = dict(zip(parts, (types.MarkupContent(types.MarkupKind.Markdown, doc) for doc in docs), strict=False))
    told = [types.ParameterInformation(part, pages.get(part)) for part in parts]
    return types.SignatureHelp([types.SignatureInformation(label, parameters=told, active_parameter=index)], 0, index)
