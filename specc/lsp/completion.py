"""What may be written at a place: from the tokens before it, so also in a text that is half written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import NamedTuple

from lsprotocol import types

from specc.data.sources import BUILT_IN
from specc.diagnostics.codes import CODES
from specc.diagnostics.spelling import counted
from specc.ir.model import FORM_WORDS, Block
from specc.ir.names.scope import STANDING
from specc.layers.base import Layer, written
from specc.layers.fields import choices, is_flag, role
from specc.layers.registry import LAYERS, find_layer, required_fields
from specc.layers.weighted import INITIALIZERS
from specc.lsp.cursor import CursorState, given
from specc.lsp.documents import Snapshot
from specc.lsp.reference import (
    FORMS,
    FUNCTIONS,
    QUANTITIES,
    STATEMENTS,
    field_line,
    initializer_page,
    layer_page,
    parameters,
    setting_page,
    summary,
    word_page,
)
from specc.lsp.steps import steps
from specc.recipe.judging import choices as setting_choices
from specc.recipe.judging import is_switch
from specc.recipe.optimizers import OPTIMIZERS
from specc.recipe.recipe import Recipe
from specc.syntax import tree
from specc.syntax.tokens import COMMENT, NEWLINE

TRIGGERS = [" ", "=", "{", ">", "|", "[", "(", ","]
_NOTHING = ("NUMBER", "SIZE", "PATTERN", "MALFORMED", "TEXT")  # where nothing can be offered
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
    token = snapshot.tokens.before(offset)
    touched = token if token is not None and token.span.end >= offset else None
    start = offset
    offers: Iterator[Offer] = iter(())
    if touched is not None and touched.type == COMMENT:
        before = touched.text[: offset - touched.span.start]
        if _IGNORED.search(before):
            start, offers = offset - len(re.split(r"[\[\s,]", before)[-1]), _codes()
    elif not (touched is not None and touched.type in _NOTHING) and not _in_open_string(snapshot, offset):
        start, state = snapshot.cursor(offset)
        offers = _offers(snapshot, state)
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


def _in_open_string(snapshot: Snapshot, offset: int) -> bool:
    """Whether a string begins before a place on its line, and does not end there."""
    line = takewhile(lambda sign: sign.type != NEWLINE, snapshot.tokens.back_from(offset))
    return any(sign.text == '"' for sign in line)


def _codes() -> Iterator[Offer]:
    """The codes of warnings, for a comment that ignores one."""
    for code, known in CODES.items():
        if known.severity == "warning":
            yield Offer(code, Kind.EnumMember, known.title, known.explanation)


def _offers(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    item, inside = state.item, state.inside
    if inside == "header":
        return _names(snapshot, state) if item.key else iter(())
    if inside in ("parenthesis", "call", "list"):
        return _expression(snapshot, state)
    if item.kind == "step":
        return iter(()) if item.checking else _starts(snapshot, state) if item.empty else _in_step(snapshot, state)
    if item.kind == "setting":
        return _setting(snapshot, state)
    return _in_statement(snapshot, state)


def _in_statement(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    """What stands behind `input`, `budget` and `param name =`."""
    item = state.item
    if item.kind == "budget" and item.word is None:
        yield from _quantities()
    if item.kind == "param" and item.word is not None:
        yield from _words_and_names(snapshot, state)
    if item.kind == "input":
        yield from _names(snapshot, state)


# where an item begins


def _starts(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    """Steps, and at the top level statements."""
    if state.inside is None and state.item.label is None:
        for word, snippet in _STATEMENTS.items():
            yield Offer(word, Kind.Keyword, "statement", word_page(word) or "", snippet, 4)
    yield from _blocks(snapshot)
    for word in FORM_WORDS:
        yield Offer(word, Kind.Struct, FORMS[word], word_page(word) or "", _FORMS[word], 3)
    for layer in LAYERS.values():
        yield Offer(layer.keyword, Kind.Function, summary(layer), layer_page(layer), layer_snippet(layer), 2)
    for name in state.own:
        yield Offer(name, Kind.Variable, "a parameter of this block", rank=3)
    if state.inside == "body" and snapshot.uses.names("label"):
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


def _blocks(snapshot: Snapshot) -> Iterator[Offer]:
    for block in snapshot.uses.blocks.values():
        required = [one.name for one in block.parameters if one.default is None]
        stops = " ".join(f"${{{number}:{name}}}" for number, name in enumerate(required, start=1))
        snippet = f"{block.name} {stops}" if stops else ""
        yield Offer(block.name, Kind.Class, heading(block, snapshot.text), "", snippet, 1)


def heading(block: Block, text: str) -> str:
    """`block name(a, b=1)`"""
    own = ", ".join(parameters(block, text))
    return f"block {block.name}({own})" if own else f"block {block.name}"


# behind a step's word


def _in_step(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    item, blocks = state.item, snapshot.uses.blocks
    if item.shortcut:
        yield from (Offer(word, Kind.Keyword, STATEMENTS[word]) for word in ("auto", "same"))
        return
    if item.word == "from":
        labels = () if item.arguments else snapshot.uses.names("label")
        yield from (Offer(label, Kind.Variable, "a label") for label in labels)
        return
    layer = find_layer(item.word) if item.word and item.word not in blocks else None
    if item.key is not None:
        yield from _values(snapshot, state, layer)
        return
    _, filled = given(state, snapshot.uses)
    if item.word == "residual" and item.has_body:
        yield Offer("shortcut", Kind.Keyword, STATEMENTS["shortcut"], rank=1)
    if item.word in blocks:
        yield from _block_arguments(blocks[item.word], snapshot.text, filled)
    if layer is not None:
        yield from _layer_arguments(layer, filled)
    else:
        yield Offer("frozen", Kind.EnumMember, STATEMENTS["frozen"], rank=7)
    if state.inside != "partial":
        yield Offer("x", Kind.Operator, STATEMENTS["x"], snippet="x${1:2}", rank=8)
    yield from _names(snapshot, state)


def _layer_arguments(layer: type[Layer], filled: Collection[str]) -> Iterator[Offer]:
    """Keys, short keys, flags and option words of a layer's fields, but for the fields that are given."""
    for number, (name, info) in enumerate(layer.model_fields.items()):
        short, page, doc = role(info).short, field_line(name, info), role(info).doc
        if name in filled:
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


def _block_arguments(block: Block, text: str, filled: Collection[str]) -> Iterator[Offer]:
    for one in parameters(block, text):
        name, _, default = one.partition("=")
        if name not in filled:
            detail = f"{default} if not given" if default else "required"
            yield Offer(f"{name}=", Kind.Property, detail, heading(block, text), rank=1)
            if default in ("true", "false"):
                yield Offer(name if default == "false" else f"no{name}", Kind.EnumMember, detail, rank=2)


def _values(snapshot: Snapshot, state: CursorState, layer: type[Layer] | None) -> Iterator[Offer]:
    """What may follow `key=`."""
    from specc.ir.names.signature import layer_signature

    key = state.item.key or ""
    field = layer_signature(layer).keys.get(key) if layer else None
    if layer is None or field is None:
        if key != "x":
            yield from _words_and_names(snapshot, state)
        else:
            yield from _names(snapshot, state)
        return
    info = layer.model_fields[field]
    words = [*(("true", "false") if is_flag(info) else ()), *choices(info)]
    for word in words:
        yield Offer(word, Kind.EnumMember, role(info).doc, field_line(field, info), rank=1)
    if field == "like":
        yield from (Offer(label, Kind.Variable, "a label") for label in snapshot.uses.names("label"))
        return
    if field == "init":
        yield from _initializers()
    yield from _names(snapshot, state)


def _initializers() -> Iterator[Offer]:
    for name, rule in INITIALIZERS.items():
        stops = ", ".join(f"${{{number}:{word}}}" for number, word in enumerate(rule.arguments, start=1))
        source = f"torch.nn.init.{name}_" if rule.is_torchs else "specc"
        yield Offer(name, Kind.Function, source, initializer_page(name),
                    f"{name}({stops})" if stops else "", 1)  # fmt: skip


# names and expressions


def _names(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    """The names in scope that hold values."""
    for name in state.own:
        yield Offer(name, Kind.Variable, "a parameter of this block", rank=3)
    for name in snapshot.uses.names("param"):
        yield Offer(name, Kind.Constant, "a `param`", rank=4)
    if state.item.kind in ("step", "block"):
        for word in STANDING:
            yield Offer(word, Kind.Keyword, STATEMENTS[word], rank=6)


def _expression(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    yield from _names(snapshot, state)
    for name, (call, text) in FUNCTIONS.items():
        yield Offer(name, Kind.Function, text, f"**{call}** — {text}", f"{name}(${{1:a}}, ${{2:b}})", 7)


def _words_and_names(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    """What a parameter may hold: values, layers and blocks."""
    yield from _names(snapshot, state)
    for block in snapshot.uses.blocks.values():
        yield Offer(block.name, Kind.Class, heading(block, snapshot.text), rank=5)
    for layer in LAYERS.values():
        yield Offer(layer.keyword, Kind.Function, summary(layer), layer_page(layer), rank=6)


def _quantities() -> Iterator[Offer]:
    for word, text in QUANTITIES.items():
        yield Offer(word, Kind.Property, text, snippet=f"{word} <= ${{1:1M}}")


# the recipe


def _setting(snapshot: Snapshot, state: CursorState) -> Iterator[Offer]:
    name = state.item.word
    if name is None:
        for known in Recipe.model_fields:
            yield Offer(known, Kind.Property, Recipe.model_fields[known].description or "", setting_page(known))
    elif state.item.key is not None:
        yield from _setting_values(state.item.key)
    elif name == "optimizer" and state.item.arguments:
        taken = OPTIMIZERS.get(snapshot.source.slice(state.item.arguments[0].span))
        for argument in taken.arguments if taken else ():
            yield Offer(f"{argument}=", Kind.Property, Recipe.model_fields[argument].description or "",
                        setting_page(argument))  # fmt: skip
    elif name == "heads":
        said = {one.key.text for one in state.item.arguments if isinstance(one, tree.Keyword)}
        for output in _outputs(snapshot.parsed.tree):
            if output not in said:
                yield Offer(f"{output}=", Kind.Field, "an output", setting_page(name))
    elif not state.item.arguments:
        yield from _setting_values(name)
        yield from _names(snapshot, state)


def _outputs(spec: tree.Tree) -> Iterator[str]:
    """The names of a network's outputs."""
    for here in steps(spec):
        if here.step.word is not None and here.step.word.text == "outputs":
            heads = [branch.items[0].label for branch in here.step.branches or () if branch.items]
            yield from (label.text for label in heads if label is not None)


def _setting_values(name: str) -> Iterator[Offer]:
    if name == "data":
        for entry in BUILT_IN.values():
            shape = written(entry.sample) if entry.sample else "pictures in files"
            yield Offer(entry.name, Kind.Value, f"{shape}, {counted(entry.classes, 'class')}", entry.about, rank=1)
    elif name in Recipe.model_fields:
        words = ["true", "false"] if is_switch(name) else setting_choices(name)
        for word in words:
            yield Offer(word, Kind.EnumMember, "", setting_page(name), rank=1)
