"""What `specc export` writes gives what the network gives: Python to the bit, programs within rounding."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from counting import calls
from exported import made
from generate.plan import Spec
from generate.specs import specs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

import specc
from specc.build.compile import build
from specc.cli.main import main
from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import by_name, reason
from specc.emit.program.source import require_general, require_same
from specc.emit.python.program import trials, write_python
from specc.exchange.export import export_program
from specc.gallery import entry, names
from specc.ir.shaped import ShapedModel
from specc.layers.registry import LAYERS
from specc.pipeline import analyse
from specc.source import Source

# Specs that use every part of the language: several a file, parted by lines such as `#=== every form`.
RIGHT = [
    spec
    for path in sorted((Path(__file__).parent / "cases" / "right").glob("*.cnn"))
    for spec in path.read_text(encoding="utf-8").split("#===")
    if "input" in spec
]

# Run in whole, on pictures of this side where the network's own are large.
RUN = [
    ("lenet5", None), ("mnist_cnn", None), ("lectures/edge_detector", None), ("lectures/xavier_mnist", None),
    ("lectures/autoencoder", None), ("small/resnet20", None), ("classics/googlenet", 64), ("classics/resnet18", 64),
    ("more/densenet121", 64), ("more/mobilenet_v2", 64), ("more/efficientnet_b0", 64),
    ("more/shufflenet_v2", 64), ("more/squeezenet", 64),
]  # fmt: skip

FORMS = """\
input 4x8x8
block cell(c, n=1, act=relu) {
  residual { conv c k3 p1 nobias init=kaiming_normal -> bn gamma=0 -> act } shortcut auto
  { conv c k1 -> dropout 0.1 } x=n
}
cell 4 -> cell 8 n=3 -> cell 8 act=silu
split { id | conv 4 k3 p1 -> droppath 0.2 } -> channelshuffle 2
cell 8 act=leakyrelu(0.2) -> cell 8 n=3 act=conv(in, k1)
split 3 _ (in//4) { conv 1 k1 | id | conv 4 k1 } -> conv 8 k1 -> split 5 3 { relu | id }
e1: { relu -> conv 8 k1 } x2 -> for: conv 8 k3 p1 -> add { id | from e1 | from e11 } -> mul { from for | id }
{ add {
  relu
  | from e1 -> concat { from for | { gate { from e1 } -> in1: id -> add { from in1 | from for } } } -> conv 8 k1
} } x2
concat { maxpool 2 | avgpool 2 -> scale 0.5 | conv 3 k2 s2 frozen }
gate { gap -> conv 19 k1 -> sigmoid }
mul { id | layernorm | layernorm nobias } -> slice 1 9 -> layerscale 0.1
add { conv 8 k1 init=whiten | { dwconv k3 p1 init=xavier_uniform } x2 | conv 8 k3 p1 init=partial_dirac | id }
residual { dwconv k3 p1 } x3
add { for: conv 8 k1 -> __half: bn beta=1 -> relu | conv 8 k1 }
class: conv 1 k1 weight=[[[1]] [[0]] [[0]] [[0]] [[0]] [[0]] [[0]] [[2]]]
flatten -> linear 3 bias=[1 2 3] -> softmax
"""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_of(text: str, input: tuple[int, ...] | None = None) -> ShapedModel:
    analysis = analyse(Source("net.cnn", text), input)
    assert analysis.model is not None, analysis.diagnostics
    return analysis.model


def of_gallery(name: str, side: int | None = None) -> ShapedModel:
    source = entry(name).source
    own = analyse(source).model
    assert own is not None
    small = analyse(source, (own.input[0], side, side)).model if side else own
    assert small is not None
    return small


def assert_equal(model: ShapedModel) -> None:
    """Names, initial weights, what is trained, and the outputs in both modes, all to the bit."""
    torch.manual_seed(0)
    ours = build(model)
    torch.manual_seed(0)
    theirs = made(write_python(model))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for own, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert torch.equal(own, other)
    assert [p.requires_grad for p in ours.parameters()] == [p.requires_grad for p in theirs.parameters()]
    x = torch.rand(2, *model.input)
    for training in (False, True):
        wanted, got = (by_name(seeded(net.train(training), x)) for net in (ours, theirs))
        assert wanted.keys() == got.keys()
        assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def seeded(network: nn.Module, x: Tensor) -> Tensor:
    torch.manual_seed(1)
    with torch.no_grad():
        output: Tensor = network(x)
    return output


# Python


@pytest.mark.parametrize(("name", "side"), RUN, ids=[name for name, _ in RUN])
def test_python_of_the_gallery_gives_the_same(name: str, side: int | None) -> None:
    assert_equal(of_gallery(name, side))


def test_python_of_nested_blocks() -> None:
    model = analyse(entry("small/unet").source, None, {"width": 2}).model
    assert model is not None
    assert_equal(model)


@pytest.mark.parametrize("name", names())
def test_python_of_the_whole_gallery_has_the_same_weights(name: str) -> None:
    model = of_gallery(name)
    text = write_python(model)
    assert "specc." not in text.replace("safetensors.", "")
    assert all(len(line) <= 100 for line in text.splitlines())
    with torch.device("meta"):
        ours, theirs = build(model).state_dict(), made(text).state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]


@pytest.mark.parametrize("word", LAYERS)
def test_python_of_every_layer(word: str) -> None:
    assert_equal(model_of(LAYERS[word].example))


@pytest.mark.parametrize("text", RIGHT, ids=lambda text: text.partition("\n")[0].strip() or "whole")
def test_python_of_the_language(text: str) -> None:
    assert_equal(model_of(f"#{text}"))


def test_python_of_all_forms() -> None:
    assert_equal(model_of(FORMS))


HOSTILE = (
    "none", "None", "true", "self", "super", "range", "tuple", "int", "torch", "nn", "F", "f", "Tensor", "tensor",
    "chain", "branches", "number", "step", "parts", "out", "adds", "adds1", "in_channels", "OrderedDict", "LayerScale",
    "layer_scale", "layerscale", "DropPath", "Slice", "slice", "print", "class", "lambda", "match", "__half", "_", "__",
    "net", "conv_numbers", "relu1_numbers", "block_group", "keys", "values", "items", "branch1", "body", "forward_",
)  # fmt: skip
NAMED = re.compile(r"\b(block_\d+|stem|stage|head|a1|c|kernel|stride|act)\b(?!\s*[=(]\s*(?:valid|same))")


def renamed(text: str, words: list[str]) -> str:
    """A spec whose blocks, labels and parameters have other names; a short key of a parameter is written out."""
    names = dict(zip(dict.fromkeys(NAMED.findall(text)), words, strict=False))
    return NAMED.sub(lambda found: names.get(found[0], found[0]), text)


@settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(intent="right"), st.lists(st.sampled_from(HOSTILE), min_size=9, max_size=9, unique=True))
def test_python_of_specs_with_hostile_names(spec: Spec, words: list[str]) -> None:
    for text in (spec.text, renamed(spec.text, words)):
        model = analyse(Source(f"{words[0]}.cnn", text)).model
        if model is not None:  # not every word may stand in every place
            written = write_python(model)
            assert require_same(written, model)
            require_general(written, trials(model))


WRITTEN_WRONG_ONCE = {
    "a group that is a class, before a gate in the same branch":
        "concat { id | { residual { conv 4 k1 } -> relu } x2 -> gate { gap -> conv 4 k1 } }",
    "sizes of labelled steps, in classes, loops and branches":
        "block up(c) { a: conv c k3 p1 -> maxpool 2 -> { upsample like=a linear corners } -> conv c k1 }\n"
        "c: conv 8 k3 p1\nmaxpool 2 -> add { conv 8 k1 -> upsample like=c linear | from c }\nup 8 -> up 12\n"
        "e: { conv 8 k3 p1 s2 -> upsample like=c x2 } x5\nadd { upsample like=c -> relu | from c -> conv 8 k1 }",
    "a form with a label, which only some uses of a branch have":
        "concat { out: concat { relu | tanh } -> slice 1 5 | id } -> slice 1 5\n"
        "concat { concat { relu | tanh } -> slice 1 5 -> conv 4 k1 | id }",
    "a kept step of a group, for a group in it":
        "{ e1: conv 4 k1 -> relu -> { concat { from e1 | conv 2 k1 } } -> conv 4 k1 } -> { relu } x2",
    "repeats that arrive otherwise than they leave": "flatten x3",
    "forms that are repeated": "block f(c, s) { residual { conv c k1 s=s } shortcut auto x3 -> split 1 _ { conv 1 k1 "
        "| id } x3 -> concat { id | conv 1 k1 | conv 2 k1 } x3 }\nf 4 1 -> f 8 2 -> gate { gap -> conv in k1 } x4\n"
        "residual { conv 5 k1 } shortcut same x3 -> residual { { conv in k1 -> relu } x2 } x5",
    "a layer with weights of its own, as a value": "block inner(f) { f 0.5 weight=[1 2 3 4] }\n"
        "block outer(f) { f }\nouter inner(f=layerscale) -> inner layerscale",
    "a parameter that is called as a helper": "block f(LayerScale=2, nn=3, int=1) {\n"
        "  conv LayerScale k1 p=nn d=int -> layerscale 0.5 -> residual { { conv in k1 -> layerscale 0.3 } }\n}\n"
        "f 4 -> f 8 -> f LayerScale=4 int=2",
    "blocks that are called as Python's own words": "".join(
        f"block {word}(c) {{ conv c k1 -> relu }}\n{word} 4 -> {word} 8\n"
        for word in ("none", "true", "false", "f", "tensor", "ordered_dict")
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN_WRONG_ONCE.values(), ids=WRITTEN_WRONG_ONCE.keys())
@pytest.mark.parametrize("name", ["net", "none", "f", "tensor"])
def test_python_runs_whatever_is_called_what(text: str, name: str) -> None:
    model = analyse(Source(f"{name}.cnn", f"input 4x6x6\n{text}\n")).model
    assert model is not None
    assert require_same(write_python(model), model)


def test_python_takes_the_size_of_a_labelled_step_when_it_is_called() -> None:
    text = "input 3x8x8\nc: conv 4 k3 p1\nmaxpool 2 -> conv 4 k1\nadd { upsample like=c linear | from c }\n"
    model, written = specc.compile(text).eval(), made(write_python(model_of(text))).eval()
    written.load_state_dict(model.state_dict())
    x = torch.rand(2, 3, 9, 14)
    assert torch.equal(written(x), model(x))


def test_python_is_deterministic() -> None:
    assert write_python(of_gallery("classics/googlenet")) == write_python(of_gallery("classics/googlenet"))


def test_python_is_laid_out_as_a_formatter_leaves_it(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    for number, name in enumerate(names()):
        (tmp_path / f"net{number}.py").write_text(write_python(of_gallery(name)), encoding="utf-8")
    (tmp_path / "forms.py").write_text(write_python(model_of(FORMS)), encoding="utf-8")
    done = subprocess.run(
        [ruff, "format", "--isolated", "--no-cache", "--line-length", "100", "--diff", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (tmp_path / "forms.py").unlink()  # its names have to be written in ways that a linter would not choose
    done = subprocess.run(
        [ruff, "check", "--isolated", "--no-cache", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def work(make: Callable[[int], str], count: int) -> int:
    """Calls that it takes to write a spec of so many parts as Python."""
    model = model_of(f"input 4x8x8\n{make(count)}")
    return calls(lambda: write_python(model))


@pytest.mark.parametrize(
    "make",
    [
        lambda count: "conv 4 k1 -> relu\n" * count,
        lambda count: "residual { conv 4 k1 }\n" * count,
        lambda count: "concat { conv 4 k1 | id } -> conv 4 k1\n" * count,
        lambda count: "".join(f"block b{n} {{ conv 4 k1 }}\nb{n}\n" for n in range(count)),
    ],
    ids=["layers", "residuals", "concatenations", "blocks"],
)
def test_python_of_long_specs_takes_as_much_work_as_they_are_long(make: Callable[[int], str]) -> None:
    work(make, 20)
    assert work(make, 800) < 5 * work(make, 200)


def test_a_class_of_many_parameters_is_written_with_work_that_grows_with_them() -> None:
    def make(count: int) -> str:
        names = [f"p{number}" for number in range(count)]
        head = f"block b({', '.join(f'{name}=1' for name in names)}) {{ "
        body = " -> ".join(f"conv ({name}*3) k1" for name in names) + " }\n"
        uses = [
            "b " + " ".join(f"{name}={(place * use * 7) % 11 + 1}" for place, name in enumerate(names))
            for use in range(8)
        ]
        return head + body + "\n".join(uses)

    work(make, 5)
    assert work(make, 60) < 10 * work(make, 15)


def test_blocks_that_are_built_alike_share_a_class() -> None:
    text = write_python(of_gallery("classics/resnet152"))
    assert text.count("\nclass ") == 3
    assert "Stage(256, 128, 8, gamma=gamma)" in text
    assert "for number in range(2, n + 1):" in text


@pytest.mark.parametrize(
    ("name", "block", "others"),
    [
        ("resnet18", "Basic", [(64, 128), (32, 32), (64, 64, 2), (16, 48, 2)]),
        ("classics/resnet50", "Bottleneck", [(64, 64), (256, 64), (256, 64, 2), (32, 8), (32, 16, 2)]),
    ],
)
def test_a_residual_block_is_right_for_arguments_that_its_spec_does_not_use(
    name: str, block: str, others: list[tuple[int, ...]]
) -> None:
    """`shortcut auto` is a rule, and not the uses that happened to be there."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(write_python(of_gallery(name)), "exported.py", "exec"), space)
    for arguments in others:
        module, stride = space[block](*arguments), arguments[2] if len(arguments) > 2 else 1
        expansion = 4 if block == "Bottleneck" else 1
        shape = tuple(module(torch.rand(2, arguments[0], 8, 8)).shape)
        assert shape == (2, expansion * arguments[1], 8 // stride, 8 // stride)


def test_a_shortcut_that_keeps_to_another_rule_is_still_the_network_s() -> None:
    """Where nothing is left to stride over, the identity fits though the block strides."""
    text = (
        "block b(c, stride=1) { residual { conv c k1 s=stride nobias } shortcut auto }\ninput 8x1x1\nb 8 s2 -> b 4 s2\n"
    )
    assert_equal(model_of(text))


@pytest.mark.parametrize("name", names())
def test_classes_of_the_gallery_are_right_for_other_arguments(name: str) -> None:
    model = of_gallery(name)
    require_general(write_python(model), trials(model))


OTHER_PARAMS = {
    "classics/resnet18": {"classes": 7, "gamma": 0}, "small/unet": {"width": 8}, "more/densenet121": {"growth": 12},
    "more/mobilenet_v1": {"width": 0.5}, "more/mobilenet_v2": {"width": 0.5},
    "more/pyramidnet110": {"n": 2, "growth": 20}, "small/resnet20": {"n": 2},
    "more/wavenet": {"residual_channels": 8, "skip_channels": 12}, "more/tcn": {"width": 12},
    "more/wide_resnet28": {"widen": 2, "n": 1}, "more/unet_plus_plus": {"w": 4}, "more/res2net50": {"classes": 3},
    "more/edsr": {"n": 3, "c": 8},
    "classics/googlenet": {"five": 5, "classes": 3}, "more/efficientnet_v2_s": {"drop": 0.5},
}  # fmt: skip


@pytest.mark.parametrize(("name", "values"), OTHER_PARAMS.items(), ids=OTHER_PARAMS.keys())
def test_params_are_arguments_of_the_network(name: str, values: dict[str, Any]) -> None:
    source = entry(name).source
    model = analyse(source, None, {word: str(value) for word, value in values.items()}).model
    assert model is not None
    with torch.device("meta"):
        ours, theirs = build(model).state_dict(), made(write_python(of_gallery(name)), **values).state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]


def test_a_width_that_gives_no_whole_number_is_refused() -> None:
    """As the checker refuses it: 22.4 channels are neither 22 nor 23."""
    text = "param width = 1\ninput 3x8x8\nconv (64*width) k1 -> conv (100*width) k1\n"
    written = write_python(model_of(text))
    assert "width: float = 1" in written
    narrow = made(written, width=0.55 - 0.3)  # of 100, 25.000000000000007
    assert [one.out_channels for one in narrow.modules() if isinstance(one, torch.nn.Conv2d)] == [16, 25]
    with pytest.raises(ValueError, match=r"^22\.4 is not a whole number$"):
        made(written, width=0.35)


SAYS = {
    "a width that scales": (
        "param width = 1\nparam depth = 2\nblock f(c) { conv (c*width) k1 x=depth }\ninput 3x8x8\nf 4\n",
        "def __init__(self, in_channels: int, c: int, width: float = 1, depth: int = 2) -> None:",
        "nn.Conv2d(channels, whole(c * width), 1)",
    ),
    "a parameter that no use varies": (
        "block f(c, k=3) { conv c k p=(k // 2) -> relu }\ninput 3x8x8\nf 4 -> f 8\n",
        "def __init__(self, in_channels: int, c: int, k: int = 3) -> None:",
        "nn.Conv2d(in_channels, c, k, padding=k // 2)",
    ),
    "a block that is used once": (
        "block f(c, t=2) { conv (c*t) k1 }\ninput 3x8x8\nf 4\n",
        "def __init__(self, in_channels: int, c: int, t: int = 2) -> None:",
        "nn.Conv2d(in_channels, c * t, 1)",
    ),
    "channels that arrive": (
        "block f(r, c=in) { gate { gap -> conv (c // r) k1 -> conv c k1 -> sigmoid } }\ninput 8x4x4\nf 2\n",
        "c = in_channels if c is None else c",
        "nn.Conv2d(in_channels, c // r, 1)",
    ),
    "an expression as it is written": (
        "param width = 4\nparam depth = (2*width)\ninput 3x8x8\nconv (width + 2*depth) k1\n",
        "depth = 2 * width if depth is None else depth",
        "nn.Conv2d(3, width + 2 * depth, 1)",
    ),
    "a number of repeats": (
        "block f(c, n) { conv c k1 x=(n - 1) -> bn -> conv c k1 }\ninput 3x8x8\nf 4 3 -> f 4 1 -> f 8 2\n",
        "for number in range(1, n):",
        'self.add_module(f"conv{n}", nn.Conv2d(channels, c, 1))',
    ),
    "a form that is repeated": (
        "block f_(n) { residual { conv in k3 p1 -> relu } x=n }\ninput 3x8x8\nf_ 4 -> f_ 2\n",
        "for number in range(1, self.n + 1):",
        'x = step["body"](x) + x',
    ),
    "the number of a repeat": (
        "input 3x40x40\nconv 3 k3 p=(2**(nth - 1)) d=(2**(nth - 1)) x4\n",
        "for number in range(1, 5):",
        "padding=2 ** (number - 1), dilation=2 ** (number - 1)",
    ),
    "a layer as a parameter": (
        "block unit(c, act=relu) { conv c k1 -> act }\ninput 3x8x8\n"
        "unit 4 -> unit 8 act=leakyrelu(0.1) -> unit 8 silu\n",
        "act: Callable[..., nn.Module] = nn.ReLU",
        "Unit(4, 8, act=lambda: nn.LeakyReLU(0.1))",
    ),
    "a block as a parameter": (
        "block pair(c, r) { conv (c // r) k1 -> conv c k1 }\nblock unit(c, inner) { conv c k1 -> inner -> conv c k1 }\n"
        "input 3x8x8\nunit 4 pair(6, 2) -> unit 8 pair(8, 4)\n",
        "self.conv2 = nn.Conv2d(self.inner1.out_channels, c, 1)",
        "Unit(3, 4, lambda channels: Pair(channels, 6, 2))",
    ),
    "a layer as a param": (
        "param act = leakyrelu(0.2)\nblock unit(c) { conv c k1 -> act }\ninput 3x8x8\nunit 4 -> act\n",
        "act: Callable[..., nn.Module] = lambda: nn.LeakyReLU(0.2)",
        "Unit(3, 4, act=act)",
    ),
    "a word as a param": (
        "param how = reflect\ninput 3x8x8\nconv 4 k3 p1 mode=how\n",
        'how: str = "reflect"',
        "padding_mode=how",
    ),
}


@pytest.mark.parametrize(("text", "head", "line"), SAYS.values(), ids=SAYS.keys())
def test_python_says_what_the_spec_says(text: str, head: str, line: str) -> None:
    model = model_of(text)
    written = " ".join(write_python(model).split())
    assert head in written
    assert line in written.replace("( ", "(").replace(", )", ")")
    assert_equal(model)
    require_general(write_python(model), trials(model))


def test_lenet_reads_like_a_lecture() -> None:
    lines = write_python(of_gallery("lenet5")).splitlines()
    assert "        x = torch.tanh(self.conv1(x))  # 6×28×28" in lines
    assert "        return self.linear2(x)  # 10" in lines
    assert not any("nn.Tanh" in line for line in lines)


def test_a_heading_cannot_hide_what_it_says() -> None:
    text = write_python(model_of("# figure\u202e1\x85x = 1\ninput 8\nlinear 2\n"))
    assert all(line.isprintable() for line in text.splitlines())
    assert "# figure�1" in text


# the command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", *arguments])


def test_the_written_file_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "lenet5.py"
    assert run("gallery:lenet5", "-o", str(target)).exit_code == 0
    runpy.run_path(str(target), run_name="__main__")
    assert capsys.readouterr() == ("(2, 10)\n", "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("class ", "class None, "), "does not run: SyntaxError"),
        (("return ", "return missing + "), "does not run: NameError"),
        (("conv1", "stem"), "has a tensor `stem.weight` where the network has `conv1.weight`"),
        (("Linear(120, 84", "Linear(120, 85"), "has `linear1.weight` of shape (85, 120), the network (84, 120)"),
        (("torch.tanh(self.conv1(x))", "self.conv1(x)"), "gives a different output in evaluation"),
        (("super().__init__()", "super().__init__()\n        torch.rand(1)"), "begins with different values"),
    ],
)
def test_python_that_is_not_the_network_is_not_written(
    change: tuple[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = write_python(of_gallery("lenet5")).replace(*change)
    monkeypatch.setattr("specc.emit.python.program.write_python", lambda model, weights, use: wrong)
    for target in (str(tmp_path / "net.py"), "-"):
        done = run("gallery:lenet5", "--to", "python", "-o", target)
        assert (done.exit_code, done.stdout) == (1, "")
        assert f"error[E662]: the Python that was written for this network {told}" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_network_too_large_to_run_is_compared_in_names_and_shapes() -> None:
    model = model_of("input 100000\nlinear 40000 -> relu -> linear 10\n")
    text = write_python(model)
    assert not require_same(text, model)
    with pytest.raises(Problem, match="shape"):
        require_same(text.replace("Linear(40000, 10)", "Linear(40000, 11)"), model)


def test_python_goes_to_standard_output() -> None:
    done = run("gallery:classics/resnet18", "--to", "python", "--set", "classes=7")
    assert done.exit_code == 0
    assert "classes: int = 7" in done.stdout
    assert "nn.Linear(512, classes)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["gallery:lenet5"], 2, "give the format"),
        (["gallery:lenet5", "--to", "keras"], 2, "'keras' is not one of"),
        (["nothing.cnn", "--to", "python"], 2, "there is no file"),
        ([".", "--to", "python"], 2, "holds no run"),
        (["gallery:lenet5", "--to", "pt2", "--weights", "best"], 2, "weights are a run's"),
        (["gallery:lenet5", "--to", "pt2", "--weights", "no.safetensors"], 2, "there are no weights"),
        (["gallery:lenet5", "-o", "no/such/net.py"], 1, "there is no folder"),
        (["gallery:lenet5", "--to", "python", "--input", "1x2x2"], 1, "E301"),
        (["gallery:lenet5", "-o", "torch.py"], 1, "stand in the way of Python's own `torch`"),
        (["gallery:lenet5", "-o", "random.py"], 1, "`-o random_net.py`"),
    ],
)
def test_what_cannot_be_exported(
    arguments: list[str], status: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert (done.exit_code, told in done.output) == (status, True), done.output
    assert not list(tmp_path.iterdir())


TINY = "input 1x8x8\nresidual { conv 4 k3 p1 -> bn } shortcut auto -> relu\nflatten -> linear 10\n"


def test_pt2_and_onnx_run_for_any_batch(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    (tmp_path / "net.cnn").write_text(TINY)
    program, file = tmp_path / "net.pt2", tmp_path / "net.onnx"
    program.write_text("what was there before")
    for target in (program, file):
        done = run(str(tmp_path / "net.cnn"), "-o", str(target))
        assert done.exit_code == 0, done.output
        assert "largest difference" in done.stderr
    extra = {"spec": ""}
    loaded: Any = torch.export.load(program, extra_files=extra).module()
    assert extra["spec"] == TINY
    session = onnxruntime.InferenceSession(str(file))
    assert session.get_modelmeta().custom_metadata_map["spec"] == TINY
    x = torch.rand(7, 1, 8, 8)
    answer = torch.from_numpy(session.run(None, {"input": x.numpy()})[0])
    assert answer.shape == (7, 10)
    assert torch.allclose(answer, loaded(x), atol=1e-6)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not bound memory so")
def test_a_network_beyond_memory_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text("input 1x8x8\nflatten -> linear 60000 -> linear 60000 -> linear 10\n")
    program = (
        "import resource as r\nr.setrlimit(r.RLIMIT_AS, (9 << 30, 9 << 30))\n"
        "from specc.cli import main\nmain(['export', 'net.cnn', '-o', 'net.pt2'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error[E674]: there is not enough memory for this" in done.stderr and "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["net.cnn"]


@pytest.mark.parametrize(
    ("text", "line", "told", "help"),
    [
        ("input 4x12x12\nconv 4 k1 -> adaptivemaxpool 5\n", 2,
            "`adaptivemaxpool` from 4x12x12 to 4x5x5: `adaptivemaxpool1`", "`adaptivemaxpool 4` can be written"),
        ("input 4x12x7\nrelu\nresidual { adaptivemaxpool 5x3 } shortcut { adaptivemaxpool 5x3 }\n", 3,
            "`adaptivemaxpool` from 4x12x7 to 4x5x3, nor for 1 other like it: `residual1.body.adaptivemaxpool1`",
            "`adaptivemaxpool 4x1` can be written"),
    ],
)  # fmt: skip
def test_a_layer_that_onnx_lacks_is_named_at_its_line(text: str, line: int, told: str, help: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    with pytest.raises(Problem) as caught:
        export_program(model_of(text), None, "onnx")
    found = caught.value.diagnostic
    assert (found.code, found.line) == ("E663", line)
    assert told in found.message
    assert found.help is not None
    assert found.help.startswith(help)
    mended = re.sub(r"adaptivemaxpool \w+", str(found.help.split("`")[1]), text)
    assert export_program(model_of(mended), None, "onnx").difference < 1e-5


def test_the_reason_of_an_error_is_its_cause_without_colours() -> None:
    try:
        try:
            raise ValueError("\x1b[96mno such operation\x1b[0m\nmore")
        except ValueError as error:
            raise RuntimeError("Next steps:") from error
    except RuntimeError as error:
        assert reason(error) == "no such operation"


def test_a_run_is_exported_with_what_it_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text("param width = 2\n" + TINY.replace("conv 4", "conv width"))
    train = ["train", "net.cnn", "--data", "digits", "--epochs", "1", "--limit", "200", "--out", "run"]
    assert CliRunner().invoke(main, [*train, "--set", "width=3"]).exit_code == 0
    assert run("run", "-o", "net.py").exit_code == 0
    assert run("run", "-o", "net.pt2").exit_code == 0
    network = made(Path("net.py").read_text())
    network.load_state_dict(load_file("run/best.safetensors"))
    program: Any = torch.export.load("net.pt2").module()
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(program(x), network.eval()(x))
    done = run("run", "--to", "python", "--set", "width=4")
    assert (done.exit_code, "its own input" in done.output) == (2, True)
