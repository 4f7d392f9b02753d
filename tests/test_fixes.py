"""Suggestions: every one is tried, the first mends what people get wrong; `--fix` never makes a file worse."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from commands import specc
from counting import calls
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cases import CASES, Case, cases_in

from specc import SpecError, check
from specc import compile as compile_spec
from specc.diagnostics.proposal import (
    AlikeChannels,
    AlikeSizes,
    AsTorchCounts,
    Enlarge,
    GiveChannels,
    JoinBy,
    LeaveOut,
    Proposal,
    SetFields,
    ShortcutAuto,
)
from specc.fixes.apply import difference, fix
from specc.fixes.edit import Candidate, Edit, Kind, edited, moved, origin
from specc.fixes.search import MOST_SHOWN, Asked, SearchTime, Suggestion, advise, clear_choice, suggest
from specc.fixes.translate import translations
from specc.gallery import entries
from specc.ir.model import FORM_WORDS
from specc.ir.names.foreign import ARGUMENT_SPELLINGS, LAYER_SPELLINGS, own_argument_word, own_layer_word
from specc.layers.registry import LAYERS, field_keys
from specc.pipeline import Analysis, analyse
from specc.source import Source, Span
from specc.syntax.foreign import Foreign, ForeignCall, Written
from specc.syntax.parse import read_tokens

NOTEBOOK = sorted((Path(__file__).parent / "cases" / "notebook").glob("*.cnn"))
LONG = 60.0  # seconds: what is found does not depend on how busy the machine is


def analysed(text: str) -> Analysis:
    return analyse(Source("net.cnn", text))


def suggestions(text: str, number: int = 0) -> list[Suggestion]:
    """What is suggested for one of a spec's errors."""
    analysis = analysed(text)
    return suggest(analysis, analysis.diagnostics[number], Asked(), SearchTime(LONG))


def first(text: str) -> str:
    """How the best suggestion is told."""
    return suggestions(text)[0].text


def mended(text: str) -> str:
    """What `--fix` makes of a spec."""
    return fix(Source("net.cnn", text)).source.text


def texts(text: str) -> list[str]:
    """The specs that are suggested."""
    return [found.spec for found in suggestions(text)]


def test_edits_pass_over_comments() -> None:
    """A step that is left out takes no line with it, a shortcut stands behind the brace that ends the body."""
    pooled = "input 3x4x4\nmaxpool 2 -> maxpool 2  # twice\n  -> maxpool 2 -> flatten -> linear 3\n"
    assert pooled.replace("-> maxpool 2 -> flatten", " -> flatten") in texts(pooled)
    body = "input 3x8x8\nresidual {\n  conv 8 k3 p1  # }\n}\nrelu\n"
    assert body.replace("}\nrelu", "} shortcut auto\nrelu") in texts(body)
    branch = "input 3x8x8\nadd { relu  # { } |\n | }\n"
    assert branch.replace("| }", "| id }") in texts(branch)


# the mistakes of lecture notebooks


def solved(path: Path) -> bool:
    """Whether the first suggestion for the first error makes the whole file check."""
    found = suggestions(path.read_text(encoding="utf-8"))
    return bool(found) and analysed(found[0].spec).ok


def test_the_first_suggestion_solves_notebook_mistakes() -> None:
    assert len(NOTEBOOK) >= 20
    unsolved = [path.stem for path in NOTEBOOK if not solved(path)]
    assert len(unsolved) <= 3, unsolved


@pytest.mark.parametrize("path", NOTEBOOK, ids=lambda path: path.stem)
def test_a_notebook_mistake_is_told_with_its_fix(path: Path) -> None:
    """Beside the line stand the code, a piece of the message and, behind `=>`, of the help that is printed."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line, words in enumerate(text.split("\n"), start=1) if "#!" in words]
    wanted = re.findall(r"#! (E\d{3}) (.*?)(?: => (.*))?$", text, re.MULTILINE)
    found = advise(analysed(text), budget=SearchTime(LONG))
    assert [diagnostic.source and diagnostic.span and diagnostic.source.place(diagnostic.span.start).line
            for diagnostic in found] == lines  # fmt: skip
    for diagnostic, (code, message, help) in zip(found, wanted, strict=True):
        assert diagnostic.code == code
        assert message in diagnostic.message
        assert help in (diagnostic.help or "")


# every suggestion is true

WRONG = [
    "input 16x4x4\nmaxpool 5\n",
    "input 3x4x4\nconv 8 k5 -> relu\n",
    "input 3x8x8\nconv 8 k3 d4\n",
    "input 3x4x4\nmaxpool 2 -> maxpool 2\nmaxpool 2\nflatten -> linear 10\n",
    "input 8x1x1\nconvtranspose 4 k2 p1\n",
    "input 3x32x32\nconv 64 k3 -> conv 128 k3 :: 128x32x32\n",
    "input 64x32x32\nresidual { conv 128 k3 -> bn -> conv 128 k3 }\n",
    "input 64x8x8\nadd { conv 8 k1 | conv 16 k1 }\n",
    "input 64x8x8\ngate { gap -> conv 4 k1 -> relu -> conv 32 k1 -> sigmoid }\n",
    "input 1x30x30\nconcat { id | maxpool 2 -> concat { id | maxpool 2 -> upsample 2 } -> upsample 2 }\n",
    "input 48x16x16\nconv 96 k3 g5\n",
    "input 10x4x4\nchannelshuffle 3\n",
    "input 400\nunflatten 16x6x6\n",
    "input 64x8x8\nslice 32 65\n",
    "input 3x4x4\npad 4 reflect\n",
    "input 3x4x4\nconvtranspose 8 k3 s2 output_padding=2\n",
    "input 1x4x4\nconv 1 k2 nobias weight=[[1 0 0] [0 1 0]]\n",
    "input 64x8x8\ngap -> instancenorm\n",
    "input 3x32x32\nconv 64 kernel_size=3 strides=2 inplace=true\n",
    "input 3x32x32\nConv2d 3 64 3 -> MaxPool2d 2 -> Dense 10\n",
    "input 3x32x32\nconv 64\nmaxpool\n",
    "input 3x32x32\nblock a(c) { conv (c/2) k3 p1 }\na 5\n",
    "input 3×32×32\nconv 64 k3 p1 → relu\n",
    "input 3x32x32\nconv 8, k3\n",
    "conv 8 k3 -> relu\n",
    "input 3x32x32\nconcat { relu | }\n",
    "input 3x32x32\na: relu\na: tanh\n",
    "input 784\nlinear 10\ntrain { batch_size 3 ; optimizer admm }\n",
    "input 3x32x32\ncbr 8\nblock cbr(c) { conv c k3 -> relu }\n",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_suggestion_was_tried(text: str) -> None:
    """It mends its error, brings no other one, and counts what is left."""
    before = analysed(text)
    errors = len(before.diagnostics)
    assert errors
    for number in range(errors):
        found = suggestions(text, number)
        assert len(found) <= MOST_SHOWN
        for suggestion in found:
            after = analysed(suggestion.spec)
            assert len(after.diagnostics) == suggestion.remaining < errors
    assert any(suggestions(text, number) for number in range(errors))


@pytest.mark.parametrize("text", WRONG)
def test_a_fix_never_makes_a_spec_worse(text: str) -> None:
    fixed = fix(Source("net.cnn", text))
    before, after = len(analysed(text).diagnostics), len(analysed(fixed.source.text).diagnostics)
    assert after < before if fixed.changed else fixed.source.text == text


@pytest.mark.parametrize("number", range(3))
def test_suggestions_are_found_in_the_same_order(number: int) -> None:
    text = WRONG[number]
    assert suggestions(text) == suggestions(text)


def test_a_right_spec_is_left_alone() -> None:
    for spec in entries()[:5]:
        fixed = fix(spec.source)
        assert not fixed.changed
        assert fixed.source.text == spec.text


# what comes first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("input 16x4x4\nmaxpool 5\n", "`maxpool 4` gives 16×1×1"),
        ("input 3x32x32\nconv 8 k3 -> linear 10\n", "put `flatten` before it: a vector of 7200 features"),
        ("input 3x32x32\ngap -> linear 10\n", "put `flatten` before it: a vector of 3 features"),
        ("input 3x32x32\nconv 64 k3 s2 same\n", "`conv 64 k3 s2 p1` gives 64×16×16"),
        ("input 3x32x32\nconv 64 k3 :: 64x32x32\n", "`conv 64 k3 p1` gives 64×32×32"),
        ("input 3x32x32\ngap :: 3\n", "if that is what you mean, write `:: 3x1x1`"),
        ("input 64x32x32\nresidual { conv 128 k3 s2 p1 }\n",
         "`shortcut auto` brings what arrived to the shape of the body"),
        ("input 64x32x32\nresidual { conv 64 k3 }\n", "`conv 64 k3 p1` at line 2"),
        ("input 784\nconv 8 k3\n", "`input 1x28x28`: 784 pixels as an image"),
        ("input 28x28x1\nconv 8 k5\n", "`input 1x28x28`: channels come first"),
        ("input 8x1x3x32x32\nconv 8 k3\n", "`input 1x3x32x32`: the batch is left out"),
        ("input 1x28x28\nflatten -> conv 8 k3 -> linear 10\n",
         "move `flatten` from line 2 to before `linear 10` at line 2"),
        ("input 1x28x28\nflatten -> gap -> linear 10\n", "move `flatten` from line 2 to before `linear 10` at line 2"),
        ("param g = 5\ninput 48x16x16\nconv 96 k3 g=g\n", "`param g = 4` at line 1"),
        ("input 3x32x32\nconv 3 64 3\n", "`conv 64 3` gives 64×30×30"),
        ("input 784\nlinear 784 10\n", "`linear 10` gives 10"),
        ("input 3x32x32\nblock down(c) { conv c k3 p1 -> maxpool 2 }\ndown 64 x6\n", "`x5` instead of `x6` at line 3"),
        ("input 3x32x32\nconv 64 k3 activation=relu\n", "write the activation as a step: `-> relu`"),
        ("input 3x32x32\nconv 64 k3 in_channels=3\n",
         "leave out what arrives: it is inferred from the step before: `conv 64 k3`"),
        ("input 3x32x32\nconv width k3\nparam width = 64\n", "move `param width` above its use"),
    ],
)  # fmt: skip
def test_the_first_suggestion(text: str, told: str) -> None:
    assert first(text) == told


def test_a_parameter_of_the_block_goes_before_a_number() -> None:
    text = (
        "input 3x32x32\nblock res(c) { residual { conv 64 k3 p1 -> bn } -> relu }\n"
        "conv 64 k1 -> res 64\nconv 128 k1 -> res 128\n"
    )
    assert first(text) == "`conv c k3 p1` at line 2"


def test_padding_is_found_in_calls_and_in_blocks() -> None:
    cbr = "input 8x9x9\nblock cbr(c, k, p=0) { conv c k=k p=p -> relu }\n"
    assert first(f"{cbr}concat {{ cbr 8 k1 | cbr 8 k3 }}\n") == "`cbr 8 k3 p1` at line 3"
    spread = "input 8x9x9\nblock spread { dwconv k3 -> bn }\n"
    assert first(f"{spread}residual {{ spread }}\n") == "`dwconv k3 p1` at line 2"


PROPOSED: dict[str, tuple[Proposal, ...]] = {
    "input 8x8x8\nadd { gap | id }\n": (AlikeSizes(), AlikeChannels((8,)), JoinBy("mul")),
    "input 8x8x8\nconcat { conv 8 k3 | id }\n": (AlikeSizes(),),
    "input 8x8x8\nresidual { conv 16 k1 }\n": (ShortcutAuto(), AlikeSizes(), AlikeChannels((16, 8))),
    "input 7x8x8\nsplit { id | relu }\n": (GiveChannels(6), GiveChannels(8), GiveChannels(8, anyhow=True)),
    "input 3x4x4\nconv 3 k7\n": (
        AsTorchCounts(), LeaveOut(), SetFields({"padding": 2}), SetFields({"kernel": 4}),
        SetFields({"kernel": 3}), Enlarge(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", PROPOSED)
def test_a_rule_proposes_in_its_own_terms(text: str) -> None:
    (found,) = analysed(text).diagnostics
    assert found.proposals == PROPOSED[text]


@pytest.mark.parametrize(
    ("body", "call", "told"),
    [
        ("conv c k3 g=v", "b 8 3", "`b 8 4` at line 3"),
        ("conv c k=v", "b 8 9", "`b 8 8` at line 3"),
        ("slice 0 v -> conv c k1", "b 8 9", "`b 8 8` at line 3"),
        ("unflatten v -> conv c k1", "flatten -> b 8 8x4x4", "`b 8 8x8x8` at line 3"),
    ],
)
def test_what_a_call_gives_is_set_in_the_call(body: str, call: str, told: str) -> None:
    """Whatever the field: the rule proposes a value for it, and knows nothing of blocks."""
    assert told in texts_told(f"input 8x8x8\nblock b(c, v) {{ {body} }}\n{call}\n")


def texts_told(text: str) -> list[str]:
    return [found.candidate.text for found in suggestions(text)]


def test_two_edits_where_one_is_not_enough() -> None:
    told = first("input 3x32x32\nConv2d 3 32 3 padding=1 -> relu -> maxpool 2\nconv 32 64 3 -> relu\n")
    assert told == "it is called `conv` here: `conv 32 3 p1`\nthen write `conv 64 3` at line 3"


def test_a_step_is_not_respelled_to_be_left_out() -> None:
    assert suggestions("input 3x8x8\nflatten -> linear 10\nmaxpol 2\n") == []


def test_each_suggestion_is_a_help_of_its_own() -> None:
    found = advise(analysed("input 16x4x4\nmaxpool 5\n"))
    assert found[0].helps == ("`maxpool 4` gives 16×1×1", "`maxpool 2` gives 16×2×2", "leave out `maxpool 5`")


def test_where_nothing_helps_the_layer_speaks() -> None:
    analysis = analysed("input 64x8x8\nadd { gap -> flatten | id }\n")
    assert advise(analysis) == analysis.diagnostics


def test_the_options_of_the_command_line_count() -> None:
    analysis = analyse(Source("net.cnn", "input 1x32x32\nconv 8 k3 -> flatten -> linear 10\n"), (1, 2, 2))
    found = advise(analysis, Asked((1, 2, 2)))
    assert found[0].helps == ("`conv 8 k3 p1` gives 8×2×2", "`conv 8 k2` gives 8×1×1")


def test_nothing_is_searched_without_time() -> None:
    analysis = analysed("input 16x4x4\nmaxpool 5\n")
    assert advise(analysis, budget=SearchTime(0.0)) == analysis.diagnostics


def test_suggestions_reach_python() -> None:
    report = check("input 3x32x32\nlinear 10\n")
    assert "put `flatten` before it" in str(report)
    with pytest.raises(SpecError, match="put `flatten` before it"):
        compile_spec("input 3x32x32\nlinear 10\n")


@given(st.sampled_from(NOTEBOOK), st.integers(0, 10**6), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_no_damaged_text_is_made_worse(path: Path, place: int, length: int) -> None:
    text = path.read_text(encoding="utf-8")
    start = place % len(text)
    damaged = text[:start] + text[start + length :]
    fixed = fix(Source("net.cnn", damaged))
    errors = [len(analysed(spec).diagnostics) for spec in (damaged, fixed.source.text)]
    assert errors[1] < errors[0] if fixed.changed else fixed.source.text == damaged


# edits

EDITS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.text("ab", max_size=3)), max_size=4)


@given(EDITS, st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_places_move_with_the_text(raw: list[tuple[int, int, str]], offset: int) -> None:
    """What no edit touches is the same character, and its place leads back to where it was."""
    text = "".join(chr(0x4E00 + index) for index in range(40))
    edits, end = [], 0
    for start, length, new in sorted(raw):
        if start >= end:
            edits.append(Edit(Span(start, start + length), new))
            end = start + length + 1
    touched = any(edit.span.start <= offset < edit.span.end for edit in edits)
    if not touched and offset < len(text):
        assert edited(text, edits)[moved(offset, edits)] == text[offset]
        assert origin(moved(offset, edits), edits) == offset


# words of other frameworks


def test_every_spelling_means_a_word_of_the_language() -> None:
    for own, spellings in LAYER_SPELLINGS.items():
        assert own in LAYERS or own in FORM_WORDS
        for spelling in spellings.split():
            assert own_layer_word(spelling) == own
            assert own_layer_word(spelling.upper()) == own
    assert not set(LAYERS) & {word for words in LAYER_SPELLINGS.values() for word in words.split()}


def test_every_argument_spelling_means_a_field() -> None:
    keys = {key for layer in LAYERS.values() for key in field_keys(layer)}
    for own, spellings in ARGUMENT_SPELLINGS.items():
        assert own in keys
        assert {own_argument_word(spelling) for spelling in spellings.split()} == {own}


@pytest.mark.parametrize(
    ("word", "own"),
    [
        ("Conv2d", "conv"), ("Conv2D", "conv"), ("convolutional", "conv"), ("DepthwiseConv2D", "dwconv"),
        ("ConvTranspose2d", "convtranspose"), ("Conv2DTranspose", "convtranspose"), ("MaxPool2D", "maxpool"),
        ("MaxPooling2D", "maxpool"), ("AveragePooling2D", "avgpool"), ("AdaptiveAvgPool2d", "adaptiveavgpool"),
        ("GlobalAveragePooling2D", "gap"), ("Dense", "linear"), ("Linear", "linear"), ("fc", "linear"),
        ("connected", "linear"), ("BatchNormalization", "bn"), ("BatchNorm2d", "bn"), ("LayerNorm", "layernorm"),
        ("GroupNorm", "groupnorm"), ("InstanceNorm2d", "instancenorm"), ("LeakyReLU", "leakyrelu"), ("ReLU", "relu"),
        ("ReLU6", "relu6"), ("Softmax", "softmax"), ("LogSoftmax", "logsoftmax"), ("Dropout", "dropout"),
        ("SpatialDropout2D", "dropout2d"), ("Flatten", "flatten"), ("UpSampling2D", "upsample"),
        ("ZeroPadding2D", "pad"), ("PixelShuffle", "pixelshuffle"), ("Identity", "id"), ("Sigmoid", "sigmoid"),
        ("Unflatten", "unflatten"), ("Hardswish", "hardswish"),
    ],
)  # fmt: skip
def test_a_word_of_another_framework_is_recognised(word: str, own: str) -> None:
    arguments = {
        "conv": " 8 3", "dwconv": " 3", "convtranspose": " 8 3", "linear": " 8", "groupnorm": " 1", "pad": " 1",
        "adaptiveavgpool": " 2", "maxpool": " 2", "avgpool": " 2", "upsample": " 2", "pixelshuffle": " 2",
        "unflatten": " 4x4x4",
    }.get(own, "")  # fmt: skip
    before = "flatten -> " if own in ("linear", "unflatten") else ""
    found = suggestions(f"input 4x4x4\n{before}{word}{arguments}\n")
    assert found[0].kind is Kind.SPELLING
    assert f"`{own}" in found[0].text
    assert analysed(found[0].spec).ok


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Conv2D 32 kernel_size=3 padding=same activation=relu", "conv 32 k3 same -> relu"),
        ("Conv2D filters=32 kernel_size=3 strides=2 use_bias=False", "conv 32 k3 s2 nobias"),
        ("convolutional filters=16 size=3 stride=1 pad=1 activation=leaky", "conv 16 k3 s1 p1 -> leakyrelu"),
        ("Conv2d in_channels=3 out_channels=32 kernel_size=5", "conv 32 k5"),
        ("Dense units=10", "linear 10"),
        ("BatchNorm2d 3", "bn"),
        ("nn.Conv2d(3, 64, 3)", "conv 64 3"),
        ("nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1),", "conv 64 k3 s2 p1"),
        ("self.conv1 = nn.Conv2d(3, 6, 5)", "conv 6 5"),
        ("model.add(Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)))", "conv 32 3 -> relu"),
        ("nn.ReLU(inplace=True)", "relu"),
        ("layers.MaxPooling2D(pool_size=(2, 2))", "maxpool k2"),
        ("Activation('relu')", "relu"),
        ("nn.Softmax(dim=1)", "softmax"),
        ("nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)", "upsample 2 linear"),
        ("nn.Conv2d(3, 8, 3, bias=False, padding_mode='reflect')", "conv 8 3 nobias reflect"),
    ],
)
def test_a_whole_step_is_translated(line: str, step: str) -> None:
    text = f"input 3x32x32\n{'flatten -> ' if 'Dense' in line else ''}{line}\n"
    assert step in mended(text)
    assert analysed(mended(text)).ok


def test_a_pasted_model_is_translated_whole() -> None:
    text = (
        "input 3x32x32\nmodel = nn.Sequential(\n  nn.Conv2d(3, 64, kernel_size=3, padding=1),\n"
        "  nn.BatchNorm2d(64),\n  nn.ReLU(inplace=True),\n  nn.MaxPool2d(2),\n  nn.Flatten(),\n"
        "  nn.Linear(64 * 16 * 16, 10),\n)\n"
    )
    steps = ["input 3x32x32", "conv 64 k3 p1", "bn", "relu", "maxpool 2", "flatten", "linear 10"]
    assert mended(text).split("\n") == [steps[0], *(f"  {step}" for step in steps[1:]), ""]


@pytest.mark.parametrize(
    ("pasted", "steps"),
    [
        ("nn.Conv2d(\n    3,\n    64,\n    kernel_size=(3, 5),\n)\nnn.ReLU()", "conv 64 k3x5\nrelu"),
        ("x = Conv2D(8, 3, padding='same')(x)\nx = ReLU()(x)", "conv 8 3 same\nrelu"),
        ("net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten())", "conv 8 3 -> relu -> flatten"),
        ("model = Sequential([\n  Conv2D(8, 3),  # first\n  ReLU()])", "  conv 8 3  # first\n  relu"),
        ("nn.Conv2d(3, 8, 3),  # a ' and a (\nnn.ReLU()", "conv 8 3  # a ' and a (\nrelu"),
        ("Conv2D(8, 3, name='a (b, c')", "conv 8 3"),
        ("nn.Conv2d(3, 2 * 4, 3)", "conv (2 * 4) 3"),
        ("tf.keras.layers.Conv2D(filters=8, kernel_size=[3, 3])", "conv 8 k3"),
        ("conv 8 k3 -> act(relu)\nblock act(f) { f }", None),
    ],
)
def test_what_is_pasted_is_read_as_python(pasted: str, steps: str | None) -> None:
    """Over several lines, with its brackets and quotes; comments stay, and calls that mean no layer."""
    text = f"input 3x32x32\n{pasted}\n"
    after = fix(Source("net.cnn", text))
    assert after.source.text == (text if steps is None else f"input 3x32x32\n{steps}\n")
    assert after.analysis.ok == (steps is not None)


@pytest.mark.parametrize("piece", ["'", "f(", "a.", "(1,", "x = f(1)(", "Sequential(", "),", "nn.ReLU(),", "f('x', "])
def test_pasted_code_is_read_with_work_that_grows_with_its_length(piece: str) -> None:
    def work(many: int) -> int:
        return calls(lambda: list(Foreign(read_tokens(piece * many)).read()))

    assert work(2_000) < 5 * work(500)


def test_a_word_that_means_nothing_is_not_translated() -> None:
    assert translations(Written("zzzzzz", ("3",), ())) == []
    (call,) = Foreign(read_tokens("Conv2D(32, (3, 5))")).read()
    assert isinstance(call, ForeignCall) and call.written.positional == ("32", "3x5")


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("input 784\nrellu\n", "did you mean `relu`?"),
        ("input 784\nblock head { relu }\nhaed\n", "did you mean `head`?"),
        ("input 3x32x32\nconv 8 k3 strid=2\n", "did you mean `stride`: `conv 8 k3 s2`"),
        ("param classes = 3\ninput 784\nlinear class\n", "did you mean `classes`?"),
        ("input 3x32x32\nblock a(width) { conv widht k3 }\na 3\n", "did you mean `width`?"),
        ("input 784\ntrain { epoch 3 }\n", "did you mean `epochs`?"),
        ("input 784\ntrain { learning_rate 0.1 }\n", "did you mean `lr`?"),
        ("input 784\ntrain { optimizer adma }\n", "did you mean `adam`?"),
        ("input 784\nbudget parameters <= 1M\n", "did you mean `params`?"),
        ("input 784\nresdual { linear 784 }\n", "did you mean `residual`?"),
    ],
)
def test_did_you_mean(text: str, guess: str) -> None:
    assert first(text) == guess


# --fix


def suggestion(kind: Kind, *, here: bool = True, certain: bool = True, remaining: int = 0) -> Suggestion:
    return Suggestion(Candidate(kind, (), "", 0 if here else 1, certain), "", "", 1, remaining)


def test_what_is_applied_without_asking() -> None:
    padding, kernel = suggestion(Kind.PADDING), suggestion(Kind.WINDOW)
    elsewhere = suggestion(Kind.PADDING, here=False)
    assert clear_choice([]) is None
    assert clear_choice([padding, kernel]) == padding
    assert clear_choice([padding, elsewhere, kernel]) == padding
    assert clear_choice([kernel, kernel]) is None
    assert clear_choice([elsewhere, elsewhere]) is None
    assert clear_choice([suggestion(Kind.PADDING, certain=False)]) is None
    assert clear_choice([padding, suggestion(Kind.PADDING, remaining=1)]) == padding


@pytest.mark.parametrize(
    "text",
    [
        "input 16x4x4\nmaxpool 5\n",  # 4 and 2 would both do
        "input 3x32x32\nconv 64 -> relu\n",  # nobody said how large the kernel is
        "conv 8 k3\n",  # nor what arrives
        "input 3x32x32\nconv 64 k3 :: 64x32x32\n",  # the note or the network
        "param g = 5\ninput 48x16x16\nconv 96 k3 g=g\n",  # 4 or 6
    ],
)
def test_what_is_not_certain_stays(text: str) -> None:
    assert suggestions(text)
    assert mended(text) == text


def test_one_fix_after_another_until_the_file_checks() -> None:
    text = "input 1x28x28\nConv2d 6 kernel_size=5 -> tanh -> avgpol 2  # from torch\nDense 10\n"
    fixed = fix(Source("net.cnn", text))
    assert fixed.source.text == "input 1x28x28\nconv 6 k5 -> tanh -> avgpool 2  # from torch\nflatten -> linear 10\n"
    assert fixed.analysis.ok
    assert [line.partition(":")[0] for line in fixed.applied] == ["line 2", "line 2", "line 3"]


def test_the_difference_is_a_unified_diff() -> None:
    before, after = Source("net.cnn", "input 3\nrellu"), Source("net.cnn", "input 3\nrelu")
    lines = difference(before, after).splitlines()
    assert lines[:2] == ["--- net.cnn", "+++ net.cnn"]
    assert "-rellu" in lines
    assert "+relu" in lines
    assert difference(before, before) == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "typo.cnn").write_bytes(b"\xef\xbb\xbfinput 784\r\nrellu # fast\r\nlinear 10\r\n")
    (tmp_path / "flat.cnn").write_text("input 3x8x8\nlinear 10\n")
    (tmp_path / "pool.cnn").write_text("input 16x4x4\nmaxpool 5\n")
    return tmp_path


def test_fix_writes_what_is_certain(folder: Path) -> None:
    done = specc("check", "--fix", "typo.cnn", "flat.cnn", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "typo.cnn").read_bytes() == b"\xef\xbb\xbfinput 784\r\nrelu # fast\r\nlinear 10\r\n"
    assert (folder / "flat.cnn").read_text() == "input 3x8x8\nflatten -> linear 10\n"
    assert "+flatten -> linear 10" in done.stdout
    assert "flat.cnn: fixed line 2: put `flatten` before it" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["flat.cnn", "pool.cnn", "typo.cnn"]


def test_fix_leaves_what_is_not(folder: Path) -> None:
    before = (folder / "pool.cnn").stat().st_mtime_ns, (folder / "pool.cnn").stat().st_ino
    done = specc("check", "--fix", "pool.cnn", cwd=folder)
    assert done.returncode == 1
    assert "`maxpool 4` gives 16×1×1" in done.stdout
    assert ((folder / "pool.cnn").stat().st_mtime_ns, (folder / "pool.cnn").stat().st_ino) == before


def test_fix_keeps_the_mode_and_follows_a_link(folder: Path) -> None:
    (folder / "flat.cnn").chmod(0o640)
    (folder / "link.cnn").symlink_to("flat.cnn")
    assert specc("check", "--fix", "link.cnn", cwd=folder).returncode == 0
    assert (folder / "link.cnn").is_symlink()
    assert stat.S_IMODE((folder / "flat.cnn").stat().st_mode) == 0o640
    assert "flatten" in (folder / "flat.cnn").read_text()


def test_fix_of_standard_input_prints_the_text(folder: Path) -> None:
    done = specc("check", "--fix", "-", cwd=folder, stdin="input 3x8x8\nlinear 10\nrelu x=(1-2)\n")
    assert done.stdout == "input 3x8x8\nflatten -> linear 10\nrelu x=(1-2)\n"
    assert done.returncode == 1
    assert "fixed line 2" in done.stderr
    assert "error[E" in done.stderr


def test_fix_keeps_json_on_standard_output(folder: Path) -> None:
    done = specc("check", "--fix", "--format", "json", "flat.cnn", "pool.cnn", cwd=folder)
    found = json.loads(done.stdout)
    assert [(entry["file"], entry["help"].splitlines()[0]) for entry in found] == [
        ("pool.cnn", "`maxpool 4` gives 16×1×1")
    ]
    assert "+flatten -> linear 10" in done.stderr


def test_fix_refuses_the_gallery(folder: Path) -> None:
    done = specc("check", "--fix", "gallery:vgg16", "flat.cnn", cwd=folder)
    assert done.returncode == 2
    assert "comes with specc and is not changed" in done.stderr
    assert "specc new vgg16" in done.stderr
    assert "flatten" in (folder / "flat.cnn").read_text()


def test_a_right_spec_does_not_import_the_search(folder: Path) -> None:
    (folder / "right.cnn").write_text("input 784\nlinear 10\n")
    program = "import sys; from specc.cli import main\ntry: main(['check', 'right.cnn'])\nexcept SystemExit: pass\n"
    program += "print(sorted(name for name in sys.modules if name.startswith('specc.fixes')))"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Two edits


LINES = ("Conv2d(1, 16, 3)", "ReLU()", "MaxPool2d(2)", "Linear(2704, 128)", "ReLU()", "Linear(128, 10)")
TORCH = "input 1x28x28\n" + "".join(f"nn.{line}\n" for line in LINES)


def test_a_second_edit_that_all_need_is_told_once_where_it_is_made() -> None:
    assert [found.helps for found in advise(analysed(TORCH), budget=SearchTime(LONG))] == [
        ("write `conv 16 3`",),
        ("write `relu`",),
        ("write `maxpool 2`",),
        ("write `linear 128`", "then put `flatten` before `linear 128` at line 5"),
        ("write `relu`",),
        ("write `linear 10`",),
    ]


def test_pasted_lines_without_an_input_are_told_as_steps() -> None:
    found = advise(analysed(TORCH.partition("\n")[2]), budget=SearchTime(LONG))
    assert [diagnostic.helps[0] for diagnostic in found] == [
        "write `conv 16 3`", "write `relu`", "write `maxpool 2`", "write `linear 128`", "write `relu`",
        "write `linear 10`",
    ]  # fmt: skip


def test_two_edits_are_two_lines_without_reasons() -> None:
    text = "input 64x32x32\nresidual { conv 128 k3 s2 p1 -> bn -> relu }\nlinear 10\n"
    (found,) = advise(analysed(text), budget=SearchTime(LONG))
    assert found.helps == ("`shortcut auto`", "then put `flatten` before `linear 10` at line 3")


# The first help is what an experienced colleague would say


HELPS = [case for path in sorted((CASES / "helps").glob("*.cnn")) for case in cases_in(path)]


@pytest.mark.parametrize("case", HELPS, ids=lambda case: case.name)
def test_the_first_help_is_the_way_out(case: Case) -> None:
    """In `tests/cases/helps` what stands behind `=>` begins the first help of the error."""
    found = sorted(advise(analysed(case.text), budget=SearchTime(LONG)), key=case.line)
    expected = case.expected()
    assert expected
    assert [(case.line(d), d.code) for d in found] == [(line, code) for line, code, _, _ in expected]
    for diagnostic, (_, _, message, help) in zip(found, expected, strict=True):
        assert message in diagnostic.message
        assert diagnostic.helps[:1] and diagnostic.helps[0].startswith(help), diagnostic.helps
