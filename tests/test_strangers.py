"""Layers of other packages: what the runner takes for granted of its own it does not of theirs."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from specc.layers.base import Layer, Shape
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner import precision
from specc.runner.before import Subject
from specc.runner.loop import make_step
from specc.runner.resume import resume
from specc.runner.run import make_session, train
from specc.runner.session import Session
from specc.source import Source

pytestmark = pytest.mark.usefixtures("one_thread")


class Centre(nn.Module):
    """Looks at its whole batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class View(nn.Module):
    """Takes its input, and its own weight, to lie in memory as torch lays them out."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 8, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.view(8, -1).mean(1)
        scaled: Tensor = x.view(len(x), 8, -1) * scale[:, None]
        return scaled.view(x.shape)


class Spectrum(nn.Module):
    """torch has no Fourier transform in half precision."""

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = torch.fft.rfft2(x).abs().sum((2, 3), keepdim=True)
        return 0.01 * total + x


class Positions(nn.Module):
    """Keeps what it has made for the latest size of batch."""

    kept = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.kept) != len(x):
            self.kept = torch.linspace(0, 1, x[0].numel()).view(x.shape[1:]).repeat(len(x), 1, 1, 1)
        placed: Tensor = x * self.kept
        return placed


class Masked(nn.Module):
    """Holds minus infinity where nothing may be looked at."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.zeros(8).index_fill(0, torch.tensor([0]), -torch.inf).view(1, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * (x + self.mask).softmax(1)


class Tied(nn.Module):
    """One weight under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(8, 8, 1, bias=False)
        self.up = nn.Conv2d(8, 8, 1, bias=False)
        self.up.weight = self.down.weight

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.up(self.down(x))
        return outputs


class Bump(nn.ReLU):
    """Called like a rectifier, and not one that grows."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-x.square())


class Softened(nn.MaxPool2d):
    """Called like max-pooling by 2x2, and not that."""

    def forward(self, x: Tensor) -> Tensor:
        most: Tensor = super().forward(x)
        return most - nn.functional.avg_pool2d(x, 2)


class Residue(nn.Sequential):
    """A chain that also keeps what is between its parts."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = self
        middle = first(x)
        outputs: Tensor = second(middle) + nn.functional.avg_pool2d(middle, 2)
        return outputs


def noted(module: nn.Module) -> nn.Module:
    """A module of torch's that a hook makes another one."""
    module.register_forward_hook(lambda _, given, output: output - output.mean(0))
    return module


STRANGERS: dict[str, Callable[[], nn.Module]] = {
    "centre": Centre, "view": View, "spectrum": Spectrum, "positions": Positions, "masked": Masked, "tied": Tied,
    "bump": Bump, "softened": lambda: Softened(2), "residue": lambda: Residue(nn.ReLU(), nn.MaxPool2d(2)),
    "hooked": lambda: noted(nn.Identity()),
    "normalised": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 1)),
}  # fmt: skip
SMALLER = ("softened", "residue")


def layer_of(word: str) -> type[Layer]:
    class Stranger(Layer):
        """From another package."""

        keyword: ClassVar[str] = word
        family: ClassVar[str] = "stranger"
        example: ClassVar[str] = "input 8x8x8 ; stranger"

        def output(self, x: Shape) -> Shape:
            return (x[0], *(size // 2 for size in x[1:])) if word in SMALLER else x

        def build(self, x: Shape) -> nn.Module:
            return STRANGERS[word]()

    return Stranger


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.layers.registry._offered", lambda: {word: layer_of(word) for word in STRANGERS})
    monkeypatch.setattr(precision, "_cpu_has", lambda question: True)  # half precision, too, is not for strangers


def text(word: str) -> str:
    return f"input 1x8x8\nconv 8 k3 p1 -> relu -> {word} -> maxpool 2 -> flatten -> linear 10\n"


def session_of(word: str, **options: Any) -> Session:
    source = Source("net.cnn", text(word))
    analysis = analyse(source)
    assert analysis.model is not None, analysis.diagnostics
    recipe = Recipe(data="digits", batch=128, optimizer="sgd", lr=0.5, limit=256, **options)
    return make_session(Subject(source, analysis.model, None, {}), recipe)


@pytest.mark.parametrize("word", STRANGERS)
def test_a_step_with_a_stranger_is_the_plain_one(word: str) -> None:
    session = session_of(word)
    plain = deepcopy(session.model).to(memory_format=torch.contiguous_format)
    images, labels = next(session.train.shuffled(session.state.sampler.generator))
    expected = cross_entropy(plain.train()(images), labels)
    expected.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    session.network.train()
    loss = make_step(*session.trained)(0, [(images, labels)], [len(images)])
    assert float(loss[0]) == pytest.approx(float(expected.detach()), rel=1e-5)
    for mine, its in zip(session.model.parameters(), plain.parameters(), strict=True):
        assert its.grad is not None
        torch.testing.assert_close(mine, its - 0.5 * its.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("word", STRANGERS)
def test_a_run_with_a_stranger_goes_to_its_end_and_on(word: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"data": "digits", "limit": 200, "batch": 100, "lr": 0.001, "average": 0.9}
    train(text(word), tmp_path / "run", epochs=2, **options)
    assert len(resume(tmp_path / "run", epochs=3).metrics) == 3


def test_what_is_known_is_still_fast() -> None:
    session = session_of("id")
    assert session.precision.name == "bf16"
    assert next(session.model.parameters()).is_contiguous(memory_format=torch.channels_last)
