"""What follows a network's weights: means of them, which are tested and kept, and slow weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Stop
from safetensors.torch import load_file
from torch import nn

import specc
from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse
from specc.recipe.reading import overridden
from specc.recipe.recipe import Recipe
from specc.runner.averages import SWA, lookahead_of
from specc.runner.before import subject_of
from specc.runner.callbacks.base import Callback
from specc.runner.loop import make_step
from specc.runner.metrics import Metrics
from specc.runner.resume import resume
from specc.runner.run import make_session, train
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 1x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 10\n"
SHORT: dict[str, Any] = {"limit": 96, "batch": 32, "precision": "fp32", "lr": 0.01}
STATISTICS = ("running", "num_batches")


class Kept(Callback):
    """The weights that each epoch ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.epochs = folder, list[dict[str, torch.Tensor]]()

    def epoch_ends(self, metrics: Metrics, epochs: int) -> None:
        self.epochs.append(load_file(self.folder / "last.safetensors"))


def kept(folder: Path, **settings: Any) -> list[dict[str, torch.Tensor]]:
    callback = Kept(folder)
    train(SPEC, folder, callback=callback, epochs=4, **SHORT, **settings)
    return callback.epochs


def test_the_moving_average_follows_what_a_step_has_made() -> None:
    """The first step counts: the average moves nine tenths of the way to the weights behind it."""
    analysis = analyse(Source("net.cnn", SPEC))
    session = make_session(subject_of(analysis, frozenset()), overridden(analysis.recipe, {**SHORT, "average": 0.99}))
    before = {name: weight.detach().clone() for name, weight in session.model.named_parameters()}
    step = make_step(*session.start_training())
    batches = session.train.shuffled(session.state.sampler.begin(0))
    step(0, [next(batches)], session.train.steps[0])
    averaged = dict(session.tested.named_parameters())
    for name, weight in session.model.named_parameters():
        assert not weight.equal(before[name])
        torch.testing.assert_close(averaged[name], before[name].lerp(weight.detach(), 0.9))


def test_the_mean_of_the_epochs_is_kept(tmp_path: Path) -> None:
    plain, averaged = kept(tmp_path / "plain"), kept(tmp_path / "swa", swa_from=2)
    for epoch, weights in enumerate(averaged, 1):
        for name, tensor in weights.items():
            if not any(word in name for word in STATISTICS):
                wanted = torch.stack([plain[n - 1][name] for n in range(min(epoch, 2), epoch + 1)]).mean(0)
                torch.testing.assert_close(tensor, wanted, rtol=1e-6, atol=1e-7)
            elif epoch <= 2:
                assert torch.equal(tensor, plain[epoch - 1][name])


def test_statistics_are_those_of_the_mean(tmp_path: Path) -> None:
    """As torch renews them."""
    folder = tmp_path / "swa"
    weights = kept(folder, swa_from=2)[-1]
    analysis = analyse(Source("net.cnn", SPEC))
    session = make_session(subject_of(analysis, frozenset()), overridden(analysis.recipe, SHORT))
    model = specc.compile(SPEC)
    model.load_state_dict(weights)
    torch.optim.swa_utils.update_bn((x for x, _ in session.train.in_order()), model)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-5, atol=1e-6)


def test_an_epoch_counts_once() -> None:
    """Also where a run is stopped while that epoch is tested, and tests it again."""
    model = nn.Linear(1, 1, bias=False)
    swa, told = SWA(model, 1), []
    for epoch, value in ((1, 1.0), (2, 3.0), (2, 3.0), (3, 5.0)):
        nn.init.constant_(model.weight, value)
        swa.end_epoch(epoch)
        told.append(swa.model.weight.item())  # type: ignore[operator]
    assert told == [1.0, 2.0, 2.0, 3.0]
    other = SWA(model, 1)
    other.load_state_dict(swa.state_dict(), 0)
    assert (other.count, other.last) == (3, 3)


@pytest.mark.parametrize(("alpha", "schedule"), [(0.5, "constant"), (0.8, "constant"), (0.2, "cubic")])
def test_slow_weights_by_the_formula(alpha: float, schedule: str) -> None:
    model = nn.Linear(3, 2)
    slow = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    lookahead = lookahead_of(model, Recipe(lookahead=3, lookahead_alpha=alpha, lookahead_schedule=schedule), 7)  # type: ignore[arg-type] # a word
    assert lookahead is not None
    fast = {name: tensor.clone() for name, tensor in slow.items()}
    for step in range(7):
        for name, weight in model.named_parameters():
            change = torch.randn_like(weight)
            weight.data += change
            fast[name] += change
        lookahead.follow(step)
        if step % 3 == 2:
            share = alpha if schedule == "constant" else 1 - (1 - alpha) * ((step + 1) / 7) ** 3
            slow = {name: tensor + share * (fast[name] - tensor) for name, tensor in slow.items()}
            fast = {name: tensor.clone() for name, tensor in slow.items()}
        for name, weight in model.named_parameters():
            torch.testing.assert_close(weight.detach(), fast[name])


@pytest.mark.parametrize("after", [2, 3, 4, 6, 8, 11])
def test_stopped_anywhere(after: int, tmp_path: Path) -> None:
    more: dict[str, Any] = {**SHORT, "epochs": 4, "swa_from": 2, "lookahead": 2}
    whole = train(SPEC, tmp_path / "whole", **more)
    train(SPEC, tmp_path / "run", callback=Stop(after), **more)
    resume(tmp_path / "run")
    for name in ("last", "best", "state"):
        wanted, found = (load_file(one / f"{name}.safetensors") for one in (whole.folder, tmp_path / "run"))
        assert wanted.keys() == found.keys()
        assert all(torch.equal(wanted[key], found[key]) for key in wanted)


def test_a_run_may_adopt_them(tmp_path: Path) -> None:
    train(SPEC, tmp_path / "run", epochs=1, **SHORT)
    resume(tmp_path / "run", adopt=True, epochs=3, swa_from=2, lookahead=2)
    assert len(load_file(tmp_path / "run" / "state.safetensors")["average/averaged"]) == 2


def test_they_begin_where_other_weights_are(tmp_path: Path) -> None:
    train(SPEC, tmp_path / "first", epochs=1, **SHORT)
    settings = {**SHORT, "lr": 1e-12}
    train(SPEC, tmp_path / "run", epochs=1, from_weights=str(tmp_path / "first"), lookahead=1, swa_from=1, **settings)
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("first", "run"))
    torch.testing.assert_close(one["linear1.weight"], other["linear1.weight"], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"swa_from": 2, "average": 0.9}, "`swa_from` and `average` are two means of the weights"),
        ({"swa_from": 2, "exact": True}, "which `swa_from` changes"),
    ],
)
def test_what_cannot_be(settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=told):
        train(SPEC, tmp_path / "run", **settings)
