"""Layers with weights, however they are called: as a module, or as a function with the model's own tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing.calls import ModelCall, name_of
from specc.layers.torch_call import NoWord

_STATISTICS = ("running_mean", "running_var")


class LayerCall(NamedTuple):
    """A class of torch's, the arguments that it would be made with, and the tensors that it works with."""

    name: str
    arguments: dict[str, Any]
    weights: tuple[tuple[str, Tensor], ...]


class _Function(NamedTuple):
    """names: of a function's arguments, in their order; layer: the module's class and its arguments, from those."""

    names: str
    layer: Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]


def _conv(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    weight, groups = given["weight"], given.get("groups", 1)
    rank = weight.dim() - 2
    known = {"stride": 1, "padding": 0, "dilation": 1} | {
        key: value for key, value in given.items() if key in ("stride", "padding", "dilation")
    }
    return f"Conv{rank}d", {
        "in_channels": weight.shape[1] * groups, "out_channels": weight.shape[0], "groups": groups,
        "kernel_size": tuple(weight.shape[2:]), "bias": given.get("bias") is not None, "padding_mode": "zeros", **known,
    }  # fmt: skip


def _transposed(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    weight, groups = given["weight"], given.get("groups", 1)
    usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    return f"ConvTranspose{weight.dim() - 2}d", {
        "in_channels": weight.shape[0], "out_channels": weight.shape[1] * groups, "groups": groups,
        "kernel_size": tuple(weight.shape[2:]), "bias": given.get("bias") is not None,
        **{key: given.get(key, value) for key, value in usual.items()},
    }  # fmt: skip


def _linear(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    out, features = given["weight"].shape
    return "Linear", {"in_features": features, "out_features": out, "bias": given.get("bias") is not None}


def _batch_norm(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if given.get("running_mean") is None or given.get("training", False):
        raise NoWord("`batch_norm` by the statistics of the batch")
    rank = max(1, given["input"].dim() - 2)
    settings = {"eps": given.get("eps", 1e-5), "momentum": given.get("momentum", 0.1)}
    return f"BatchNorm{rank}d", {
        "num_features": given["running_mean"].numel(), "affine": given.get("weight") is not None, **settings,
    }  # fmt: skip


def _instance_norm(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if given.get("running_mean") is not None:
        raise NoWord("`instance_norm` by running averages")
    x, affine = given["input"], given.get("weight") is not None
    return f"InstanceNorm{x.dim() - 2}d", {
        "num_features": x.shape[1], "eps": given.get("eps", 1e-5), "affine": affine,
    }  # fmt: skip


def _group_norm(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    settings = {"eps": given.get("eps", 1e-5), "affine": given.get("weight") is not None}
    return "GroupNorm", {"num_groups": given["num_groups"], "num_channels": given["input"].shape[1], **settings}


def _layer_norm(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "LayerNorm", {
        "normalized_shape": tuple(given["normalized_shape"]), "eps": given.get("eps", 1e-5),
        "elementwise_affine": given.get("weight") is not None,
        "bias": given.get("bias") is not None or given.get("weight") is None,
    }  # fmt: skip


def _prelu(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "PReLU", {"num_parameters": given["weight"].numel()}


_CONV = _Function("input weight bias stride padding dilation groups", _conv)
_TRANSPOSED = _Function("input weight bias stride padding output_padding groups dilation", _transposed)
_PRELU = _Function("input weight", _prelu)
_FUNCTIONS: dict[Any, _Function] = {
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), _CONV),
    **dict.fromkeys((F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _TRANSPOSED),
    F.linear: _Function("input weight bias", _linear),
    F.batch_norm: _Function("input running_mean running_var weight bias training momentum eps", _batch_norm),
    torch.batch_norm: _Function("input weight bias running_mean running_var training momentum eps", _batch_norm),
    F.instance_norm: _Function(
        "input running_mean running_var weight bias use_input_stats momentum eps", _instance_norm
    ),
    F.group_norm: _Function("input num_groups weight bias eps", _group_norm),
    torch.group_norm: _Function("input num_groups weight bias eps", _group_norm),
    F.layer_norm: _Function("input normalized_shape weight bias eps", _layer_norm),
    torch.layer_norm: _Function("input normalized_shape weight bias eps", _layer_norm),
    F.prelu: _PRELU, torch.prelu: _PRELU, "prelu": _PRELU,
}  # fmt: skip


def is_weighted(target: Any) -> bool:
    return target in _FUNCTIONS


def layer_of_function(call: ModelCall, own: Mapping[int, Tensor]) -> LayerCall:
    """The layer that a function with weights is.

    Args:   own, the model's tensors by their places in memory.
    Raises: NoWord where a weight is not the model's own, or is worked out while it runs.
    """
    function = _FUNCTIONS[call.target]
    given = dict(zip(function.names.split(), call.values(call.args), strict=False)) | call.values(call.kwargs)
    name, arguments = function.layer(given)
    weights = []
    for key in ("weight", "bias", *_STATISTICS):
        tensor = given.get(key)
        if tensor is not None:
            _require_own(call, key, tensor, own)
            weights.append((key, tensor.detach()))
    return LayerCall(name, arguments, tuple(weights))


def _require_own(call: ModelCall, key: str, tensor: Tensor, own: Mapping[int, Tensor]) -> None:
    """Raises: NoWord for anything but the whole of one of the model's own tensors."""
    known = own.get(tensor.data_ptr())
    if known is None or known.numel() != tensor.numel() or not tensor.is_contiguous():
        one = {"weight": "weights", "bias": "a bias"}.get(key, "averages")
        raise NoWord(f"`{name_of(call.target)}` with {one} that the model works out as it runs, or does not hold")


def own_tensors(model: nn.Module) -> dict[int, Tensor]:
    """A model's tensors by their places in memory."""
    return {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}
