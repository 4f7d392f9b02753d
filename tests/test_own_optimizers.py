"""The optimizers that are specc's own do what their papers say, in plain numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.runner.lion_lamb import Lamb, Lion

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


@pytest.mark.parametrize("name", MADE)
def test_what_has_no_gradient_stays(name: str) -> None:
    make, _ = MADE[name]
    weights = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.zeros(3))]
    optimizer = make(weights)
    optimizer.step()
    weights[1].grad = torch.zeros(3)
    optimizer.step()
    assert weights[0].eq(1).all() and weights[1].eq(0).all()
