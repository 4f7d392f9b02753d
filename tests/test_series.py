"""Several runs in one folder: for several seeds, and for each fold of the data."""

from __future__ import annotations

import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from commands import specc as command
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image
from safetensors.torch import load_file

from specc.cli.main import main
from specc.data.load import load_dataset
from specc.data.survey import folds
from specc.recipe.recipe import Recipe
from specc.runner.listing import listed
from specc.runner.metrics import Metrics
from specc.runner.series import RunSeries, read_series, spread
from specc.tasks.measure import Best

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = """\
input 1x8x8
conv 8 k3 p1 -> relu -> maxpool 2 -> flatten -> dropout 0.2 -> linear 10
train { epochs 2 ; limit 200 ; batch 32 ; precision fp32 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_series(folder: Path) -> None:
    """One of two seeds, of which no run has begun."""
    record = {"kind": "seeds", "count": 2, "record": {"spec": SPEC, "path": None, "input": None, "params": {},
        "options": {}, "recipe": Recipe().model_dump()}}  # fmt: skip
    folder.mkdir()
    (folder / "series.json").write_text(json.dumps(record), encoding="utf-8")


def done(folder: Path, *arguments: str) -> list[str]:
    """What a command prints that must end well."""
    found = command(*arguments, cwd=folder)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


# folds


@settings(deadline=None)
@given(some.lists(some.integers(0, 5), min_size=2, max_size=80), some.integers(2, 12))
def test_every_sample_is_in_one_fold(labels: list[int], count: int) -> None:
    found = folds(labels, count)
    assert sorted(chain.from_iterable(found)) == list(range(len(labels)))
    assert max(map(len, found)) - min(map(len, found)) <= 1
    for label in set(labels):
        shares = [sum(labels[place] == label for place in part) for part in found]
        assert max(shares) - min(shares) <= 1
    assert folds(labels, count) == found


def pictures(folder: Path) -> Path:
    """21 pictures of three classes, each of its own brightness."""
    for number in range(21):
        path = folder / "pets" / "abc"[number % 3] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (10 * number, 0, 0)).save(path)
    return folder / "pets"


@pytest.mark.parametrize("in_memory", ["on", "off"])
def test_every_picture_is_tested_once(in_memory: Any, tmp_path: Path) -> None:
    """Also where a fifth of them was held out, and where they are read when they are wanted."""
    data, tested = str(pictures(tmp_path)), []
    for number in range(1, 5):
        found = load_dataset(Recipe(data=data, fold=f"{number}/4", in_memory=in_memory))
        parts = {name: part.x[:, 0, 0, 0].tolist() for name, part in (("train", found.train), ("test", found.test))}
        assert sorted(parts["train"] + parts["test"]) == list(range(0, 210, 10))
        assert found.test.y.tolist() == [value // 10 % 3 for value in parts["test"]]
        assert found.train.y.tolist() == [value // 10 % 3 for value in parts["train"]]
        assert f"tested on fold {number} of 4 of all samples" in found.note
        tested += parts["test"]
    assert sorted(tested) == list(range(0, 210, 10))


def test_what_is_read_is_what_is_kept(tmp_path: Path) -> None:
    data = str(pictures(tmp_path))
    kept, read = (load_dataset(Recipe(data=data, fold="2/3", in_memory=where)) for where in ("on", "off"))
    for one, other in ((kept.train, read.train), (kept.test, read.test)):
        assert torch.equal(one.x, other.x) and torch.equal(one.y, other.y)


def test_validation_is_held_out_of_the_others() -> None:
    found = load_dataset(Recipe(fold="1/5", validation=0.25))
    assert found.validation is not None
    assert len(found.train) + len(found.test) + len(found.validation) == 1797


def test_a_run_on_a_fold_is_evaluated_on_it(folder: Path) -> None:
    done(folder, "train", "net.cnn", "--fold", "2/3", "--out", "run")
    metrics = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    (found,) = [json.loads(line) for line in done(folder, "eval", "run", "--format", "json")]
    assert found["accuracy"] == max(one["test_accuracy"] for one in metrics)


@pytest.mark.parametrize("value", ["0/5", "6/5", "1/1", "2", "a/b"])
def test_a_fold_that_there_is_not(value: str, folder: Path) -> None:
    found = command("train", "net.cnn", "--fold", value, cwd=folder)
    assert found.returncode == 2
    assert "`fold` is which of how many parts, such as 2/5" in found.stderr


# the series


def test_mean_and_deviation(folder: Path) -> None:
    lines = done(folder, "train", "net.cnn", "--seeds", "3", "--seed", "7", "--out", "s")
    runs = [listed(folder / "s" / f"seed-{seed}") for seed in (7, 8, 9)]
    assert [run.record.recipe.seed for run in runs if run.record] == [7, 8, 9]
    last = [100 * (run.last.measures["test_accuracy"] or 0) for run in runs if run.last]
    mean, deviation = statistics.mean(last), statistics.stdev(last)
    (told,) = [line for line in lines if line.startswith("last epoch of 3 seeds: ")]
    assert f"test accuracy {mean:.2f} ± {deviation:.2f} %" in told
    assert any(line.startswith("note: the best epochs were chosen on the samples") for line in lines)
    assert lines[-1] == "the runs are in s; `specc runs s` lists them"


def test_what_a_program_reads(folder: Path) -> None:
    events = [json.loads(line) for line in done(folder, "train", "net.cnn", "--folds", "2", "--out", "f", "--json")]
    (series,) = [event for event in events if event["event"] == "series"]
    assert (series["kind"], series["count"], series["state"]) == ("folds", 2, "done")
    assert [Path(run["run"]).name for run in series["runs"]] == ["fold-1", "fold-2"]
    assert series["last"]["mean"] == statistics.fmean(run["last"]["test_accuracy"] for run in series["runs"])
    assert [event["event"] for event in events].count("end") == 2


def test_runs_lists_and_compares_them(folder: Path) -> None:
    for name, rate in (("a", "0.001"), ("b", "0.02")):
        done(folder, "train", "net.cnn", "--seeds", "2", "--lr", rate, "--out", f"runs/{name}", "--epochs", "1")
    _, *rows = done(folder, "runs", "--sort", "name")
    assert [row.split()[:4] for row in rows] == [["a", "net.cnn", "digits", "2/2"], ["b", "net.cnn", "digits", "2/2"]]
    assert all(" ± " in row for row in rows)
    assert len(done(folder, "runs", "runs/a")) == 3
    compared = done(folder, "runs", "runs/a", "runs/b")
    assert compared[1].split() == ["lr", "0.001", "0.02"]
    assert [line.split()[0] for line in compared if " ± " in line] == ["best", "last"]
    (first, _) = json.loads("\n".join(done(folder, "runs", "--json", "--sort", "name")))["runs"]
    assert (first["kind"], first["count"], len(first["runs"])) == ("seeds", 2, 2)


# Commands of one run, and of one spec, that are given a folder of several.
OF_A_RUN = [
    ["eval", "s"], ["predict", "s", "x.png"], ["export", "s", "-o", "x.onnx"], ["peek", "s", "x.png"],
    ["serve", "s"], ["train", "net.cnn", "--from", "s"],
]  # fmt: skip
OF_A_SPEC = [["check", "s"], ["summary", "s"], ["draw", "s"], ["fmt", "s"], ["bench", "s"], ["sweep", "s"]]


def begun(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        for file in ("spec.cnn", "recipe.json"):
            (folder / name / file).write_text("", encoding="utf-8")


@pytest.mark.parametrize("arguments", OF_A_RUN)
def test_given_for_one_of_its_runs(arguments: list[str], folder: Path) -> None:
    a_series(folder / "s")
    Image.new("L", (8, 8)).save(folder / "x.png")
    found = command(*arguments, cwd=folder)
    assert found.returncode == 2
    assert "help: it is a series of 2 seeds: `specc train --resume s` begins them" in found.stderr
    begun(folder / "s", "seed-1")
    found = command(*arguments, cwd=folder)
    assert found.returncode == 2
    assert "help: it is a series of 2 seeds, `seed-1`: name one of them, such as `s/seed-1`" in found.stderr


@pytest.mark.parametrize("arguments", [*OF_A_RUN, ["train", "s"], ["train", "--resume", "s"],
    ["train", "net.cnn", "--recipe", "s"], ["runs", "s", "net.cnn"]])  # fmt: skip
def test_a_folder_of_runs_given_for_one_of_them(arguments: list[str], folder: Path) -> None:
    begun(folder / "s", *(f"net-{number}" for number in range(7)))
    Image.new("L", (8, 8)).save(folder / "x.png")
    found = command(*arguments, cwd=folder)
    assert found.returncode == 2
    assert "help: it holds 7 runs, `net-0`, " in found.stderr
    assert "and 2 more: name one of them, such as `s/net-0`" in found.stderr


@pytest.mark.parametrize("arguments", [["eval", "runs/nte-1"], ["train", "--resume", "runs/nte-1"],
    ["train", "net.cnn", "--from", "runs/nte-1"], ["train", "net.cnn", "--recipe", "runs/nte-1"]])  # fmt: skip
def test_a_mistyped_run_is_guessed(arguments: list[str], folder: Path) -> None:
    begun(folder / "runs", "net-1", "other-1")
    found = command(*arguments, cwd=folder)
    assert (found.returncode, "help: did you mean `runs/net-1`?" in found.stderr) == (2, True), found.stderr


@pytest.mark.parametrize("arguments", OF_A_SPEC)
def test_given_for_a_spec(arguments: list[str], folder: Path) -> None:
    begun(folder / "s", "seed-0", "seed-1")
    found = command(*arguments, cwd=folder)
    assert found.returncode == 2
    assert "`s` is a folder, not a spec" in found.stderr
    assert "it holds the runs seed-0, seed-1: name the spec of one, `s/seed-0/spec.cnn`" in found.stderr


@pytest.mark.parametrize("kind", ["seeds", "folds"])
def test_a_series_once_more(kind: str, folder: Path) -> None:
    """The same runs, whatever became of the file that they began from; options win."""
    short = ["--epochs", "1", "--limit", "60", "--lr", "0.02"]
    done(folder, "train", "net.cnn", f"--{kind}", "2", "--out", "a", *short)
    (folder / "net.cnn").unlink()
    lines = done(folder, "train", "a", "--out", "b")
    assert lines[0] == "repeats a"
    for name, _ in read_there(folder / "a").members():
        one, other = weights(folder / "a" / name), weights(folder / "b" / name)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    done(folder, "train", "a", "--seeds", "3", "--seed", "4", "--out", "c")
    again = read_there(folder / "c")
    assert (again.kind, again.count, again.first, again.record.recipe.lr) == ("seeds", 3, 4, 0.02)
    refused = command("train", "a", "--nproc", "2", cwd=folder)
    assert (refused.returncode, "train in one process" in refused.stderr) == (2, True)


def weights(run: Path) -> dict[str, torch.Tensor]:
    files = (load_file(run / f"{part}.safetensors") for part in ("last", "best", "state"))
    return {f"{number}/{name}": tensor for number, one in enumerate(files) for name, tensor in one.items()}


@pytest.mark.parametrize("kind", ["seeds", "folds"])
def test_killed_and_begun_again(kind: str, folder: Path) -> None:
    """What is finished stays as it is, what was cut off goes on, the rest begins: the same bits in the end."""
    slow = ["--epochs", "4", "--limit", "600"]
    done(folder, "train", "net.cnn", f"--{kind}", "3", "--out", "whole", *slow)
    names = [name for name, _ in read_there(folder / "whole").members()]
    process = subprocess.Popen(
        [sys.executable, "-m", "specc", "train", "net.cnn", f"--{kind}", "3", "--out", "cut", *slow], cwd=folder,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    second = folder / "cut" / names[1] / "metrics.jsonl"
    while not second.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = (folder / "cut" / names[0] / "metrics.jsonl").stat().st_mtime_ns
    lines = done(folder, "train", "--resume", "cut")
    assert (folder / "cut" / names[0] / "metrics.jsonl").stat().st_mtime_ns == first
    assert any("is complete: 4 epochs; nothing to do" in line for line in lines)
    for name in names:
        one, other = weights(folder / "whole" / name), weights(folder / "cut" / name)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def read_there(folder: Path) -> RunSeries:
    found = read_series(folder)
    assert found is not None
    return found


def test_more_epochs_for_all(folder: Path) -> None:
    done(folder, "train", "net.cnn", "--seeds", "2", "--out", "s", "--epochs", "1")
    done(folder, "train", "--resume", "s", "--epochs", "2")
    assert [len(listed(folder / "s" / f"seed-{seed}").metrics) for seed in (0, 1)] == [2, 2]


def test_more_epochs_are_remembered_where_it_was_cut_off(folder: Path) -> None:
    """By the runs that had not yet come to them, and by those who ask for nothing."""
    done(folder, "train", "net.cnn", "--seeds", "2", "--out", "s", "--epochs", "1")
    (folder / "s" / "seed-1").rename(folder / "aside")
    (folder / "s" / "seed-1").write_text("in the way", encoding="utf-8")
    assert command("train", "--resume", "s", "--epochs", "2", cwd=folder).returncode
    (folder / "s" / "seed-1").unlink()
    (folder / "aside").rename(folder / "s" / "seed-1")
    done(folder, "train", "--resume", "s")
    assert [len(listed(folder / "s" / f"seed-{seed}").metrics) for seed in (0, 1)] == [2, 2]
    (found,) = json.loads("\n".join(done(folder, "runs", ".", "--json")))["runs"]
    assert found["recipe"]["epochs"] == 2
    (row,) = [line for line in done(folder, "runs", ".") if line.startswith("s ")]
    assert "4/4" in row.split()


def test_stopped_before_the_first_run_began(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there already: what to do with it is told."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specc.search.series.train_subject", stopped)
    found = CliRunner().invoke(main, ["train", "net.cnn", "--seeds", "2", "--out", "s"])
    assert found.exit_code == 130
    assert "`specc train --resume s` goes on with the seeds" in found.stdout
    assert "stopped at once" in found.stderr


@pytest.mark.parametrize("out", [["--out", "f"], []])
def test_refused_before_the_first_run_began(out: list[str], folder: Path) -> None:
    """Nothing is left of it, so that the same command with another number can follow."""
    found = command("train", "net.cnn", "--folds", "5", "--limit", "2", *out, cwd=folder)
    assert found.returncode
    assert "E690" in found.stderr
    assert not (folder / "f").exists()
    assert not list(folder.glob("runs/*"))
    done(folder, "train", "net.cnn", "--folds", "2", "--epochs", "1", *out)


def test_one_that_goes_on_stays_where_it_is_refused(folder: Path) -> None:
    """What it was to be is in its folder alone."""
    done(folder, "train", "net.cnn", "--seeds", "2", "--out", "s", "--epochs", "1")
    for seed in (0, 1):
        shutil.rmtree(folder / "s" / f"seed-{seed}")
    content = (folder / "s" / "series.json").read_text(encoding="utf-8")
    gone = content.replace('"data": "digits"', json.dumps({"data": str(folder / "gone")})[1:-1])
    (folder / "s" / "series.json").write_text(gone, encoding="utf-8")
    assert command("train", "--resume", "s", cwd=folder).returncode
    assert (folder / "s" / "series.json").read_text(encoding="utf-8") == gone != content


def test_epochs_are_only_raised(folder: Path) -> None:
    done(folder, "train", "net.cnn", "--seeds", "2", "--out", "s", "--epochs", "2")
    found = command("train", "--resume", "s", "--epochs", "1", cwd=folder)
    assert found.returncode == 2
    assert "`epochs` was 2, and can only be raised" in found.stderr
    assert "--adopt" not in found.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["net.cnn", "--seeds", "2", "--folds", "2"], "--seeds and --folds cannot be used together"),
        (["net.cnn", "--folds", "2", "--fold", "1/2"], "leave out --fold"),
        (["net.cnn", "--seeds", "1"], "2<=x<=1000"),
        (["net.cnn", "--seeds", "2", "--nproc", "2"], "leave out --nproc"),
        (["--resume", "there", "--lr", "1"], "besides --resume only --epochs"),
        (["--resume", "there", "--set", "foo=3"], "besides --resume only --epochs"),
        (["--resume", "there", "--input", "1x9x9"], "besides --resume only --epochs"),
        (["--resume", "there", "--adopt"], "besides --resume only --epochs"),
        (["--resume", "there", "net.cnn"], "besides --resume only --epochs"),
        (["--resume", "there", "--seeds", "4"], "leave out --seeds and --folds"),
        (["--resume", "a-run", "--folds", "3"], "leave out --seeds and --folds"),
        (["net.cnn", "--seeds", "2", "--out", "there"], "the run folder there already holds files"),
        (["net.cnn", "--seeds", "2", "--out", "there"], "`specc train --resume there` continues the runs in it"),
    ],
)
def test_what_is_refused(arguments: list[str], told: str, folder: Path) -> None:
    a_series(folder / "there")
    found = command("train", *arguments, cwd=folder)
    assert found.returncode == 2
    assert told in found.stderr


def test_a_loss_is_told_where_nothing_else_is() -> None:
    epochs = [Metrics(1, 0.5, loss, 1.0, by=Best("iou", "max")) for loss in (0.25, 0.75)]
    assert str(spread(epochs)) == "0.5 ± 0.3536"
    assert spread(epochs).as_json()["measure"] == "test_loss"
