"""The loss over the learning rate, tried out, and nothing left of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from commands import specc as command

from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.runner import loop
from specc.runner.before import subject_of
from specc.runner.callbacks.base import Callback
from specc.runner.find_lr import LAG, STEPS, RateCurve, find_lr, rate_curve
from specc.runner.run import make_session, train
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = """\
input 1x8x8
conv 8 k3 p1 -> bn -> relu -> maxpool 2 -> flatten -> dropout 0.2 -> linear 10
train { limit 300 ; batch 64 ; precision fp32 }
"""


def subject_and_recipe(**options: Any) -> Any:
    analysis = analyse(Source("net.cnn", SPEC))
    return subject_of(analysis, frozenset()), overridden(analysis.recipe, options)


@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": "sgd", "momentum": 0.9, "average": 0.9}, {"optimizer": "muon", "accumulate": 2, "crop": 1}],
)
def test_everything_is_as_it_was(options: dict[str, Any]) -> None:
    session = make_session(*subject_and_recipe(**options))
    before = {name: tensor.clone() for name, tensor in session.state.state_dict().items()}
    curve = rate_curve(session)
    after = session.state.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert len(curve.rates) == len(curve.losses) == len(curve.means) <= STEPS
    assert curve == rate_curve(session)


def test_the_suggestion_is_where_the_loss_falls() -> None:
    session = make_session(*subject_and_recipe())
    curve = rate_curve(session)
    assert curve.suggestion is not None
    assert 1e-4 < curve.suggestion < curve.lowest < 10
    assert curve.means[curve.rates.index(curve.suggestion)] < curve.means[0]


PLAIN = """\
input 1x8x8
conv 16 k3 p1 -> relu
conv 32 k3 p1 -> relu -> maxpool 2
flatten -> linear 64 -> relu -> linear 10
train { data digits ; optimizer sgd ; batch 64 ; precision fp32 ; schedule constant ; epochs 6 }
"""


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}], ids=str)
def test_a_network_learns_at_the_rate_that_is_suggested(options: dict[str, Any], tmp_path: Path) -> None:
    analysis = analyse(Source("net.cnn", PLAIN))
    curve = find_lr(subject_of(analysis, frozenset()), overridden(analysis.recipe, options), Callback())
    assert curve.suggestion is not None
    run = train(PLAIN, tmp_path / "run", lr=curve.suggestion, **options)
    assert run.best is not None and (run.best.test_accuracy or 0) > 0.85


def test_a_mean_stands_at_the_rates_whose_losses_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([2.0] * 50 + [1.0] * (STEPS + LAG - 50))
    monkeypatch.setattr(loop, "make_step", lambda *parts: lambda *given: (next(losses),))
    curve = rate_curve(make_session(*subject_and_recipe()))
    assert len(curve.rates) == STEPS and curve.rates[-1] == pytest.approx(10)
    assert curve.suggestion is not None
    assert abs(curve.rates.index(curve.suggestion) - 50) <= LAG
    assert curve.means[50] == pytest.approx(1.5, abs=0.2)


def test_the_lr_of_the_recipe_makes_no_difference() -> None:
    found = [rate_curve(make_session(*subject_and_recipe(lr=lr))) for lr in (1e-5, 1.0)]
    assert found[0].losses[:20] == pytest.approx(found[1].losses[:20], rel=1e-5)


def test_a_curve_that_only_rises_suggests_nothing() -> None:
    rates = tuple(10.0 ** (number / 10 - 7) for number in range(30))
    rising = tuple(1.0 + number for number in range(30))
    assert RateCurve(rates, rising, rising).suggestion is None


def test_a_loss_that_is_no_number() -> None:
    subject, recipe = subject_and_recipe(normalize=True, mean=0.5, deviation=1e-42)
    with pytest.raises(Problem) as found:
        find_lr(subject, recipe, Callback())
    assert found.value.diagnostic.code == "E615"


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    done = command("train", "net.cnn", "--find-lr", "--out", "rates.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    head, *rows, said, wrote = done.stdout.splitlines()
    assert head.split() == ["rate", "loss"] and 10 < len(rows) <= 20
    assert said.startswith("it falls most steeply at ") and "try `--lr " in said
    assert wrote == "wrote rates.svg"
    assert ElementTree.parse(tmp_path / "rates.svg").getroot().tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.cnn", "rates.svg"]
    told = json.loads(command("train", "net.cnn", "--find-lr", "--json", cwd=tmp_path).stdout.splitlines()[-1])
    assert f"{told['suggestion']:.2g}" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "rates"], "error[E692]: `--find-lr` writes a picture, and rates is none"),
        (["--seeds", "2"], "--find-lr trains nothing"),
        (["--nproc", "2"], "--find-lr trains nothing"),
    ],
)
def test_what_is_refused(arguments: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    done = command("train", "net.cnn", "--find-lr", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_folder_that_is_not_there_is_told_before_a_rate_is_tried(tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "rates.png"
    done = command("train", "gallery:digits", "--find-lr", "--out", str(out), cwd=tmp_path)
    assert (done.returncode, "error[E692]" in done.stderr, done.stdout) == (2, True, ""), done
