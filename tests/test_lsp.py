"""The language server: features on texts as data, and a real client that types specs over standard input and output."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from editor import URI, Editor, made
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from specc.gallery import entries
from specc.lsp import actions, completion, formatting, hints, hover, navigation, signatures, structure
from specc.lsp.diagnostics import publish
from specc.lsp.documents import Snapshot, is_spec
from specc.lsp.positions import Positions
from specc.lsp.rename import RenameRefused
from specc.pipeline import analyse
from specc.source import Source, Span
from specc.syntax.format import format_source

NET = """\
# a small network 🙂
param width = 16 # 🙂
input 3x32x32

# Convolution, normalisation, activation.
block cbr(c, k, stride=1, act=relu) { conv c k=k s=stride p1 nobias -> bn -> act }

stem: cbr width k3 -> cbr (2*width) k3 s2
{ cbr 32 k3 act=silu } x2
residual { conv 32 k3 p1 } shortcut auto
avgpool 2 -> flatten -> dropout 0.5 -> linear 64 -> relu -> linear 10
train {
  data fashion-mnist
  optimizer sgd lr=0.1
}
"""


def snapshot(text: str) -> Snapshot:
    return Snapshot(URI, 1, text)


def cut(text: str) -> tuple[Snapshot, types.Position]:
    """A text and the place of the `▮` in it."""
    before, after = text.split("▮")
    one = snapshot(before + after)
    return one, one.positions.position(len(before))


# positions

TEXTS = ["", "a", "a\nb", "a\r\nb\r\n", "🙂x\n表e\u0301", "a\rb", "a\u2028b\x0cc\n\x85d", "\n\n", "x" * 50 + "🙂\r\n🙂"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", TEXTS)
def test_positions_go_there_and_back(text: str, encoding: str) -> None:
    positions = Positions(text, encoding)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":  # nothing stands inside a line's end
            assert positions.offset(positions.position(offset)) == offset


def test_positions_count_units_of_utf_16() -> None:
    assert Positions("🙂🙂 conv").position(3) == types.Position(0, 5)
    assert Positions("🙂 conv", "utf-8").position(2) == types.Position(0, 5)
    assert Positions("a\u2028b\nc").position(4) == types.Position(1, 0)


def test_positions_outside_the_text_are_its_ends() -> None:
    positions = Positions("ab\r\ncd")
    assert positions.offset(types.Position(0, 99)) == 2
    assert positions.offset(types.Position(9, 0)) == 6


def test_changes_at_random_give_the_editors_text() -> None:
    """Whatever is typed wherever, both ends have the same text."""
    draw = random.Random(7)
    pieces = ["conv 8 k3", "\n", "\r\n", "🙂", "表", " -> ", "\u2028", "{", "}", "#", "\ufeff", ""]
    text = NET
    one = snapshot(text)
    for version in range(300):
        start = draw.randrange(len(text) + 1)
        end = min(len(text), start + draw.choice([0, 0, 1, 5, 40]))
        if "\r\n" in (text[start - 1 : start + 1], text[end - 1 : end + 1]):
            continue
        piece = draw.choice(pieces)
        place = Positions(text).range(Span(start, end))
        text = text[:start] + piece + text[end:]
        one = one.changed(version, [types.TextDocumentContentChangePartial(place, piece)])
        assert one.written == text


def test_half_a_character_at_a_time() -> None:
    one = snapshot("# \n")
    for half, column in (("\ud83d", 2), ("\ude42", 3)):
        place = types.Range(types.Position(0, column), types.Position(0, column))
        one = one.changed(2, [types.TextDocumentContentChangePartial(place, half)])
        publish(one, lambda code: None)
    assert one.written == "# 🙂\n"


@pytest.mark.parametrize(
    ("uri", "language", "ours"),
    [
        ("file:///a/net.cnn", "plaintext", True),
        ("untitled:Untitled-1", "cnn", True),
        ("file:///a/net.py", "python", False),
        ("file:///a/cnn", "plaintext", False),
    ],
)
def test_only_specs_are_looked_at(uri: str, language: str, ours: bool) -> None:
    assert is_spec(uri, language) is ours


# every feature on every text


def every_feature(text: str, place: int) -> None:
    """Asks everything about a place; whatever is there, nothing fails."""
    one = snapshot(text)
    position = one.positions.position(place)
    whole = types.Range(types.Position(0, 0), one.positions.position(len(one.text)))
    publish(one, lambda code: None)
    hints.hints(one, whole)
    hover.hover(one, position)
    completion.complete(one, position, snippets=True)
    signatures.signature(one, position)
    structure.symbols(one)
    structure.folding(one)
    structure.semantic_tokens(one)
    navigation.definition(one, position)
    navigation.references(one, position, with_definition=True)
    navigation.highlights(one, position)
    formatting.format_whole(one)
    with suppress(RenameRefused):
        navigation.prepare_rename(one, position)
        navigation.renamed(one, position, "renamed")


@pytest.mark.parametrize("spec", entries(), ids=lambda spec: spec.name)
def test_features_on_broken_gallery_specs(spec: object) -> None:
    """The text as it is, cut off anywhere, and with a piece missing anywhere."""
    text = spec.source.text  # type: ignore[attr-defined]  # an Entry, typed as pytest has it
    draw = random.Random(text)
    every_feature(text, draw.randrange(len(text)))
    for _ in range(4):
        start = draw.randrange(len(text))
        every_feature(text[:start], start)
        every_feature(text[:start] + text[start + draw.randrange(30) :], start)


@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "\ufeffinput 3", "\0", "# specc: ignore[", '"', "{" * 100, "}", "((("]
)
def test_features_on_odd_texts(text: str) -> None:
    for place in {0, len(text)}:
        every_feature(text, place)


# diagnostics


def told(text: str) -> list[types.Diagnostic]:
    return publish(snapshot(text), lambda code: f"file:///{code}.md")


def test_a_finding_has_its_place_code_and_further_places() -> None:
    found = told("# 🙂\ninput 1x8x8 # 🙂\nconv 4 k3 -> maxpool 9\n")[0]
    assert found.range == types.Range(types.Position(2, 13), types.Position(2, 22))
    assert (found.code, found.severity, found.source) == ("E301", types.DiagnosticSeverity.Error, "specc")
    assert found.code_description == types.CodeDescription("file:///E301.md")
    assert found.related_information is not None
    assert found.related_information[0].message == "gives 4×6×6"
    assert found.related_information[0].location.range.start == types.Position(2, 0)
    assert "(6 + 2·0" in found.message


def test_columns_count_wide_characters_twice() -> None:
    found = told('input 8\ntrain { data_dir "🙂🙂" ; epoch 3 }\n')[0]
    assert found.code == "E220"
    assert found.range.start == types.Position(1, 26)


def test_lints_are_told_and_what_has_no_effect_is_faded() -> None:
    found = told("param unused = 3\ninput 3x8x8\nconv 8 k3 -> bn -> flatten -> linear 10\n")
    assert {one.code: one.tags for one in found} == {
        "W510": [types.DiagnosticTag.Unnecessary],
        "W502": [types.DiagnosticTag.Unnecessary],
    }
    assert {one.severity for one in found} == {types.DiagnosticSeverity.Warning}


def test_what_concerns_the_whole_file_marks_its_first_line() -> None:
    found = told("conv 8 k3\nrelu\n")[0]
    assert (found.code, found.range) == ("E214", types.Range(types.Position(0, 0), types.Position(0, 9)))


def test_a_byte_order_mark_is_no_error() -> None:
    assert told("\ufeffinput 8\nlinear 2\n") == []


def test_carriage_returns_move_no_place() -> None:
    plain, windows = "input 8\nlinear 2\nmaxpool 2\n", "input 8\r\nlinear 2\r\nmaxpool 2\r\n"
    assert [one.range for one in told(plain)] == [one.range for one in told(windows)] != []


# hints


def shapes(text: str) -> dict[int, str]:
    one = snapshot(text)
    found = hints.hints(one, types.Range(types.Position(0, 0), types.Position(999, 0)))
    return {hint.position.line: str(hint.label) for hint in found}


def test_hints_stand_at_the_ends_of_lines() -> None:
    assert shapes(NET) == {5: "16×32×32 …", 7: "32×16×16", 8: "32×16×16", 9: "32×16×16", 10: "10"}


HINTS = [
    ("input 3x8x8\nconv 4 k3 -> relu\n", {1: "4×6×6"}),
    ("input 3x8x8\nconv 4 k3  :: 4x6x6\n", {}),
    ("input 3x8x8\nconv 4 k3  :: _x6x6\n", {1: "4×6×6"}),
    ("input 3x8x8\nconv 4 k3 x3\n", {1: "4×2×2"}),
    ("input 3x8x8\n{\n  conv 4 k3\n} x2\n", {2: "4×6×6 …", 3: "4×4×4"}),
    ("input 3x8x8\nconcat {\n  conv 4 k1\n| id\n}\n", {2: "4×8×8", 3: "3×8×8", 4: "7×8×8"}),
    ("input 3x8x8\nconv 4 k3\nlinear 3\nrelu\n", {1: "4×6×6", 2: "3", 3: "3"}),
    ("input 3x8x8\nconv 4 k3\nmaxpool 99\nrelu\n", {1: "4×6×6"}),
    ("input 3x8x8\nconv 4 k3\nconv 4 (\nrelu\n", {1: "4×6×6"}),
    ("conv 4 k3\nrelu\n", {}),
    ("input 3x8x8\nblock b { relu }\nb -> b\n", {1: "3×8×8", 2: "3×8×8"}),
]


@pytest.mark.parametrize(("text", "expected"), HINTS, ids=lambda value: value if isinstance(value, str) else "")
def test_hints(text: str, expected: dict[int, str]) -> None:
    assert shapes(text) == expected


def test_a_hint_can_be_written_into_the_text() -> None:
    text = "input 3x8x8\nconv 4 k3  # six\n"
    one = snapshot(text)
    hint = hints.hints(one, types.Range(types.Position(1, 0), types.Position(1, 0)))[0]
    assert hint.text_edits is not None
    noted = made(text, list(hint.text_edits))
    assert noted == "input 3x8x8\nconv 4 k3 :: 4x6x6  # six\n"
    assert analyse(Source("", noted)).ok


def test_a_hint_that_is_gone_by_the_time_it_is_asked_for_stays_as_it_is() -> None:
    before, after = snapshot("input 3x8x8\nconv 4 k3\n"), snapshot("input 3x8x8\nconv 40 k3\n")
    (brief,) = hints.hints(before, types.Range(types.Position(1, 0), types.Position(1, 0)), brief=True)
    assert hints.resolved(before, brief).tooltip is not None
    assert hints.resolved(after, brief) == brief


# hover

HOVERS = [
    (
        "▮conv 16 k3",
        ["`3×32×32` → `16×30×30`", "448 parameters", "388,800 MACs", "receptive field 3×3", "`kernel`, `k`"],
    ),
    ("conv 16 k3 ▮nobias", ["`bias` — add a learned number"]),
    ("conv 16 ▮k3", ["`kernel`, `k`"]),
    ("conv 16 k3 mode=▮reflect p1", ["what the padding is filled with"]),
    ("conv 16 k3 init=▮normal(0, 0.01)", ["**normal(mean, std)**"]),
    ("▮residual { conv 3 k3 p1 } shortcut same", ["`3×32×32` → `3×32×32`", "**residual**"]),
    ("residual { conv 3 k3 p1 } ▮shortcut same", ["What goes round a `residual`"]),
    ("param wi▮dth = 4 * 2", ["width = 4 * 2", "`width` is 8"]),
    ("param width = 8\nconv wid▮th k3", ["`width` is 8"]),
    ("# Twice.\nblock twi▮ce(c) { conv c k3 }\ntwice 8", ["block twice(c)", "Twice.", "Used in 1 place."]),
    ("block twice(c) { conv c k3 }\n▮twice 8", ["`3×32×32` → `8×30×30`", "block twice(c)"]),
    ("block twice(c) { conv ▮c k3 }\ntwice 8", ["parameter of the block"]),
    ("block b(c, stride=1) { conv c k3 s=stride }\nb 8 s▮=2", ["block b(c, stride=1)", "parameter of the block"]),
    ("▮here: conv 8 k3", ["`3×32×32` → `8×30×30`", "names the module"]),
    ("train { ▮batch 8 }", ["Pictures per training step", "a whole number from 1"]),
    ("relu # specc: ignore[W5▮05]", ["# W505: rows or columns are discarded"]),
    ("budget ▮macs <= 1M", ["Multiply-accumulates"]),
    ("conv (▮divisible(9, 8)) k3", ["divisible(a, 8)"]),
    ("conv 16 k3 -> ▮relu", ["`16×30×30` → `16×30×30`"]),
]


@pytest.mark.parametrize(("text", "expected"), HOVERS, ids=[text for text, _ in HOVERS])
def test_hover(text: str, expected: list[str]) -> None:
    found = hover.hover(*cut("input 3x32x32\n" + text + "\n"))
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    for part in expected:
        assert part in found.contents.value


def test_hover_tells_of_each_call_of_a_block() -> None:
    one = snapshot(NET)
    found = hover.hover(one, one.positions.position(NET.index("conv c")))
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    assert "`3×32×32` → `16×32×32`" in found.contents.value
    assert "receptive field 3×3 to" in found.contents.value


@pytest.mark.parametrize("text", ["▮\n", "# a ▮comment", "input 3x32x32 ▮# words", "conv ▮64 k3"])
def test_nothing_to_hover(text: str) -> None:
    assert hover.hover(*cut(text)) is None


# completion

BLOCK = "param width = 8\nblock cbr(c, k, act=relu, last=false) { conv c k=k -> act }\n"
OFFERS: list[tuple[str, set[str], set[str]]] = [  # what is offered there, and what is not
    ("▮", {"conv", "input", "block", "residual", "train"}, {"width", "epochs", "k"}),
    ("co▮", {"conv", "concat"}, {"epochs"}),
    ("input 3x8x8\nrelu -> ▮", {"conv", "residual"}, {"k", "in"}),
    ("residual { ▮", {"conv", "id"}, {"input", "block", "shortcut"}),
    ("residual { relu }▮", {"shortcut"}, {"conv"}),
    ("residual { relu } shortcut ▮", {"auto", "same"}, {"conv", "width"}),
    ("concat { relu | ▮", {"conv"}, {"input"}),
    ("conv ▮", {"k", "kernel=", "nobias", "same", "x", "in"}, {"bias", "conv", "epochs"}),
    ("conv 8 k3 ▮", {"s", "p", "stride="}, {"k", "kernel="}),
    ("conv 8 k3 mode=▮", {"zeros", "reflect"}, {"conv", "k"}),
    ("conv 8 k3 init=▮", {"normal", "kaiming_uniform"}, {"reflect"}),
    ("conv 8 k3 bias=▮", {"true", "false"}, set()),
    ("conv 8▮", set(), {"k", "conv"}),
    (BLOCK + "▮", {"cbr"}, {"c"}),
    (BLOCK + "cbr ▮", {"c=", "k=", "act=", "last", "width", "frozen"}, {"stride="}),
    (BLOCK + "cbr 8 act=▮", {"silu", "relu", "cbr", "width"}, set()),
    (BLOCK + "cbr 8 act=conv(8, ▮", {"k", "kernel=", "nobias", "width"}, {"x"}),
    (BLOCK + "cbr 8 act=cbr(▮", {"c=", "act=", "width"}, {"x"}),
    ("e1: relu\nadd { ▮", {"from", "relu"}, {"input"}),
    ("e1: relu\nadd { from ▮", {"e1"}, {"conv", "x", "width"}),
    ("outp▮", {"outputs"}, {"epochs"}),
    ("e1: relu -> upsample like=▮", {"e1"}, {"conv", "in"}),
    ("outputs { main: relu -> a: relu | aux: { b: relu } }\ntrain { heads ▮ }", {"main=", "aux="}, {"a=", "b="}),
    ("outputs { main: relu | aux: id }\ntrain { heads main=1 ▮ }", {"aux="}, {"main="}),
    (BLOCK + "conv (▮", {"width", "min", "divisible", "in", "nth"}, {"c", "conv"}),
    ("block b(c, other=2) { conv ▮", {"c", "other"}, set()),
    ("block b(c, other=2) {\n  relu\n  ▮\n}\n", {"conv", "other"}, {"input"}),
    ("param act = ▮", {"relu", "silu"}, {"input"}),
    ("param ▮", set(), {"conv", "relu"}),
    ("budget ▮", {"params", "macs", "memory"}, {"conv"}),
    ("train { ▮", {"epochs", "optimizer", "data"}, {"conv", "input"}),
    ("train {\n  epochs 3\n  ▮\n}", {"batch"}, {"conv"}),
    ("train { optimizer ▮", {"adam", "sgd"}, {"epochs"}),
    ("train { optimizer sgd ▮", {"lr=", "momentum=", "nesterov="}, {"betas=", "epochs"}),
    ("train { data ▮", {"mnist", "fashion-mnist", "cifar10"}, {"epochs"}),
    ("train { data fashion-▮", {"fashion-mnist"}, set()),
    ("train { normalize ▮", {"true", "false"}, set()),
    ("relu # conv ▮", set(), {"conv", "relu"}),
    ("relu # specc: ignore[▮", {"W505", "W510"}, {"E301"}),
    ('train { data_dir "co▮', set(), {"conv"}),
    ("relu ]] )) -> ▮", {"conv"}, set()),
    ("block b(c {\nrelu\ninput 3x8x8\n▮", {"conv", "train"}, set()),
    ("train {\n epochs 3\nblock b { ▮", {"conv"}, {"epochs"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "offered", "others"), OFFERS, ids=[text for text, _, _ in OFFERS])
def test_completion(text: str, offered: set[str], others: set[str]) -> None:
    labels = {item.label for item in completion.complete(*cut(text), snippets=True).items}
    assert offered <= labels
    assert not others & labels


def applied(text: str, label: str, *, snippets: bool) -> str:
    one, position = cut(text)
    item = next(item for item in completion.complete(one, position, snippets=snippets).items if item.label == label)
    assert isinstance(item.text_edit, types.TextEdit)
    return made(one.text, [item.text_edit])


@pytest.mark.parametrize(
    ("text", "label", "with_stops", "plain"),
    [
        ("co▮", "conv", "conv ${1:64} k${2:3} p${3:1}", "conv"),
        ("🙂 # \nmaxp▮", "maxpool", "🙂 # \nmaxpool ${1:2}", "🙂 # \nmaxpool"),
        ("conv 8 ▮", "k", "conv 8 k${1:3}", "conv 8 k"),
        (BLOCK + "cb▮", "cbr", BLOCK + "cbr ${1:c} ${2:k}", BLOCK + "cbr"),
        ("train { data fashion-m▮", "fashion-mnist", "train { data fashion-mnist", "train { data fashion-mnist"),
    ],
)
def test_an_offer_takes_the_place_of_what_is_typed(text: str, label: str, with_stops: str, plain: str) -> None:
    assert applied(text, label, snippets=True) == with_stops
    assert applied(text, label, snippets=False) == plain


def test_every_layer_that_needs_arguments_offers_them() -> None:
    """With its stops filled in as they stand, a layer's snippet is a step that the compiler takes."""
    from specc.layers.registry import LAYERS

    for layer in LAYERS.values():
        snippet = completion.layer_snippet(layer)
        step = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", snippet) or layer.keyword
        shape = layer.example.split(";")[0].strip()
        found = analyse(Source("", f"{shape}\n{step}\n")).diagnostics
        assert not [one for one in found if one.code.startswith(("E1", "E2"))], step


@pytest.mark.parametrize(
    ("text", "label", "active"),
    [
        ("conv ▮", "conv out kernel", 0),
        ("conv 8 ▮", "conv out kernel", 1),
        ("conv 8 k3 stride=▮", "conv out kernel", 2),
        (BLOCK + "cbr ▮", "cbr c k act=relu last=false", 0),
        ("conv k3 ▮", "conv out kernel", 0),
        ("conv 8 k3 ▮", "conv out kernel", 2),
        ("conv 8 3 1 same ▮", "conv out kernel", 4),
        (BLOCK + "cbr 8 act=▮", "cbr c k act=relu last=false", 2),
        (BLOCK + "cbr 8 k3 ▮", "cbr c k act=relu last=false", 2),
        (BLOCK + "cbr 8 last ▮", "cbr c k act=relu last=false", 1),
        (BLOCK + "cbr 8 3 relu6 ▮", "cbr c k act=relu last=false", 3),
    ],
)
def test_signature(text: str, label: str, active: int) -> None:
    found = signatures.signature(*cut(text))
    assert found is not None
    assert found.signatures[0].label.startswith(label)
    assert found.active_parameter == active


@pytest.mark.parametrize("text", ["▮", "relu ▮", "param ▮", "train { epochs ▮", "input ▮"])
def test_no_signature(text: str) -> None:
    assert signatures.signature(*cut(text)) is None


# code actions


def offered(text: str, needle: str, only: list[types.CodeActionKind | str] | None = None) -> list[types.CodeAction]:
    one = snapshot(text)
    start = text.index(needle)
    place = one.range(Span(start, start + len(needle)))
    asked = types.CodeActionParams(types.TextDocumentIdentifier(URI), place, types.CodeActionContext([], only))
    return actions.actions(one, asked, lambda code: None, lambda: False)


def result(text: str, action: types.CodeAction) -> str:
    assert action.edit is not None
    assert action.edit.document_changes is not None
    change = action.edit.document_changes[0]
    assert isinstance(change, types.TextDocumentEdit)
    return made(text, [edit for edit in change.edits if isinstance(edit, types.TextEdit)])


def test_a_fix_is_the_one_that_check_offers() -> None:
    text = "input 3x32x32\r\nconv 8 k3 -> relu # 🙂\r\nlinear 10\r\n"
    found = offered(text, "linear")
    assert found[0].title.startswith("put `flatten` before it")
    assert found[0].is_preferred
    assert found[0].diagnostics is not None
    assert found[0].diagnostics[0].code == "E302"
    assert result(text, found[0]) == text.replace("linear", "flatten -> linear")
    assert all(analyse(Source("", result(text, action))).ok for action in found)


def test_no_fix_is_preferred_where_two_would_do() -> None:
    found = offered("input 1x4x4\nmaxpool 5\n", "maxpool")
    assert len(found) > 1
    assert not any(action.is_preferred for action in found)


def test_fixes_are_for_the_place_that_is_asked_about() -> None:
    assert offered("input 1x4x4\nrelu\nmaxpool 5\n", "relu") == []


def test_a_search_ends_when_the_text_changes() -> None:
    one = snapshot("input 1x4x4\nmaxpool 5\n")
    asked = types.CodeActionParams(
        types.TextDocumentIdentifier(URI), types.Range(types.Position(1, 0), types.Position(1, 1)),
        types.CodeActionContext([]),
    )  # fmt: skip
    assert actions.actions(one, asked, lambda code: None, lambda: True) == []


SILENCED = [
    ("relu -> relu\n", "relu -> relu  # specc: ignore[W504]\n"),
    ("relu -> relu\r\n", "relu -> relu  # specc: ignore[W504]\r\n"),
    ("relu -> relu  # twice\n", "relu -> relu  # twice  specc: ignore[W504]\n"),
    ("relu -> relu  # specc: ignore[W505]\n", "relu -> relu  # specc: ignore[W505, W504]\n"),
    ("relu -> relu", "relu -> relu  # specc: ignore[W504]"),
]


@pytest.mark.parametrize(("line", "silenced"), SILENCED)
def test_a_warning_can_be_silenced_on_its_line(line: str, silenced: str) -> None:
    text = "input 3x8x8\n" + line
    action = next(action for action in offered(text, "relu\n" if line == "relu -> relu\n" else "-> relu")
                  if action.title == "Silence W504 on this line")  # fmt: skip
    after = result(text, action)
    assert after == "input 3x8x8\n" + silenced
    assert "W504" not in {found.code for found in snapshot(after).diagnostics}


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("relu  # specc: ignore[W505]", "relu"),
        ("relu -> relu  # specc: ignore[W505, W504]", "relu -> relu  # specc: ignore[W504]"),
        ("relu  # specc: ignore", "relu"),
    ],
)
def test_a_comment_that_ignores_nothing_can_be_left_out(line: str, after: str) -> None:
    text = f"input 3x8x8\n{line}\n"
    action = next(action for action in offered(text, "specc: ignore[W505" if "[" in line else "specc")
                  if action.title.startswith("Leave out"))  # fmt: skip
    assert result(text, action) == f"input 3x8x8\n{after}\n"


def test_all_certain_fixes_in_one_edit() -> None:
    text = "input 3x8x8\nconv 8 k3 nobais\nRelu\n"
    (action,) = offered(text, "input", ["source.fixAll"])
    assert result(text, action) == "input 3x8x8\nconv 8 k3 nobias\nrelu\n"
    assert offered(text, "input") == []


# names


def place_of(text: str, needle: str, nth: int = 0) -> types.Position:
    start = -1
    for _ in range(nth + 1):
        start = text.index(needle, start + 1)
    return Positions(text).position(start)


def found_at(text: str, locations: list[types.Location]) -> list[str]:
    """Each place with a few characters before it."""
    positions = Positions(text)
    spans = [positions.span(location.range) for location in locations]
    return [text[max(0, start - 4) : end] for start, end in spans]


def test_go_to_and_references() -> None:
    one = snapshot(NET)
    definition = navigation.definition(one, place_of(NET, "cbr width"))
    assert definition is not None
    assert definition.range.start == place_of(NET, "cbr(c")
    stride = navigation.references(one, place_of(NET, "stride=1"), with_definition=True)
    assert found_at(NET, stride) == [" k, stride", "k s=stride", " k3 s"]
    act = navigation.references(one, place_of(NET, "-> act"), with_definition=False)
    assert act == []  # the arrow, which names nothing


def test_what_a_value_names_is_used_there() -> None:
    blocks = "param w = 2\nblock se(r, act=relu) { act }\nblock one(f) { f }\n"
    text = f"input 3\n{blocks}one se(w, act=silu) -> one f=se(r=3)\n"
    one = snapshot(text)
    block = navigation.references(one, place_of(text, "se(r"), with_definition=False)
    assert found_at(text, block) == ["one se", "e f=se"]
    assert found_at(text, navigation.references(one, place_of(text, "r, act"), with_definition=False)) == ["=se(r"]
    assert found_at(text, navigation.references(one, place_of(text, "w = 2"), with_definition=False)) == [" se(w"]
    edit = navigation.renamed(one, place_of(text, "act=relu"), "final")
    assert result(text, types.CodeAction("", edit=edit)) == text.replace("act", "final")


def test_a_label_is_used_behind_from() -> None:
    block = "block b { e1: relu -> add { from e1 } }"
    text = f"input 3x8x8\n{block}\ne1: relu x2\nadd {{ from e1 | {{ id -> add {{ from e12 | from e1 }} }} }}\n"
    one = snapshot(text)
    uses = navigation.references(one, place_of(text, "e1: relu x2"), with_definition=False)
    assert found_at(text, uses) == ["rom e1", "rom e1", "rom e1"]
    edit = navigation.renamed(one, place_of(text, "e1: relu x2"), "stage")
    assert result(text, types.CodeAction("", edit=edit)).count("stage") == 4
    assert ("e1", "label") in tokens("add { from e1 }")


def test_a_label_is_used_behind_like() -> None:
    head = "input 3x8x8\nblock up(f) { f }\nlike: relu\n"
    text = f"{head}e1: conv 4 k1 -> maxpool 2\nup upsample(like=e1) -> upsample like=e1\n"
    one = snapshot(text)
    uses = navigation.references(one, place_of(text, "e1: conv"), with_definition=False)
    assert found_at(text, uses) == ["ike=e1", "ike=e1"]
    found = navigation.definition(one, place_of(text, "e1\n"))
    assert found is not None and found.range.start == place_of(text, "e1: conv")
    edit = navigation.renamed(one, place_of(text, "e1)"), "fine")
    assert result(text, types.CodeAction("", edit=edit)) == text.replace("e1", "fine")


def test_go_to_from_a_line_that_cannot_be_read() -> None:
    text = NET.replace("avgpool 2 ->", "cbr ( ->")
    definition = navigation.definition(snapshot(text), place_of(text, "cbr ("))
    assert definition is not None
    assert definition.range.start == place_of(text, "cbr(c")


RENAMES = [
    ("cbr(c", "cbr", "unit"),
    ("width = 16", "width", "w"),
    ("stem:", "stem", "first"),
    ("act=relu", "act", "final"),
    ("stride=1", "stride", "step"),  # `s2` still stands for it
]


@pytest.mark.parametrize(("needle", "old", "name"), RENAMES)
def test_rename(needle: str, old: str, name: str) -> None:
    edit = navigation.renamed(snapshot(NET), place_of(NET, needle), name)
    after = result(NET, types.CodeAction("", edit=edit))
    assert after == re.sub(rf"\b{old}\b", name, NET)
    assert analyse(Source("", after)).ok


@pytest.mark.parametrize(
    ("needle", "name", "reason"),
    [
        ("cbr(c", "conv", "a layer's name"),
        ("cbr(c", "width", "is a param already, at line 2"),
        ("width = 16", "cbr", "is a block already, at line 6"),
        ("width = 16", "3d", "is not a name"),
        ("width = 16", "input", "reserved word"),
        ("c, k", "k", "would mean something else"),
        ("k, stride", "c", "would mean something else"),
        ("conv c", "anything", "can be renamed"),
        ("act=relu", "shape", "would mean something else"),  # `s2` would stand for two
        ("stem:", "append", "would mean something else"),
    ],
)
def test_rename_refuses(needle: str, name: str, reason: str) -> None:
    with pytest.raises(RenameRefused, match=reason):
        navigation.renamed(snapshot(NET), place_of(NET, needle), name)


def test_rename_refuses_a_text_that_cannot_be_read() -> None:
    text = NET + "conv (\n"
    with pytest.raises(RenameRefused, match="syntax errors"):
        navigation.renamed(snapshot(text), place_of(text, "width"), "w")


# structure


def test_symbols() -> None:
    found = {symbol.name: symbol for symbol in structure.symbols(snapshot(NET))}
    assert list(found) == ["width", "input", "cbr", "stem", "train"]
    assert found["width"].detail == "= 16"
    assert found["stem"].detail == "cbr → 16×32×32"
    assert [child.name for child in found["train"].children or []] == ["data", "optimizer"]
    for symbol in found.values():  # an editor refuses others
        assert symbol.range.start <= symbol.selection_range.start
        assert symbol.selection_range.end <= symbol.range.end


def test_folding() -> None:
    text = "# a\n# b\nblock b {\n  relu\n  add {\n    relu\n  | id\n  }\n}\n"
    found = [(one.start_line, one.end_line) for one in structure.folding(snapshot(text))]
    assert sorted(found) == [(0, 1), (2, 7), (4, 6)]


def tokens(text: str) -> list[tuple[str, str]]:
    """Each semantic token with its kind, unpacked as an editor does."""
    one, data = snapshot(text), structure.semantic_tokens(snapshot(text)).data
    line = column = 0
    found = []
    for index in range(0, len(data), 5):
        lines, columns, length, kind, _ = data[index : index + 5]
        line, column = line + lines, columns if lines else column + columns
        span = one.positions.span(types.Range(types.Position(line, column), types.Position(line, column + length)))
        found.append((text[span.start : span.end], structure.TOKEN_TYPES[kind]))
    return found


def test_semantic_tokens() -> None:
    text = '# 🙂 a\nparam w = 2 # 🙂\na: conv (4*w) k3 nobias -> bn\ntrain { data_dir "🙂" ; seed 7 }'
    assert tokens(text) == [
        ("# 🙂 a", "comment"), ("param", "keyword"), ("w", "variable"), ("=", "operator"), ("2", "number"),
        ("# 🙂", "comment"), ("a", "label"), (":", "operator"), ("conv", "function"), ("4", "number"),
        ("*", "operator"), ("w", "variable"), ("k", "property"), ("3", "number"), ("nobias", "enumMember"),
        ("->", "operator"), ("bn", "function"), ("train", "keyword"),
        ("data_dir", "property"), ('"🙂"', "string"), ("seed", "property"),
        ("7", "number"),
    ]  # fmt: skip


def test_semantic_tokens_of_a_value() -> None:
    assert tokens("cbr 8 act=conv(8, k3, bias=false) init=normal(0)") == [
        ("8", "number"), ("act", "property"), ("=", "operator"), ("conv", "function"),
        ("8", "number"), ("k", "property"), ("3", "number"), ("bias", "property"), ("=", "operator"),
        ("false", "enumMember"), ("init", "property"), ("=", "operator"), ("normal", "macro"), ("0", "number"),
    ]  # fmt: skip


# formatting


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_formatting(end: str) -> None:
    text = "# 🙂\ninput  3x8x8\n\n\nconv 8  k3->relu\nflatten\n".replace("\n", end)
    edits = formatting.format_whole(snapshot(text))
    assert edits is not None
    wanted = format_source(Source("", text.replace("\r\n", "\n"))).text
    assert wanted is not None
    assert made(text, edits) == wanted.replace("\n", end)
    assert formatting.format_whole(snapshot(made(text, edits))) == []


def test_formatting_a_range_leaves_the_rest() -> None:
    text = "input  3x8x8\nconv 8  k3\nrelu\nconv 8  k3\n"
    edits = formatting.format_range(snapshot(text), types.Range(types.Position(3, 0), types.Position(3, 1)))
    assert edits is not None
    assert made(text, edits) == "input  3x8x8\nconv 8  k3\nrelu\nconv 8 k3\n"


def test_formatting_leaves_a_text_with_syntax_errors_alone() -> None:
    assert formatting.format_whole(snapshot("conv  8 (\n")) is None


# the server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor(tmp_path_factory.mktemp("lsp") / "log") as one:
        yield one


@pytest.fixture
def editor(server: Editor) -> Iterator[Editor]:
    """A server that nothing went wrong in, before and after."""
    yield server
    for uri in list(server.texts):
        server.close(uri)
    assert server.logged == ""
    assert server.shown == []


def keystrokes(text: str) -> Iterator[tuple[int, str, int]]:
    """A text as a person types it: mostly in order, with a slip and its correction now and then."""
    draw = random.Random(3)
    for offset, char in enumerate(text):
        if draw.random() < 0.05:
            yield offset, draw.choice("{(x🙂\n"), 0
            yield offset, "", 1
        yield offset, char, 0


def test_a_network_is_typed_key_by_key(editor: Editor) -> None:
    """Everything an editor asks while somebody types, and no failure in the log at the end."""
    spec = next(spec for spec in entries() if spec.name == "lenet5")
    text = spec.source.text
    editor.open("")
    for count, (offset, key, remove) in enumerate(keystrokes(text)):
        editor.type(offset, key, remove)
        asked = types.CompletionParams(editor.document(), Positions(editor.texts[URI]).position(offset + len(key)))
        if count % 3 == 0:
            editor.run(editor.client.text_document_completion_async(asked))
        if count % 20 == 0:
            editor.hints()
            symbols = types.DocumentSymbolParams(editor.document())
            editor.run(editor.client.text_document_document_symbol_async(symbols))
            colours = types.SemanticTokensParams(editor.document())
            editor.run(editor.client.text_document_semantic_tokens_full_async(colours))
            editor.run(editor.client.text_document_hover_async(types.HoverParams(editor.document(), asked.position)))
            editor.run(
                editor.client.text_document_signature_help_async(
                    types.SignatureHelpParams(editor.document(), asked.position)
                )
            )
    assert editor.texts[URI] == text
    assert editor.diagnostics() == []
    assert "120" in editor.hints().values()


def test_a_whole_conversation(editor: Editor) -> None:
    """Each feature once over the wire: what the in-process tests check in depth arrives as it should."""
    capabilities = editor.started.capabilities
    assert capabilities.position_encoding == "utf-16"
    assert editor.started.server_info is not None
    assert editor.started.server_info.name == "specc"
    editor.open(NET)
    assert editor.diagnostics() == []
    assert editor.hints()[7] == "32×16×16"
    brief = editor.whole_hints()[7]
    assert (brief.tooltip, brief.text_edits) == (None, None)
    rest = editor.run(editor.client.inlay_hint_resolve_async(brief))
    assert isinstance(rest.tooltip, types.MarkupContent) and rest.tooltip.value.endswith("→ `32×16×16`")
    assert rest.text_edits is not None and rest.text_edits[0].new_text == " :: 32x16x16"
    assert "block cbr" in editor.hover("cbr width")
    assert "conv" in editor.offers("block cbr(c, k, stride=1, act=relu) {")
    editor.replace(NET.replace("linear 10", "linear 10 -> maxpool 2"))
    (error,) = editor.diagnostics()
    assert error.code == "E302"
    assert error.code_description is not None
    page = Path(error.code_description.href.removeprefix("file://"))
    assert page.read_text(encoding="utf-8").startswith("# E302: ")
    fix = editor.actions("maxpool 2")[0]
    assert analyse(Source("", editor.after(fix.edit))).ok
    editor.replace(NET)
    edit = editor.run(
        editor.client.text_document_rename_async(types.RenameParams(new_name="unit", **editor.place("cbr(")))
    )
    assert editor.after(edit) == NET.replace("cbr", "unit")
    with pytest.raises(JsonRpcException, match="a layer's name"):
        editor.run(
            editor.client.text_document_rename_async(types.RenameParams(new_name="relu", **editor.place("cbr(")))
        )
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)
    assert {"cbr", "stem"} <= {symbol.name for symbol in editor.symbols()}
    edits = editor.run(
        editor.client.text_document_formatting_async(types.DocumentFormattingParams(editor.document(), options))
    )
    assert edits is not None
    assert format_source(Source("", made(NET, list(edits)))).text == made(NET, list(edits))
    editor.close()
    assert editor.cleared()
    assert editor.hints() == {}


def test_only_the_latest_text_is_told(editor: Editor) -> None:
    """Many changes at once: the last version's findings come, and none of an older one after them."""
    editor.open("input 3x32x32\n")
    for number in range(60):
        editor.replace(f"input 3x32x32\nconv {number} k3\nmaxpool {'9' * (number % 3 + 2)}\n")
    editor.replace("input 3x32x32\nconv 8 k3\n")
    assert editor.diagnostics() == []
    editor.hints()
    assert editor.published[URI].version == editor.versions[URI]


def test_an_answer_that_comes_too_late_is_no_failure(editor: Editor) -> None:
    """A question about a text that has changed since is answered so that the editor asks again."""
    editor.open(NET)
    asked = types.HoverParams(editor.document(), types.Position(2, 0))
    late = [editor.client.text_document_hover_async(asked)]
    for _ in range(20):
        editor.type(0, "#")
        late.append(editor.client.text_document_hover_async(asked))
    answers = editor.run(together(late))
    assert {getattr(answer, "code", None) for answer in answers} <= {None, -32801}
    assert not isinstance(answers[-1], Exception)


async def together(questions: Sequence[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*questions, return_exceptions=True)


def test_other_documents_are_left_alone(editor: Editor) -> None:
    editor.open("print('conv')\n", "file:///tmp/a.py", "python")
    assert editor.hints("file:///tmp/a.py") == {}
    editor.open("conv 8 k3\n", "untitled:Untitled-1")
    assert [one.code for one in editor.diagnostics("untitled:Untitled-1")] == ["E214"]
    assert "file:///tmp/a.py" not in editor.published


def test_a_huge_text_does_not_stop_the_others(editor: Editor) -> None:
    editor.open("input 3x8x8\n" + "relu\n" * 900_000, "file:///tmp/huge.cnn")
    assert [one.code for one in editor.diagnostics("file:///tmp/huge.cnn")] == ["E401"]
    editor.open(NET)
    assert editor.diagnostics() == []


def test_a_feature_that_fails_does_not_end_the_server(tmp_path: Path) -> None:
    """The failure is told to the log, the editor gets no answer, and the next question has one."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("")
    (tmp_path / "broken" / "cli.py").write_text(
        "from specc.cli import main\n"
        "import specc.lsp.hover\n"
        "def fails(*_): raise RuntimeError('on purpose')\n"
        "specc.lsp.hover.hover = fails\n"
    )
    log = tmp_path / "log"
    with Editor(log, module="broken", folder=tmp_path) as editor:
        editor.open(NET)
        assert editor.hover("cbr") == ""
        assert editor.hints()[7] == "32×16×16"
    assert "RuntimeError: on purpose" in log.read_text()


def test_an_editor_that_counts_code_points(tmp_path: Path) -> None:
    general = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32])
    with Editor(tmp_path / "log", types.ClientCapabilities(general=general)) as editor:
        assert editor.started.capabilities.position_encoding == "utf-32"
        editor.open('input 8\ntrain { data_dir "🙂🙂" ; epoch 3 }\n')
        assert editor.diagnostics()[0].range.start == types.Position(1, 24)
        edit = editor.actions("epoch")[0].edit
        assert edit is not None
        assert edit.document_changes is None  # an editor without versions gets plain changes


# the command


def run(program: str, written: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, input=written, capture_output=True, text=True, timeout=60, check=False)


def test_without_pygls_the_command_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "sys.modules['pygls'] = None\n"
        "sys.modules['pygls.exceptions'] = None\n"
        "from specc.cli import main\n"
        "main(['lsp'])\n"
    )
    done = run(program)
    assert done.returncode == 2
    assert "pip install pygls" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_with_its_input_and_never_imports_torch() -> None:
    program = (
        "import os, sys\n"
        "os._exit, leave = lambda code: None, os._exit\n"
        "from specc.cli import main\n"
        "main(['lsp', '--stdio'], standalone_mode=False)\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'sklearn'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.__stderr__)\n"
    )
    done = run(program, "")
    assert (done.returncode, done.stderr.strip(), done.stdout) == (0, "[]", "")


def test_ctrl_c_ends_it_at_once() -> None:
    import signal
    import time

    with subprocess.Popen(
        [sys.executable, "-c", "from specc.cli import main; main(['lsp', '--verbose'])"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "Starting" not in process.stderr.readline():
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert "Traceback" not in process.stderr.read()
