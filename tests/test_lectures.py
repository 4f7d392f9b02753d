"""The lectures' networks: every number that a lecture works out by hand comes out of the compiled spec."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import specc


def lecture(name: str) -> torch.nn.Sequential:
    return specc.compile(f"gallery:lectures/{name}").eval()


def outputs(name: str) -> dict[str, Any]:
    """What leaves each layer, by its name."""
    return {row.name: row.output for row in specc.check(f"gallery:lectures/{name}").layers}


def edge_pictures() -> Tensor:
    """The left half bright, the lower half, the lower triangle with its diagonal, a 2×2 chequerboard; 0 and 0.1."""
    left = torch.zeros(16, 16)
    left[:, :8] = 0.1
    board = torch.zeros(16, 16)
    board[:8, :8] = board[8:, 8:] = 0.1
    return torch.stack([left, 0.1 - left.T, torch.full((16, 16), 0.1).tril(), board])[:, None]


def test_edge_detector_finds_the_edges_of_four_pictures() -> None:
    with torch.no_grad():
        found = lecture("edge_detector")(edge_pictures())
    vertical, horizontal, _ = found.unbind(dim=1)
    torch.testing.assert_close(vertical, torch.tensor([0.2, 0.0, 0.1, 0.2]))
    torch.testing.assert_close(horizontal, torch.tensor([0.0, 0.2, 0.1, 0.2]))


def test_edge_detector_measures_brightness_above_a_threshold() -> None:
    with torch.no_grad():
        means = [float(lecture("edge_detector")(torch.full((1, 1, 16, 16), level))[0, 2]) for level in (0.1, 0.05, 0.0)]
    assert means == pytest.approx([0.05, 0.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("name", ["edge_detector", "moving_average", "convolution_arithmetic"])
def test_filters_set_by_hand_are_not_trained(name: str) -> None:
    assert not any(parameter.requires_grad for parameter in lecture(name).parameters())


def test_moving_average_of_the_numbers_from_1_to_16() -> None:
    picture = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    expected = torch.tensor([[3.5, 4.5, 5.5], [7.5, 8.5, 9.5], [11.5, 12.5, 13.5]])
    assert torch.equal(lecture("moving_average")(picture)[0, 0], expected)


def test_convolution_arithmetic_gives_the_numbers_of_the_figure() -> None:
    picture = torch.tensor(
        [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]], dtype=torch.float32
    )
    expected = torch.tensor([[12.0, 12.0, 17.0], [10.0, 17.0, 19.0], [9.0, 6.0, 14.0]])
    assert torch.equal(lecture("convolution_arithmetic")(picture[None, None])[0, 0], expected)


def test_three_blocks_leave_270_features() -> None:
    found = outputs("three_blocks")
    assert found["stage3.maxpool1"] == (30, 3, 3)
    assert found["flatten1"] == (270,)
    assert [found[f"linear{number}"] for number in (1, 2, 3)] == [(50,), (30,), (10,)]


def test_xavier_mnist_starts_its_linear_layer_as_glorot_and_bengio_say() -> None:
    torch.manual_seed(0)
    weight = lecture("xavier_mnist").get_parameter("linear1.weight").detach()
    bound = (6 / (3136 + 10)) ** 0.5
    assert weight.shape == (10, 3136)
    assert 0.99 * bound < float(weight.abs().max()) <= bound


def test_fashion_mnist_leaves_2304_features() -> None:
    found = outputs("fashion_mnist")
    assert found["conv1"] == (16, 24, 24)
    assert found["flatten1"] == (2304,)
    assert found["linear1"] == (10,)


def test_autoencoder_gives_a_picture_back() -> None:
    model = lecture("autoencoder")
    picture = model(torch.rand(2, 1, 28, 28)).detach()
    assert picture.shape == (2, 1, 28, 28)
    assert float(picture.min()) >= 0 and float(picture.max()) <= 1
    assert model.get_submodule("encoder")(torch.rand(2, 1, 28, 28)).shape == (2, 32)
