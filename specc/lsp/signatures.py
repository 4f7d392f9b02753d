"""Signature help: the arguments of the step at hand, and which of them is due."""

from __future__ import annotations

import re
from collections.abc import Collection

from lsprotocol import types

from specc.ir.names.signature import layer_signature
from specc.layers.registry import LAYERS, find_layer
from specc.lsp.documents import Snapshot
from specc.lsp.reference import field_line
from specc.lsp.scan import CursorState, Scan

TRIGGERS = [" ", "="]
_SHORTHAND = re.compile(r"([A-Za-z_]+?)(?:[0-9]+(?:x[0-9]+)*|=)")
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
        names = tuple(name for name, _ in header.parameters)
        due = _due(state, header.keys(), header.flags(), names, _names(snapshot.scan))
        return _signature(item.word, parts, ["" for _ in parts], due)
    if layer is None or not layer.model_fields:
        return None
    found = layer_signature(layer)
    shown = [*found.positional, *(name for name in layer.model_fields if name not in found.positional)]
    docs = [field_line(name, layer.model_fields[name]) for name in shown]
    flags = {word: field for word, (field, _) in found.flags.items()}
    return _signature(item.word, shown, docs, _due(state, found.keys, flags, found.positional, snapshot.scan.params))


def _names(scan: Scan) -> set[str]:
    """The words that a block may be handed whatever its keys are."""
    return {*scan.params, *scan.headers, *LAYERS}


def _due(
    state: CursorState, keys: dict[str, str], flags: dict[str, str], positional: tuple[str, ...], names: Collection[str]
) -> str | None:
    """The field that is written next: that of the key at hand, else the first that nothing has filled; as `ir.bind`."""
    if state.item.key is not None and state.item.key in keys:
        return keys[state.item.key]
    filled: set[str | None] = set()
    for argument in state.item.arguments:
        free = next((name for name in positional if name not in filled), None)
        filled.add(_field(argument, keys, flags, names) or free)
    return next((name for name in positional if name not in filled), None)


def _field(argument: str, keys: dict[str, str], flags: dict[str, str], names: Collection[str]) -> str | None:
    """The field that a word or a key names; None for what fills the next one."""
    if argument in flags:
        return flags[argument]
    shorthand = _SHORTHAND.fullmatch(argument) if argument not in names else None
    return keys.get(shorthand[1]) if shorthand else None


def _signature(word: str, parts: list[str], docs: list[str], due: str | None) -> types.SignatureHelp:
    label = " ".join([word, *parts])
    index = next((number for number, part in enumerate(parts) if part.partition("=")[0] == due), None)
    parameters = [
        types.ParameterInformation(part, types.MarkupContent(types.MarkupKind.Markdown, doc) if doc else None)
        for part, doc in zip(parts, docs, strict=True)
    ]
    return types.SignatureHelp(
        [types.SignatureInformation(label, parameters=parameters, active_parameter=index)], 0, index
    )
