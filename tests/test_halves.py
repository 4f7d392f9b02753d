"""A step in two halves changes the weights as a whole one does, and is taken only where that holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Interrupted, interrupt
from safetensors.torch import load_file
from torch import Tensor, nn

import specc
from specc.build.compile import build
from specc.layers.registry import LAYERS
from specc.pipeline import analyse
from specc.runner import session
from specc.runner.cpu import halves
from specc.runner.cpu.halves import Halves
from specc.runner.resume import resume
from specc.runner.run import Run, train
from specc.source import Source

pytestmark = pytest.mark.usefixtures("two_threads")

NET = "input 1x8x8\nconv 16 k3 p1 -> relu -> maxpool 2 -> conv 8 k3 -> groupnorm 2 -> relu -> flatten -> linear 10\n"
AUTOENCODER = "input 1x8x8\nconv 8 k3 p1 -> tanh -> conv 1 k3 p1\n"
RECIPE: dict[str, Any] = {"epochs": 2, "batch": 70, "limit": 230, "precision": "fp32", "lr": 1e-2}


def halved_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each batch has that is cut into two."""
    seen: list[int] = []
    gradient = Halves.gradient

    def counting(self: Halves, part: Any, images: Tensor, targets: Tensor, share: float) -> Tensor:
        seen.append(len(images))
        return gradient(self, part, images, targets, share)

    monkeypatch.setattr(Halves, "gradient", counting)
    return seen


def trained(text: str, folder: Path, **options: Any) -> Run:
    return train(text, folder, **{**RECIPE, **options})


def never(*_: object) -> None:
    """In place of `halves_of`: no run is halved."""


@pytest.mark.parametrize("keyword", LAYERS)
def test_layers_whose_batch_can_be_cut_are_known(keyword: str) -> None:
    """Seen without torch's random state being set back: what is drawn makes a difference, too."""
    layer = LAYERS[keyword]
    torch.manual_seed(0)
    shaped = analyse(Source("net.cnn", layer.example)).model
    assert shaped is not None
    model, images = build(shaped).train(), torch.randn(64, *shaped.input)
    whole = model(images)
    parts = torch.cat([model(images[:32]), model(images[32:])])
    assert torch.allclose(whole, parts, atol=1e-5) == halves.can_be_halved(model)


OPTIONS: list[dict[str, Any]] = [
    {}, {"accumulate": 2}, {"label_smoothing": 0.1, "clip": 0.1}, {"mixup": 0.3}, {"optimizer": "rmsprop", "lr": 1e-3},
    {"optimizer": "sgd", "momentum": 0.9, "average": 0.9},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_halves_change_the_weights_as_a_whole_batch_does(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = halved_steps(monkeypatch)
    ours = trained(NET, tmp_path / "halves", **options)
    assert seen == [70, 70, 70, 20] * 2
    monkeypatch.setattr(session, "halves_of", never)
    whole = trained(NET, tmp_path / "whole", **options)
    assert len(seen) == 8
    for mine, its in zip(ours.metrics, whole.metrics, strict=True):
        assert mine.train_loss == pytest.approx(its.train_loss, rel=1e-4)
    pairs = zip(ours.model.state_dict().values(), whole.model.state_dict().values(), strict=True)
    assert all(torch.allclose(mine, its, rtol=1e-3, atol=1e-3) for mine, its in pairs)


def test_an_autoencoder_is_halved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = halved_steps(monkeypatch)
    ours = trained(AUTOENCODER, tmp_path / "halves", task="reconstruct")
    assert seen
    monkeypatch.setattr(session, "halves_of", never)
    whole = trained(AUTOENCODER, tmp_path / "whole", task="reconstruct")
    assert ours.metrics[-1].train_loss == pytest.approx(whole.metrics[-1].train_loss, rel=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_halved_run_that_goes_on_ends_with_the_same_bits(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"checkpoint_steps": 2, "precision": precision, "flip": True}
    whole = trained(NET, tmp_path / "whole", **options)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt(patch, 3)
        trained(NET, tmp_path / "part", **options)
    resume(tmp_path / "part")
    first, second = (load_file(folder / "last.safetensors") for folder in (whole.folder, tmp_path / "part"))
    assert all(first[name].equal(second[name]) for name in first)


NOT_HALVED: list[tuple[str, dict[str, Any]]] = [
    (NET.replace("groupnorm 2", "bn"), {}),
    (NET.replace("relu -> flatten", "dropout 0.1 -> flatten"), {}),
    (NET.replace("groupnorm 2", "residual { droppath 0.1 }"), {}),
    (NET, {"exact": True}),
    (NET, {"optimizer": "muon"}),
    (NET.replace("conv 16 k3 p1", "conv 256 k3 p1 -> tanh -> conv 16 k1"), {"batch": 1000}),
    (NET.replace("conv 8 k3", "conv 512 k3 -> conv 128 k3 p1"), {"limit": 128}),
    (NET, {"batch": 2 * halves.LEAST - 1}),
    ("input 1x8x8\nflatten -> linear 64 -> relu -> linear 10\n", {}),
]


@pytest.mark.parametrize(("text", "options"), NOT_HALVED)
def test_what_does_not_add_up_or_gains_nothing_stays_whole(
    text: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = halved_steps(monkeypatch)
    trained(text, tmp_path / "run", epochs=1, **options)
    assert seen == []


@pytest.mark.parametrize("threads", [1, 3])
def test_other_numbers_of_threads_stay_whole(threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = halved_steps(monkeypatch)
    torch.set_num_threads(threads)
    trained(NET, tmp_path / "run", epochs=1)
    assert seen == []


def test_the_twin_has_the_same_weights_and_no_gradients_of_its_own_left() -> None:
    model = specc.compile(NET)
    cut = Halves(model)
    weights, twins = cut._both
    images, targets = torch.rand(64, 1, 8, 8), torch.randint(0, 10, (64,))
    cut.gradient(_part, images, targets, 1.0)
    assert all(twin.grad is None for twin in twins)
    with torch.no_grad():
        for weight in weights:
            weight.add_(1)
    assert all(twin.equal(weight) and twin is not weight for twin, weight in zip(twins, weights, strict=True))


def _part(images: Tensor, targets: Tensor, share: float, network: nn.Module) -> Tensor:
    loss = nn.functional.cross_entropy(network(images), targets) * share
    loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    return loss.detach()


@pytest.mark.parametrize("fails", ["first", "second", "both"])
def test_an_error_in_either_half_is_told_and_the_threads_are_given_back(fails: str) -> None:
    model = specc.compile(NET)
    cut = Halves(model)

    def failing(images: Tensor, targets: Tensor, share: float, network: nn.Module) -> Tensor:
        if fails in {"both", "first" if network is model else "second"}:
            raise RuntimeError(fails)
        return _part(images, targets, share, network)

    with pytest.raises(RuntimeError, match=fails), cut.cores():
        cut.gradient(failing, torch.rand(64, 1, 8, 8), torch.randint(0, 10, (64,)), 1.0)
    assert torch.get_num_threads() == halves.THREADS
    assert all(twin.grad is None for twin in cut._both[1])


def test_a_model_lists_its_layers_in_branches_and_repeats_too() -> None:
    text = "input 4x8x8\n{ residual { conv 4 k3 p1 -> bn } } x2\nconv 2 k1\n"
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    assert [layer.keyword for layer in model.layers()] == ["conv", "bn", "conv", "bn", "conv"]
