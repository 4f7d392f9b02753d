"""A spec that leaves its input or its classes to the data set."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from callbacks import Stop
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file

import specc
from specc.cli.main import main
from specc.diagnostics.diagnostic import Problem
from specc.evaluate.trained import load_trained
from specc.runner.resume import resume

pytestmark = pytest.mark.usefixtures("one_thread")

OPEN = "conv 4 k3 p1 -> relu -> maxpool 2 -> flatten -> linear 10\n"
AUTO = "# for any pictures\nparam classes = auto\nconv 4 k3 p1 -> relu -> gap -> flatten -> linear classes\n"


def run_specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: both specs, and pictures of two classes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "open.cnn").write_text(OPEN)
    (tmp_path / "auto.cnn").write_text(AUTO)
    for name in ("cat", "dog"):
        for number in range(5):
            (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 7), (number, 0, 0)).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path


def test_a_chain_alone_trains_on_a_data_set(place: Path) -> None:
    """The real command, from a file that says nothing but the network."""
    done = subprocess.run(
        [sys.executable, "-m", "specc", "train", "open.cnn", "--data", "digits", "--epochs", "1", "--out", "run"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (place / "run" / "spec.cnn").read_text() == f"input 1x8x8\n{OPEN}"
    assert run_specc("check", "run/spec.cnn").exit_code == 0
    assert load_trained(place / "run").shaped.input == (1, 8, 8)
    assert run_specc("eval", "run").exit_code == 0
    exported = run_specc("export", "run", "--to", "python", "-o", "net.py")
    assert exported.exit_code == 0, exported.output


def test_the_number_of_classes_is_the_data_sets(place: Path) -> None:
    run = specc.train("auto.cnn", "run", data="pets", epochs=1)
    assert (run.folder / "spec.cnn").read_text() == AUTO.replace(
        "param classes = auto", "input 3x7x9\nparam classes = 2"
    )
    trained = load_trained(run.folder)
    assert (trained.shaped.input, trained.data.classes) == ((3, 7, 9), ("cat", "dog"))


@pytest.mark.parametrize("spec", ["open.cnn", "auto.cnn"])
def test_every_command_takes_it_from_the_data(place: Path, spec: str) -> None:
    assert f"{spec} fits digits" in run_specc("check", spec, "--data", "digits").stdout
    told = json.loads(run_specc("summary", spec, "--data", "digits", "--format", "json").stdout)
    assert (told["input"], told["output"]) == ([1, 8, 8], [10])


def test_several_data_sets_are_answered_each(place: Path) -> None:
    done = run_specc("check", "auto.cnn", "--data", "digits,cifar100,pets")
    assert [line for line in done.stdout.splitlines() if "fits" in line] == [
        f"auto.cnn fits {name}" for name in ("digits", "cifar100", "pets")
    ]
    told = json.loads(run_specc("check", "open.cnn", "--data", "digits,cifar100", "--format", "json").stdout)
    assert [found["code"] for found in told] == ["W511"]


def test_the_recipes_own_data_count(place: Path) -> None:
    (place / "own.cnn").write_text(f"{AUTO}train {{ data digits }}\n")
    assert run_specc("check", "own.cnn").exit_code == 0
    assert json.loads(run_specc("summary", "own.cnn", "--format", "json").stdout)["output"] == [10]
    told = json.loads(run_specc("summary", "own.cnn", "--data", "pets", "--format", "json").stdout)
    assert (told["input"], told["output"]) == ([3, 7, 9], [2])


def test_an_option_wins(place: Path) -> None:
    told = run_specc(
        "summary", "auto.cnn", "--data", "pets", "--input", "1x28x28", "--set", "classes=7", "--format", "json"
    )
    assert (json.loads(told.stdout)["input"], json.loads(told.stdout)["output"]) == ([1, 28, 28], [7])
    done = run_specc(
        "train", "auto.cnn", "--data", "pets", "--resize", "12", "--channels", "1", "--epochs", "1", "--out", "run"
    )
    assert done.exit_code == 0 and "input 1x12x12" in (place / "run" / "spec.cnn").read_text(), done.output


def test_without_data_the_ways_out_are_said(place: Path) -> None:
    for command in (["check"], ["summary"], ["train"]):
        done = run_specc(*command, "auto.cnn")
        assert done.exit_code == 1, done.output
        said = done.stdout + done.stderr
        assert "error[E214]" in said and "error[E218]" in said
        assert "`--data mnist`" in said and "`--set classes=10`" in said
    with pytest.raises(specc.SpecError, match="E218"):
        specc.compile("auto.cnn", input=(1, 8, 8))
    assert specc.compile("auto.cnn", input=(1, 8, 8), classes=3)[-1].out_features == 3


def test_a_mistake_is_shown_in_the_text_as_it_was_written(place: Path) -> None:
    (place / "wrong.cnn").write_text("# pooled away\nconv 4 k3 -> maxpool 9 -> flatten -> linear 10\n")
    for command in ("check", "train"):
        done = run_specc(command, "wrong.cnn", "--data", "digits")
        assert done.exit_code == 1 and "wrong.cnn:2:14" in done.stdout + done.stderr, done.output
    assert not (place / "runs").exists()


@pytest.mark.parametrize("name", ["width", "n"])
def test_only_the_number_of_classes_is_auto(name: str) -> None:
    found = specc.check(f"param {name} = auto\ninput 8\nlinear {name}\n")
    assert [one.code for one in found.diagnostics] == ["E218"]
    assert "only `classes` can be `auto`" in found.diagnostics[0].message


@pytest.mark.parametrize("data", ["mnst", "no/such/folder"])
def test_data_that_are_not_there(place: Path, data: str) -> None:
    for command in ("check", "summary", "train"):
        done = run_specc(command, "open.cnn", "--data", data)
        assert (done.exit_code, "E601" in done.stdout + done.stderr) == (2, True), done.output


def test_pictures_of_different_sizes_ask_for_one(place: Path) -> None:
    Image.new("RGB", (20, 20)).save(place / "pets" / "cat" / "9.png")
    for command in ("check", "train"):
        done = run_specc(command, "auto.cnn", "--data", "pets")
        assert (done.exit_code, "E610" in done.stdout + done.stderr) == (1, True), done.output


SETTINGS: dict[str, Any] = {"epochs": 2, "batch": 4, "device": "cpu"}


def test_a_stopped_run_goes_on_by_its_own_numbers(place: Path) -> None:
    """And with the file that it began with, as long as this leaves the same open."""
    specc.train("auto.cnn", "whole", data="pets", **SETTINGS)
    specc.train("auto.cnn", "run", data="pets", callback=Stop(2), **SETTINGS)
    resume("run")
    whole, run = (load_file(place / name / "last.safetensors") for name in ("whole", "run"))
    assert whole.keys() == run.keys() and all(tensor.equal(run[name]) for name, tensor in whole.items())
    specc.train("auto.cnn", "again", data="pets", callback=Stop(2), **SETTINGS)
    (place / "auto.cnn").write_text(AUTO.replace("conv 4", "conv 5"))
    with pytest.raises(Problem) as caught:
        resume("again")
    assert caught.value.diagnostic.code == "E622"
    done = run_specc("train", "auto.cnn", "--resume", "again", "--adopt")
    assert done.exit_code == 0, done.output
    assert "conv 5" in (place / "again" / "spec.cnn").read_text()
    assert "input 3x7x9" in (place / "again" / "spec.cnn").read_text()
