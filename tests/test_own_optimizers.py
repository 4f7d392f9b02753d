"""The optimizers that are specc's own do what their papers say, in plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.runner.lion_lamb import Lamb, Lion
from specc.runner.muon import MuonAndRest

Array = NDArray[np.float64]
LR, DECAY, EPS, STEPS = 0.01, 0.1, 1e-6, 5


def lion(start: Array, gradients: list[Array]) -> Array:
    weight, mean = start.copy(), np.zeros_like(start)
    for gradient in gradients:
        direction = np.sign(0.9 * mean + 0.1 * gradient)
        weight -= LR * (direction + DECAY * weight)
        mean = 0.99 * mean + 0.01 * gradient
    return weight


def lamb(start: Array, gradients: list[Array]) -> Array:
    weight, first, second = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step, gradient in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        change = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + EPS) + DECAY * weight
        weight -= LR * np.linalg.norm(weight) / np.linalg.norm(change) * change
    return weight


MADE: dict[str, tuple[Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer], Callable[..., Array]]] = {
    "lion": (lambda weights: Lion(weights, lr=LR, betas=(0.9, 0.99), weight_decay=DECAY), lion),
    "lamb": (lambda weights: Lamb(weights, lr=LR, betas=(0.9, 0.999), eps=EPS, weight_decay=DECAY), lamb),
}


@pytest.mark.parametrize("name", MADE)
def test_by_the_formula(name: str) -> None:
    make, formula = MADE[name]
    chance = np.random.default_rng(0)
    starts = [chance.normal(size=shape) for shape in ((4, 3, 3, 3), (5,))]
    gradients = [[chance.normal(size=start.shape) for _ in range(STEPS)] for start in starts]
    weights = [torch.nn.Parameter(torch.tensor(start)) for start in starts]
    optimizer = make(weights)
    for step in range(STEPS):
        for weight, told in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(told[step])
        optimizer.step()
    for weight, start, told in zip(weights, starts, gradients, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), formula(start, told), rtol=1e-9)


def newton_schulz(matrix: Array, steps: int) -> Array:
    """Jordan 2024: the quintic iteration, on the wide form of a matrix of norm 1."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / np.linalg.norm(wide)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * gram + 2.0315 * gram @ gram) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


@pytest.mark.parametrize("steps", [1, 3, 5])
@pytest.mark.parametrize(("renormalize", "nesterov"), [(True, True), (False, True), (True, False)])
def test_muon_with_its_own_rate(steps: int, renormalize: bool, nesterov: bool) -> None:
    """Of a kernel as a matrix of a row a filter; SGD for the bias. torch computes the iteration in bfloat16."""
    chance = np.random.default_rng(0)
    kernel, bias = chance.normal(size=(4, 3, 3, 3)), chance.normal(size=5)
    weights = [torch.nn.Parameter(torch.tensor(one, dtype=torch.float32)) for one in (kernel, bias)]
    own: dict[str, Any] = {"weight_decay": 0.0} if renormalize else {}
    optimizer = MuonAndRest(
        [{"params": weights[:1], "muon": True, "lr": 0.2, **own}, {"params": weights[1:], "muon": False}],
        lr=0.1, muon_lr=0.2, momentum=0.6, nesterov=nesterov, ns_steps=steps, renormalize=renormalize,
        rest_optimizer="sgd", rest_momentum=0.5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
    )  # fmt: skip
    kept, moved = np.zeros((4, 27)), np.zeros(5)
    for _ in range(3):
        told = [chance.normal(size=one.shape) for one in (kernel, bias)]
        for weight, gradient in zip(weights, told, strict=True):
            weight.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        gradient = told[0].reshape(4, 27)
        kept = 0.6 * kept + gradient
        direction = newton_schulz(gradient + 0.6 * kept if nesterov else kept, steps)
        matrix = kernel.reshape(4, 27)
        matrix = matrix * (2 / np.linalg.norm(matrix)) if renormalize else matrix * (1 - 0.2 * 0.01)
        kernel = (matrix - 0.2 * direction).reshape(4, 3, 3, 3)
        pulled = told[1] + 0.01 * bias
        moved = 0.5 * moved + pulled
        bias = bias - 0.1 * (pulled + 0.5 * moved if nesterov else moved)
    np.testing.assert_allclose(weights[0].detach().numpy(), kernel, atol=0.01)
    np.testing.assert_allclose(weights[1].detach().numpy(), bias, rtol=1e-5)


def test_a_weight_of_nothing_stays_so() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = MuonAndRest(
        [{"params": [weight], "muon": True}], lr=0.1, muon_lr=None, momentum=0.0, nesterov=False, ns_steps=5,
        renormalize=True, rest_optimizer="adamw", rest_momentum=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0,
    )  # fmt: skip
    weight.grad = torch.zeros(2, 3)
    optimizer.step()
    assert weight.eq(0).all()


@pytest.mark.parametrize("name", MADE)
def test_what_has_no_gradient_stays(name: str) -> None:
    make, _ = MADE[name]
    weights = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.zeros(3))]
    optimizer = make(weights)
    optimizer.step()
    weights[1].grad = torch.zeros(3)
    optimizer.step()
    assert weights[0].eq(1).all() and weights[1].eq(0).all()
