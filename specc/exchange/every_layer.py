"""A run's network as ONNX that gives what leaves each layer, for a page that shows feature maps without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.emit.program.compared import Given
from specc.emit.program.onnx import write_onnx
from specc.evaluate.activations import outputs_of
from specc.evaluate.maps import MOST_LARGE, MOST_LAYERS, filters_of
from specc.evaluate.pictures import taker_of
from specc.evaluate.trained import Trained


class ShownNetwork(NamedTuple):
    """The file, and what a page has to know of it."""

    content: bytes
    about: dict[str, Any]


class EveryLayer(nn.Module):
    """A network that gives the outputs of its layers, by their names."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, tuple(names)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}

        def kept(name: str) -> Any:
            def hook(module: nn.Module, given: object, output: Tensor) -> None:
                found[name] = output + 0  # what the next layer does in place must not change it

            return hook

        hooks = [self.network.get_submodule(name).register_forward_hook(kept(name)) for name in self.names]
        self.network(x)
        for hook in hooks:
            hook.remove()
        return found


def every_layer(trained: Trained) -> ShownNetwork:
    """The network with the output of each layer that changes something, compared in onnxruntime.

    Raises: Problem E647 where it takes no pictures, E661 to E663.
    """
    scaling = trained.data.scaling()
    taker_of(trained.data.sample, scaling, trained.recipe)
    noise = torch.rand(trained.shaped.input, generator=torch.Generator().manual_seed(0))
    outputs = [one for one in outputs_of(trained.model, trained.shaped, noise) if not one.same][:MOST_LAYERS]
    network = EveryLayer(trained.model, [one.name for one in outputs]).eval()
    exported = write_onnx(network, Given(trained.shaped.input), {})
    has_classes = trained.recipe.task == "classify" and not isinstance(trained.shaped.gives, dict)
    return ShownNetwork(exported.content, {
        "input": trained.shaped.input,
        "layers": [{"name": one.name, "kind": one.kind} for one in outputs],
        "filters": {one.name: _filters(trained.model, one.name) for one in outputs},
        "classes": trained.data.classes if has_classes else [],
        "mean": None if scaling is None else scaling.mean.flatten().tolist(),
        "deviation": None if scaling is None else scaling.deviation.flatten().tolist(),
    })  # fmt: skip


def _filters(model: nn.Module, name: str) -> dict[str, Any] | None:
    return filters_of(model.get_submodule(name), MOST_LARGE)
