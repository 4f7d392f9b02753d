"""Each layer in torch's words: its constructor, its function where it has no weights, what is done to its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.python.nodes import REQUIRED, Arg, CodeNode, LayerNode, SettingNode
from specc.emit.python.supplement import SUPPLEMENT
from specc.ir.shaped import ShapedLayer
from specc.layers.base import Layer, Shape
from specc.layers.norm import BatchNorm
from specc.layers.torch_call import Source, TorchCall
from specc.layers.weighted import INITIALIZERS, Weighted, literal_values

_TOUCHES = ("normalisation", "activation", "regularisation", "scale", "identity")


def layer_node(step: ShapedLayer) -> LayerNode:
    """A layer as code. Raises: Problem E660 for a word of another package, whose module cannot be written out."""
    module, function = _codes(step.layer, step.input)
    settings = tuple(_settings(step.layer, step.input))
    begins = step.layer.family not in _TOUCHES
    if step.like is not None and function is not None:
        function = module = _sized_like(function)
        return LayerNode(module, function, settings, begins, step.output, step.like.name)
    return LayerNode(module, function, settings, begins, step.output)


def _sized_like(function: CodeNode) -> CodeNode:
    """A function that takes its size from a kept step when it is called."""
    args = tuple(arg for arg in function.args if arg.name != "size")
    named = "".join(f", {arg.name}={{{arg.name}}}" for arg in args)
    return CodeNode(f"{function.name}({{x}}, size={{like}}.shape[2:]{named})", args, "template")


def _codes(layer: Layer, x: Shape) -> tuple[CodeNode, CodeNode | None]:
    """The constructor, and the function for a layer without weights."""
    call = layer.torch
    if call is None:
        raise Problem.of(
            "E660",
            f"`{layer.keyword}` comes from another package, so its code cannot be written out",
            help="`--to pt2` and `--to onnx` export what a network does without its source",
        )
    name = layer.torch_name(call.name, x)
    module = CodeNode(name if name in SUPPLEMENT else f"nn.{name}", _args(layer, call, call.arguments, x))
    if not call.function:
        return module, None
    args = _args(layer, call, call.of_function, x)
    if "{x}" in call.function:
        return module, CodeNode(call.function, args, "template")
    return module, CodeNode(layer.torch_name(call.function, x), args)


def _args(layer: Layer, call: TorchCall, names: Mapping[str, Source], x: Shape) -> tuple[Arg, ...]:
    """The arguments, each with the value that need not be written: the layer's default is torch's."""
    values = layer.torch_arguments(names, x)
    found = []
    for place, (name, value) in enumerate(values.items()):
        source = names[name]
        info = type(layer).model_fields.get(source) if isinstance(source, str) else None
        default = REQUIRED if info is None or info.is_required() or call.own else info.default
        found.append(Arg(name, value, default, by_name=place >= call.bare))
    return tuple(found)


def _settings(layer: Layer, x: Shape) -> list[SettingNode]:
    if not isinstance(layer, Weighted):
        return []
    found = []
    if layer.init is not None:
        names = INITIALIZERS[layer.init.name].arguments
        args = tuple(("val" if name == "value" else name, value) for name, value in zip(names, layer.init.arguments))  # noqa: B905 - those left out have torch's own values
        found.append(SettingNode("fill", "weight", layer.init.name, args))
    shapes = layer.weights(x)
    for name, values in layer.literals().items():
        found.append(
            SettingNode("values", name, values=_nested(literal_values(name, values, shapes[name]), shapes[name]))
        )
    if isinstance(layer, BatchNorm):
        found += [_filled(name, value) for name, value in layer.constants().items() if value != (name == "weight")]
    if layer.frozen and (layer.frozen in shapes or (layer.frozen is True and shapes)):
        found.append(SettingNode("freeze", "" if layer.frozen is True else layer.frozen))
    return found


def _filled(tensor: str, value: float) -> SettingNode:
    if value in (0, 1):
        return SettingNode("fill", tensor, "zeros" if value == 0 else "ones")
    return SettingNode("fill", tensor, "constant", (("val", float(value)),))


def _nested(flat: list[float], shape: Shape) -> Any:
    """A flat list as lists within lists."""
    if len(shape) == 1:
        return tuple(flat)
    size = len(flat) // shape[0]
    return tuple(_nested(flat[start : start + size], shape[1:]) for start in range(0, len(flat), size))
