"""`specc diff`: what two networks share, by layer and by weight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import specc
from specc.cli import main
from specc.gallery import names
from specc.ir.analysis.compare import compare_rows, compare_weights
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.source import Source

BASE = "input 3x32x32\nconv 8 k3 p1 -> relu -> maxpool 2\nconv 16 k3 p1 -> relu -> maxpool 2\nflatten -> linear 10\n"


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def changes(first: str, second: str) -> list[tuple[str, str | None, str | None]]:
    """Everything that is not the same."""
    return [
        (pair.change, pair.first.name if pair.first else None, pair.second.name if pair.second else None)
        for pair in compare_rows(model_of(first), model_of(second))
        if pair.change != "same"
    ]


def test_a_spec_is_like_itself() -> None:
    assert changes(BASE, BASE) == []
    weights = compare_weights(model_of(BASE), model_of(BASE))
    assert weights.carried_parameters == model_of(BASE).params
    assert not (weights.reshaped or weights.only_first or weights.only_second)


def test_a_layer_that_is_put_in_moves_no_other() -> None:
    wider = BASE.replace("conv 16", "conv 8 k3 p1 -> conv 16")
    assert changes(BASE, wider) == [("added", None, "conv2")]


def test_a_layer_that_is_left_out() -> None:
    assert changes(BASE.replace("-> relu -> maxpool 2\nflatten", "-> maxpool 2\nflatten"), BASE) == [
        ("added", None, "relu2")
    ]
    assert changes(BASE, BASE.replace("-> relu -> maxpool 2\nflatten", "-> maxpool 2\nflatten")) == [
        ("removed", "relu2", None)
    ]


def test_a_layer_with_other_numbers_is_changed() -> None:
    assert changes(BASE, BASE.replace("linear 10", "linear 100")) == [("changed", "linear1", "linear1")]


@pytest.mark.parametrize("other", ["classics/vgg16_bn", "classics/resnet50", "lenet5", "small/unet"])
def test_every_row_is_in_exactly_one_pair(other: str) -> None:
    first, second = (analyse(specc.gallery.entry(name).source).model for name in ("classics/vgg16", other))
    assert first is not None
    assert second is not None
    pairs = compare_rows(first, second)
    assert [pair.first for pair in pairs if pair.first] == list(first.rows())
    assert [pair.second for pair in pairs if pair.second] == list(second.rows())
    assert all((pair.change == "removed") == (pair.second is None) for pair in pairs)
    assert all((pair.change == "added") == (pair.first is None) for pair in pairs)


@pytest.mark.parametrize(
    "second", ["classics/vgg11_bn", "classics/vgg13", "lenet_cifar", "classics/resnet18", "more/squeezenet"]
)
def test_weights_carry_over_as_torch_says(second: str) -> None:
    with torch.device("meta"):
        ours, theirs = (
            dict(specc.compile(f"gallery:{name}").named_parameters()) for name in ("classics/vgg11", second)
        )
    found = compare_weights(*(_gallery_model(name) for name in ("classics/vgg11", second)))
    alike = {name for name, tensor in ours.items() if name in theirs and theirs[name].shape == tensor.shape}
    assert set(found.carried) == alike
    assert set(found.reshaped) == (ours.keys() & theirs.keys()) - alike
    assert set(found.only_first) == ours.keys() - theirs.keys()
    assert set(found.only_second) == theirs.keys() - ours.keys()


def _gallery_model(name: str) -> ShapedModel:
    model = analyse(specc.gallery.entry(name).source).model
    assert model is not None
    return model


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["diff", *arguments])


@pytest.fixture
def specs(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "a.cnn").write_text(BASE)
    (tmp_path / "b.cnn").write_text(BASE.replace("linear 10", "linear 100 -> relu -> linear 10"))
    return str(tmp_path / "a.cnn"), str(tmp_path / "b.cnn")


def test_the_text_says_what_changed(specs: tuple[str, str]) -> None:
    done = run(*specs)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "  7 layers alike"
    assert [line for line in lines if line.startswith(("+", "-", "~"))] == [
        "~ linear1  10 => 100  params 10,250 => 102,500  MACs 10,240 => 102,400",
        "+ relu3  100 -> 100",
        "+ linear2  100 -> 10  params 1,010  MACs 1,000",
    ]
    assert "  weights 4 of 6 tensors carry over by name and shape, 1,392 of 11,642 parameters" in lines
    assert any("another shape: linear1.weight (10×1024 => 100×1024)" in line for line in lines)
    assert "    only in B: linear2.weight, linear2.bias" in lines


def test_json_says_the_same(specs: tuple[str, str]) -> None:
    found: dict[str, Any] = json.loads(run(*specs, "--format", "json").output)
    assert list(found) == ["a", "b", "layers", "weights"]
    assert list(found["a"]) == ["file", "input", "output", "params", "macs"]
    assert [pair["change"] for pair in found["layers"]] == ["same"] * 7 + ["changed", "added", "added"]
    assert found["layers"][-1]["a"] is None
    assert found["layers"][-1]["b"]["name"] == "linear2"
    assert found["weights"]["carried"] == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"]
    assert found["weights"]["reshaped"][0] == {"name": "linear1.weight", "a": [10, 1024], "b": [100, 1024]}


def test_input_and_parameters_hold_for_both() -> None:
    done = run("gallery:vgg16", "gallery:vgg16_bn", "--set", "classes=10", "--input", "3x64x64")
    assert done.exit_code == 0
    assert "  output  10\n" in done.output


def test_a_wrong_spec_prints_its_report(tmp_path: Path, specs: tuple[str, str]) -> None:
    (tmp_path / "wrong.cnn").write_text("input 3x4x4\nmaxpool 5\n")
    done = run(specs[0], str(tmp_path / "wrong.cnn"))
    assert done.exit_code == 1
    assert "error[E301]" in done.output
    assert run(specs[0], str(tmp_path / "none.cnn")).exit_code == 2
    assert run(*specs, "--set", "classes=3").exit_code == 2


def test_labels_show_the_kind_behind_them(tmp_path: Path, specs: tuple[str, str]) -> None:
    (tmp_path / "c.cnn").write_text(BASE.replace("linear 10", "head: linear 7"))
    assert "~ linear1 => head (linear)  10 => 7" in run(specs[0], str(tmp_path / "c.cnn")).output


def test_colours() -> None:
    done = CliRunner().invoke(main, ["diff", "gallery:lenet5", "gallery:lenet_cifar", "--color", "always"], color=True)
    assert "\x1b[32m+ " in done.output
    assert "\x1b[" not in run("gallery:lenet5", "gallery:lenet_cifar").output


def test_all_pairs_of_the_gallery_can_be_compared() -> None:
    models = [_gallery_model(name) for name in names()[::5]]
    assert all(compare_rows(first, second) for first in models for second in models)
