"""Every rule of the language, one row each: a spec and the shape that leaves it, or the codes that it gets.

The sections are those of the reference in `docs/language.md`. A row that expects a shape is a spec without errors.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from introduction import INTRODUCTION

from specc.cli.main import main
from specc.ir.shaped import ShapedModel
from specc.layers.registry import LAYERS
from specc.pipeline import Analysis, analyse
from specc.source import Source

Expected = tuple[int, ...] | str


def analysed(spec: str, **more: Any) -> Analysis:
    return analyse(Source("net.cnn", spec), **more)


def model(spec: str, **more: Any) -> ShapedModel:
    analysis = analysed(spec, **more)
    assert analysis.model is not None, [d.message for d in analysis.diagnostics]
    return analysis.model


def names(spec: str) -> list[str]:
    """The modules' names in `named_modules()`, layers and branch forms only."""
    return [row.name for row in model("input 8x8x8\n" + spec).rows()]


def outcome(spec: str, **more: Any) -> Expected:
    """What a spec gives: the shape that leaves it, else its codes."""
    analysis = analysed(spec, **more)
    return analysis.model.output if analysis.model else " ".join(d.code for d in analysis.diagnostics if d.is_error)


def table(*rows: tuple[str, Expected]) -> pytest.MarkDecorator:
    """A test for each row; its id is the spec on one line."""
    return pytest.mark.parametrize(("spec", "expected"), rows, ids=[" ; ".join(row[0].split("\n")) for row in rows])


def image(spec: str) -> Expected:
    """The outcome for an image of 8 channels, 8×8 pixels."""
    return outcome("input 8x8x8\n" + spec)


def test_the_complete_example() -> None:
    found = analysed(INTRODUCTION)
    assert found.model is not None
    assert (found.model.output, found.model.params) == ((10,), 11_173_962)
    assert (found.recipe.epochs, found.recipe.batch, found.recipe.lr, found.recipe.momentum) == (30, 128, 0.1, 0.9)


# Lexical rules


@table(
    # a comment runs to the end of its line, whatever it holds
    ("conv 4 k3 # -> conv 2 k9 } × \"", (4, 6, 6)),
    ("# conv 4 k3", (8, 8, 8)),
    ("conv 4 k3 ->  # here\n\n  # and here\n relu", (4, 6, 6)),
    # blank lines mean nothing
    ("\n\nconv 4 k3\n\n\nconv 2 k3\n\n", (2, 4, 4)),
    # `->` and a new line mean the same, and so does `;`
    ("conv 4 k3 -> conv 2 k3", (2, 4, 4)),
    ("conv 4 k3\nconv 2 k3", (2, 4, 4)),
    ("conv 4 k3 ; conv 2 k3", (2, 4, 4)),
    ("conv 4 k3;;conv 2 k3;", (2, 4, 4)),
    # a new line is white space beside `->` and `|`, after `{`, before `}`, inside ( ) and [ ]
    ("conv 4 k3 ->\nconv 2 k3\n->\nrelu", (2, 4, 4)),
    ("concat { relu\n|\ntanh }", (16, 8, 8)),
    ("concat {\nrelu | tanh\n}", (16, 8, 8)),
    ("conv (4\n*\n2) k3", (8, 6, 6)),
    ("conv max(\n4,\n2) k3", (4, 6, 6)),
    ("conv 4 k=[3\n3]", (4, 6, 6)),
    ("conv 4\nk3", "E203 E201"),
    # after `}` a new line ends the step, unless `shortcut`, `->`, `|` or `}` follows
    ("residual { relu }\ntanh", (8, 8, 8)),
    ("residual { conv 4 k3 }\nshortcut auto", "E307"),
    ("residual { conv 4 k3 p1 }\n\nshortcut auto", (4, 8, 8)),
    ("{ relu }\n-> conv 4 k3", (4, 6, 6)),
    ("concat { { relu }\n| tanh }", (16, 8, 8)),
    ("{ { relu }\n}", (8, 8, 8)),
    ("{ relu }\nx2", "E201"),
    # `{` stands on the line of its word; at the start of a line it opens a group
    ("residual\n{ relu }", "E216"),
    ("block b\n{ relu }", "E101"),
    ("relu\n{ conv 4 k3 }", (4, 6, 6)),
    # words
    ("_a1: relu -> B_2: tanh", (8, 8, 8)),
    ("1a: relu", "E103"),
    ("Relu", "E201"),
    ("RELU", "E201"),
    # a spelling from torch is an error
    *((spelling, "E201") for spelling in ("Conv2d 4 k3", "MaxPool2d 2", "BatchNorm2d", "fc 3", "dense 3")),
)  # fmt: skip
def test_lexical_rules(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


@pytest.mark.parametrize(
    ("spelling", "word"),
    [("Conv2d", "conv"), ("MaxPool2d", "maxpool"), ("BatchNorm2d", "bn"), ("fc", "linear"), ("dense", "linear")],
)
def test_a_spelling_from_torch_is_answered_with_the_word_to_use(spelling: str, word: str) -> None:
    (found,) = analysed(f"input 784\n{spelling}").diagnostics
    assert f"`{word}`" in (found.help or "")


@table(
    ("input 3", (3,)),
    ("input 12K", (12_000,)),
    ("input 1.5K", (1500,)),
    ("input 3e2", (300,)),
    ("input 2M", (2_000_000,)),
    ("input 1G", (1_000_000_000,)),
    ("input 8 ; scale 0.5 ; scale 1e-3 ; scale -2 ; scale -0.5", (8,)),
    ("input 3x32x32", (3, 32, 32)),
    ("input 8 ; dropout .5", "E103"),
    ("input 8 ; linear 12k", "E103"),
    ("input 8 ; linear 12T", "E103"),
    # lists, commas optional
    ("input 8x8x8 ; conv 4 k=[3 5]", (4, 6, 4)),
    ("input 8x8x8 ; conv 4 k=[3, 5]", (4, 6, 4)),
    ("input 8x8x8 ; conv 4 k=[3, 5,]", (4, 6, 4)),
    # strings for recipe values only
    ('input 8 ; train { data "../my pictures" }', (8,)),
    ('input 8 ; linear "3"', "E204"),
    ('input "8"', "E204"),
    ('param a = "relu" ; input 8 ; a', "E204"),
    ('input 3x8x8 ; conv 4 k3 p="same"', "E204"),
)
def test_numbers_sizes_lists_and_strings(spec: str, expected: Expected) -> None:
    assert outcome(spec) == expected


RESERVED = ["input", "param", "block", "train", "budget", "shortcut", "auto", "same", "in", "x"]
DEFINITIONS = [
    "param {} = 3",
    "block {} {{ relu }}",
    "block {}(a) {{ relu }}",
    "block a({}) {{ relu }}",
    "{}: relu",
]


@pytest.mark.parametrize("word", RESERVED)
@pytest.mark.parametrize("use", DEFINITIONS)
def test_reserved_words_name_nothing(word: str, use: str) -> None:
    assert "E101" in str(outcome("input 8x8x8\n" + use.format(word)))


@pytest.mark.parametrize("word", [*LAYERS, "concat", "add", "mul", "residual", "gate", "split"])
def test_a_block_may_not_be_named_like_a_layer(word: str) -> None:
    assert image(f"block {word} {{ relu }}") == "E211"


# Statements


@table(
    ("input 784 ; linear 10", (10,)),
    ("input 1x16000 ; conv 4 k3", (4, 15998)),
    ("input 3x32x32 ; conv 4 k3", (4, 30, 30)),
    ("input 1x16x64x64 ; conv 4 k3", (4, 14, 62, 62)),
    ("input 1x2x2x2x2", "E210"),
    # exactly one, before the first step or after it
    ("conv 4 k3 ; input 3x32x32", (4, 30, 30)),
    ("conv 4 k3", "E214"),
    ("input 8 ; input 8", "E208"),
    # a named value, used anywhere below
    ("param width = 64 ; input 3x32x32 ; conv width k3", (64, 30, 30)),
    ("input 3x32x32 ; param width = 64 ; conv width k3", (64, 30, 30)),
    ("input 3x32x32 ; conv width k3 ; param width = 64", "E207"),
    ("param side = 32 ; param width = side ; input side ; linear (width*2)", (64,)),
    ("param size = 3x32x32 ; input size", (3, 32, 32)),
    ("param w = 3+4*2 ; input w", (11,)),
    ("param act = silu ; input 8 ; act", (8,)),
    # a reusable chain with parameters, used like any layer
    ("input 8x8x8 ; block name(a, b=1) { conv a k3 s=b } ; name 64 b=2", (64, 3, 3)),
    ("input 8x8x8 ; block name(a, b=1) { conv a k3 s=b } ; name 64", (64, 6, 6)),
    ("input 8x8x8 ; block name(a, b=1) { conv a k3 s=b } ; name", "E203"),
    ("input 8x8x8 ; block name { relu } ; name", (8, 8, 8)),
    ("input 8x8x8 ; block name() { relu } ; name x2", (8, 8, 8)),
    # it may use blocks defined before it, never itself
    ("input 8x8x8 ; block a(c) { conv c k3 } ; block b(c) { a c ; a c } ; b 4", (4, 4, 4)),
    ("input 8x8x8 ; block b(c) { a c } ; block a(c) { conv c k3 } ; b 4", "E201"),
    ("input 8x8x8 ; block a(c) { a c }", "E211"),
    # a chain is part of the network, in the order written
    ("input 8x8x8 ; conv 4 k3 ; block a { relu } ; conv 2 k3", (2, 4, 4)),
)
def test_statements(spec: str, expected: Expected) -> None:
    assert outcome(spec) == expected


def test_input_is_overridden_or_supplied() -> None:
    assert outcome("input 3x32x32 ; conv 4 k3", input_shape=(1, 28, 28)) == (4, 26, 26)
    assert outcome("conv 4 k3", input_shape=(1, 28, 28)) == (4, 26, 26)


def test_set_overrides_a_param_and_what_depends_on_it() -> None:
    spec = "param width = 64 ; param twice = width*2 ; input 8 ; linear twice"
    assert outcome(spec, settings={"width": "32"}) == (64,)
    assert outcome("param act = relu ; input 8 ; act", settings={"act": "silu"}) == (8,)


@table(
    ("budget params <= 90", (10,)),
    ("budget params <= 89", "E404"),
    ("budget macs <= 80", (10,)),
    ("budget macs <= 79", "E404"),
    # bytes: 4 × (2 × 90 parameters + 8 + 10 values)
    ("budget memory <= 792", (10,)),
    ("budget memory <= 791", "E404"),
    ("budget params <= 1K ; budget macs <= 1 ; budget memory <= 1", "E404 E404"),
    ("param limit = 90 ; budget params <= limit", (10,)),
    ("budget params <= 100-10", (10,)),
    ("budget time <= 3", "E217"),
)
def test_budgets(spec: str, expected: Expected) -> None:
    assert outcome(f"input 8 ; linear 10 ; {spec}") == expected


@table(
    ("train { epochs 3 ; batch 4 }", (8,)),
    ("train {\n  epochs 3\n  batch 4\n}", (8,)),
    ("train { }", (8,)),
    ("train { weight_decay 0.1 ; data_dir \"~/data\" ; data fashion-mnist ; resize 32x32 }", (8,)),
    ("train { optimizer sgd lr=0.1 momentum=0.9 nesterov }", (8,)),
    ("param n = 3 ; train { epochs n }", (8,)),
    ("train { weight-decay 0.1 }", "E101"),
    ("train { foo 3 }", "E220"),
    ("train { epochs 0 }", "E221"),
    ("train { epochs 3 ; epochs 3 }", "E222"),
)  # fmt: skip
def test_recipes(spec: str, expected: Expected) -> None:
    assert outcome(f"input 8 ; {spec}") == expected


def test_settings_are_named_as_the_options_of_train() -> None:
    help = CliRunner().invoke(main, ["train", "--help"], env={"COLUMNS": "200"}).output
    from specc.cli.recipe_options import FLAGS
    from specc.recipe.recipe import Recipe

    assert [name for name in Recipe.model_fields if f"--{FLAGS.get(name, name).replace('_', '-')}" not in help] == []
    assert FLAGS == {"from_weights": "from"}  # what no argument of Python's can be called


# Steps


@table(
    # positional arguments fill the fields in the order of the table
    ("conv 4 3 2 1", (4, 4, 4)),
    ("conv 4 3 1 0 2", (4, 4, 4)),
    ("conv 4 3 1 1 1 4", (4, 8, 8)),
    ("dwconv 3 1 1 1 2", (16, 8, 8)),
    ("convtranspose 4 2 2 0 1", (4, 17, 17)),
    ("maxpool 3 2 1", (8, 4, 4)),
    ("maxpool 3 1 0 2", (8, 4, 4)),
    ("maxpool 3 2 0 1 true", (8, 4, 4)),
    ("avgpool 3 2 1 true", (8, 5, 5)),
    ("adaptiveavgpool 2", (8, 2, 2)),
    ("flatten -> linear 10", (10,)),
    ("dropout 0.5", (8, 8, 8)),
    ("slice 2 5", (3, 8, 8)),
    ("pad 1 reflect", (8, 10, 10)),
    ("upsample 2 linear", (8, 16, 16)),
    # a number, a size, a name, a list, an option word, an expression in parentheses
    ("conv 4 3x5", (4, 6, 4)),
    ("param c = 4 ; conv c 3", (4, 6, 6)),
    ("conv 4 [3 5]", (4, 6, 4)),
    ("conv 4 k3 p1 reflect", (4, 8, 8)),
    ("maxpool 3 s2 ceil=true", (8, 4, 4)),
    ("param c = 2 ; conv (c*4) k1", (8, 8, 8)),
    # operators
    ("conv (1+2*3) k1", (7, 8, 8)),
    ("conv ((1+2)*3) k1", (9, 8, 8)),
    ("conv (9-2-3) k1", (4, 8, 8)),
    ("conv (8/2) k1", (4, 8, 8)),
    ("conv (9//2) k1", (4, 8, 8)),
    ("conv (11%4) k1", (3, 8, 8)),
    ("conv (-(-4)) k1", (4, 8, 8)),
    ("conv (4.0) k1", (4, 8, 8)),
    # calls without a space
    ("conv min(3, 4) k1", (3, 8, 8)),
    ("conv max(3, 4, 5) k1", (5, 8, 8)),
    ("conv divisible(35.2, 8) k1", (32, 8, 8)),
    ("conv divisible(11, 8) k1", (16, 8, 8)),
    ("conv divisible(1, 8) k1", (8, 8, 8)),
    ("conv (min(3, 4) + 1) k1", (4, 8, 8)),
    ("conv min (3, 4) k1", "E101"),
    ("conv c*4 k1", "E101"),
    # on sizes and lists, element by element
    ("conv 4 k=(1x2 + 2x3)", (4, 6, 4)),
    ("conv 4 k=(3x5 // 2)", (4, 8, 7)),
    ("conv 4 k=([1 2] + 2)", (4, 6, 5)),
    ("conv 4 k=max(1x5, 3)", (4, 6, 4)),
    ("conv 4 k=(1x2 + 1x1x1)", "E210"),
    # an integral result counts as a whole number
    ("conv (64*0.25) k1", (16, 8, 8)),
    ("conv (64*0.35) k1", "E204"),
    ("conv 1e1 k1", (10, 8, 8)),
    ("conv (1//0) k1", "E210"),
    ("conv nothing k1", "E207"),
)  # fmt: skip
def test_positional_arguments_and_expressions(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


@table(
    # `in` is what arrives at the step
    ("conv (in*2) k3", (16, 6, 6)),
    ("conv (in//2) k1 -> conv (in//2) k1", (2, 8, 8)),
    ("flatten -> linear (in//2)", (256,)),
    ("conv in k3", (8, 6, 6)),
    ("conv 4 k1 g=in", "E303"),
    # each repeat and each branch has its own
    ("conv (in*2) k1 x3", (64, 8, 8)),
    ("relu -> concat { conv (in*2) k1 | conv 4 k1 -> conv (in+1) k1 }", (21, 8, 8)),
    ("split { conv (in*2) k1 | id }", (12, 8, 8)),
    # a block's default is evaluated where the block is called
    ("block se(r, c=in) { conv r k1 -> conv c k1 } ; se 2", (8, 8, 8)),
    ("block se(r, c=in) { conv r k1 -> conv c k1 } ; conv 5 k1 ; se 2", (5, 8, 8)),
    ("block se(r, c=in//r) { conv c k1 } ; se 4", (2, 8, 8)),
    ("block b(c) { conv c k1 -> conv in k1 } ; b 3", (3, 8, 8)),
    ("param a = in", "E210"),
    ("param a = (in*2)", "E210"),
)
def test_in_is_the_number_of_channels_that_arrive(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


@table(
    ("conv 4 k3", (4, 6, 6)),
    ("conv 4 k3x5", (4, 6, 4)),
    ("conv 4 k3 s2", (4, 3, 3)),
    ("conv 4 k3 p1", (4, 8, 8)),
    ("conv 4 k1 p0x2", (4, 8, 12)),
    ("conv 4 k3 d2", (4, 4, 4)),
    ("conv 4 k1 g4", (4, 8, 8)),
    ("conv 32 k1 g32", "E303"),
    # long and short keys are one and the same
    ("conv 4 k=3", (4, 6, 6)),
    ("conv 4 kernel=3", (4, 6, 6)),
    ("conv 4 kernel3", (4, 6, 6)),
    ("conv out=4 k=3 s=2 p=1 d=1 g=1", (4, 4, 4)),
    ("conv 4 k3 kernel=3", "E206"),
    ("conv 4 k = 3", (4, 6, 6)),
    # a block's parameters take it too
    ("block cbr(c, k, p=0) { conv c k=k p=p } ; cbr 12 k1x7 p0x3", (12, 8, 8)),
    ("block cbr(c, k, p=0) { conv c k=k p=p } ; cbr c12 k3", (12, 6, 6)),
    ("block cbr(width, depth=1) { conv width k1 } ; cbr w12", (12, 8, 8)),
    # `stride` takes s2 where no other parameter starts with s
    ("block b(c, stride=1) { conv c k3 s=stride } ; b 4 s2", (4, 3, 3)),
    ("block b(c, stride=1, side=3) { conv c k=side s=stride } ; b 4 s2", "E202"),
    ("block b(c, stride=1, s=3) { conv c k=s s=stride } ; b 4 s2", (4, 7, 7)),
    # a word that names a parameter in scope is that parameter before it is a shorthand
    ("param k3 = 5 ; conv k3 k1", (5, 8, 8)),
    ("param s2 = 3 ; conv 4 s2", (4, 6, 6)),
    # flags
    ("conv 4 k3 s2 ceil", "E207"),
    ("maxpool 3 s2 ceil", (8, 4, 4)),
    ("maxpool 3 s2 noceil", (8, 3, 3)),
    ("conv 4 k3 same", (4, 8, 8)),
    ("conv 4 k3 valid", (4, 6, 6)),
    ("avgpool 3 p1 nocount_include_pad", (8, 3, 3)),
    ("bn noaffine", (8, 8, 8)),
    ("instancenorm affine", (8, 8, 8)),
    ("block b(c, wide=false) { conv c k1 bias=wide } ; b 4 wide ; b 4 nowide", (4, 8, 8)),
)
def test_shorthand_and_flags(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


def params(spec: str) -> int:
    return model("input 8x8x8\n" + spec).params


def test_the_long_form_of_a_flag() -> None:
    assert params("conv 4 k1 nobias") == params("conv 4 k1 bias=false") == 32
    assert params("conv 4 k1 bias") == params("conv 4 k1 bias=true") == params("conv 4 k1") == 36


@table(
    ("conv 4 k3 x2", (4, 4, 4)),
    ("conv 4 k3 x=2", (4, 4, 4)),
    ("param n = 2 ; conv 4 k3 x=n", (4, 4, 4)),
    ("conv 4 k3 x=(1+1)", (4, 4, 4)),
    ("block a(n) { conv 4 k3 x=n } ; a 2", (4, 4, 4)),
    ("conv 4 k3 x0", (8, 8, 8)),
    ("conv 4 k3 x1", (4, 6, 6)),
    ("conv 4 x2 k3", "E215"),
    # the shape must still fit each time
    ("conv 4 k3 x4", "E301"),
    ("conv 4 k1 g8 x2", "E303"),
    # labels
    ("stem: conv 4 k3", (4, 6, 6)),
    # checked shapes
    ("conv 4 k3 :: 4x6x6", (4, 6, 6)),
    ("conv 4 k3 :: _x6x_", (4, 6, 6)),
    ("conv 4 k3 :: _x_x_", (4, 6, 6)),
    ("conv 4 k3 :: 4x6", "E306"),
    ("conv 4 k3 :: 4x8x8", "E306"),
    ("flatten :: 512", (512,)),
    ("flatten :: _", (512,)),
    ("flatten :: wide", "E104"),
    ("concat { relu | relu } :: 16x8x8", (16, 8, 8)),
    # groups
    ("{ conv 4 k3 -> relu } x2", (4, 4, 4)),
    ("g: { conv 4 k3 } frozen x2", (4, 4, 4)),
    ("{ conv 4 k3\nrelu } :: 4x6x6", (4, 6, 6)),
    # layers and blocks as parameters
    ("block cbr(c, act=relu) { conv c k3 p1 -> bn -> act } ; cbr 64 act=silu", (64, 8, 8)),
    ("block cbr(c, act=relu) { conv c k3 p1 -> bn -> act } ; cbr 64", (64, 8, 8)),
    ("block cbr(c, act) { conv c k3 p1 -> act } ; cbr 64 silu", (64, 8, 8)),
    ("block f(c) { conv c k3 } ; block two(g, c) { g c ; g c } ; two g=f c=4", (4, 4, 4)),
    ("block f(c) { conv c k3 } ; block two(g, c) { g c ; g c } ; two f 4", (4, 4, 4)),
    ("block f(c) { conv c k3 } ; block two(c, g=f) { g c x2 } ; two 4", (4, 4, 4)),
    ("block p(pool) { pool 2 } ; p maxpool ; p pool=avgpool", (8, 2, 2)),
    ("block cbr(c, act) { conv c k3 p1 -> act } ; cbr 64 5", "E201"),
)
def test_repeats_labels_checked_shapes_and_groups(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


def test_each_repeat_has_its_own_weights() -> None:
    assert params("conv 8 k3 p1 x3") == 3 * params("conv 8 k3 p1")
    assert params("{ conv 8 k3 p1 -> bn } x3") == 3 * params("conv 8 k3 p1 -> bn")


# Layers


@pytest.mark.parametrize("keyword", LAYERS)
def test_a_layer_shows_a_spec_that_checks(keyword: str) -> None:
    assert isinstance(outcome(LAYERS[keyword].example), tuple)


def test_the_layers_of_the_language() -> None:
    families = """
        convolution conv dwconv convtranspose
        pooling maxpool avgpool adaptiveavgpool adaptivemaxpool gap gmp
        linear linear
        normalisation bn groupnorm instancenorm layernorm lrn grn
        activation relu relu6 leakyrelu prelu elu celu selu gelu silu mish hardswish hardsigmoid hardtanh sigmoid tanh
            softplus softsign softmax logsoftmax
        regularisation dropout dropout2d droppath
        shape flatten unflatten pad upsample pixelshuffle pixelunshuffle channelshuffle slice channelpad
        channels channelmean channelmax
        scale layerscale layershift scale shift
        identity id
    """
    for line in families.replace("\n            ", " ").strip().splitlines():
        family, *words = line.split()
        assert {word for word, cls in LAYERS.items() if cls.family == family} == set(words)


@table(
    # what has no default in torch is required
    ("conv 64", "E203"),
    ("convtranspose 64", "E203"),
    ("dwconv", "E203"),
    ("maxpool", "E203"),
    ("avgpool", "E203"),
    ("linear", "E203"),
    ("groupnorm", "E203"),
    ("adaptiveavgpool", "E203"),
    ("lrn", "E203"),
    ("droppath", "E203"),
    ("pad", "E203"),
    ("upsample", "E203"),
    ("unflatten", "E203"),
    ("slice 3", "E203"),
    ("scale", "E203"),
    ("shift", "E203"),
    ("channelpad", "E203"),
    ("pixelunshuffle", "E203"),
    # a pool's stride is its kernel
    ("maxpool 3", (8, 2, 2)),
    ("avgpool 2x4", (8, 4, 2)),
    # global pools: 1 in every spatial dimension
    ("gap", (8, 1, 1)),
    ("gmp", (8, 1, 1)),
    # a vector only
    ("linear 10", "E302"),
    # the rest of the table
    ("dwconv k3", (8, 6, 6)),
    ("dwconv k3 mult=2", (16, 6, 6)),
    ("convtranspose 4 k2 s2", (4, 16, 16)),
    ("convtranspose 4 k3 s2 p1 output_padding=1", (4, 16, 16)),
    ("adaptivemaxpool 2x3", (8, 2, 3)),
    ("maxpool 2 d3", (8, 3, 3)),
    ("pad 2", (8, 12, 12)),
    ("pad 2 0", (8, 10, 10)),
    ("pad 2 0 reflect", (8, 10, 10)),
    ("pad 1x2 0x1", (8, 9, 11)),
    ("pad 1 value=0.5", (8, 10, 10)),
    ("pad 1x2", (8, 10, 12)),
    ("upsample 2", (8, 16, 16)),
    ("upsample 1.5", (8, 12, 12)),
    ("upsample size=20", (8, 20, 20)),
    ("upsample size=20x12 linear", (8, 20, 12)),
    ("upsample 2 linear corners", (8, 16, 16)),
    ("upsample 2 corners", "E204"),
    ("upsample 2 size=4", "E206"),
    ("upsample 2x3 mode=linear", (8, 16, 24)),
    ("pixelshuffle 2", (2, 16, 16)),
    ("pixelunshuffle 2", (32, 4, 4)),
    ("pixelunshuffle 3", "E304"),
    ("channelshuffle 4", (8, 8, 8)),
    ("channelmean", (1, 8, 8)),
    ("channelmax", (1, 8, 8)),
    ("channelpad 3", (14, 8, 8)),
    ("channelpad 3 0", (11, 8, 8)),
    ("channelpad 0", (8, 8, 8)),
    ("grn", (8, 8, 8)),
    ("layershift", (8, 8, 8)),
    ("shift -0.5", (8, 8, 8)),
    ("slice 3 in", (5, 8, 8)),
    ("layernorm nobias", (8, 8, 8)),
    ("slice 0 3", (3, 8, 8)),
    ("slice 0 9", "E304"),
    ("flatten -> unflatten 2x16x16", (2, 16, 16)),
    ("flatten -> unflatten 2x16x17", "E304"),
    ("id", (8, 8, 8)),
    ("layerscale", (8, 8, 8)),
    ("scale 0.1", (8, 8, 8)),
    ("dropout", (8, 8, 8)),
    ("dropout2d", (8, 8, 8)),
    ("droppath 0.1", (8, 8, 8)),
    ("lrn 5", (8, 8, 8)),
    ("bn eps=1e-3 momentum=0.01 affine=false", (8, 8, 8)),
    ("groupnorm 4 eps=1e-3", (8, 8, 8)),
    # padding of a convolution
    ("conv 4 k3 p=same", (4, 8, 8)),
    ("conv 4 k4 same", (4, 8, 8)),
    ("conv 4 k3 d2 same", (4, 8, 8)),
    ("conv 4 k3 p=valid", (4, 6, 6)),
    ("conv 4 k3 s2 same", "E305"),
    *((f"conv 4 k3 p1 mode={mode}", (4, 8, 8)) for mode in ("zeros", "reflect", "replicate", "circular")),
    ("conv 4 k3 p1 mode=mirror", "E204"),
    # what torch refuses is refused here
    ("maxpool 3 p2", "E305"),
    ("pad 8 reflect", "E305"),
    ("pad 9 circular", "E305"),
    ("pad 9 replicate", (8, 26, 26)),
    ("gap -> instancenorm", "E309"),
)
def test_layers_on_images(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


REFUSED = """
    conv 4 k3 ; dwconv k3 ; convtranspose 4 k2 ; maxpool 2 ; avgpool 2 ; adaptiveavgpool 2 ; adaptivemaxpool 2
    gap ; gmp ; instancenorm ; lrn 5 ; grn ; channelshuffle 4
"""
TAKEN = """
    bn ; groupnorm 4 ; layernorm ; dropout ; relu ; relu6 ; leakyrelu ; prelu ; elu ; celu ; selu ; gelu ; silu ; mish
    hardswish ; hardsigmoid ; hardtanh ; sigmoid ; tanh ; softplus ; softsign ; softmax ; logsoftmax ; flatten
    layernorm nobias ; scale 2 ; shift 2 ; layerscale ; layershift ; channelpad 0
"""


def steps(text: str) -> list[str]:
    return [step.strip() for line in text.strip().splitlines() for step in line.split(";")]


@pytest.mark.parametrize("layer", steps(REFUSED))
def test_a_vector_is_refused_by(layer: str) -> None:
    assert outcome(f"input 8 ; {layer}") == "E302"


@pytest.mark.parametrize("layer", steps(TAKEN))
def test_a_vector_is_taken_by(layer: str) -> None:
    assert outcome(f"input 8 ; {layer}") == (8,)


@table(
    ("input 4x9 ; conv 2 k3", (2, 7)),
    ("input 4x9x9x9 ; conv 2 k3", (2, 7, 7, 7)),
    ("input 4x9 ; convtranspose 2 k2 s2", (2, 18)),
    ("input 4x9x9x9 ; convtranspose 2 k2 s2", (2, 18, 18, 18)),
    ("input 4x9 ; maxpool 3 ; avgpool 3", (4, 1)),
    ("input 4x9x9x9 ; maxpool 3 ; avgpool 3", (4, 1, 1, 1)),
    ("input 4x9 ; gap", (4, 1)),
    ("input 4x9x9x9 ; gmp", (4, 1, 1, 1)),
    ("input 4x9 ; bn ; instancenorm ; layernorm ; dropout2d ; lrn 3 ; pad 1 ; upsample 2 linear", (4, 22)),
    ("input 4x9x9x9 ; bn ; instancenorm ; layernorm ; dropout2d ; lrn 3", (4, 9, 9, 9)),
    ("input 4x9x9x9 ; pad 1 ; upsample 2 linear ; flatten", (4 * 22**3,)),
    ("input 4x9 ; pixelshuffle 2", "E302"),
    ("input 4x9 ; conv 2 k3x3", "E302"),
    ("input 1x9 ; conv 2 k=[3]", (2, 7)),
)
def test_the_rank_is_that_of_the_shape_that_arrives(spec: str, expected: Expected) -> None:
    assert outcome(spec) == expected


def test_the_error_of_linear_on_an_image_offers_flatten() -> None:
    (found,) = analysed("input 8x8x8 ; linear 10").diagnostics
    assert "`flatten`" in (found.help or "")


@table(
    *(
        (f"conv 8 k3 init={init}", (8, 6, 6))
        for init in (
            "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal", "trunc_normal",
            "normal", "zeros", "ones", "constant(0.5)", "dirac", "partial_dirac", "whiten",
            "whiten(0.1)", "normal(0,0.01)", "normal(0, 0.01)", "constant(-1)",
        )
    ),
    ("conv 8 k3 init=constant", "E204"),
    ("conv 8 k3 init=whiten(0)", "E204"),
    ("conv 8 k3 init=whiten(1, 2)", "E204"),
    ("conv 8 k3 init=partial_dirac(1)", "E204"),
    ("conv 145 k3 init=whiten", "E308"),
    ("conv 8 k3 init=gaussian", "E204"),
    ("relu init=ones", "E202"),
    ("conv 8 k3 frozen", (8, 6, 6)),
    ("conv 8 k3 frozen=weight", (8, 6, 6)),
    ("relu frozen", "E207"),
    # literal values, checked like any other shape
    ("slice 0 1 -> conv 1 k2 nobias weight=[[0.25 0.25] [0.25 0.25]]", (1, 7, 7)),
    ("slice 0 1 -> conv 1 k2 nobias weight=[[[[0.25 0.25] [0.25 0.25]]]]", (1, 7, 7)),
    ("slice 0 1 -> conv 1 k2 nobias weight=[[1 2 3] [4 5 6]]", "E308"),
    ("slice 0 1 -> conv 2 k2 nobias weight=[[1 2] [3 4]]", "E308"),
    ("conv 1 k2 weight=[[1 2] [3 4]]", "E308"),
    ("conv 3 k1 bias=[0 0 -0.05]", (3, 8, 8)),
    ("conv 3 k1 bias=[0 0]", "E308"),
    ("gap -> flatten -> linear 1 weight=[1 2 3 4 5 6 7 8]", (1,)),
    ("bn gamma=0", (8, 8, 8)),
    ("bn gamma=0 beta=1", (8, 8, 8)),
    ("bn gamma=[1 2]", "E308"),
    ("conv 4 k1 gamma=0", "E202"),
)  # fmt: skip
def test_weights(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


# Branches


@table(
    # concat: joined along channels; all other dimensions agree
    ("concat { conv 4 k1 | conv 3 k1 | id }", (15, 8, 8)),
    ("concat { conv 4 k1 | conv 3 k3 }", "E307"),
    ("concat { conv 4 k1 }", (4, 8, 8)),
    # add and mul: shapes agree; mul broadcasts dimensions of 1, in any branch
    ("add { conv 4 k1 | conv 4 k1 }", (4, 8, 8)),
    ("add { conv 4 k1 | conv 1 k1 }", "E307"),
    ("mul { conv 4 k1 | conv 4 k1 }", (4, 8, 8)),
    ("mul { conv 4 k1 | conv 1 k1 }", (4, 8, 8)),
    ("mul { gap | id | conv 1 k1 }", (8, 8, 8)),
    ("mul { conv 4 k1 | conv 2 k1 }", "E307"),
    ("mul { id | gap -> flatten }", "E307"),
    # residual
    ("residual { conv 8 k3 p1 }", (8, 8, 8)),
    ("residual { conv 4 k3 p1 }", "E307"),
    ("residual { conv 4 k3 p1 } shortcut { conv 4 k1 }", (4, 8, 8)),
    ("residual { conv 4 k3 s2 p1 } shortcut { conv 4 k1 }", "E307"),
    ("residual { conv 4 k3 s2 p1 } shortcut auto", (4, 4, 4)),
    ("residual { conv 8 k3 p1 } shortcut auto", (8, 8, 8)),
    ("residual { conv 4 k3 } shortcut auto", "E307"),
    ("residual { upsample 2 } shortcut auto", "E307"),
    ("flatten -> residual { linear 10 } shortcut auto", (10,)),
    ("residual { conv 4 k3 s2 p1 } shortcut same", (4, 4, 4)),
    ("residual { conv 8 k3 p1 } shortcut same", (8, 8, 8)),
    ("add { relu | id } shortcut auto", "E216"),
    # gate and split
    ("gate { gap -> conv 2 k1 -> relu -> conv in k1 }", "E307"),
    ("gate { gap -> conv 2 k1 -> relu -> conv 8 k1 -> sigmoid }", (8, 8, 8)),
    ("gate { conv 1 k1 -> sigmoid }", (8, 8, 8)),
    ("split { conv 3 k1 | id }", (7, 8, 8)),
    ("split { id | id | id }", "E303"),
    ("split { conv 4 k3 | id }", "E307"),
    # a branch is a chain and may be id; an empty branch is an error
    ("add { relu -> tanh\nsigmoid | id }", (8, 8, 8)),
    ("add { relu | }", "E216"),
    ("residual { }", "E216"),
    # branches nest
    ("concat { id | maxpool 2 -> concat { id | maxpool 2 -> upsample 2 } -> upsample 2 }", (24, 8, 8)),
    ("residual { residual { conv 8 k1 } shortcut same } shortcut { gate { gap } }", (8, 8, 8)),
    ("a: concat { id | id } frozen x2 :: 32x8x8", (32, 8, 8)),
)
def test_branches(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


def test_an_empty_branch_is_offered_id() -> None:
    (found,) = analysed("input 8 ; add { relu | }").diagnostics
    assert "`id`" in (found.help or "")


def test_the_projection_of_shortcut_auto() -> None:
    """`conv C k1 s=S nobias -> bn`, S the smallest that fits; for vectors `linear C nobias -> bn`."""
    rows = list(model("input 8x9x9 ; residual { conv 4 k3 s2 p1 } shortcut auto").rows())
    assert [(row.name, row.output, row.params) for row in rows[1:]] == [
        ("residual1.shortcut.conv1", (4, 5, 5), 32),
        ("residual1.shortcut.bn1", (4, 5, 5), 8),
        ("residual1", (4, 5, 5), 0),
    ]
    rows = list(model("input 8 ; residual { linear 4 } shortcut auto").rows())
    assert [(row.name, row.params) for row in rows[1:3]] == [
        ("residual1.shortcut.linear1", 32),
        ("residual1.shortcut.bn1", 8),
    ]


@pytest.mark.parametrize("size", range(1, 40))
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_shortcut_auto_fits_every_padded_stride(size: int, stride: int) -> None:
    assert isinstance(outcome(f"input 8x{size}x{size} ; residual {{ conv 4 k3 s{stride} p1 }} shortcut auto"), tuple)


# What compiling gives: names


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("conv 4 k1 -> relu -> conv 4 k1", "conv1 relu1 conv2"),
        # labelled ones are counted too
        ("stem: conv 4 k1 -> conv 4 k1", "stem conv2"),
        ("a: relu -> relu -> b: relu -> relu", "a relu2 b relu4"),
        # blocks, groups and branch forms are containers; each counts anew
        ("block b { relu ; relu } ; relu ; b", "relu1 b1.relu1 b1.relu2"),
        ("{ relu } ; { relu } ; g: { relu } ; { relu }", "group1.relu1 group2.relu1 g.relu1 group4.relu1"),
        ("concat { relu | relu -> tanh }", "concat1.branch1.relu1 concat1.branch2.relu1 concat1.branch2.tanh1 concat1"),
        ("split { id | relu }", "split1.branch1.id1 split1.branch2.relu1 split1"),
        ("residual { relu } shortcut { tanh }", "residual1.body.relu1 residual1.shortcut.tanh1 residual1"),
        ("residual { relu }", "residual1.body.relu1 residual1"),
        ("gate { gap }", "gate1.branch1.gap1 gate1"),
        ("block basic(c) { residual { conv c k1 } } ; basic 8", "basic1.residual1.body.conv1 basic1.residual1"),
        # repeats count on; a repeated label gets its number
        ("relu x2 ; relu", "relu1 relu2 relu3"),
        ("block b { relu } ; b x2", "b1.relu1 b2.relu1"),
        ("stage: { relu } x2", "stage1.relu1 stage2.relu1"),
        ("stage: relu x1", "stage1"),
        ("relu x0 ; relu", "relu1"),
        # a step that is a parameter is called by the parameter's word
        ("block c(act=relu) { act } ; c ; c act=tanh", "c1.act1 c2.act1"),
    ],
)
def test_names(spec: str, expected: str) -> None:
    assert names(spec) == expected.split()


@table(
    ("a: relu ; a: relu", "E209"),
    ("conv2: conv 8 k1 ; conv 8 k1", "E209"),
    ("relu1: tanh ; relu", "E209"),
    ("type: relu", "E209"),
    ("append: relu", "E209"),
    ("a: relu ; concat { a: relu | a: tanh }", (16, 8, 8)),
)
def test_names_that_are_taken(spec: str, expected: Expected) -> None:
    assert image(spec) == expected


# Commands


def run(*arguments: str, text: str | None = None) -> Any:
    return CliRunner().invoke(main, list(arguments), input=text)


@pytest.fixture
def spec_file(tmp_path: Path) -> Any:
    def write(text: str, name: str = "net.cnn") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_exit_status(spec_file: Any, tmp_path: Path) -> None:
    good, bad = spec_file("input 8 ; relu"), spec_file("input 8 ; rellu", "bad.cnn")
    for command in ("check", "summary"):
        assert run(command, good).exit_code == 0
        assert run(command, bad).exit_code == 1
        assert run(command, str(tmp_path / "none.cnn")).exit_code == 2
        assert run(command, str(tmp_path)).exit_code == 2
        assert run(command, good, "--set", "width=3").exit_code == 2
        assert run(command, good, "--input", "3by3").exit_code == 2
        assert run(command, good, "--nonsense").exit_code == 2
        assert run(command, "-", text="input 8 ; relu").exit_code == 0
        assert run(command, "-", text="input 8 ; rellu").exit_code == 1
    assert run("check", good, bad).exit_code == 1
    assert run("check", bad, str(tmp_path / "none.cnn")).exit_code == 2
    assert "rellu" in run("summary", bad).output


def test_input_and_set_on_the_command_line(spec_file: Any) -> None:
    spec = spec_file("param width = 4 ; conv width k3 :: 4x_x_")
    assert run("check", spec).exit_code == 1
    assert run("check", spec, "--input", "1x28x28").exit_code == 0
    assert run("check", spec, "--input", "1x28x28", "--set", "width=8").exit_code == 1
    found = json.loads(run("summary", spec, "--input", "1x28x28", "--format", "json").stdout)
    assert (found["input"], found["output"]) == ([1, 28, 28], [4, 26, 26])


@pytest.mark.parametrize("form", ["full", "concise", "json", "github", "sarif"])
def test_formats_of_check(form: str, spec_file: Any) -> None:
    assert run("check", "--format", form, spec_file("input 8 ; rellu")).exit_code == 1


def test_json_of_check(spec_file: Any) -> None:
    bad, good = spec_file("# ×\ninput 8x8x8\n  × -> maxpool 9\nconv 4"), spec_file("input 8", "good.cnn")
    assert json.loads(run("check", "--format", "json", good).stdout) == []
    first, second = json.loads(run("check", "--format", "json", good, bad).stdout)
    keys = ["file", "code", "severity", "message", "line", "column", "end_line", "end_column", "help", "notes"]
    assert list(first) == keys
    assert {key: first[key] for key in ("file", "code", "severity", "line", "column", "end_line", "end_column")} == {
        "file": bad, "code": "E103", "severity": "error", "line": 3, "column": 3, "end_line": 3, "end_column": 4,
    }  # fmt: skip
    assert (second["code"], second["line"], second["column"], second["end_column"]) == ("E203", 4, 1, 7)
    assert all(isinstance(found["notes"], list) for found in (first, second))


def test_json_of_what_concerns_the_whole_file(spec_file: Any) -> None:
    (found,) = json.loads(run("check", "--format", "json", spec_file("\n\nrelu")).stdout)
    assert [found[key] for key in ("code", "line", "column", "end_line", "end_column")] == ["E214", 1, 1, 1, 1]


def test_json_has_null_where_there_is_no_help(spec_file: Any) -> None:
    (found,) = json.loads(run("check", "--format", "json", spec_file("input 8x8x8 ; add { relu | conv 4 k1 }")).stdout)
    assert found["code"] == "E307"
    assert found["help"] is None or isinstance(found["help"], str)


def summary(spec: str, spec_file: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("summary", "--format", "json", spec_file(spec)).stdout)
    return found


def test_json_of_summary(spec_file: Any) -> None:
    found = summary(INTRODUCTION, spec_file)
    assert list(found) == ["input", "output", "params", "macs", "layers"]
    assert (found["input"], found["output"], found["params"]) == ([3, 32, 32], [10], 11_173_962)
    for total in ("params", "macs"):
        assert sum(row[total] for row in found["layers"]) == found[total]
    assert list(found["layers"][0]) == ["name", "kind", "line", "input", "output", "params", "macs"]
    rows = {row["name"]: row for row in found["layers"]}
    # line: that of the step, inside its block
    assert rows["conv1"]["line"] == 13
    assert rows["basic3.residual1.body.conv1"]["line"] == 7
    # shortcut auto has rows, an implicit identity has none; forms have a row after their branches
    assert "basic3.residual1.shortcut.conv1" in rows
    assert "basic1.residual1.shortcut" not in rows
    assert "basic1" not in rows
    order = [row["name"] for row in found["layers"]]
    assert order.index("basic1.residual1") == order.index("basic1.residual1.body.bn2") + 1
    assert (rows["basic1.residual1"]["kind"], rows["basic1.residual1"]["params"]) == ("residual", 0)


def test_kind_is_the_word_as_written(spec_file: Any) -> None:
    spec = "input 8 ; block b(act) { act } ; b relu ; b act=tanh ; linear 3"
    assert [row["kind"] for row in summary(spec, spec_file)["layers"]] == ["act", "act", "linear"]


@pytest.mark.parametrize(
    ("spec", "params", "macs"),
    [
        ("conv 4 k3", 8 * 4 * 9 + 4, 4 * 36 * 8 * 9),
        ("conv 4 k3 g4 nobias", 2 * 4 * 9, 4 * 36 * 2 * 9),
        ("conv 4 k3 frozen", 8 * 4 * 9 + 4, 4 * 36 * 8 * 9),
        ("dwconv k3 mult=2", 16 * 9 + 16, 16 * 36 * 9),
        ("convtranspose 4 k2 s2", 8 * 4 * 4 + 4, 8 * 64 * 4 * 4),
        ("convtranspose 4 k2 s2 g2 nobias", 8 * 2 * 4, 8 * 64 * 2 * 4),
        ("flatten -> linear 10", 512 * 10 + 10, 5120),
        ("bn", 16, 0),
        ("bn noaffine", 0, 0),
        ("instancenorm", 0, 0),
        ("groupnorm 4", 16, 0),
        ("layernorm", 16, 0),
        ("layernorm nobias", 8, 0),
        ("layernorm bias=false", 8, 0),
        ("flatten -> layernorm nobias", 512, 0),
        ("layernorm noaffine nobias", 0, 0),
        ("layernorm bias=[0 0 0 0 0 0 0 1]", 16, 0),
        ("prelu", 1, 0),
        ("prelu in", 8, 0),
        ("layerscale", 8, 0),
        ("scale 2 -> gap -> relu -> dropout", 0, 0),
    ],
)
def test_parameters_and_macs(spec: str, params: int, macs: int) -> None:
    found = model("input 8x8x8\n" + spec)
    assert (found.params, found.macs) == (params, macs)


# From Python


def test_check_from_python(spec_file: Any) -> None:
    import specc

    report = specc.check(spec_file("input 8 ; relu"))
    assert (report.ok, report.diagnostics, report.output) == (True, (), (8,))
    assert [row.name for row in report.layers] == ["relu1"]
    assert not specc.check("input 8\nrellu").ok
    assert specc.check("param w = 3\nlinear w", input=(8,), w=5).output == (5,)
    with pytest.raises(ValueError, match="no param"):
        specc.check("input 8\n", width=3)
    with pytest.raises(OSError, match="nothing"):
        specc.check("nothing.cnn")


def test_places_of_what_python_is_told() -> None:
    import specc

    found = specc.check("input 8\n  conv 3").diagnostics[0]
    assert (found.line, found.column, found.end_line, found.end_column) == (2, 3, 2, 9)
    whole = specc.check("relu\n").diagnostics[0]
    assert (whole.line, whole.column, whole.end_line, whole.end_column) == (1, 1, 1, 1)
    assert specc.check("\ufeffinput 8\nrelu").ok


def test_advice_where_same_padding_meets_a_mode() -> None:
    """There is no stride to leave out: the margin itself is at fault."""
    import specc

    found = specc.check("input 4x7\nconv 8 k9 same d3 mode=reflect").diagnostics[0]
    assert "`conv 8 k9 same d3 mode=zeros` gives 8×7" in (found.help or "")


def test_memory_in_bytes() -> None:
    """4 × (2 × parameters + elements of the input and of every step's output)."""
    found = analysed("input 8x8x8 ; conv 4 k3 -> relu ; residual { id } ; budget memory <= 1").diagnostics[0]
    elements = prod((8, 8, 8)) + 4 * prod((4, 6, 6))
    assert f"{4 * (2 * 292 + elements):,} memory bytes" in found.message
