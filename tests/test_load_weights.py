"""Weights of other programs: each tensor goes where it belongs, or nothing is loaded and the doubt is told."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import Tensor, nn

import specc
from specc.cli.main import main
from specc.exchange.importing.importer import import_model

STUDENT = '''\
import torch
from torch import nn

class Net(nn.Module):
    """It registers its layers in another order than it runs them, and two of them have one shape."""

    def __init__(self):
        super().__init__()
        self.second, self.first = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.mix = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.rand(3, 1, 1))
        self.unused = nn.Linear(7, 7)

    def forward(self, x):
        x = self.second(torch.relu(self.first(x)))
        return self.scale * self.mix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

torch.manual_seed(0)
net = Net().eval()
'''


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> nn.Module:
    """A model whose spec was imported to net.cnn in the folder where the test runs."""
    name = f"student_{abs(hash(request.node.name))}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path(f"{name}.py").write_text(STUDENT)
    done = CliRunner().invoke(main, ["import", f"{name}:net", "--input", "3x6x6", "-o", "net.cnn"])
    assert done.exit_code == 0, done.output
    assert "wrote net.names.json" in done.stderr
    model: nn.Module = __import__(name).net
    return model


def same_output(ours: nn.Module, theirs: nn.Module, *shape: int) -> bool:
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-6)


@pytest.mark.parametrize("wrapper", ["", "module.", "_orig_mod.module."])
def test_weights_of_an_imported_model_load_by_name(imported: nn.Module, wrapper: str) -> None:
    weights = {wrapper + name: tensor for name, tensor in imported.state_dict().items()}
    ours = specc.compile("net.cnn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        specc.load_weights(ours, weights)
    assert same_output(ours, imported, 3, 6, 6)


def test_names_that_mean_two_things_are_told(tmp_path: Path) -> None:
    """A model that calls its layers as the spec does, and runs them in another order."""
    (tmp_path / "net.cnn").write_text("input 3x6x6\nconv 3 k1 -> relu -> conv 3 k1\n")
    parts = ("weight", "bias")
    names = {f"conv{n}.{part}": f"conv{3 - n}.{part}" for n in (1, 2) for part in parts}
    (tmp_path / "net.names.json").write_text(json.dumps({"imported": "net:Net", "tensors": names}))
    ours = specc.compile(tmp_path / "net.cnn")
    weights = {name: torch.rand_like(tensor) for name, tensor in ours.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"`conv1.weight` is `conv1.weight` by the one and `conv2.weight` by the other"
    ):
        specc.load_weights(ours, weights)
    specc.load_weights(ours, weights, names={})
    assert torch.equal(ours.state_dict()["conv1.weight"], weights["conv1.weight"])
    specc.load_weights(ours, weights, names=tmp_path / "net.names.json")
    assert torch.equal(ours.state_dict()["conv1.weight"], weights["conv2.weight"])


def test_names_are_given_as_a_file_or_as_they_are(imported: nn.Module) -> None:
    Path("net.names.json").rename("elsewhere.json")
    for names in ("elsewhere.json", Path("elsewhere.json"), json.loads(Path("elsewhere.json").read_text())["tensors"]):
        ours = specc.compile("net.cnn")
        specc.load_weights(ours, imported.state_dict(), names=names)
        assert same_output(ours, imported, 3, 6, 6)


def test_export_takes_an_imported_models_own_weights(imported: nn.Module) -> None:
    save_file(imported.state_dict(), "own.safetensors")
    done = CliRunner().invoke(main, ["export", "net.cnn", "-o", "net.pt2", "--weights", "own.safetensors"])
    assert done.exit_code == 0, done.output
    assert "order" not in done.stderr
    x = torch.rand(2, 3, 6, 6)
    assert torch.allclose(torch.export.load("net.pt2").module()(x), imported(x), atol=1e-6)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "does not say which tensor is which"),
        ('{"tensors": {"conv1.weight": 3}}', "does not say which tensor is which"),
        ('{"tensors": {"conv1.weight": "first.weight"}}', "`conv1.bias` of the model is not among the names"),
        ('{"tensors": {"conv1.weight": "first.weight", "conv1.bias": "gone"}}', "the weights lack `gone`"),
        ('{"tensors": {"conv1.weight": "unused.weight"}}', "the model needs `conv1.weight` of shape 3x3x1x1"),
    ],
)
def test_names_that_are_wrong(imported: nn.Module, content: str, told: str) -> None:
    Path("net.names.json").write_text(content)
    with pytest.raises(ValueError, match=told):
        specc.load_weights(specc.compile("net.cnn"), imported.state_dict())


class Called(nn.BatchNorm2d):
    """Normalisation as a function with the module's own tensors, as timm has it: its counter goes by itself."""

    def forward(self, x: Tensor) -> Tensor:
        found = nn.functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training)
        return torch.relu(found)


def test_counts_of_batches_go_with_their_averages() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Called(4), nn.Conv2d(4, 4, 1), Called(4)).eval()
    model.get_buffer("3.num_batches_tracked").fill_(7)
    found = import_model(model, "net:Net", (3, 6, 6))
    ours = specc.compile(found.text)
    specc.load_weights(ours, model.state_dict(), names=found.names)
    counts = [int(tensor) for name, tensor in ours.state_dict().items() if name.endswith("num_batches_tracked")]
    assert (counts, same_output(ours, model, 3, 6, 6)) == ([0, 7], True)


TWO = "input 3x6x6\nconv 3 k1 -> conv 3 k1 -> flatten -> linear 2\n"


def layers(**sizes: tuple[int, int] | int) -> dict[str, Tensor]:
    """Weights and biases by the names of their layers; pairs are linear, numbers 1×1 convolutions on 3 channels."""
    made = {
        name: nn.Linear(*size) if isinstance(size, tuple) else nn.Conv2d(3, size, 1) for name, size in sizes.items()
    }
    return {f"{name}.{own}": tensor for name, layer in made.items() for own, tensor in layer.state_dict().items()}


def test_tensors_that_only_their_order_tells_apart_are_listed() -> None:
    weights, ours = layers(a=3, b=3, head=(108, 2)), specc.compile(TWO)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    with pytest.raises(ValueError, match="the order alone tells which of 4 tensors is which") as caught:
        specc.load_weights(ours, weights)
    assert "`conv1.weight` from `a.weight`, `conv2.weight` from `b.weight`; `by_order=True` says" in str(caught.value)
    assert "linear1" not in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        specc.load_weights(ours, weights, by_order=True)
    assert torch.equal(ours.get_parameter("conv2.weight"), weights["b.weight"])


def test_nothing_is_guessed_where_the_orders_differ() -> None:
    weights, ours = layers(head=(108, 2), a=3, b=3), specc.compile(TWO)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"tensor 1 does not fit: .* the order alone tells which of 4 tensors is which"
    ):
        specc.load_weights(ours, weights)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())
    specc.load_weights(ours, weights, by_order=True)
    assert torch.equal(ours.get_parameter("conv1.weight"), weights["a.weight"])
    assert torch.equal(ours.get_parameter("linear1.bias"), weights["head.bias"])


def test_shapes_that_occur_once_need_no_order() -> None:
    theirs = nn.Sequential(nn.Linear(144, 2), nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4))
    theirs.get_buffer("2.num_batches_tracked").fill_(7)
    ours = specc.compile("input 3x6x6\nconv 4 k1 nobias -> bn -> relu -> flatten -> linear 2\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        specc.load_weights(ours, theirs.state_dict())
    assert int(ours.get_buffer("bn1.num_batches_tracked")) == 7
    assert torch.equal(ours.get_parameter("linear1.weight"), theirs.get_parameter("0.weight"))
    assert torch.equal(ours.get_buffer("bn1.running_var"), theirs.get_buffer("2.running_var"))


def test_names_that_agree_come_before_any_order() -> None:
    ours, theirs = specc.compile(TWO), specc.compile(TWO)
    weights = dict(reversed(theirs.state_dict().items()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        specc.load_weights(ours, weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in ours.state_dict().items())
