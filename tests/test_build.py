"""What compiling gives: an ordinary module of torch's own layers, with the weights and names of the spec."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

import specc

EVERY_FORM = """
input 8x12x12
block se(r, c=in) { gate { gap -> conv (c//r) k1 -> relu -> conv c k1 -> sigmoid } }
stem: conv 16 k3 p1 nobias -> bn -> relu
residual { conv 16 k3 p1 -> bn } shortcut auto
residual { conv 32 k3 s2 p1 -> droppath 0.1 -> layerscale 0.1 } shortcut { conv 32 k1 s2 }
residual { conv 24 k1 } shortcut same
se 4
split { conv 6 k1 | dwconv k3 p1 | id | scale 0.5 }
concat { id | slice 0 4 | avgpool 3 s1 p1 }
add { id | layernorm }
mul { id | gap }
residual { id }
gap -> flatten -> linear 5
"""


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return specc.compile(EVERY_FORM).eval()


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.randn(3, 8, 12, 12, generator=torch.Generator().manual_seed(1))


def test_it_trains(model: nn.Sequential, batch: torch.Tensor) -> None:
    model.train()(batch).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_pickles_and_copies(model: nn.Sequential, batch: torch.Tensor) -> None:
    expected = model(batch)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        torch.testing.assert_close(other(batch), expected, rtol=0, atol=0)


def test_it_exports_with_a_dynamic_batch(model: nn.Sequential, batch: torch.Tensor) -> None:
    batch_size = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(model, (batch,), dynamic_shapes=({0: batch_size},))
    larger = torch.cat([batch, batch])
    torch.testing.assert_close(exported.module()(larger), model(larger))


def test_it_is_made_of_torch_layers_and_few_others(model: nn.Sequential) -> None:
    own = {type(module).__name__ for module in model.modules() if type(module).__module__.startswith("specc")}
    assert own == {
        "Residual", "Gate", "Split", "Concat", "Add", "Mul", "DropPath", "LayerScale", "Scale", "Slice",
        "ChannelLayerNorm",
    }  # fmt: skip


def test_a_chain_holds_nothing_but_torch_classes() -> None:
    chain = specc.compile("input 3x8x8\n{ conv 4 k3 -> bn -> relu } x2 -> flatten -> linear 2\n")
    assert all(type(module).__module__.startswith("torch.nn") for module in chain.modules())
    assert type(chain) is nn.Sequential


def test_weights_stand_in_the_order_written(model: nn.Sequential) -> None:
    order = [name.rpartition(".")[0] for name in model.state_dict() if name.endswith("weight")]
    rows = [row.name for row in specc.check(EVERY_FORM).layers if row.params]
    assert order == rows


def test_a_label_names_the_module(model: nn.Sequential) -> None:
    assert isinstance(model.stem, nn.Conv2d)


def test_a_picture_of_another_size_is_refused_rather_than_broadcast() -> None:
    model = specc.compile("input 1x4x4\nadd { id | gap -> upsample 4 }\n")
    with pytest.raises(ValueError, match="different shapes"):
        model(torch.zeros(2, 1, 1, 1))


FROZEN = [
    ("conv 2 k3 frozen", {"conv1.weight": False, "conv1.bias": False}),
    ("conv 2 k3 frozen=weight", {"conv1.weight": False, "conv1.bias": True}),
    ("{ conv 2 k3 } frozen", {"group1.conv1.weight": False, "group1.conv1.bias": False}),
    ("residual { conv 1 k1 nobias } frozen", {"residual1.body.conv1.weight": False}),
    ("conv 2 k3 nofrozen", {"conv1.weight": True, "conv1.bias": True}),
]


@pytest.mark.parametrize(("step", "trained"), FROZEN)
def test_frozen_weights(step: str, trained: dict[str, bool]) -> None:
    model = specc.compile(f"input 1x8x8\n{step}\n")
    assert {name: parameter.requires_grad for name, parameter in model.named_parameters()} == trained


def test_frozen_blocks() -> None:
    model = specc.compile("input 1x8x8\nblock b(c) { conv c k3 }\nb 2 frozen -> b 2\n")
    assert [parameter.requires_grad for parameter in model.parameters()] == [False, False, True, True]


def test_literal_weights_and_starts() -> None:
    model = specc.compile(
        "input 1x4x4\nconv 1 k2 weight=[[1 2] [3 4]] bias=[-0.5]\nbn gamma=0 beta=[2]\nconv 1 k1 init=constant(7)\n"
    )
    weights = {name: value.flatten().tolist() for name, value in model.named_parameters()}
    assert weights["conv1.weight"] == [1, 2, 3, 4]
    assert weights["conv1.bias"] == [-0.5]
    assert weights["bn1.weight"] == [0]
    assert weights["bn1.bias"] == [2]
    assert weights["conv2.weight"] == [7]


def test_initialisers_are_torchs() -> None:
    torch.manual_seed(3)
    model = specc.compile("input 16\nlinear 8 nobias init=xavier_uniform\n")
    torch.manual_seed(3)
    layer = nn.Linear(16, 8, bias=False)
    nn.init.xavier_uniform_(layer.weight)
    torch.testing.assert_close(model[0].weight, layer.weight, rtol=0, atol=0)


def test_errors_are_the_report() -> None:
    with pytest.raises(specc.SpecError, match=r"error\[E302\]: `linear` takes a vector") as caught:
        specc.compile("input 1x8x8\nlinear 3\n")
    assert [found.code for found in caught.value.diagnostics] == ["E302"]


def test_parameters_by_name() -> None:
    text = "param width = 4\ninput 1x8x8\nconv width k3\n"
    assert specc.check(text, width=9).output == (9, 6, 6)
    assert specc.check(text, width=9, input=(1, 4, 4)).output == (9, 2, 2)
    with pytest.raises(ValueError, match="did you mean `width`"):
        specc.check(text, wdith=9)


def test_branch_classes_need_specc_to_unpickle_and_nothing_else() -> None:
    model = specc.compile("input 4\nresidual { linear 4 }\n")
    assert type(pickle.loads(pickle.dumps(model))[0]).__module__ == "specc.build.modules"
