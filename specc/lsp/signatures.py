"""Signature help: the arguments of the step at hand, and which of them is due."""

from __future__ import annotations

import re

from lsprotocol import types

from specc.ir.signature import layer_signature
from specc.layers.registry import find_layer
from specc.lsp.documents import Snapshot
from specc.lsp.reference import field_line
from specc.lsp.scan import State

TRIGGERS = [" ", "="]
_WORD_BEFORE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def signature(snapshot: Snapshot, position: types.Position) -> types.SignatureHelp | None:
    """The arguments of the step at hand, and which of them is due."""
    offset = snapshot.positions.offset(position)
    word = _WORD_BEFORE.search(snapshot.text, max(0, offset - 100), offset)
    state = snapshot.scan.before(word.start() if word else offset)
    item = state.item
    if item.kind != "step" or item.word is None or item.checking or item.has_body:
        return None
    header, layer = snapshot.scan.headers.get(item.word), find_layer(item.word)
    if header is not None:
        parts = [name if default is None else f"{name}={default}" for name, default in header.parameters]
        return _signature(item.word, parts, ["" for _ in parts], _due(state, header.keys(), tuple(header.keys())))
    if layer is None or not layer.model_fields:
        return None
    found = layer_signature(layer)
    names = [*found.positional, *(name for name in layer.model_fields if name not in found.positional)]
    due = _due(state, found.keys, found.positional)
    docs = [field_line(name, layer.model_fields[name]) for name in names]
    return _signature(item.word, names, docs, names.index(due) if isinstance(due, str) else due)


def _due(state: State, keys: dict[str, str], positional: tuple[str, ...]) -> int | str:
    """The field that is written next: that of the key at hand, else the first free position."""
    if state.item.key is not None and state.item.key in keys:
        return keys[state.item.key]
    bare = [argument for argument in state.item.arguments if argument in ("0", "()")]
    return len(bare) if len(bare) < len(positional) else -1


def _signature(word: str, parts: list[str], docs: list[str], due: int | str) -> types.SignatureHelp:
    label = " ".join([word, *parts])
    index = (
        due
        if isinstance(due, int)
        else next((number for number, part in enumerate(parts) if part.partition("=")[0] == due), -1)
    )
    parameters = [
        types.ParameterInformation(part, types.MarkupContent(types.MarkupKind.Markdown, doc) if doc else None)
        for part, doc in zip(parts, docs, strict=True)
    ]
    active = index if 0 <= index < len(parts) else None
    return types.SignatureHelp(
        [types.SignatureInformation(label, parameters=parameters, active_parameter=active)], 0, active
    )
