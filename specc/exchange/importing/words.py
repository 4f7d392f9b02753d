"""torch's modules and functions as words of the language, each with its arguments and where its weights are.

Each layer declares the call that it becomes; here that call is recognised in somebody's model.
Raises: `NoWord` for a module or a function, or a setting of one, that the language cannot say.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.operator_schemas import normalize_function
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from specc.exchange.importing.calls import name_of
from specc.exchange.importing.graph import Leaf
from specc.exchange.importing.steps import step_of
from specc.exchange.importing.weighted import LayerCall
from specc.ir.names.instantiate import WrongValue, instantiate
from specc.layers.base import Layer, Shape, ShapeError
from specc.layers.registry import LAYERS, layers_of
from specc.layers.torch_call import NoWord, compact

_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# What says how a layer runs or where its weights begin, not what it is; whether it is training is told elsewhere.
_WITHOUT_EFFECT = frozenset(("inplace", "device", "dtype", "training", "init", "_stacklevel"))
_HARMLESS = frozenset(("__init__", "reset_parameters", "extra_repr", "__repr__", "__doc__", "__module__"))


def layer_of(module: nn.Module) -> LayerCall:
    """The layer that a module is. Raises: NoWord."""
    cls = torchs_own(module)
    if cls is None or not layers_of(cls.__name__):
        raise NoWord(f"no layer does what `{type(module).__name__}` does")
    strange = [name for name in module.state_dict() if name not in _TENSORS]
    if strange:
        made_of = " and ".join(f"`{name}`" for name in strange)
        raise NoWord(f"a `{cls.__name__}` whose weight is made of {made_of} at every step")
    return LayerCall(cls.__name__, _settings(module, cls), tuple(module.state_dict().items()))


def leaf_of(layer: LayerCall, x: Shape, output: Shape) -> Leaf:
    """The word for a layer. Args: x, the shape that arrives; output, the one that leaves, both without the batch."""
    usual = {name: one.default for name, one in inspect.signature(getattr(nn, layer.name)).parameters.items()}
    return _recognised(layer.name, layer.arguments, usual, x, output)._replace(weights=layer.weights)


def leaf_of_function(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], x: Shape, output: Shape) -> Leaf:
    """The word for a function or a method. Args: args, kwargs, its own, the tensor first."""
    name = _functions().get(target)
    if name is None:
        raise NoWord(f"no layer does what `{name_of(target)}` does")
    function = getattr(torch, target) if isinstance(target, str) else target
    kinds = {key: type(value) for key, value in kwargs.items()}
    types: Any = tuple(map(type, args))
    found = normalize_function(function, args, kwargs, types, kinds, normalize_to_only_use_kwargs=True)
    if found is None:
        raise NoWord(f"`{name}` with arguments that its layer does not have")
    given = {key: value for key, value in found.kwargs.items() if not isinstance(value, Tensor)}
    return _recognised(name, given, {}, x, output)


def torchs_own(module: nn.Module) -> type[nn.Module] | None:
    """The class of torch's that a module is, or is derived from without another behaviour; None for any other."""
    own: list[type] = []
    for cls in type(module).__mro__:
        if cls.__module__.startswith("torch.nn.modules"):
            return None if any(_changes(one, cls) for one in own) or (own and "forward" in vars(module)) else cls
        own.append(cls)
    return None


def is_torchs(module: nn.Module) -> bool:
    """Whether a module is a layer of torch's that has a word, or is derived from one without another behaviour."""
    cls = torchs_own(module)
    return cls is not None and bool(layers_of(cls.__name__))


def _changes(cls: type, base: type) -> bool:
    """Whether a class overrides what its base does; a property may stand in the place of a weight."""
    return any(
        name not in _HARMLESS and (isinstance(value, property) or (callable(value) and hasattr(base, name)))
        for name, value in vars(cls).items()
    )


@cache
def _functions() -> dict[Any, str]:
    """The names of functions by the function itself, of `torch` or `F`, and by the method's name, in place or not."""
    found: dict[Any, str] = {}
    for name in {name for cls in LAYERS.values() if cls.torch for name in cls.torch.functions()}:
        for form in (name, f"{name}_"):
            places = [getattr(place, form) for place in (F, torch) if hasattr(place, form)]
            found |= dict.fromkeys((form, *places), name)
    return found


def _settings(module: nn.Module, cls: type[nn.Module]) -> dict[str, Any]:
    """The arguments that a module was made with."""
    parameters = inspect.signature(cls).parameters
    declared = [name for layer in layers_of(cls.__name__) if layer.torch for name in layer.torch.arguments]
    given = {name: getattr(module, name) for name in (*parameters, *declared) if hasattr(module, name)}
    if "bias" in parameters:
        learns = getattr(module, "affine", getattr(module, "elementwise_affine", True))
        given["bias"] = given["bias"] is not None or not learns
    return given


def _recognised(name: str, given: dict[str, Any], usual: dict[str, Any], x: Shape, output: Shape) -> Leaf:
    """The first layer that a call can be. Raises: NoWord, with the reason of the last one that it is none."""
    reason = f"no layer does what `{name}` does"
    for cls in layers_of(name):
        try:
            leaf = _as_layer(cls, name, dict(given), usual, x)
        except (NoWord, WrongValue, ShapeError) as error:
            reason = str(error)
            continue
        if leaf.output == output:
            return leaf
        reason = f"`{name}` on {_told(x)}"
    raise NoWord(reason)


def _as_layer(cls: type[Layer], name: str, given: dict[str, Any], usual: dict[str, Any], x: Shape) -> Leaf:
    """Raises: NoWord, WrongValue, ShapeError where the layer is not what a call does."""
    assert cls.torch is not None  # noqa: S101 - it was found by its call
    fields = cls.from_torch(name, given, x)
    said = {*cls.torch.arguments, *cls.torch.of_function, *_WITHOUT_EFFECT}
    for key, value in given.items():
        if key not in said and not _is_usual(value, usual.get(key)):
            raise NoWord(f"`{name}` with `{key}={value}`")
    layer = instantiate(cls, fields)
    leaf = step_of(layer, fields, x)
    function = layer.torch_name(cls.torch.function, x).rpartition(".")[2]
    if name not in (cls.torch.name, layer.torch_name(cls.torch.name, x), function, *cls.torch.also):
        raise NoWord(f"`{name}` on {_told(x)}")
    return leaf


def _is_usual(value: Any, default: Any) -> bool:
    return (not value and not default) or compact(value) == compact(default)


def _told(x: Sequence[int]) -> str:
    return f"a batch of {'×'.join(map(str, x))}"
