"""A run with the recipe of another one, a run once more, and callbacks of other packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import specc as command
from safetensors.torch import load_file

from specc.runner.callbacks.base import Callback
from specc.runner.callbacks.others import Together

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = """\
param width = 4
input 1x8x8
conv width k3 -> relu -> flatten -> dropout 0.2 -> linear 10
train { epochs 3 ; limit 100 ; batch 32 ; clip 0.5 ; schedule cosine ; precision fp32 }
"""
OTHER = "conv 6 k3 -> relu -> flatten -> linear 10\ntrain { epochs 9 ; label_smoothing 0.1 }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    (tmp_path / "other.cnn").write_text(OTHER, encoding="utf-8")
    done(tmp_path, "train", "net.cnn", "--set", "width=5", "--lr", "0.02", "--optimizer", "sgd", "--out", "first")
    return tmp_path


def done(folder: Path, *arguments: str) -> list[str]:
    """What a command prints that must end well."""
    found = command(*arguments, cwd=folder)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


def recipe(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    return {name: value for name, value in found.items() if name not in ("path", "options", "set", "input")}


def same_bits(first: Path, second: Path) -> bool:
    one, other = (load_file(path / "last.safetensors") for path in (first, second))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_recipe_of_another_run(folder: Path) -> None:
    lines = done(folder, "train", "other.cnn", "--recipe", "first", "--epochs", "1", "--out", "second")
    assert lines[0] == "the recipe is that of first, and not the spec's own"
    assert recipe(folder / "second") == {**recipe(folder / "first"), "epochs": 1}
    done(folder, "train", "--resume", "second", "--epochs", "2")
    assert recipe(folder / "second")["clip"] == 0.5


def test_a_spec_without_an_input_takes_its_data(folder: Path) -> None:
    done(folder, "train", "net.cnn", "--data", "digits", "--resize", "10", "--input", "1x10x10", "--epochs", "1",
         "--out", "large")  # fmt: skip
    done(folder, "train", "other.cnn", "--recipe", "large", "--out", "second")
    assert (folder / "second" / "spec.cnn").read_text(encoding="utf-8").startswith("input 1x10x10\n")


@pytest.mark.parametrize("exact", [(), ("--exact",)])
def test_a_run_once_more(exact: tuple[str, ...], folder: Path) -> None:
    """The same bits, whatever became of the file that it began from."""
    done(folder, "train", "net.cnn", "--set", "width=5", "--out", "a", "--lr", "0.02", *exact)
    (folder / "net.cnn").unlink()
    lines = done(folder, "train", "a", "--out", "b")
    assert lines[0] == "repeats a"
    assert recipe(folder / "a") == recipe(folder / "b")
    assert same_bits(folder / "a", folder / "b")
    done(folder, "train", "a", "--out", "c", "--seed", "1", "--set", "width=6")
    assert recipe(folder / "c") == {**recipe(folder / "a"), "seed": 1}
    assert load_file(folder / "c" / "last.safetensors")["conv1.weight"].shape[0] == 6


def test_it_goes_to_the_next_free_folder(folder: Path) -> None:
    done(folder, "train", "first")
    assert (folder / "runs" / "net-digits-1" / "last.safetensors").exists()


def test_of_a_run_also_for_several_seeds(folder: Path) -> None:
    lines = done(folder, "train", "first", "--seeds", "2", "--out", "seeds")
    assert lines[0] == "repeats first"
    assert same_bits(folder / "first", folder / "seeds" / "seed-0")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["other.cnn", "--recipe", "none"], 2, "error[E640]: none does not exist"),
        (["other.cnn", "--recipe", "."], 2, "error[E640]: . holds no run"),
        (["--resume", "first", "--recipe", "first"], 2, "leave out --recipe"),
        (["first", "--callback", "bell"], 2, "error[E694]: there is no callback `bell`"),
    ],
)
def test_what_is_refused(arguments: list[str], status: int, told: str, folder: Path) -> None:
    found = command("train", *arguments, cwd=folder)
    assert (found.returncode, told in found.stderr) == (status, True), found.stderr


# callbacks of other packages

BELL = """\
from pathlib import Path
from specc.runner.callbacks.base import Callback

class Bell(Callback):
    def __enter__(self):
        Path("rung").write_text("entered\\n")
        return self
    def epoch_ends(self, metrics, epochs):
        with Path("rung").open("a") as file:
            file.write(f"{metrics.epoch} of {epochs}\\n")

class Broken(Bell):
    def epoch_ends(self, metrics, epochs):
        raise RuntimeError("no clapper")

def nothing():
    return None
"""


@pytest.fixture
def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings callbacks, as it looks where it is installed."""
    site = folder / "site"
    about = site / "bell-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "bell.py").write_text(BELL, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bell\nVersion: 1.0\n", encoding="utf-8")
    points = "[specc.callbacks]\nbell = bell:Bell\nbroken = bell:Broken\nnothing = bell:nothing\ngone = belll:Bell\n"
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    return folder


def test_a_callback_of_a_package_is_told(package: Path) -> None:
    done(package, "train", "first", "--callback", "bell", "--epochs", "2", "--out", "second")
    assert (package / "rung").read_text(encoding="utf-8").splitlines() == ["entered", "1 of 2", "2 of 2"]
    done(package, "train", "--resume", "second", "--epochs", "3", "--callback", "bell")
    assert (package / "rung").read_text(encoding="utf-8").splitlines() == ["entered", "3 of 3"]


def test_one_that_fails_ends_no_run(package: Path) -> None:
    lines = done(package, "train", "first", "--callback", "broken,bell", "--out", "second")
    (told,) = [line for line in lines if "the callback `broken` failed" in line]
    assert "RuntimeError: no clapper" in told
    assert (package / "rung").read_text(encoding="utf-8").splitlines()[-1] == "3 of 3"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bel", "did you mean `bell`?"),
        ("nothing", "is no `specc.runner.callbacks.base.Callback`"),
        ("gone", "cannot be used: ModuleNotFoundError"),
    ],
)
def test_one_that_cannot_be_used(name: str, told: str, package: Path) -> None:
    found = command("train", "first", "--callback", name, cwd=package)
    assert found.returncode == 2
    assert "error[E694]" in found.stderr and told in found.stderr


def test_all_that_a_callback_is_told_goes_on_to_the_others() -> None:
    told = {name for name in vars(Callback) if not name.startswith("_")} | {"__enter__", "__exit__"}
    assert told <= vars(Together).keys()
