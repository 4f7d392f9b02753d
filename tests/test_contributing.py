"""CONTRIBUTING is true: the layer that it works through is complete, and does in torch what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from specc.layers import activation
from specc.layers.base import Layer
from specc.layers.registry import LAYERS, collect

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def threshold() -> type[Layer]:
    """The class of the worked example, as if it stood in the file that the text names."""
    (code,) = re.findall(r"```python\n(class Threshold.*?)```", TEXT, re.DOTALL)
    scope = dict(vars(activation))
    exec(code, scope)
    found = scope["Threshold"]
    assert isinstance(found, type)
    assert issubclass(found, Layer)
    return found


def test_the_worked_example_is_a_whole_layer(threshold: type[Layer]) -> None:
    assert collect(iter([threshold])) == {"threshold": threshold}


def test_the_worked_example_is_torchs(threshold: type[Layer]) -> None:
    layer = threshold.model_validate({"threshold": 0.1, "value": 0})
    module = layer.build((2, 4, 4))
    batch = torch.randn(2, 2, 4, 4)
    assert layer.output((2, 4, 4)) == (2, 4, 4)
    torch.testing.assert_close(module(batch), nn.Threshold(0.1, 0)(batch))


def test_a_taken_keyword_fails_at_import(threshold: type[Layer]) -> None:
    with pytest.raises(TypeError, match="two layers are called `relu`"):
        collect(iter([LAYERS["relu"], LAYERS["relu"]]))


def test_an_incomplete_layer_fails_at_import() -> None:
    class Nameless(Layer):
        """It has no rule."""

        keyword = "nameless"

    with pytest.raises(TypeError, match="lacks family, example, torch_name, output, build"):
        collect(iter([Nameless]))


def test_every_path_that_it_names_is_there() -> None:
    root = Path(__file__).parent.parent
    paths = re.findall(r"`((?:specc|tests|docs)/[\w/.]+)`", TEXT)
    assert paths
    assert [path for path in paths if not (root / path).exists()] == []
