"""The imported spec beside the model that it comes from: with the same weights, the same output.

It is compared with the model's own weights and with drawn ones: a factor of 0, as a fresh residual branch has it,
makes any branch look right. Where no chance is involved it is compared in training mode too. The model is left with
the weights that it had.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.build.compile import build
from specc.diagnostics.diagnostic import Problem
from specc.exchange.importing.calls import tensors_of
from specc.exchange.importing.drops import run_in_training
from specc.exchange.importing.forms import Chain, leaves
from specc.exchange.importing.graph import Leaf
from specc.ir.shaped import ShapedModel
from specc.layers.base import Shape

TOLERANCE = 1e-4  # of the largest output, in float32
BATCHES = (2, 3)
STATISTICS = ("running_mean", "running_var")


class Verified(NamedTuple):
    """The compiled spec with the model's weights.

    difference: the largest between the two outputs; names: of the model's tensors, by the spec's names;
    remarks: what the comparison cannot show.
    """

    network: nn.Sequential
    difference: float
    names: dict[str, str]
    remarks: tuple[str, ...]


def verify(model: nn.Module, shaped: ShapedModel, chain: Chain, input: Shape) -> Verified:
    """Compiles a spec, gives it the model's weights, and compares the outputs.

    Args:   model, in evaluation mode; chain, what the spec was written from.
    Raises: Problem E668 where they differ by more than rounding does.
    """
    with torch.device("meta"):  # no initial values are drawn for what is copied at once
        network = build(shaped)
    network = network.to_empty(device="cpu").eval()
    names = _copy(network, model, chain)
    difference = _compare(model, network, input, "")
    with _drawn_weights(model):
        _copy(network, model, chain)
        difference = max(difference, _compare(model, network, input, " with weights other than its own"))
        x = torch.rand(BATCHES[1], *input, generator=torch.Generator().manual_seed(3))
        remarks = tuple(_compare_training(model, network, x))
    _copy(network, model, chain)
    return Verified(network, difference, names, remarks)


def _compare(model: nn.Module, network: nn.Module, input: Shape, when: str) -> float:
    """The largest difference. Raises: Problem E668."""
    chance = torch.Generator().manual_seed(1)
    largest = 0.0
    for size in BATCHES:
        x = torch.rand(size, *input, generator=chance)
        with torch.no_grad():
            difference, allowed = _difference(_output(model, x), network(x))
            agree = difference <= allowed or _agree_in_double(model, network, x)  # not where it is no number
        if not agree:
            raise Problem.of(
                "E668",
                f"the imported spec gives a different output from the model{when}: it is off by {difference:.1e}",
                help="nothing was written; please report the model, so that importing it can be mended",
            )
        largest = max(largest, difference)
    return largest


def _agree_in_double(model: nn.Module, network: nn.Module, x: Tensor) -> bool:
    """Whether the two agree in double precision: deep networks magnify rounding, and sums may leave nothing else."""
    try:
        theirs, ours = (deepcopy(one).double()(x.double()) for one in (model, network))
    except Exception:  # of any kind: the user's code may know one precision alone
        return False
    return _agree(theirs, ours)


def _output(model: nn.Module, x: Tensor) -> Any:
    """What the model gives. Raises: Problem E666 where it does not take a batch of this size."""
    try:
        return model(x.clone())
    except Exception as error:  # of any kind: it is the user's code, which ran on another batch
        what = f"the model does not run on a batch of {len(x)}, and a spec says nothing of batches"
        note = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise Problem.of("E666", what, notes=(note,)) from error


def _difference(theirs: Any, ours: Any) -> tuple[float, float]:
    """The largest difference between what a model and its spec give, and the largest that rounding may make."""
    difference = allowed = 0.0
    for wanted, got in zip_longest(tensors_of(theirs), tensors_of(ours), fillvalue=torch.empty(0)):
        if wanted.shape != got.shape:
            return float("inf"), 0.0
        difference = max(difference, float((wanted - got).abs().max()))
        allowed = max(allowed, TOLERANCE * float(wanted.abs().max()) + 1e-7)
    return difference, allowed


def _compare_training(model: nn.Module, network: nn.Module, x: Tensor) -> Iterator[str]:
    """Remarks on what the two do otherwise in training mode. Raises: Problem E666 where they give other values."""
    theirs, ours = run_in_training(model, x), run_in_training(network, x)
    if theirs is None or ours is None:
        return
    if theirs[0] != ours[0]:
        yield (
            f"in training the model draws random numbers {_often(theirs[0])} a batch, the spec {_often(ours[0])}: "
            "what is random in training alone is not all in the spec"
        )
    elif [one.shape for one in tensors_of(theirs[1])] != [one.shape for one in tensors_of(ours[1])]:
        yield "in training the model gives other outputs than in evaluation, and the spec does not"
    elif not theirs[0] and not _agree(theirs[1], ours[1]) and not _agree_exactly(model, network, x):
        raise Problem.of(
            "E666", "in training the model does something else than in evaluation, which no spec says",
            notes=("its outputs in training mode differ from those of the layers that it has in evaluation",),
        )  # fmt: skip


def _agree(theirs: Any, ours: Any) -> bool:
    difference, allowed = _difference(theirs, ours)
    return difference <= allowed


def _agree_exactly(model: nn.Module, network: nn.Module, x: Tensor) -> bool:
    """Whether the two agree in double precision: the statistics of a small batch magnify rounding."""
    theirs, ours = (run_in_training(deepcopy(one).double(), x.double()) for one in (model, network))
    return theirs is None or ours is None or _agree(theirs[1], ours[1])


@contextmanager
def _drawn_weights(model: nn.Module) -> Iterator[None]:
    """Other values in every trained tensor and every running average, so that none is 0 or 1 by chance."""
    statistics = [(name, one) for name, one in model.named_buffers() if name.rpartition(".")[2] in STATISTICS]
    tensors = [*model.named_parameters(), *statistics]
    kept = [tensor.detach().clone() for _, tensor in tensors]
    chance = torch.Generator().manual_seed(2)
    try:
        with torch.no_grad():
            for name, tensor in tensors:
                if tensor.is_floating_point():
                    tensor.copy_(_drawn(name, tensor, chance))
        yield
    finally:
        with torch.no_grad():
            for (_, tensor), before in zip(tensors, kept, strict=True):
                tensor.copy_(before)


def _drawn(name: str, tensor: Tensor, chance: torch.Generator) -> Tensor:
    """Values that keep what passes through at about its size."""
    if name.endswith(("bias", "running_mean")):
        low, high = -0.2, 0.2
    elif tensor.numel() == max(tensor.shape, default=1):  # a factor or a variance for each channel
        low, high = 0.5, 1.5
    else:
        high = (6 / tensor[0].numel()) ** 0.5  # He et al. 2015
        low = -high
    return torch.empty(tensor.shape).uniform_(low, high, generator=chance)


def _often(count: int) -> str:
    return ("never", "once", "twice")[count] if count < 3 else f"{count} times"


def _copy(network: nn.Module, model: nn.Module, chain: Chain) -> dict[str, str]:
    """The model's weights into the layers of the same place; which tensor went where, by the spec's names."""
    targets = [(path, module) for path, module in network.named_modules() if _own(module)]
    sources = [leaf for leaf in leaves(chain) if leaf.weights]
    known = {tensor.data_ptr(): name for name, tensor in model.state_dict().items()}
    names: dict[str, str] = {}
    for (path, module), leaf in zip(targets, sources, strict=True):
        _copy_one(module, leaf)
        names |= {f"{path}.{name}": known[tensor.data_ptr()] for name, tensor in leaf.weights}
    return names


def _own(module: nn.Module) -> dict[str, Tensor]:
    own = dict(module.named_parameters(recurse=False))
    return own | {name: buffer for name, buffer in module.named_buffers(recurse=False) if buffer is not None}


def _copy_one(module: nn.Module, leaf: Leaf) -> None:
    """All of a module's tensors; a count of batches that the model does not keep begins at 0."""
    given = dict(leaf.weights)
    with torch.no_grad():
        for name, tensor in _own(module).items():
            if name in given:
                tensor.copy_(given[name])
            else:
                tensor.zero_()
