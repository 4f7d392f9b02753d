"""The imported spec beside the model that it comes from: the same weights, the same output."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from specc.build.compile import build
from specc.diagnostics.diagnostic import Problem
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.structure import Chain, leaves
from specc.ir.shaped import ShapedModel
from specc.layers.base import Shape

TOLERANCE = 1e-4  # of the largest output, in float32
BATCHES = (2, 3)


class Verified(NamedTuple):
    """The compiled spec with the model's weights, and the largest difference between the two outputs."""

    network: nn.Sequential
    difference: float


def verify(model: nn.Module, shaped: ShapedModel, chain: Chain, input: Shape) -> Verified:
    """Compiles a spec, gives it the model's weights, and compares the outputs.

    Args:   model, in evaluation mode; chain, what the spec was written from.
    Raises: Problem E668 where they differ by more than rounding does.
    """
    network = build(shaped).eval()
    _copy(network, chain)
    chance = torch.Generator().manual_seed(1)
    largest = 0.0
    for size in BATCHES:
        x = torch.rand(size, *input, generator=chance)
        with torch.no_grad():
            wanted, got = model(x.clone()), network(x)
        difference = float((wanted - got).abs().max()) if wanted.shape == got.shape else float("inf")
        if not difference <= TOLERANCE * float(wanted.abs().max()) + 1e-7:
            raise Problem.of(
                "E668",
                f"the imported spec gives another output than the model: it is off by {difference:.1e}",
                help="nothing was written; please report the model, so that importing it can be mended",
            )
        largest = max(largest, difference)
    return Verified(network, largest)


def _copy(network: nn.Module, chain: Chain) -> None:
    """The model's weights into the layers of the same place, each under its own name."""
    targets = [module for module in network.modules() if _own(module)]
    sources = [leaf for leaf in leaves(chain) if leaf.weights]
    for module, leaf in zip(targets, sources, strict=True):
        _copy_one(module, leaf)


def _own(module: nn.Module) -> dict[str, Tensor]:
    own = dict(module.named_parameters(recurse=False))
    return own | {name: buffer for name, buffer in module.named_buffers(recurse=False) if buffer is not None}


def _copy_one(module: nn.Module, leaf: Leaf) -> None:
    own = _own(module)
    with torch.no_grad():
        for name, tensor in leaf.weights:
            own[name].copy_(tensor)
