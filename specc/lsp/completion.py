"""What may be written at a place: from the tokens before it, so also in a text that is half written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lsprotocol import types

from specc.data.sources import BUILT_IN
from specc.diagnostics.codes import CODES
from specc.diagnostics.spelling import counted
from specc.ir.model import FORM_WORDS
from specc.ir.names.scope import STANDING
from specc.layers.base import Layer
from specc.layers.fields import choices, is_flag, role
from specc.layers.registry import LAYERS, find_layer, required_fields
from specc.layers.weighted import INITIALIZERS
from specc.lsp.documents import Snapshot
from specc.lsp.headers import Header
from specc.lsp.reference import (
    FORMS,
    FUNCTIONS,
    QUANTITIES,
    STATEMENTS,
    field_line,
    initializer_page,
    layer_page,
    setting_page,
    summary,
    word_page,
)
from specc.lsp.scan import CursorState, Scan
from specc.recipe.judging import choices as setting_choices
from specc.recipe.judging import is_switch
from specc.recipe.optimizers import OPTIMIZERS
from specc.recipe.recipe import Recipe

TRIGGERS = [" ", "=", "{", ">", "|", "[", "(", ","]
_WORD_BEFORE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAME_BEFORE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")  # of a data set
_NUMBER_BEFORE = re.compile(r"[0-9][A-Za-z0-9_.]*\Z")
_IGNORED = re.compile(r"\bspecc:[ \t]*ignore\[[^\]]*\Z")
_NUMBER = re.compile(r"(?<![A-Za-z_])[0-9][0-9x.]*|(?<=\b[kspdg])[0-9][0-9x]*")
Kind = types.CompletionItemKind


class Offer(NamedTuple):
    """One thing to write. rank: what is likelier stands first; snippet: with stops for the cursor."""

    label: str
    kind: types.CompletionItemKind
    detail: str = ""
    page: str = ""
    snippet: str = ""
    rank: int = 5


def complete(snapshot: Snapshot, position: types.Position, *, snippets: bool) -> types.CompletionList:
    """The offers at a place; `snippets`: whether the editor knows stops for the cursor."""
    offset = snapshot.positions.offset(position)
    line = snapshot.positions.line_span(snapshot.positions.line_of(offset))
    before = snapshot.text[line.start : offset]
    start = offset
    if _comment_at(snapshot, offset):
        offers = _codes() if _IGNORED.search(before) else iter(())
        start -= len(re.split(r"[\[\s,]", before)[-1])
    elif before.count('"') % 2 or (_NUMBER_BEFORE.search(before) and not _WORD_BEFORE.search(before)):
        offers = iter(())
    else:
        word = _WORD_BEFORE.search(before)
        state = snapshot.scan.before(start - len(word[0]) if word else start)
        if state.item.kind == "setting" and (word := _NAME_BEFORE.search(before)):
            state = snapshot.scan.before(start - len(word[0]))
        start -= len(word[0]) if word else 0
        offers = _offers(snapshot.scan, state)
    place = types.Range(snapshot.positions.position(start), position)
    unique: dict[str, Offer] = {}
    for offer in sorted(offers, key=lambda offer: offer.rank):
        unique.setdefault(offer.label, offer)
    return types.CompletionList(False, [_item(offer, place, snippets=snippets) for offer in unique.values()])


def _item(offer: Offer, place: types.Range, *, snippets: bool) -> types.CompletionItem:
    is_snippet = snippets and bool(offer.snippet)
    return types.CompletionItem(
        label=offer.label,
        kind=offer.kind,
        detail=offer.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.page) if offer.page else None,
        sort_text=f"{offer.rank}{offer.label}",
        filter_text=offer.label,
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(place, offer.snippet if is_snippet else offer.label),
    )


def _comment_at(snapshot: Snapshot, offset: int) -> bool:
    return any(comment.start < offset <= comment.end for comment in snapshot.scan.comments())


def _codes() -> Iterator[Offer]:
    """The codes of warnings, for a comment that ignores one."""
    for code, known in CODES.items():
        if known.severity == "warning":
            yield Offer(code, Kind.EnumMember, known.title, known.explanation)


def _offers(scan: Scan, state: CursorState) -> Iterator[Offer]:
    item, inside = state.item, state.inside
    if inside == "header":
        return _names(scan, state) if item.key else iter(())
    if inside in ("parenthesis", "call", "list"):
        return _expression(scan, state)
    if item.kind == "step":
        return iter(()) if item.checking else _starts(scan, state) if item.empty else _in_step(scan, state)
    if item.kind == "setting":
        return _setting(scan, state)
    return _in_statement(scan, state)


def _in_statement(scan: Scan, state: CursorState) -> Iterator[Offer]:
    """What stands behind `input`, `budget` and `param name =`."""
    item = state.item
    if item.kind == "budget" and item.word is None:
        yield from _quantities()
    if item.kind == "param" and item.word is not None:
        yield from _words_and_names(scan, state)
    if item.kind == "input":
        yield from _names(scan, state)


# where an item begins


def _starts(scan: Scan, state: CursorState) -> Iterator[Offer]:
    """Steps, and at the top level statements."""
    if not state.frames and state.item.label is None:
        for word, snippet in _STATEMENTS.items():
            yield Offer(word, Kind.Keyword, "statement", word_page(word) or "", snippet, 4)
    yield from _blocks(scan)
    for word in FORM_WORDS:
        yield Offer(word, Kind.Struct, FORMS[word], word_page(word) or "", _FORMS[word], 3)
    for layer in LAYERS.values():
        yield Offer(layer.keyword, Kind.Function, summary(layer), layer_page(layer), layer_snippet(layer), 2)
    for name in state.own:
        yield Offer(name, Kind.Variable, "a parameter of this block", rank=3)
    if state.inside == "body" and scan.labels:
        yield Offer("from", Kind.Keyword, STATEMENTS["from"], snippet="from ${1:label}", rank=3)


_STATEMENTS = {
    "input": "input ${1:3x32x32}",
    "param": "param ${1:name} = ${2:value}",
    "block": "block ${1:name}(${2:c}) {\n\t$0\n}",
    "budget": "budget ${1|params,macs,memory|} <= ${2:1M}",
    "train": "train {\n\tdata ${1:mnist}\n\tepochs ${2:10}\n\t$0\n}",
}
_FORMS = {
    "concat": "concat { ${1:id} | ${2:id} }",
    "add": "add { ${1:id} | ${2:id} }",
    "mul": "mul { ${1:id} | ${2:id} }",
    "split": "split { ${1:id} | ${2:id} }",
    "outputs": "outputs { ${1:cls}: ${2:id} | ${3:box}: ${4:id} }",
    "gate": "gate { $0 }",
    "residual": "residual {\n\t$0\n} shortcut auto",
}


def layer_snippet(layer: type[Layer]) -> str:
    """A layer as its own example writes it, each number a stop; the bare word where nothing must be given.

    >>> layer_snippet(LAYERS["conv"]), layer_snippet(LAYERS["relu"])
    ('conv ${1:64} k${2:3} p${3:1}', '')
    """
    if not required_fields(layer):
        return ""
    steps = [step.strip() for part in layer.example.split(";") for step in part.split("->")]
    step = next((step for step in steps if step.split()[0] == layer.keyword), layer.keyword)
    stops = iter(range(1, 100))
    return _NUMBER.sub(lambda number: f"${{{next(stops)}:{number[0]}}}", step)


def _blocks(scan: Scan) -> Iterator[Offer]:
    for header in scan.headers.values():
        required = [name for name, default in header.parameters if default is None]
        stops = " ".join(f"${{{number}:{name}}}" for number, name in enumerate(required, start=1))
        snippet = f"{header.name} {stops}" if stops else ""
        yield Offer(header.name, Kind.Class, heading(header), "", snippet, 1)


def heading(header: Header) -> str:
    """`block name(a, b=1)`"""
    parameters = (name if default is None else f"{name}={default}" for name, default in header.parameters)
    return f"block {header.name}({', '.join(parameters)})" if header.parameters else f"block {header.name}"


# behind a step's word


def _in_step(scan: Scan, state: CursorState) -> Iterator[Offer]:
    item = state.item
    if item.shortcut:
        yield from (Offer(word, Kind.Keyword, STATEMENTS[word]) for word in ("auto", "same"))
        return
    if item.word == "from":
        yield from (Offer(label, Kind.Variable, "a label") for label in scan.labels if not item.arguments)
        return
    layer = find_layer(item.word) if item.word and item.word not in scan.headers else None
    if item.key is not None:
        yield from _values(scan, state, layer)
        return
    if item.word == "residual" and item.has_body:
        yield Offer("shortcut", Kind.Keyword, STATEMENTS["shortcut"], rank=1)
    if item.word in scan.headers:
        yield from _block_arguments(scan.headers[item.word], item.arguments)
    if layer is not None:
        yield from _layer_arguments(layer, item.arguments)
    else:
        yield Offer("frozen", Kind.EnumMember, STATEMENTS["frozen"], rank=7)
    if state.inside != "partial":
        yield Offer("x", Kind.Operator, STATEMENTS["x"], snippet="x${1:2}", rank=8)
    yield from _names(scan, state)


def _layer_arguments(layer: type[Layer], given: Iterable[str]) -> Iterator[Offer]:
    """Keys, short keys, flags and option words of a layer's fields, but for the fields that are given."""
    written = {argument.rstrip("=0123456789x") for argument in given}
    for number, (name, info) in enumerate(layer.model_fields.items()):
        short, page, doc = role(info).short, field_line(name, info), role(info).doc
        if {name, short, f"no{name}"} & (written - {""}):
            continue
        rank = 2 if number < 6 else 6
        if short:
            yield Offer(short, Kind.Property, doc, page, f"{short}${{1:3}}", rank - 1)
        yield Offer(f"{name}=", Kind.Property, doc, page, rank=rank)
        if is_flag(info):
            yield Offer(f"no{name}" if info.default is True else name, Kind.EnumMember, doc, page, rank=rank)
            continue
        for word in choices(info):
            yield Offer(word, Kind.EnumMember, f"{name}: {doc}", page, rank=rank + 1)


def _block_arguments(header: Header, given: Iterable[str]) -> Iterator[Offer]:
    for name, default in header.parameters:
        if f"{name}=" not in given:
            detail = "required" if default is None else f"{default} if not given"
            yield Offer(f"{name}=", Kind.Property, detail, heading(header), rank=1)
            if default in ("true", "false"):
                yield Offer(name if default == "false" else f"no{name}", Kind.EnumMember, detail, rank=2)


def _values(scan: Scan, state: CursorState, layer: type[Layer] | None) -> Iterator[Offer]:
    """What may follow `key=`."""
    from specc.ir.names.signature import layer_signature

    key = state.item.key or ""
    field = layer_signature(layer).keys.get(key) if layer else None
    if layer is None or field is None:
        if key != "x":
            yield from _words_and_names(scan, state)
        else:
            yield from _names(scan, state)
        return
    info = layer.model_fields[field]
    words = [*(("true", "false") if is_flag(info) else ()), *choices(info)]
    for word in words:
        yield Offer(word, Kind.EnumMember, role(info).doc, field_line(field, info), rank=1)
    if field == "like":
        yield from (Offer(label, Kind.Variable, "a label") for label in scan.labels)
        return
    if field == "init":
        yield from _initializers()
    yield from _names(scan, state)


def _initializers() -> Iterator[Offer]:
    for name, rule in INITIALIZERS.items():
        stops = ", ".join(f"${{{number}:{word}}}" for number, word in enumerate(rule.arguments, start=1))
        yield Offer(name, Kind.Function, f"torch.nn.init.{name}_", initializer_page(name),
                    f"{name}({stops})" if stops else "", 1)  # fmt: skip


# names and expressions


def _names(scan: Scan, state: CursorState) -> Iterator[Offer]:
    """The names in scope that hold values."""
    for name in state.own:
        yield Offer(name, Kind.Variable, "a parameter of this block", rank=3)
    for name in scan.params:
        yield Offer(name, Kind.Constant, "a `param`", rank=4)
    if state.item.kind in ("step", "block"):
        for word in STANDING:
            yield Offer(word, Kind.Keyword, STATEMENTS[word], rank=6)


def _expression(scan: Scan, state: CursorState) -> Iterator[Offer]:
    yield from _names(scan, state)
    for name, (call, text) in FUNCTIONS.items():
        yield Offer(name, Kind.Function, text, f"**{call}** — {text}", f"{name}(${{1:a}}, ${{2:b}})", 7)


def _words_and_names(scan: Scan, state: CursorState) -> Iterator[Offer]:
    """What a parameter may hold: values, layers and blocks."""
    yield from _names(scan, state)
    for header in scan.headers.values():
        yield Offer(header.name, Kind.Class, heading(header), rank=5)
    for layer in LAYERS.values():
        yield Offer(layer.keyword, Kind.Function, summary(layer), layer_page(layer), rank=6)


def _quantities() -> Iterator[Offer]:
    for word, text in QUANTITIES.items():
        yield Offer(word, Kind.Property, text, snippet=f"{word} <= ${{1:1M}}")


# the recipe


def _setting(scan: Scan, state: CursorState) -> Iterator[Offer]:
    name = state.item.word
    if name is None:
        for known in Recipe.model_fields:
            yield Offer(known, Kind.Property, Recipe.model_fields[known].description or "", setting_page(known))
    elif state.item.key is not None:
        yield from _setting_values(state.item.key)
    elif name == "optimizer" and state.item.arguments:
        taken = OPTIMIZERS.get(state.item.arguments[0])
        for argument in taken.arguments if taken else ():
            yield Offer(f"{argument}=", Kind.Property, Recipe.model_fields[argument].description or "",
                        setting_page(argument))  # fmt: skip
    elif name == "heads":
        yield from (Offer(f"{output}=", Kind.Field, "an output", setting_page(name)) for output in scan.outputs
                    if f"{output}=" not in state.item.arguments)  # fmt: skip
    elif not state.item.arguments:
        yield from _setting_values(name)
        yield from _names(scan, state)


def _setting_values(name: str) -> Iterator[Offer]:
    if name == "data":
        for entry in BUILT_IN.values():
            shape = "×".join(map(str, entry.sample)) if entry.sample else "pictures in files"
            yield Offer(entry.name, Kind.Value, f"{shape}, {counted(entry.classes, 'class')}", entry.about, rank=1)
    elif name in Recipe.model_fields:
        words = ["true", "false"] if is_switch(name) else setting_choices(name)
        for word in words:
            yield Offer(word, Kind.EnumMember, "", setting_page(name), rank=1)
