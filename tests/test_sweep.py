"""A sweep makes the trials that it was to make, whatever comes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from commands import specc

from specc.diagnostics.diagnostic import Problem
from specc.report.mattered import MatteredRow, mattered_svg
from specc.search import sweep as module
from specc.search.space import Choice, Range, combinations, count_of, parted, read_space
from specc.search.sweep import SweepPlan, open_study, sweep, trials_of
from specc.source import Source
from specc.syntax.parse import parse

pytest.importorskip("optuna")

SPEC = """\
param width = 4
param momentum = 8
input 1x8x8
conv width k3 -> relu -> flatten -> linear 10
train { epochs 1 ; batch 32 ; limit 64 ; data digits ; precision fp32 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    return tmp_path


def space_of(*lines: str) -> tuple[Range | Choice, ...]:
    return read_space(lines, parse(Source("net.cnn", SPEC)).tree)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("lr=1e-4:1e-1:log", Range("lr", True, 1e-4, 1e-1, whole=False, log=True)),
        ("weight-decay=0:0.1", Range("weight_decay", True, 0, 0.1, whole=False)),
        ("batch=16:64:16", Range("batch", True, 16, 64, whole=True, step=16)),
        ("batch=1e1:1e2", Range("batch", True, 10, 100, whole=True)),
        ("width=4:16", Range("width", False, 4, 16, whole=True)),
        ("width=4:16:log", Range("width", False, 4, 16, whole=True, log=True)),
        ("width=1.5:2", Range("width", False, 1.5, 2, whole=False)),
        ("width=4,8", Choice("width", False, ("4", "8"))),
        ("optimizer = adam , sgd", Choice("optimizer", True, ("adam", "sgd"))),
        ("momentum=4,8", Choice("momentum", False, ("4", "8"))),  # the spec's own name wins
        ("nesterov=on,off", Choice("nesterov", True, ("on", "off"))),
    ],
)
def test_what_is_varied(line: str, meant: Range | Choice) -> None:
    assert space_of(line) == (meant,)


@pytest.mark.parametrize(
    ("lines", "told", "help"),
    [
        ([], "nothing is varied", "`--vary` says what"),
        (["lr"], "`lr` does not say what is varied, and how", "lr=1e-4:1e-1:log"),
        (["lr="], "does not say", "lr=1e-4"),
        (["widht=1,2"], "`widht` is neither", "did you mean `width`?"),
        (["learning_rate=1,2"], "`learning_rate` is neither", "did you mean `lr`?"),
        (["rl=1,2"], "`rl` is neither", "did you mean `lr`?"),
        (["xyzzy=1,2"], "`xyzzy` is neither", "`specc train --help` lists the settings"),
        (["lr=1,2", "lr=3,4"], "`lr` is varied twice", "once"),
        (["lr=1:0"], "begins at 1 and ends at 0", "smaller one"),
        (["lr=0:1:log"], "no logarithm at 0", "leave out `:log`"),
        (["lr=0:1:2"], "steps of 2", "above 0 to 1"),
        (["lr=a:b"], "`a`, of `lr`, is not a number", "lr=1e-4"),
        (["lr=nan:inf"], "`nan`, of `lr`, is not a number", ""),
        (["lr=1:2:3:4"], "is no range", ""),
        (["lr=1"], "leaves nothing to choose", ""),
        (["lr=1,,2"], "leaves nothing to choose", ""),
        (["batch=0.5:8"], "`batch` is a whole number", "whole numbers"),
        (["batch=0:8"], "`batch=0:8`: `batch` is a whole number from 1", ""),
        (["optimizer=adam,sdg"], "not `sdg`", "did you mean `sgd`?"),
        (["width=4,)"], "`)` is not a value for `width`", ""),
        (["device=cpu,cuda"], "changes nothing that a run learns", "as an option"),
    ],
)
def test_what_cannot_be_varied(lines: list[str], told: str, help: str) -> None:
    with pytest.raises(Problem) as found:
        space_of(*lines)
    diagnostic = found.value.diagnostic
    assert diagnostic.code == "E670"
    assert told in diagnostic.message
    assert help in (diagnostic.help or "")


def test_combinations_of_lists() -> None:
    space = space_of("width=4,8", "optimizer=adam,sgd")
    assert count_of(space) == 4
    assert next(combinations(space)) == {"width": "4", "optimizer": "adam"}
    assert count_of((*space, *space_of("lr=1e-3:1e-2"))) is None
    assert parted(space, {"width": "8", "optimizer": "sgd"}) == ({"width": "8"}, {"optimizer": "sgd"})


def trials(folder: Path, *more: str) -> list[dict[str, Any]]:
    """The trials of a sweep, told as JSON; it must end well."""
    done = specc("sweep", "net.cnn", "--out", "s", "--json", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_combination_is_tried_once(folder: Path) -> None:
    found = trials(folder, "--vary", "width=2,4", "--vary", "optimizer=adam,sgd")
    assert sorted(str(trial["chosen"]) for trial in found) == sorted(
        str({"width": width, "optimizer": optimizer}) for width in ("2", "4") for optimizer in ("adam", "sgd")
    )
    assert [trial["score"] for trial in found] == sorted((trial["score"] for trial in found), reverse=True)
    recipe = json.loads((folder / str(found[0]["folder"]) / "recipe.json").read_text(encoding="utf-8"))
    assert found[0]["chosen"]["optimizer"] in json.dumps(recipe)
    assert len((folder / "s" / "trials.csv").read_text(encoding="utf-8").splitlines()) == 5


def test_a_trial_that_was_chosen_and_not_begun_is_made(folder: Path) -> None:
    plan = SweepPlan(folder / "net.cnn", SPEC, space_of("width=2,4"), folder / "s", trials=2)
    study = open_study(plan)
    study.enqueue_trial({"width": "2"})
    sweep(study, plan._replace(options={"epochs": 1}), lambda line: None)
    assert [trial.state for trial in trials_of(study, plan)] == ["complete", "complete"]
    assert {str(trial.chosen["width"]) for trial in trials_of(study, plan)} == {"2", "4"}


def test_a_trial_that_ends_while_it_is_looked_at_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has told the result, and given the lock back, between two looks of another process."""
    plan = SweepPlan(folder / "net.cnn", SPEC, space_of("width=2,4"), folder / "s", trials=2)
    study = open_study(plan)
    trial = study.ask()

    def lock_of(plan: SweepPlan, number: int) -> Path:
        study.tell(trial, 0.5)
        return plan.folder / "lock"

    monkeypatch.setattr(module, "_lock_of", lock_of)
    assert module._abandoned(study, plan) is None


def test_more_trials_are_added_to_those_that_there_are(folder: Path) -> None:
    vary = ("--vary", "lr=1e-3:1e-1:log")
    first = trials(folder, *vary, "--trials", "2")
    assert trials(folder, *vary, "--trials", "2") == first
    both = trials(folder, *vary, "--trials", "3")
    assert len(both) == 3
    assert all(one in both for one in first)


def test_the_table_names_the_best(folder: Path) -> None:
    done = specc("sweep", "net.cnn", "--vary", "lr=1e-9,1e-2", "--epochs", "20", cwd=folder)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("trial 1 of 2: lr=1e-9: test accuracy ")
    assert lines[lines.index("") + 1].split() == ["trial", "settings", "result"]
    assert "the best is in runs/net-sweep/trial-0002" in lines
    assert "`--validation 0.1` chooses on others" in lines[-1]


def test_a_trial_that_fails_is_one_of_them(folder: Path) -> None:
    found = trials(folder, "--vary", "width=4,0")
    assert [trial["state"] for trial in found] == ["complete", "failed"]
    assert "conv" in str(found[1]["result"])


def test_a_trial_that_falls_behind_is_pruned(folder: Path) -> None:
    rates = "0.01,0.011,0.012,0.013,0.014,0.015,1e-9"
    found = trials(folder, "--vary", f"lr={rates}", "--epochs", "6", "--prune")
    assert [trial["state"] for trial in found].count("pruned") >= 1
    worst = next(trial for trial in found if trial["chosen"] == {"lr": "1e-9"})
    assert worst["state"] == "pruned"
    assert "pruned after epoch" in str(worst["result"])


def test_another_sweep_is_refused(folder: Path) -> None:
    trials(folder, "--vary", "width=2,4")
    done = specc("sweep", "net.cnn", "--out", "s", "--vary", "width=2,8", cwd=folder)
    assert (done.returncode, "E671" in done.stderr) == (2, True)


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "specc", "sweep", "net.cnn", "--out", "s", *more], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


LONG = ("--vary", "lr=1e-3:1e-1:log", "--trials", "3", "--epochs", "40")


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_is_stopped_goes_on(folder: Path, number: int) -> None:
    process = started(folder, *LONG)
    wait_for(folder / "s" / "trial-0002" / "metrics.jsonl")
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "stopped; the same command goes on" in said
    found = trials(folder, *LONG)
    assert sorted(trial["number"] for trial in found) == [1, 2, 3]
    assert {trial["state"] for trial in found} == {"complete"}
    lines = (folder / "s" / "trial-0002" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [*range(1, 41)]


@pytest.mark.parametrize("storage", [(), ("--storage", "sqlite:///trials.db")])
def test_two_processes_share_a_sweep(folder: Path, storage: tuple[str, ...]) -> None:
    more = ("--vary", "lr=1e-3:1e-1:log", "--trials", "6", "--epochs", "5", *storage)
    both = [started(folder, *more) for _ in range(2)]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    found = trials(folder, *more)
    assert sorted(trial["number"] for trial in found) == [*range(1, 7)]
    assert {trial["state"] for trial in found} == {"complete"}
    assert len({json.dumps(trial["chosen"]) for trial in found}) == 6


# what mattered


def test_what_mattered_is_told(folder: Path) -> None:
    """The rate decides here, the other one next to nothing; a picture and a file for programs say so, too."""
    done = specc(
        "sweep", "net.cnn", "--out", "s", "--vary", "lr=1e-6,1e-5,1e-2,2e-2", "--vary", "eps=1e-8,2e-8",
        "--epochs", "4", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = lines.index("what mattered, of 8 trials (fANOVA):")
    first, second = (line.split() for line in lines[at + 1 : at + 3])
    assert (first[0], second[0]) == ("lr", "eps")
    shares = json.loads((folder / "s" / "mattered.json").read_text(encoding="utf-8"))
    assert list(shares) == ["lr", "eps"]
    assert shares["lr"] > 0.8 and sum(shares.values()) == pytest.approx(1)
    picture = ElementTree.parse(folder / "s" / "mattered.svg").getroot()
    assert len(picture.findall("{*}circle")) == 16
    assert lines[-1] == "s/mattered.svg shows it"


def test_too_few_trials_say_nothing_of_it(folder: Path) -> None:
    done = specc("sweep", "net.cnn", "--out", "s", "--vary", "lr=1e-5,1e-2", cwd=folder)
    assert "what mattered" not in done.stdout
    assert not (folder / "s" / "mattered.svg").exists()


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [
        ([(1e-4, 0.5), (1e-2, 0.7), (1e-3, 0.6)], "0.0001", "0.01"),
        ([("adam", 0.5), ("sgd", 0.5)], "adam", "sgd"),
        ([(3, 0.5)], "3", "3"),
    ],
)
def test_the_picture_of_a_parameter(points: list[tuple[float | str, float]], low: str, high: str) -> None:
    picture = ElementTree.fromstring(mattered_svg([MatteredRow("x" * 100, 1.0, points, low == "0.0001")]))
    texts = [text.text for text in picture.findall("{*}text")]
    assert texts[-2:] == [low, high]
    places = [float(disc.attrib["cx"]) for disc in picture.findall("{*}circle")]
    assert len(places) == len(points)
    assert low != "0.0001" or places[2] == pytest.approx((places[0] + places[1]) / 2)
