"""Which field an argument fills: by its key, as an option, by its name, by its place. Rows of a step and its fields."""

from __future__ import annotations

import re
from typing import Any

import pytest

from specc.fixes.apply import fix
from specc.ir.model import BlockStep, LayerStep
from specc.layers.base import Layer
from specc.pipeline import analyse, lint
from specc.source import Source

DEFINITIONS = """\
input 8x64x64
param n = 3
param k = 5
param act = tanh
param shape = 3x5
block f2 { silu }
block a(c, k=3, stride=1, act=relu) { conv c k=k s=stride p1 -> act }
block g(c, relu=id) { conv c k1 -> relu }
block h(c, f=id) { conv c k1 -> f }
block flags(c, bn=true, wide=false, k=1) { conv c k=k bias=bn p=k ; id }
block own(c, mode=zeros, p=0) { conv c k3 p=p mode=mode }
block all(c, k, s=1, p=0, d=1, g=1) { conv c k=k s=s p=p d=d g=g }
"""


def bound(step: str) -> dict[str, Any] | str:
    """The fields of a step as text, in the order in which they were filled; its codes where it is wrong."""
    text = DEFINITIONS + step + "\n"
    analysis = analyse(Source("net.cnn", text))
    errors = [found for found in analysis.diagnostics if found.is_error]
    if errors:
        return " ".join(found.code for found in errors)
    last = analysis.resolved.chain.steps[-1]
    assert isinstance(last, LayerStep | BlockStep)
    fields = {}
    for argument in last.arguments:
        written = text[argument.span.start : argument.span.end]
        shorthand = re.fullmatch(r"[a-z]+?([0-9]+(x[0-9]+)*)", written)
        if argument.value is None:
            fields[argument.name] = str(argument.constant).lower()
        elif getattr(argument.value, "text", "") == written or not shorthand:
            fields[argument.name] = written.partition("=")[2] or written
        else:
            fields[argument.name] = shorthand[1]
    return fields


def fields(text: str) -> dict[str, str]:
    return dict(part.split(":") for part in text.split())


ROWS = [
    # by place, in the order of the layer or the block
    ("conv 64 3", "out:64 kernel:3"),
    ("conv 64 3 1 0 2", "out:64 kernel:3 stride:1 padding:0 dilation:2"),
    ("conv (8*2) min(3, 4) shape", "out:(8*2) kernel:min(3, 4) stride:shape"),
    ("a 8 5 2 silu", "c:8 k:5 stride:2 act:silu"),
    # what an earlier key, shorthand, option or flag has filled is passed over
    ("a 8 k3 s2 silu", "c:8 k:3 stride:2 act:silu"),
    ("a 8 s2 5 silu", "c:8 stride:2 k:5 act:silu"),
    ("a k3 8 stride=2 silu", "k:3 c:8 stride:2 act:silu"),
    ("conv k3 64 2", "kernel:3 out:64 stride:2"),
    ("conv 64 3 1 same 2", "out:64 kernel:3 stride:1 padding:same dilation:2"),
    ("conv 64 same 3 1 2", "out:64 padding:same kernel:3 stride:1 dilation:2"),
    ("conv same 64 3 reflect", "padding:same out:64 kernel:3 mode:reflect"),
    ("conv 64 reflect 3 valid 2 nobias 2", "out:64 mode:reflect kernel:3 padding:valid stride:2 bias:false dilation:2"),
    ("flags 8 nobn true 3", "c:8 bn:false wide:true k:3"),
    ("flags 8 wide 1", "E204"),
    ("all 8 3 p1 2 2", "c:8 k:3 p:1 s:2 d:2"),
    # true and false fill the next field
    ("flags 8 true false 3", "c:8 bn:true wide:false k:3"),
    ("flags 8 false", "c:8 bn:false"),
    # an option or a flag goes before a name in scope, a name in scope before a shorthand
    ("upsample 2 linear", "scale:2 mode:linear"),
    ("flags 8 bn", "c:8 bn:true"),
    ("flags 8 nobn", "c:8 bn:false"),
    ("g 8 relu6", "c:8 relu:relu6"),
    ("g 8 tanh", "c:8 relu:tanh"),
    ("h 8 f2", "c:8 f:f2"),
    ("h 8 act", "c:8 f:act"),
    ("own 8 reflect", "c:8 mode:reflect"),
    ("own 8 reflect p1", "c:8 mode:reflect p:1"),
    ("conv 8 k", "out:8 kernel:k"),
    ("conv n k3", "out:n kernel:3"),
    ("conv in k1", "out:in kernel:1"),
    # shorthand and long keys are one and the same
    ("all 8 kernel=3 stride=2", "c:8 k:3 s:2"),
    ("all 8 k3x5 s2 p0x1 d1 g2", "c:8 k:3x5 s:2 p:0x1 d:1 g:2"),
    # wrong: a field filled twice, arguments too many, keys alone, layers where none goes
    ("conv 64 3 k5", "E206"),
    ("conv 64 k3 k5", "E206"),
    ("conv 64 k3 kernel=5", "E206"),
    ("conv 64 3 1 2 same", "E206"),
    ("conv 64 k3 same valid", "E206"),
    ("flags 8 bn nobn", "E206"),
    ("flags 8 true bn", "E206"),
    ("a 8 3 1 silu 4", "E205"),
    ("a 8 3 k3", "E206"),
    ("conv 64 3 1 0 1 1 2", "E205"),
    ("conv 64 k3 s", "E202"),
    ("conv 64 k3 s 2", "E202"),
    ("conv 64 k3 relu", "E207"),
    ("conv 64 k3 f2", "E202"),
    ("conv 64 k3 nothing", "E207"),
    ("a 8 nothing", "E207"),
    ("a 8 z3", "E202"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), ROWS, ids=[step for step, _ in ROWS])
def test_arguments_fill_fields(step: str, expected: str) -> None:
    found = bound(step)
    if ":" in expected:
        expected = expected.replace("min(3, 4)", "min(3,4)")
        assert isinstance(found, dict), found
        assert {name: text.replace(" ", "") for name, text in found.items()} == fields(expected)
        assert list(found) == list(fields(expected))
    else:
        assert found == expected


def test_nothing_here_is_doubtful_but_the_key_alone() -> None:
    for step, expected in ROWS:
        if ":" in expected:
            analysis = analyse(Source("net.cnn", DEFINITIONS + step))
            doubtful = [warning.message for warning in lint(analysis) if warning.code == "W515"]
            assert doubtful == [], step


def test_every_way_to_write_a_step_is_the_same_step() -> None:
    ways = [
        "conv 16 3 1 same 2",
        "conv 16 k3 s1 same d2",
        "conv same 16 d2 k3",
        "conv out=16 kernel=3 padding=same d=2",
    ]
    layers: list[Layer] = []
    for way in ways:
        model = analyse(Source("net.cnn", f"input 8x32x32\n{way}\n")).model
        assert model is not None
        layers += model.layers()
    assert len(set(map(repr, layers))) == 1


# What was written stays


def mended(text: str) -> str:
    """The text with every fix applied that is certain."""
    return fix(Source("net.cnn", text)).source.text


# Steps in which an argument is too much, given twice or unknown: nobody can tell which one was meant.
TOO_MUCH = [
    "conv 8 3 1 k5", "conv 8 3 1 2 same", "conv 8 k3 k5", "conv 8 k3 same valid", "conv 8 3 1 0 1 1 2", "relu 3",
    "conv 4 8 k3", "bn 9", "layernorm 2", "groupnorm 2 4", "maxpool 2 2 0 1 5", "cbr 8 3 relu 4 5", "cbr 8 3 k5",
    "conv 8 k3 in_channels=5", "bn num_features=3", "bn track_running_stats=false", "upsample 2 align_corners=true",
    "conv 8 k3 dtype=half", "softmax dim=2", "conv 8 k3 name=stem", "avgpool 2 2 0 true 1",
]  # fmt: skip


@pytest.mark.parametrize("step", TOO_MUCH)
def test_no_certain_fix_drops_an_argument(step: str) -> None:
    text = f"input 16x32x32\nblock cbr(c, k, act=relu) {{ conv c k=k -> act }}\n{step}\n"
    assert not analyse(Source("net.cnn", text)).ok
    assert mended(text) == text


@pytest.mark.parametrize(
    ("step", "fixed"),
    [("bn 16", "bn"), ("conv 16 8 k3", "conv 8 k3"), ("conv 8 k3 in_channels=16", "conv 8 k3"),
     ("relu inplace=true", "relu")],
)  # fmt: skip
def test_what_is_inferred_or_has_no_effect_may_go(step: str, fixed: str) -> None:
    assert mended(f"input 16x32x32\n{step}\n") == f"input 16x32x32\n{fixed}\n"


def test_strides_are_not_dropped() -> None:
    text = "input 3x8x8\nresidual { conv 3 k3 s2 p1 } shortcut same\nadd { conv 4 k1 | conv 4 k3 s2 p1 }\n"
    assert "s2" in mended(text)
