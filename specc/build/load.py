"""Weights from elsewhere into a compiled model: by order and shape, since the names are another program's.

In:         a model and a `state_dict()` whose tensors stand in the same order, such as torchvision's.
Out:        nothing; the model holds the values.
Guarantees: all of them, or none: nothing is changed unless every tensor fits.
Leaves:     names. Two tensors of one shape that stand in another order cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import torch
from torch import Tensor, nn

from specc.diagnostics.spelling import shown, spelled

# torch counts the batches of a `bn` in a buffer that weights saved before torch 0.4.1 do not have.
_BATCH_COUNT = "num_batches_tracked"


class WeightsError(ValueError):
    """Weights that do not fit a model; the text names the first tensor that does not, on both sides."""


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copies weights into a model in the order in which both hold them, whatever they are called.

    A compiled model holds its weights in the order in which the spec writes its layers, body before shortcut. They
    are converted to the model's precision and device. Batch counts of `bn` may be missing.

    Args:   model, from `specc.compile`; weights, a `state_dict()` such as `torchvision.models.vgg16().state_dict()`.
    Raises: WeightsError where a tensor has another shape than its partner, or whole numbers in place of fractions, or
            there are too many or too few; then the model is as it was.
    """
    own, other = _in_order(model.state_dict()), _in_order(weights)
    if not any(_is_count(name) for name in other):
        own = {name: tensor for name, tensor in own.items() if not _is_count(name)}
    pairs = list(zip_longest(own.items(), other.items()))
    for position, (mine, theirs) in enumerate(pairs, start=1):
        _require_fit(position, mine, theirs)
    with torch.no_grad():
        for mine, theirs in pairs:
            mine[1].copy_(theirs[1])


def _in_order(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in weights.items():
        if not isinstance(tensor, Tensor):
            raise WeightsError(
                f"`{name}` is no tensor but {type(tensor).__name__}; a checkpoint often holds the weights under a key, "
                'such as `checkpoint["state_dict"]`'
            )
    return dict(weights)


def _is_count(name: str) -> bool:
    return name.rpartition(".")[2] == _BATCH_COUNT


def _require_fit(position: int, mine: tuple[str, Tensor] | None, theirs: tuple[str, Tensor] | None) -> None:
    """Raises: WeightsError unless both are there and have one shape."""
    if theirs is None:
        assert mine is not None  # noqa: S101 - `zip_longest` fills one side
        raise WeightsError(f"tensor {position} is missing: the weights end before {_told(*mine)} of the model")
    if mine is None:
        raise WeightsError(f"tensor {position} is one too many: the weights go on with {_told(*theirs)}")
    if mine[1].shape != theirs[1].shape:
        told = f"the model needs {_told(*mine)}, the weights hold {_told(*theirs)}"
        raise WeightsError(f"tensor {position} does not fit: {told}")
    if mine[1].is_floating_point() != theirs[1].is_floating_point():
        kinds = [str(tensor.dtype).removeprefix("torch.") for _, tensor in (mine, theirs)]
        raise WeightsError(f"tensor {position}, {_told(*theirs)}, holds {kinds[1]}, and the model needs {kinds[0]}")


def _told(name: str, tensor: Tensor) -> str:
    return f"`{shown(name)}` of shape {spelled(tensor.shape)}" if tensor.dim() else f"`{shown(name)}`, a single number"
