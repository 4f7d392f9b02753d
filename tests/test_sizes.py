"""`specc check --sizes` says what trying every size one by one would find."""

from __future__ import annotations

import random
from itertools import product

import pytest
from click.testing import CliRunner, Result
from generate.plan import Spec
from generate.specs import specs
from hypothesis import HealthCheck, given, settings

from specc.cli import main
from specc.gallery import GalleryEntry, entries
from specc.ir.analysis.axis import loses_pixels
from specc.ir.analysis.sizes import Sizes, sizes_of
from specc.ir.analysis.unchecked import unchecked
from specc.ir.model import Model
from specc.ir.shaped import ShapedModel
from specc.ir.shapes.infer import infer
from specc.layers.windows import Window, window_count
from specc.pipeline import analyse
from specc.source import Source


def shaped(model: Model, sides: tuple[int, ...]) -> ShapedModel | None:
    """A network for pictures of these sides, without the shapes and the budgets that its spec asserts."""
    assert model.input is not None
    return infer(unchecked(model)._replace(input=(model.input[0], *sides)))[0]


def asked(text: str, most: int) -> tuple[Model, Sizes]:
    analysis = analyse(Source("net.cnn", text))
    found = sizes_of(analysis.resolved, analysis.model, most)
    assert found is not None
    return analysis.resolved, found


def require_agreement(model: Model, found: Sizes, sides: list[int]) -> None:
    for side in sides:
        tried = shaped(model, (side,) * found.rank)
        assert (tried is not None) == (side in found.squares.sizes), f"{side} in every direction"
        if tried is not None:
            assert (not loses_pixels(tried.chain)) == (side in found.squares.whole), f"pixels lost of {side}"


# What has an `in` and a `flatten` may count the pixels of both dimensions at once.
ENTANGLED = {"more/cbam_resnet50", "more/eegnet"}
LONG = {"more/wavenet"}  # thousands of samples in hundreds of layers: half a minute for all sizes up to its own


@pytest.mark.parametrize("spec", entries(), ids=lambda spec: spec.name)
def test_the_gallery_takes_what_it_says(spec: GalleryEntry) -> None:
    """The smallest sizes and a sample; `benchmarks/sizes.py` tries all from 1 to 256."""
    analysis = analyse(spec.source)
    assert analysis.model is not None
    most = 512 if spec.name in LONG else max(256, *analysis.model.input)
    found = sizes_of(analysis.resolved, analysis.model, most)
    if found is None:
        assert len(spec.input.split("x")) == 1
        return
    dice = random.Random(spec.name)
    smallest = found.squares.sizes[0]
    require_agreement(analysis.resolved, found, sorted({1, smallest, *dice.sample(range(1, 257), 4)}))
    assert (found.dimensions is None) == (spec.name in ENTANGLED)
    if found.dimensions is None:
        return
    for size, taken in zip(analysis.model.input[1:], found.dimensions, strict=True):
        assert size in taken.sizes or size > most


HAND_MADE = [
    "input 3x32x32\nc: conv 4 k3 s2 p1\nmaxpool 2 -> conv 4 k3 p1 -> add { upsample like=c linear | from c }",
    "input 3x20x20\na: maxpool 3 s2\nconcat { from a -> { conv 4 k2 -> upsample like=a } | conv 4 k1 } -> conv 2 k5",
    "input 3x20x20\na: adaptiveavgpool 4\nconcat { id | gap -> upsample like=a } -> conv 2 k2",
    "input 3x32x32\nmaxpool 2 -> conv 8 k3 -> maxpool 3 s2 p1",
    "input 3x32x32\nconv 8 k7 p2 s3 d2 -> avgpool 3 s2 ceil",
    "input 3x32x20\nconv 8 k3x7 -> maxpool 1x3",
    "input 3x9x9\nconcat { maxpool 2 | conv 4 k2 s2 } -> concat { id | maxpool 2 -> upsample 2 }",
    "input 8x9x9\nresidual { conv 16 k3 s2 p1 } shortcut auto -> residual { conv 16 k5 s3 p1 } shortcut auto",
    "input 8x9x9\nresidual { conv 8 k3 s2 p1 } shortcut same",
    "input 8x9x9\nresidual { conv 8 k2 }  shortcut { conv 8 k2 s1 } -> residual { maxpool 3 s1 p1 }",
    "input 3x8x8\nconv 4 k3 mode=reflect p2 -> pad 3 reflect",
    "input 8x9x9\nmul { gap | maxpool 2 -> upsample 2 } -> gate { maxpool 2 -> gap -> conv 8 k1 }",
    "input 8x9x9\nconcat { adaptiveavgpool 4 | avgpool 2 }",
    "input 3x16x16\nconv 4 k3 -> flatten -> dropout -> bn -> linear 10 -> relu -> unflatten 10x1x1 -> upsample 3",
    "input 3x16x16\nconv 4 k3 -> concat { flatten | gap -> flatten } -> linear 10",
    "input 3x16x16\nadaptiveavgpool 3 -> maxpool 2 -> flatten -> linear (in)",
    "input 1x16\nconv 4 k3 s2 -> maxpool 2",
    "input 1x6x6x6\nconv 4 k3 -> maxpool 2",
    "input 3x16x16\nconvtranspose 4 k3 s2 p1 output_padding=1 -> conv 2 k4",
    "input 4x16x16\npixelshuffle 2 -> conv 2 k1 s2",
    "input 3x12x12\nsplit { conv 2 k3 | conv 2 k3 | conv 2 k3 } -> maxpool 2 :: 6x5x5\nbudget macs <= 1",
    "input 3x2x2\nconv 4 k5 -> maxpool 2",  # its own input does not fit
    # What has to be tried, since dimensions depend on each other or channels on the size.
    "input 3x4x4\nflatten -> unflatten 12x2x2",
    "input 3x4x4\nflatten -> linear (in // 4) -> linear 10",
    "input 3x4x4\nmaxpool 2 -> instancenorm",
    "input 1x4x4\nflatten -> groupnorm 4",
    "input 1x4x4\nadd { flatten | maxpool 2 -> upsample 2 -> flatten }",
    "input 1x4x4\nflatten -> prelu 16",
    "input 1x2x2\nflatten -> linear 1 weight=[[1 2 3 4]]",
    "input 1x4x4\nflatten -> slice 0 9",
]


@pytest.mark.parametrize("text", HAND_MADE)
def test_hand_made_networks_take_what_they_say(text: str) -> None:
    model, found = asked(text, 40)
    require_agreement(model, found, list(range(1, 41)))


@pytest.mark.parametrize("text", HAND_MADE)
def test_independent_dimensions_are_independent(text: str) -> None:
    model, found = asked(text, 12)
    if found.dimensions is None or found.rank != 2:
        return
    height, width = found.dimensions
    for sides in product(range(1, 13), repeat=2):
        assert (shaped(model, sides) is not None) == (sides[0] in height.sizes and sides[1] in width.sizes), sides


@settings(
    max_examples=80, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(specs(intent="right"))
def test_generated_networks_take_what_they_say(spec: Spec) -> None:
    analysis = analyse(Source("net.cnn", spec.text))
    if not analysis.ok:
        return
    found = sizes_of(analysis.resolved, analysis.model, 9)
    if found is not None:
        require_agreement(analysis.resolved, found, list(range(1, 10)))


def test_a_lost_pixel_is_one_that_no_window_reads() -> None:
    """Beside marking every pixel that some window reads, for small windows and pictures."""
    for kernel, stride, dilation, size in product(range(1, 5), range(1, 5), range(1, 4), range(1, 25)):
        for padding, ceil in product(range(kernel // 2 + 1), (False, True)):
            count = window_count(size, kernel, stride, padding, dilation, ceil=ceil)
            if count < 1:
                continue
            read = {first * stride + step * dilation - padding for first in range(count) for step in range(kernel)}
            window = Window(kernel, stride, padding, dilation)
            assert window.loses(size, count) == (not set(range(size)) <= read), (window, size, count)
            if kernel >= stride:
                assert window.unread(size, count) == max(0, size - 1 - max(read))


# The command


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments, "--sizes"], input=text)


def test_the_answer_in_words() -> None:
    done = run("gallery:three_blocks")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "gallery:lectures/three_blocks, sizes from 1 to 1024",
        "  takes             8 to 1024 (height = width)",
        "  smallest          8×8",
        "  no pixel lost     8, 16, 24, … 1024 (every 8th) (height = width)",
        "  height and width  independent of each other: each takes the same sizes",
        "                    (left out of account: the shapes noted behind `::`, which hold for the spec's own input)",
    ]


def test_dimensions_of_their_own() -> None:
    lines = run("-", text="input 3x32x32\nconv 4 k1x9 -> maxpool 2x3\n").output.splitlines()
    assert "  height alone      2 to 1024; no pixel lost: 2, 4, 6, … 1024 (every 2nd)" in lines
    assert "  width alone       11 to 1024; no pixel lost: 11, 14, 17, … 1022 (every 3rd)" in lines


def test_dimensions_that_depend_on_each_other() -> None:
    done = run("-", text="input 3x4x4\nflatten -> unflatten 12x2x2\n")
    assert "  takes             4 (height = width)" in done.output
    assert "depend on each other; only squares were tried" in done.output


def test_a_spec_that_does_not_fit_its_own_input_is_told_what_it_takes() -> None:
    done = run("-", text="input 3x8x8\nmaxpool 2 -> maxpool 2 -> maxpool 2 -> maxpool 2\n")
    assert done.exit_code == 1
    assert "error[E301]" in done.output
    assert "  smallest          16×16" in done.output


def test_where_there_is_nothing_to_say() -> None:
    assert "is a vector, which has no height or width" in run("-", text="input 8\nlinear 2\n").output
    assert "takes" not in run("-", text="input 3x8x8\nconvv 8 k3\n").output
    assert "  takes             none" in run("-", text="input 3x8x8\nconv 8 k3 mode=reflect p2000\n").output
    assert run("gallery:lenet5", "--format", "json").exit_code == 2


def test_a_signal_is_followed_as_far_as_it_is_long() -> None:
    done = run("-", text="input 1x16000\nconv 8 k80 s4 -> relu -> flatten -> linear 10\n")
    assert "sizes from 1 to 16000" in done.output
    assert "  takes             80 to 16000\n" in done.output
