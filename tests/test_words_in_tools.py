"""Each word and form of the page's latest growth in every tool that reads a spec; each layer as Python and back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from commands import specc as command
from exported import made
from generate.counted import COUNTED
from pygments.token import Error  # type: ignore[import-untyped]  # it ships no types

import specc
from specc.emit.python.program import write_python
from specc.exchange.importing.importer import import_model
from specc.highlight import SpeccLexer
from specc.ir.shaped import ShapedModel
from specc.layers.registry import LAYERS
from specc.pipeline import analyse
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")


class Word(NamedTuple):
    """A right spec in canonical form, a wrong one, and a piece of the way out of that."""

    right: str
    wrong: str
    help: str


WORDS: dict[str, Word] = {
    "from": Word(
        "e1: conv 4 k3 p1 -> maxpool 2 -> upsample 2\nconcat { id | from e1 }",
        "add { relu | from e2 }\ne2: relu",
        "behind the step that is labelled",
    ),
    "outputs": Word(
        "conv 4 k3\noutputs { cls: gap -> flatten | box: conv 2 k1 }",
        "outputs { relu | box: id }",
        "outputs { cls:",
    ),
    "parts": Word("split 1 _ 2 { conv 3 k1 | id | relu }", "split 1 2 { id | id }", "split 1 _"),
    "nth": Word("conv 4 k3 p=(2**(nth - 1)) d=(2**(nth - 1)) x2", "conv (4*nth) k1", "repeat"),
    "power": Word("conv (2**3) k1", "conv (2**0.5) k1", "whole"),
    "value": Word(
        "block cbr(c, act=relu) { conv c k3 p1 -> bn -> act }\ncbr 8 act=leakyrelu(0.2) -> cbr 8 act=hardswish",
        "block cbr(c, k=3, act=relu) { conv c k=k -> act }\ncbr 8 silu",
        "act=silu",
    ),
    "after": Word("pad 1x2 0 -> pad 1 0 value=0.5 -> pad 2 1 reflect", "pad 9 9 reflect", "7"),
    "channelpad": Word("channelpad 2 3", "channelpad", "channelpad"),
    "channelmean": Word("mul { id | channelmean -> sigmoid }", "channelmaen", "did you mean `channelmean`?"),
    "channelmax": Word("mul { id | channelmax -> sigmoid }", "channelmax 2", ""),
    "grn": Word("conv 8 k1 -> gelu -> grn -> conv 4 k1", "flatten -> grn", ""),
    "shift": Word("shift -0.5 -> scale 2", "shift", "shift"),
    "layershift": Word("layershift 0.5 -> layershift", "layershift 1 2", ""),
    "pixelunshuffle": Word("pixelunshuffle 2 -> conv 4 k1", "pixelunshuffle 3", ""),
    "size": Word("upsample size=20x12 linear corners", "upsample 2 size=20", ""),
    "like": Word("e1: relu -> maxpool 3 -> upsample linear like=e1", "maxpool 2 -> upsample like=e1", "label"),
    "corners": Word("upsample 2 linear corners -> upsample 2 bicubic corners", "upsample 2 corners", "linear"),
    "nobias": Word("layernorm nobias -> flatten -> layernorm nobias", "layernorm nobais", "did you mean `nobias`?"),
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def text_of(chain: str) -> str:
    return f"input 4x8x8\n\n{chain}\n"


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def test_every_word_that_is_counted_is_tried() -> None:
    assert WORDS.keys() == COUNTED.keys()


@pytest.mark.parametrize("word", WORDS)
def test_it_is_read_drawn_and_told(word: str, tmp_path: Path) -> None:
    text = text_of(WORDS[word].right)
    (tmp_path / "net.cnn").write_text(text)
    for arguments in (("check",), ("fmt", "--check"), ("summary", "--format", "json"), ("diff", "gallery:lenet5")):
        done = command(arguments[0], "net.cnn", *arguments[1:], cwd=tmp_path)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        if arguments[0] == "summary":
            assert len(json.loads(done.stdout)["layers"]) == len(list(model_of(text).rows()))
    for style in ("flow", "lecture"):
        assert command("draw", "net.cnn", "--style", style, cwd=tmp_path).stdout.startswith("<svg")
    assert not any(kind is Error for kind, _ in SpeccLexer().get_tokens(text))


@pytest.mark.parametrize("word", WORDS)
def test_a_mistake_is_answered(word: str) -> None:
    report = specc.check(text_of(WORDS[word].wrong))
    found = report.diagnostics[0]
    assert found.is_error and WORDS[word].help in (found.help or ""), str(report)


@pytest.mark.parametrize("word", WORDS)
def test_it_becomes_python_and_is_imported_from_there(word: str) -> None:
    goes_and_comes(text_of(WORDS[word].right))


@pytest.mark.parametrize("word", LAYERS)
def test_each_layer_becomes_python_and_is_imported_from_there(word: str) -> None:
    goes_and_comes(LAYERS[word].example.replace(" ; ", "\n"))


def goes_and_comes(text: str) -> None:
    """The written Python gives what the network gives, and a spec of it too."""
    model = model_of(text)
    torch.manual_seed(0)
    ours = specc.compile(text).eval()
    torch.manual_seed(0)
    theirs = made(write_python(model)).eval()
    x = torch.rand(2, *model.input)
    with torch.no_grad():
        first, second = ours(x), theirs(x)
    assert equal(first, second)
    found = import_model(theirs, "net:Net", model.input)
    assert found.difference <= 1e-5 and found.model.gives == model.gives and found.model.params == model.params


def equal(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    assert isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)
    return torch.equal(one, other)
