"""Parts of a network learn at rates of their own, decay on their own, and some of them later than the others."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Stop
from commands import specc as command
from safetensors.torch import load_file

import specc
from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.parts import factors
from specc.recipe.recipe import Recipe
from specc.runner.callbacks.base import Callback
from specc.runner.metrics import Metrics
from specc.runner.parts import levels, weight_factors
from specc.runner.resume import resume
from specc.runner.run import train
from specc.source import Source
from specc.syntax.format import format_source

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = """\
input 1x8x8
stem: conv 8 k3 p1 nobias -> bn -> relu
body: { conv 8 k3 p1 nobias -> bn -> relu } x2
gap -> flatten -> linear 10
"""
SHORT: dict[str, Any] = {"limit": 96, "batch": 32, "precision": "fp32", "optimizer": "sgd", "lr": 0.1}


def shaped(text: str = SPEC) -> Any:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def recipe_of(line: str) -> Recipe:
    analysis = analyse(Source("net.cnn", f"{SPEC}train {{ {line} }}\n"))
    assert analysis.ok, analysis.diagnostics
    return analysis.recipe


class Weights(Callback):
    """Keeps the weights of the end of each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines = folder, list[str]()
        self.epochs: list[dict[str, torch.Tensor]] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self.epochs.append(load_file(self.folder / "last.safetensors"))


# what is said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rates linear1=10x stem=0.1x", [("linear1", 10), ("stem", 0.1)]),
        ('rates "body*=0.5x, stem=1e-3x"', [("body*", 0.5), ("stem", 0.001)]),
        ('rates "body1.conv1=0x" stem=2x', [("body1.conv1", 0), ("stem", 2)]),
    ],
)
def test_a_line_of_the_recipe(line: str, said: list[tuple[str, float]]) -> None:
    assert factors(recipe_of(line).rates or "") == said


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("rates stem=0.1", "E221", "`rates` is names of parts with a factor each, such as head=10x stem=0.1x"),
        ("rates 0.1x", "E221", "not `0.1x`"),
        ("rates", "E221", "but nothing is given"),
        ("rates stem=1e9x", "E221", "not `stem=1e9x`"),
        ('decays "stem==1x"', "E221", "not `stem==1x`"),
        ("rates [10x]", "E221", "not `[10x]`"),
        ("batch 10x", "E221", "`batch` is a whole number from 1, not `10x`"),
        ("layer_decay 1.5", "E221", "`layer_decay` is a number above 0 to 1, not `1.5`"),
        ("unfreeze_after 2", "E221", "`unfreeze_after` means nothing without `freeze`"),
        ("freeze_after stem=0", "E221", "`freeze_after` is names of parts with a number of epochs each"),
        ("freeze_after stem=1.5", "E221", "not `stem=1.5`"),
        ("freeze_after stem=3x", "E221", "not `stem=3x`"),
    ],
)
def test_a_line_that_is_wrong(line: str, code: str, told: str) -> None:
    (found,) = analyse(Source("net.cnn", f"{SPEC}train {{ {line} }}\n")).diagnostics
    assert found.code == code
    assert told in found.message


def test_a_factor_alone_is_no_name() -> None:
    (found,) = analyse(Source("net.cnn", f"{SPEC}train {{ 10x }}\n")).diagnostics
    assert (found.code, found.help) == ("E101", None)


def test_a_factor_is_written_as_it_was() -> None:
    text = f"{SPEC}train {{\n  rates linear1=10x stem=0.1x\n}}\n"
    assert format_source(Source("net.cnn", text)).text == text


@pytest.mark.parametrize(
    ("setting", "value"),
    [("rates", "stemm=2x"), ("decays", "stemm=2x"), ("freeze", "stemm"), ("freeze-after", "stemm=2")],
)
def test_a_name_that_nothing_has(setting: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    done = command("train", "net.cnn", f"--{setting}", value, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E637]: no part of the network is called `stemm`" in done.stderr
    assert "did you mean `stem`?" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "column"),
    [("freeze steem", 8), ("freeze_after steem=2", 14), ('freeze "body, steem"', 15), ("decays stem=2x steem=2x", 16)],
)
def test_a_name_in_the_spec_that_nothing_has(line: str, column: int, tmp_path: Path) -> None:
    """It is found in the text, by every command, before anything is trained."""
    (tmp_path / "net.cnn").write_text(f"{SPEC}train {{\n{line}\n}}\n", encoding="utf-8")
    told = f"net.cnn:6:{column}: error[E637]: no part of the network is called `steem` (help: did you mean `stem`?)"
    done = command("check", "net.cnn", "--format", "concise", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, f"{told}\n")
    done = command("train", "net.cnn", cwd=tmp_path)
    assert (done.returncode, "error[E637]" in done.stderr) == (1, True)
    assert not (tmp_path / "runs").exists()
    assert command("check", "net.cnn", "--fix", cwd=tmp_path).returncode == 0
    assert "steem" not in (tmp_path / "net.cnn").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"body=0.5x body2.conv1=2x linear1=10x"',
         {"body1.conv1.weight": 0.5, "body1.bn1.bias": 0.5, "body2.conv1.weight": 2, "linear1.bias": 10}),
        ("bias=64x linear1=10x", {"bn1.bias": 64, "body1.bn1.bias": 64, "linear1.bias": 10, "linear1.weight": 10}),
        ("linear1=10x bias=64x", {"body2.bn1.bias": 64, "linear1.bias": 64, "linear1.weight": 10}),
        ('"*.weight=2x linear1.bias=3x"', {"stem.weight": 2, "body1.bn1.weight": 2, "linear1.bias": 3}),
        ('"body*.bias=4x"', {"body1.bn1.bias": 4, "body2.bn1.bias": 4}),
    ],
)  # fmt: skip
def test_which_weights_a_factor_is_of(line: str, told: dict[str, float]) -> None:
    """Parts, layers, or single weights; of two for one weight the later one holds."""
    model = specc.compile(SPEC)
    found = weight_factors(model, shaped(), recipe_of(f"rates {line}"))
    named = {name: found[id(weight)][0] for name, weight in model.named_parameters() if id(weight) in found}
    assert told.items() <= named.items()
    assert ("stem.weight" in named) == ("stem.weight" in told)


def test_a_bias_goes_further_than_its_kernel(tmp_path: Path) -> None:
    """One step of plain SGD: each weight goes its rate, times its factor, against its gradient."""
    moved: list[dict[str, torch.Tensor]] = []
    for rates in (None, "bias=64x stem=3x"):
        often = {**SHORT, "batch": 96, "rates": rates}
        begun = train(SPEC, tmp_path / f"begun{len(moved)}", epochs=1, **{**often, "lr": 1e-12})
        run = train(SPEC, tmp_path / f"run{len(moved)}", epochs=1, **often)
        first, last = (load_file(one.folder / "last.safetensors") for one in (begun, run))
        moved.append({name: last[name] - first[name] for name in first})
    for name, factor in (("stem.weight", 3), ("bn1.bias", 64), ("linear1.weight", 1), ("linear1.bias", 64)):
        torch.testing.assert_close(moved[1][name], factor * moved[0][name], rtol=1e-3, atol=1e-5)


# what learns for some epochs


def test_a_part_learns_for_some_epochs(tmp_path: Path) -> None:
    """Then it keeps its bits, the statistics of its normalisations among them; the rest goes on."""
    kept = Weights(tmp_path / "run")
    train(SPEC, tmp_path / "run", epochs=4, freeze_after="stem=1 body=2", callback=kept, **SHORT)
    same = [
        {name for name, tensor in one.items() if tensor.equal(other[name])}
        for one, other in zip(kept.epochs, kept.epochs[1:], strict=False)
    ]
    assert same[0] == {"stem.weight"}
    body = {name for name in kept.epochs[0] if name.startswith("body")}
    assert same[1] == same[2] == {"stem.weight", *body}


def test_what_is_frozen_at_both_ends(tmp_path: Path) -> None:
    kept = Weights(tmp_path / "run")
    settings: dict[str, Any] = {"freeze": "stem", "unfreeze_after": 1, "freeze_after": "stem=2"}
    train(SPEC, tmp_path / "run", epochs=3, callback=kept, **settings, **SHORT)
    begun = session_weights(tmp_path)
    stems = [begun, *(one["stem.weight"] for one in kept.epochs)]
    assert [one.equal(other) for one, other in itertools.pairwise(stems)] == [True, False, True]


def session_weights(folder: Path) -> torch.Tensor:
    train(SPEC, folder / "begun", epochs=1, freeze="stem", **SHORT)
    return load_file(folder / "begun" / "last.safetensors")["stem.weight"]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "muon"])
@pytest.mark.parametrize("after", [2, 3, 4, 6, 8])
def test_what_stops_to_learn_goes_on_alike(after: int, optimizer: str, tmp_path: Path) -> None:
    """Stopped within an epoch, and between two, before and after a part stops to learn."""
    more: dict[str, Any] = {**SHORT, "epochs": 3, "freeze_after": "stem=1 body1=2", "optimizer": optimizer, "lr": 0.01}
    train(SPEC, tmp_path / "whole", **more)
    train(SPEC, tmp_path / "run", callback=Stop(after), **more)
    resume(tmp_path / "run")
    for name in ("last", "best", "state"):
        one, other = (load_file(tmp_path / run / f"{name}.safetensors") for run in ("whole", "run"))
        assert one.keys() == other.keys()
        assert all(tensor.equal(other[key]) for key, tensor in one.items())


def test_nothing_would_learn_any_more(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="after 2 epochs the network has no weights to train any more") as caught:
        train(SPEC, tmp_path / "run", freeze_after="stem=1 bn1=2 body=2 linear1=1", **SHORT)
    assert caught.value.diagnostic.code == "E617"


def test_a_normalisation_is_on_the_level_of_its_kernel() -> None:
    model = specc.compile(SPEC)
    named = {id(weight): name for name, weight in model.named_parameters()}
    assert [[named[id(weight)] for weight in level] for level in levels(model)] == [
        ["stem.weight", "bn1.weight", "bn1.bias"],
        ["body1.conv1.weight", "body1.bn1.weight", "body1.bn1.bias"],
        ["body2.conv1.weight", "body2.bn1.weight", "body2.bn1.bias"],
        ["linear1.weight", "linear1.bias"],
    ]


def test_a_network_in_one_group_has_the_levels_inside() -> None:
    inside = specc.compile("input 4\nnet: { linear 3 -> relu -> linear 2 }\n")
    assert len(levels(inside)) == 2


# what is learned


def change(folder: Path, **settings: Any) -> dict[str, torch.Tensor]:
    """What one step changes of the weights, which begin at the same values."""
    before = specc.compile(SPEC)
    torch.manual_seed(0)
    run = train(SPEC, folder, epochs=1, **{**SHORT, "limit": 32, **settings})
    begun = train(SPEC, folder / "begun", epochs=1, **{**SHORT, "limit": 32, "lr": 1e-30})
    start, end = (load_file(one.folder / "last.safetensors") for one in (begun, run))
    return {name: (end[name] - start[name]).double() for name, _ in before.named_parameters()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"rates": "linear1=4x body=0.5x"}, {"linear1.weight": 4, "body1.conv1.weight": 0.5, "stem.weight": 1}),
        ({"layer_decay": 0.5}, {"linear1.bias": 1, "body2.bn1.bias": 0.5, "body1.bn1.bias": 0.25, "bn1.bias": 0.125}),
        ({"layer_decay": 0.5, "rates": "stem=8x"}, {"stem.weight": 1, "bn1.bias": 0.125}),
    ],
)  # fmt: skip
def test_a_step_is_longer_by_the_factor(settings: dict[str, Any], expected: dict[str, float], tmp_path: Path) -> None:
    plain, other = change(tmp_path / "plain"), change(tmp_path / "other", **settings)
    for name, factor in expected.items():
        torch.testing.assert_close(other[name], factor * plain[name], rtol=1e-3, atol=1e-7)
        assert plain[name].abs().max() > 1e-5


def test_what_decays_by_itself(tmp_path: Path) -> None:
    plain = change(tmp_path / "plain", weight_decay=2.0)
    spared = change(tmp_path / "spared", weight_decay=2.0, decays="stem=0x")
    none = change(tmp_path / "none")
    assert torch.equal(spared["linear1.weight"], plain["linear1.weight"])
    assert torch.equal(spared["stem.weight"], none["stem.weight"])
    assert not torch.equal(plain["stem.weight"], none["stem.weight"])


def test_frozen_until_an_epoch_is_over(tmp_path: Path) -> None:
    """The same bits so long, statistics of normalisations among them; then everything learns."""
    train(SPEC, tmp_path / "first", epochs=1, **SHORT)
    begun = load_file(tmp_path / "first" / "best.safetensors")
    kept = Weights(tmp_path / "run")
    train(
        SPEC, tmp_path / "run", epochs=3, from_weights=str(tmp_path / "first"), freeze="stem,bn1", unfreeze_after=2,
        callback=kept, **SHORT,
    )  # fmt: skip
    frozen = [name for name in begun if name.startswith(("stem.", "bn1."))]
    for epoch, is_same in enumerate((True, True, False)):
        assert all(torch.equal(kept.epochs[epoch][name], begun[name]) == is_same for name in frozen), epoch
        assert not torch.equal(kept.epochs[epoch]["linear1.weight"], begun["linear1.weight"])
    assert "stem,bn1 frozen for 2 epochs" in kept.lines[1]


@pytest.mark.parametrize("after", [1, 3, 5, 6, 7])
def test_stopped_anywhere_around_it(after: int, tmp_path: Path) -> None:
    """Three steps an epoch: before it, at the end of the epoch before it, and behind it."""
    recipe: dict[str, Any] = {
        **SHORT, "epochs": 3, "momentum": 0.9, "freeze": "stem,bn1", "unfreeze_after": 2, "average": 0.9
    }  # fmt: skip
    whole = train(SPEC, tmp_path / "whole", **recipe)
    train(SPEC, tmp_path / "run", callback=Stop(after), **recipe)
    resume(tmp_path / "run")
    for name in ("last", "best", "state"):
        wanted, found = (load_file(one / f"{name}.safetensors") for one in (whole.folder, tmp_path / "run"))
        assert wanted.keys() == found.keys()
        assert all(torch.equal(wanted[key], found[key]) for key in wanted)


def test_a_run_may_adopt_another_moment(tmp_path: Path) -> None:
    train(SPEC, tmp_path / "run", epochs=2, freeze="stem", **SHORT)
    before = load_file(tmp_path / "run" / "last.safetensors")
    resume(tmp_path / "run", adopt=True, epochs=3, unfreeze_after=2)
    after = load_file(tmp_path / "run" / "last.safetensors")
    assert not torch.equal(before["stem.weight"], after["stem.weight"])


def test_something_has_to_learn_from_the_first_epoch_on(tmp_path: Path) -> None:
    with pytest.raises(Problem) as found:
        train(SPEC, tmp_path / "run", freeze="*", unfreeze_after=1, **SHORT)
    assert found.value.diagnostic.code == "E617"
