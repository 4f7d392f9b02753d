"""Weights as the spec wants them: initialisers, literal values, and which of them are trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from specc.layers.base import Layer
from specc.layers.norm import BatchNorm
from specc.layers.weighted import INITIALIZERS, Initializer, Weighted, literal_values


def fill_weights(module: nn.Module, layer: Layer) -> None:
    """Sets a new module's weights to what the layer says; without a word they stay as torch made them."""
    if not isinstance(layer, Weighted):
        return
    with torch.no_grad():
        if layer.init is not None:
            initialise(_tensor(module, "weight"), layer.init)
        for name, values in layer.literals().items():
            tensor = _tensor(module, name)
            flat = literal_values(name, values, tuple(tensor.shape))
            tensor.copy_(torch.tensor(flat).reshape(tensor.shape))
        if isinstance(layer, BatchNorm):
            for name, value in layer.constants().items():
                _tensor(module, name).fill_(value)
    if layer.frozen:
        freeze(module, None if layer.frozen is True else layer.frozen)


def initialise(tensor: Tensor, init: Initializer) -> None:
    """Fills a tensor by a function of `torch.nn.init`, or its first filters; what comes from data a run fills."""
    if init.name == "whiten":
        return
    if init.name == "partial_dirac":
        nn.init.dirac_(tensor[: tensor.size(1)])
        return
    names = INITIALIZERS[init.name].arguments
    given: dict[str, Any] = dict(zip(names, init.arguments, strict=False))
    if init.name == "constant":
        given = {"val": given["value"]}
    getattr(nn.init, f"{init.name}_")(tensor, **given)


def freeze(module: nn.Module, only: str | None = None) -> None:
    """Keeps a module's parameters out of training: all of them, or those of one name."""
    for name, parameter in module.named_parameters():
        if only is None or name.rpartition(".")[2] == only:
            parameter.requires_grad_(False)


def _tensor(module: nn.Module, name: str) -> Tensor:
    tensor = getattr(module, name)
    assert isinstance(tensor, Tensor)  # noqa: S101 - the checker compared the names with the layer's weights
    return tensor
