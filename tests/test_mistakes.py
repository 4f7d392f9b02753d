"""What people write who come from Python, Keras, Darknet, Caffe, a slide or a word processor: each told once, and how.

A row is a spec, the errors that it has (code, the marked text, a piece of the help), and what `check --fix` makes of
it; None where it is left as it is, because nobody but its author can say what was meant.
"""

from __future__ import annotations

import pytest

from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.apply import fix
from specc.fixes.search import SearchTime, advise
from specc.pipeline import analyse
from specc.source import Source

LONG = 60.0  # seconds: what is found does not depend on how busy the machine is
P = "input 3x32x32\n"

Row = tuple[str, list[tuple[str, str, str]], str | None]

ROWS: dict[str, Row] = {
    # torch
    "lazy layer": (P + "LazyConv2d 16 3\n", [("E201", "LazyConv2d", "`conv`")], P + "conv 16 3\n"),
    "input channels": (P + "Conv2d 3 16 3 1 1\n", [("E201", "Conv2d", "`conv 16 3 1 1`")], P + "conv 16 3 1 1\n"),
    "call": (P + "nn.Conv2d(3, 16, 3)\n", [("E103", ".", "`conv 16 3`")], P + "conv 16 3\n"),
    "no bias": (P + "conv 16 k3 bias=False\n", [("E207", "False", "`conv 16 k3 nobias`")], P + "conv 16 k3 nobias\n"),
    "channels of bn": (P + "bn 3\n", [("E205", "3", "`bn`")], P + "bn\n"),
    "sequential": (P + "Sequential { relu }\n", [("E201", "Sequential", "leave out")], P + " { relu }\n"),
    "whole program": ("import torch\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n",
                      [("E101", "class Net(nn.Module):", "`forward`")], None),
    # Keras
    "keras model": ("Input(shape=(28, 28, 1))\nConv2D(32, (3, 3), activation='relu')\nFlatten()\nDense(10)\n",
                    [("E101", "Input", "`input 1x28x28`"), ("E101", "Conv2D", "`conv 32 3 -> relu`"),
                     ("E101", "Flatten", "`flatten`"), ("E101", "Dense", "`linear 10`")],
                    "input 1x28x28\nconv 32 3 -> relu\nflatten\nlinear 10\n"),
    "activation": (P + "conv 16 k3 -> Activation('relu')\n", [("E101", "Activation", "`conv 16 k3 -> relu`")],
                   P + "conv 16 k3 -> relu\n"),
    "activation argument": (P + "conv 16 k3 activation=relu\n", [("E202", "activation", "-> relu")],
                            P + "conv 16 k3 -> relu\n"),
    "initialiser": (P + "conv 8 k3 init=he_normal\n", [("E204", "init=he_normal", "`kaiming_normal`")],
                    P + "conv 8 k3 init=kaiming_normal\n"),
    "interpolation": (P + "upsample 2 bilinear\n", [("E207", "bilinear", "`linear`")], P + "upsample 2 linear\n"),
    "pooling": (P + "AveragePooling2D pool_size=2\n", [("E201", "AveragePooling2D", "`avgpool k2`")],
                P + "avgpool k2\n"),
    "channels last": ("input 28x28x1\nconv 8 k5 -> flatten -> linear 10\n", [("E301", "conv 8 k5", "`input 1x28x28`")],
                      "input 1x28x28\nconv 8 k5 -> flatten -> linear 10\n"),
    "no form": (P + "repeat 3 { relu }\n", [("E201", "repeat", "after what is repeated")], None),
    # Darknet and Caffe
    "darknet file": ("[net]\nwidth=416\n[convolutional]\nfilters=32\nsize=3\n", [("E101", "[net]", "a step")], None),
    "darknet words": (P + "convolutional 32 size=3 pad=1 -> leaky\n",
                      [("E201", "convolutional", "`conv 32 k3 p1`"), ("E201", "leaky", "`leakyrelu`")],
                      P + "conv 32 k3 p1 -> leakyrelu\n"),
    "caffe file": ('layer {\n  name: "c1"\n  type: "Convolution"\n}\n', [("E101", "layer {", "a step")], None),
    "caffe words": (P + "flatten -> InnerProduct num_output=10\n", [("E201", "InnerProduct", "`linear 10`")],
                    P + "flatten -> linear 10\n"),
    "caffe filler": (P + "conv 8 k3 init=xavier\n", [("E204", "init=xavier", "`xavier_uniform`")],
                     P + "conv 8 k3 init=xavier_uniform\n"),
    # arrows, separators, brackets
    "missing arrow": (P + "conv 16 k3 relu\n", [("E207", "relu", "`-> relu`")], P + "conv 16 k3 -> relu\n"),
    "fat arrow": (P + "conv 16 k3 => relu\n", [("E103", ">", "->")], P + "conv 16 k3 -> relu\n"),
    "parted arrow": (P + "conv 16 k3 - > relu\n", [("E103", ">", "->")], P + "conv 16 k3 -> relu\n"),
    "two arrows": (P + "relu -> -> relu6\n", [("E101", "->", "->")], P + "relu -> relu6\n"),
    "arrow behind a statement": (P + "-> relu\n", [("E101", "->", "`relu`")], P + "relu\n"),
    "arrow at the end": (P + "relu ->\n", [("E101", "", "leave it out")], None),
    "commas": (P + "conv 16, k=3, s=2\n", [("E101", ",", "`conv 16 k=3 s=2`")], P + "conv 16 k=3 s=2\n"),
    "kernel as a pair": (P + "conv 16 (3, 3)\n", [("E101", ",", "`conv 16 3x3`")], P + "conv 16 3x3\n"),
    "kernel first": (P + "conv 3x3 16\n", [("E204", "3x3", "`conv 16 3x3`")], P + "conv 16 3x3\n"),
    "kernel in the word": (P + "conv3x3 16\n", [("E201", "conv3x3", "`conv 16 k3`")], None),
    "no space": (P + "conv 16k3\n", [("E103", "16k3", "`conv 16 k3`")], P + "conv 16 k3\n"),
    "group in brackets": (P + "(relu -> tanh) x3\n", [("E101", "(", "{ relu -> tanh } x3")],
                          P + "{ relu -> tanh } x3\n"),
    "called form": (P + "residual(conv 3 k3 p1)\n", [("E101", "residual", "{ conv 3 k3 p1 }")],
                    P + "residual { conv 3 k3 p1 }\n"),
    "two colons": (P + "a:: relu\n", [("E104", ":: relu", "`a: relu`")], P + "a: relu\n"),
    "repeat with spaces": (P + "conv 3 k3 p1 x 3\n", [("E101", "3", "`conv 3 k3 p1 x3`")], P + "conv 3 k3 p1 x3\n"),
    "repeat as a product": (P + "conv 3 k3 p1 *3\n", [("E101", "*", "`conv 3 k3 p1 x3`")], P + "conv 3 k3 p1 x3\n"),
    "flag with a value": (P + "conv 8 k3 nobias=true\n", [("E202", "nobias", "`conv 8 k3 nobias`")],
                          P + "conv 8 k3 nobias\n"),
    "percent": (P + "dropout 50%\n", [("E101", "%", "`dropout 0.5`")], P + "dropout 0.5\n"),
    "capitals": (P + "conv 3 K3\n", [("E207", "K3", "`k3`")], P + "conv 3 k3\n"),
    # statements in Python's manner
    "input with a colon": ("input: 3x32x32\nrelu\n", [("E101", ":", "`input 3x32x32`")], P + "relu\n"),
    "input with commas": ("input(3, 32, 32)\nrelu\n", [("E101", ",", "`input 3x32x32`")], P + "relu\n"),
    "input in capitals": ("INPUT 3x32x32\nrelu\n", [("E201", "INPUT", "`input 3x32x32`")], P + "relu\n"),
    "input without channels": ("input 28 28\nconv 8 k3\n", [("E101", "28", "`input 1x28x28`")],
                               "input 1x28x28\nconv 8 k3\n"),
    "empty input": ("input []\nrelu\n", [("E210", "[]", "channels first")], None),
    "param without a sign": (P + "param w 64\nconv w k3\n", [("E101", "64", "`param w = 64`")],
                             P + "param w = 64\nconv w k3\n"),
    "name without param": (P + "w = 64\nconv w k3\n", [("E101", "=", "`param w = 64`")],
                           P + "param w = 64\nconv w k3\n"),
    "let": (P + "let w = 64\nconv w k3\n", [("E201", "let", "`param name = value`")], None),
    "def": (P + "def a(c) { conv c k3 }\na 8\n", [("E201", "def", "`block name(c) { … }`")], None),
    "assigned step": (P + "x = conv 16 k3\n", [("E101", "x", "`conv 16 k3`")], P + "conv 16 k3\n"),
    "block with a colon": (P + "block a(c): conv c k3\na 8\n", [("E101", ":", "`block a(c) { conv c k3 }`")],
                           P + "block a(c) { conv c k3 }\na 8\n"),
    "indented block": (P + "block a(c):\n  conv c k3\n  relu\na 8\n", [("E101", ":", "`block a(c) {`")],
                       P + "block a(c) {\n  conv c k3\n  relu\n}\na 8\n"),
    "param inside": (P + "block a(c) {\n  param k = 3\n  conv c k=k\n}\na 8\n", [("E101", "param", "before line 2")],
                     P + "param k = 3\nblock a(c) {\n  conv c k=k\n}\na 8\n"),
    "two recipes": (P + "relu\ntrain { epochs 3 }\ntrain { batch 2 }\n", [("E208", "train", "the first")],
                    P + "relu\ntrain { epochs 3 ; batch 2 }\n"),
    "two params": (P + "param w = 3\nparam w = 4\nconv w k3\n", [("E208", "w", "leave out `param w = 4`")], None),
    "parameter twice": (P + "block a(c, c) { conv c k3 }\na 8 9\n", [("E208", "c", "`c2`")], None),
    "block like a layer": (P + "block conv(c) { relu }\nconv 8\n", [("E211", "conv", "`conv_block`")], None),
    "comment": (P + "relu // first layer\n", [("E101", "//", "# first layer")], P + "relu  # first layer\n"),
    "bullets": (P + "- relu\n", [("E101", "-", "`relu`")], P + "relu\n"),
    "numbered": (P + "1. relu\n", [("E103", "1.", "`relu`")], P + "relu\n"),
    # signs
    "full width": ("ｉｎｐｕｔ ３ｘ３２ｘ３２\nrelu\n", [("E103", "ｉ", "plain characters")], P + "relu\n"),
    "arrow of a slide": (P + "relu ⇒ tanh\n", [("E103", "⇒", "`->` for `⇒`")], P + "relu -> tanh\n"),
    "dash": (P + "relu — tanh\n", [("E103", "—", "`->` for `—`")], P + "relu -> tanh\n"),
    "smart quotes": (P + "conv 8 k3 padding=“same”\n", [("E103", "“", "padding=same")],
                     P + "conv 8 k3 padding=same\n"),
    "hard space": ("input\u00a03x32x32\nrelu\n", [("E103", "\u00a0", "invisible")], P + "relu\n"),
    "windows lines": ("input 3x32x32\r\n\tmaxpol 2\r\n", [("E201", "maxpol", "`maxpool`")],
                      "input 3x32x32\r\n\tmaxpool 2\r\n"),
    # values
    "negative": (P + "conv -8 k3\n", [("E204", "-8", "`conv 8 k3`")], None),
    "broken": (P + "maxpool 2.5\n", [("E204", "2.5", "`maxpool 2`")], None),
    "bias 0": (P + "conv 8 k3 bias=0\n", [("E204", "bias=0", "`conv 8 k3 nobias`")], P + "conv 8 k3 nobias\n"),
    "mirror": (P + "conv 8 k3 p1 mode=mirror\n", [("E204", "mode=mirror", "`reflect`")],
               P + "conv 8 k3 p1 mode=reflect\n"),
    "label": (P + "stem: relu\nadd { id | from steam }\n", [("E223", "steam", "`stem`")],
              P + "stem: relu\nadd { id | from stem }\n"),
    # shapes
    "kernel of a call": ("input 3x4x4\nblock b(c, k) { conv c k=k }\nb 8 5\n", [("E301", "conv c k=k", "`b 8 4`")],
                         None),
    "uneven split": ("input 7x8x8\nsplit { id | relu }\n", [("E303", "split", "`input 8x8x8`")], None),
    "uneven shuffle": ("input 6x8x8\npixelshuffle 2\n", [("E303", "pixelshuffle 2", "`conv 8 k1`")], None),
    "sum of a gate": ("input 8x8x8\nadd { gap | id }\n", [("E307", "add", "`mul` in place of `add`")], None),
    "sum of two ranks": ("input 8x8x8\nadd { gap -> flatten | id }\n", [("E307", "add", "two vectors")], None),
    "literal of another shape": ("input 1x4x4\nconv 1 k2 weight=[[1 0 0] [0 1 0]]\n",
                                 [("E308", "weight=[[1 0 0] [0 1 0]]", "`conv 1 k2x3")],
                                 "input 1x4x4\nconv 1 k2x3 weight=[[1 0 0] [0 1 0]]\n"),
    "division by nothing": ("param d = 0\nparam w = (8 // d)\n" + P + "conv w k3\n",
                            [("E210", "(8 // d)", "divisor above 0")], None),
}  # fmt: skip


def found_in(text: str) -> tuple[Diagnostic, ...]:
    return advise(analyse(Source("net.cnn", text)), budget=SearchTime(LONG))


@pytest.mark.parametrize("name", ROWS)
def test_a_mistake_is_told_once_where_it_is_and_how_it_is_mended(name: str) -> None:
    text, expected, _ = ROWS[name]
    found = found_in(text)
    assert [(d.code, d.source.slice(d.span) if d.source and d.span else "") for d in found] == [
        (code, marked) for code, marked, _ in expected
    ]
    for diagnostic, (_, _, help) in zip(found, expected, strict=True):
        assert help in (diagnostic.help or "")


@pytest.mark.parametrize("name", ROWS)
def test_a_mistake_is_mended_or_left_alone(name: str) -> None:
    text, _, mended = ROWS[name]
    after = fix(Source("net.cnn", text))
    assert after.source.text == (text if mended is None else mended)
    assert after.analysis.ok == (mended is not None)
