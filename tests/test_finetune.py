"""A run begins with weights from elsewhere, and leaves frozen parts as they are."""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import specc as command
from safetensors.torch import load_file
from torch import nn
from torchvision import models
from torchvision.datasets import MNIST

import specc
from specc.build.names import names_text
from specc.diagnostics.diagnostic import Problem
from specc.gallery import entry
from specc.pipeline import analyse
from specc.reading import read_source
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.parts import frozen_layers
from specc.runner.pretrained import Pretrained, begin_with, normalised_alike, read_pretrained
from specc.runner.resume import resume
from specc.runner.run import train
from specc.source import Source

SPEC = """\
input 1x8x8
stem: conv 8 k3 p1 nobias -> bn -> relu
body: { conv 8 k3 p1 nobias -> bn -> relu } x2
gap -> flatten -> dropout 0.2 -> linear 10
"""
SHORT: dict[str, Any] = {"limit": 96, "batch": 32, "precision": "fp32"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shaped(text: str) -> Any:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def weights(run: Path, kind: str = "last") -> dict[str, torch.Tensor]:
    return load_file(run / f"{kind}.safetensors")


class Said(Callback):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_a_run_begins_where_another_ended() -> None:
    first = train(SPEC, "a", epochs=2, normalize=True, **SHORT)
    said = Said()
    train(SPEC, "b", epochs=1, lr=1e-12, from_weights="a", callback=said, **SHORT)
    for name, tensor in weights(first.folder, "best").items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(weights(Path("b"))[name], tensor, rtol=0, atol=1e-9)
    assert said.lines[0] == "begins with 17 tensors of a, by name"


def test_the_normalisation_of_the_weights_is_taken_along() -> None:
    train(SPEC, "a", epochs=1, normalize=True, **SHORT)
    train(SPEC, "b", epochs=1, from_weights="a", **{**SHORT, "limit": 64})
    about = [json.loads(Path(run, "recipe.json").read_text(encoding="utf-8")) for run in ("a", "b")]
    recipe = about[1].get("recipe", about[1])
    assert recipe["normalize"] is True
    described = read_pretrained("a")
    assert list(described.mean or ()) == recipe["mean"]
    assert read_pretrained("b").mean == described.mean


@pytest.mark.parametrize("freeze", ["stem,bn1,body", "stem,b*"])
def test_what_is_frozen_keeps_its_bits(freeze: str) -> None:
    first = train(SPEC, "a", epochs=1, **SHORT)
    train(SPEC, "b", epochs=2, from_weights="a", freeze=freeze, **SHORT)
    before, after = weights(first.folder, "best"), weights(Path("b"))
    same = {name for name, tensor in before.items() if torch.equal(tensor, after[name])}
    assert same == {name for name in before if not name.startswith("linear1.")}


def test_a_resumed_run_gives_the_same_bits(tmp_path: Path) -> None:
    train(SPEC, "a", epochs=1, normalize=True, **SHORT)
    more: dict[str, Any] = {"from_weights": "a", "freeze": "stem", "average": 0.9, **SHORT}
    whole = train(SPEC, "whole", epochs=3, **more)
    train(SPEC, "parts", epochs=1, **more)
    for path in Path("a").iterdir():
        path.unlink()  # what a run began with is not needed to go on with it
    parts = resume("parts", epochs=3)
    for kind in ("last", "best"):
        found, wanted = weights(parts.folder, kind), weights(whole.folder, kind)
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_torchvisions_weights_go_by_their_order(tmp_path: Path) -> None:
    """A file in torchvision's own format, its names other than the spec's; the head has other classes."""
    theirs = models.resnet18(weights=None)
    torch.save(theirs.state_dict(), "resnet18-made-here.pth")
    text = entry("classics/resnet18").text.replace("param classes = 1000", "param classes = 7")
    model = specc.compile(text)
    fresh = model.state_dict()["linear1.weight"].clone()
    line = begin_with(read_pretrained("resnet18-made-here.pth"), model, shaped(text), ())
    ours, wanted = list(model.state_dict().values()), list(theirs.state_dict().values())
    assert all(torch.equal(mine, its) for mine, its in zip(ours[:-2], wanted[:-2], strict=True))
    assert torch.equal(model.state_dict()["linear1.weight"], fresh)
    assert line == (
        "begins with 100 tensors of resnet18-made-here.pth, by their order; "
        "at fresh values: linear1.weight, linear1.bias; not used: fc.weight, fc.bias"
    )


def test_an_imported_specs_weights_go_by_the_names_of_the_import(tmp_path: Path) -> None:
    """Two tensors of one shape that the source registers in another order than it runs them."""
    text = "input 3x8x8\nconv 3 k1 -> conv 3 k1 -> flatten -> linear 10\n"
    (tmp_path / "net.cnn").write_text(text)
    names = {"conv1.weight": "b.weight", "conv1.bias": "b.bias", "conv2.weight": "a.weight", "conv2.bias": "a.bias"}
    (tmp_path / "net.names.json").write_text(names_text("x:y", names))
    theirs = {f"{name}.{kind}": torch.rand(shape) for name in "ab" for kind, shape in (("weight", (3, 3)), ("bias", 3))}
    model = specc.compile(tmp_path / "net.cnn")
    analysis = analyse(read_source(str(tmp_path / "net.cnn")))
    assert analysis.model is not None
    line = begin_with(Pretrained("theirs", theirs), model, analysis.model, ())
    own = model.state_dict()
    assert all(torch.equal(own[mine].flatten(), theirs[its].flatten()) for mine, its in names.items())
    assert line.startswith("begins with 4 tensors of theirs, by the names in net.names.json; at fresh values: linear1")


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    train(SPEC, "a", epochs=1, **SHORT)
    said = Said()
    train(SPEC, "b", epochs=1, from_weights="~/a", callback=said, **SHORT)
    assert said.lines[0].startswith("begins with 17 tensors of ")


def test_a_checkpoint_may_hold_the_weights() -> None:
    model = specc.compile(SPEC)
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, "checkpoint.pt")
    assert read_pretrained("checkpoint.pt").tensors.keys() == model.state_dict().keys()


class Hostile:
    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (Path.write_text, (Path("pwned"), "yes"))  # type: ignore[return-value]


@pytest.mark.parametrize("content", [b"", b"not weights", "pickle", "list", "infinite"])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_that_cannot_be_used(content: bytes | str, name: str) -> None:
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    elif content == "infinite" and name.endswith("pth"):
        torch.save({"conv1.weight": torch.full((1, 1, 3, 3), torch.inf)}, name)
    else:
        torch.save(Hostile() if content == "pickle" else [1, 2], name)
    with pytest.raises(Problem) as found:
        read_pretrained(name)
    assert found.value.diagnostic.code == "E641"
    assert not Path("pwned").exists()


def test_the_last_layer_starts_afresh_for_other_classes() -> None:
    model, other = specc.compile(SPEC), specc.compile(SPEC)
    fresh = model.state_dict()["linear1.weight"].clone()
    found = Pretrained("theirs", dict(other.state_dict()), classes=tuple("abcdefghij"))
    line = begin_with(found, model, shaped(SPEC), tuple("klmnopqrst"))
    assert torch.equal(model.state_dict()["linear1.weight"], fresh)
    assert "at fresh values: linear1.weight, linear1.bias, since the classes are others" in line
    begin_with(found, model, shaped(SPEC), tuple("abcdefghij"))
    assert torch.equal(model.state_dict()["linear1.weight"], other.state_dict()["linear1.weight"])


def test_weights_of_which_nothing_fits() -> None:
    other = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(Problem) as found:
        begin_with(Pretrained("theirs", other.state_dict()), specc.compile(SPEC), shaped(SPEC), ())
    assert found.value.diagnostic.code == "E636"


@pytest.mark.parametrize(
    ("mean", "recipe", "expected"),
    [
        ((0.5,), Recipe(), (0.5,)),
        ((0.1, 0.2, 0.3), Recipe(), None),  # of pictures in colour, for grey ones
        ((0.5,), Recipe(normalize=True, mean=0.1, deviation=0.2), 0.1),
        ((0.5,), Recipe(exact=True), None),
        (None, Recipe(normalize=True), None),
    ],
)
def test_whose_normalisation_it_is(mean: Any, recipe: Recipe, expected: Any) -> None:
    found = Pretrained("theirs", {}, mean, mean)
    assert normalised_alike(recipe, found, 1).mean == expected


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        ("stem", ["stem"]),
        ("body", ["body1.conv1", "body1.bn1", "body1.relu1", "body2.conv1", "body2.bn1", "body2.relu1"]),
        ("body2.conv1, linear1", ["body2.conv1", "linear1"]),
        ("*.bn*", ["body1.bn1", "body2.bn1"]),
        ("", []),
    ],
)
def test_what_names_stand_for(names: str, layers: list[str]) -> None:
    assert frozen_layers(shaped(SPEC), names) == layers


def test_everything_frozen_leaves_nothing_to_train() -> None:
    with pytest.raises(Problem) as found:
        train(SPEC, "a", freeze="*", epochs=1, **SHORT)
    assert found.value.diagnostic.code == "E617"


@pytest.mark.parametrize(
    ("settings", "code", "told"),
    [
        ({"mean": 0.5}, "E221", "`mean` means nothing without `deviation`"),
        ({"mean": 0.5, "deviation": 0.5}, "E221", "mean nothing without `normalize`"),
        ({"mean": 0.5, "deviation": 0.0, "normalize": True}, "E221", "`deviation` is a number above 0"),
        ({"mean": (0.1, 0.2), "deviation": 0.5, "normalize": True}, "E605", "`mean` has 2 numbers"),
    ],
)
def test_a_normalisation_that_cannot_be(settings: dict[str, Any], code: str, told: str) -> None:
    with pytest.raises(Problem) as found:
        train(SPEC, "a", epochs=1, **settings, **SHORT)
    assert found.value.diagnostic.code == code
    assert told in found.value.diagnostic.message


def test_a_given_normalisation_is_that_of_the_weights() -> None:
    train(SPEC, "a", epochs=1, normalize=True, mean=0.25, deviation=0.5, **SHORT)
    assert (read_pretrained("a").mean, read_pretrained("a").deviation) == ((0.25,), (0.5,))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--from", "runs/none"], "E634"), (["--from", "net.cnn"], "E634"), (["--freeze", "a"], "E637")],
)
def test_what_is_not_there_is_a_wrong_command(arguments: list[str], code: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    done = command("train", "net.cnn", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error[{code}]" in done.stderr
    assert not (tmp_path / "runs").exists()


def some_of(digits: range, count: int, file: str) -> None:
    """So many pictures of each of some of MNIST's digits to train on, and 100 of each to test on."""
    arrays: dict[str, Any] = {}
    for part, most in (("train", count), ("test", 100)):
        whole = MNIST(os.environ["SPECC_DATA"], train=part == "train")
        chosen = [whole.data[whole.targets == digit][:most].numpy() for digit in digits]
        arrays |= {f"x_{part}": np.concatenate(chosen), f"y_{part}": np.repeat(list(digits), most)}
    np.savez(file, **arrays)


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA is unset: real MNIST is not there")
@pytest.mark.usefixtures("one_thread")
def test_few_pictures_are_learned_better_from_a_run_on_others() -> None:
    """20 pictures of each digit from 5 to 9, over five seeds; `benchmarks/finetune.py` trains for longer."""
    spec = (
        "input 1x28x28\nstem: conv 8 k3 s2 p1 nobias -> bn -> relu\n"
        "body: { conv 16 k3 p1 nobias -> bn -> relu -> maxpool 2 } x2\nflatten -> linear 5\n"
    )
    some_of(range(5), 300, "others.npz")
    some_of(range(5, 10), 20, "few.npz")
    asked: dict[str, Any] = {"epochs": 3, "batch": 20, "normalize": True, "precision": "fp32"}
    train(spec, "first", data="others.npz", **asked)

    def accuracy(seed: int, name: str, **more: Any) -> float:
        run = train(spec, f"{name}-{seed}", data="few.npz", seed=seed, **asked, **more)
        return run.metrics[-1].measures["test_accuracy"] or 0

    scratch = [accuracy(seed, "scratch") for seed in range(5)]
    begun = [accuracy(seed, "begun", from_weights="first") for seed in range(5)]
    assert statistics.mean(begun) > statistics.mean(scratch) + 0.05, (begun, scratch)
