"""Each layer in torch's words: its constructor, its function where it has no weights, what is done to its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specc.diagnostics.diagnostic import Problem
from specc.emit.python.expressions import Counted, Expression, Several, counted
from specc.emit.python.nodes import REQUIRED, Arg, CodeNode, LayerNode, SettingNode
from specc.emit.python.supplement import SUPPLEMENT
from specc.ir.shaped import From
from specc.layers.base import Layer, Shape
from specc.layers.norm import BatchNorm
from specc.layers.torch_call import Source, TorchCall, compact
from specc.layers.weighted import INITIALIZERS, Weighted, literal_values

_TOUCHES = ("normalisation", "activation", "regularisation", "scale", "identity")

Written = Mapping[str, Any]
"""By field, the expression that its value was written with; of an initializer, a list of its arguments'."""


def with_expressions(layer: Layer, written: Written) -> Layer:
    """The layer with numbers that carry their expressions, for its shape rule."""
    carried = {name: _carrying(getattr(layer, name), expression) for name, expression in written.items()}
    return layer.model_copy(update=carried)


def _carrying(value: Any, expression: Any) -> Any:
    if type(value) is int and not isinstance(expression, list):
        return counted(value, expression)
    if isinstance(value, tuple) and isinstance(expression, Several) and len(value) == len(expression.items):
        return tuple(map(_carrying, value, expression.items))
    return value


def layer_node(layer: Layer, written: Written, x: Shape, told: str, like: From | None = None) -> LayerNode:
    """A layer as code. Args: x, the shape that arrives, its channels with their expression; told, what leaves.

    Raises: Problem E660 for a word of another package, whose module cannot be written out.
    """
    module, function = _codes(layer, written, x)
    settings = tuple(_settings(layer, written, x))
    begins = layer.family not in _TOUCHES
    if like is not None and function is not None:
        function = module = _sized_like(function)
        return LayerNode(module, function, settings, begins, told, like.name)
    return LayerNode(module, function, settings, begins, told)


def _sized_like(function: CodeNode) -> CodeNode:
    """A function that takes its size from a kept step when it is called."""
    args = tuple(arg for arg in function.args if arg.name != "size")
    named = "".join(f", {arg.name}={{{arg.name}}}" for arg in args)
    return CodeNode(f"{function.name}({{x}}, size={{like}}.shape[2:]{named})", args, "template")


def _codes(layer: Layer, written: Written, x: Shape) -> tuple[CodeNode, CodeNode | None]:
    """The constructor, and the function for a layer without weights."""
    call = layer.torch
    if call is None:
        raise Problem.of(
            "E660",
            f"`{layer.keyword}` comes from another package, so its code cannot be written out",
            help="`--to pt2` and `--to onnx` export what a network does without its source",
        )
    name = layer.torch_name(call.name, x)
    args = _args(layer, written, call, call.arguments, x)
    module = CodeNode(name if name in SUPPLEMENT else f"nn.{name}", args)
    if not call.function:
        return module, None
    args = _args(layer, written, call, call.of_function, x)
    if "{x}" in call.function:
        return module, CodeNode(call.function, args, "template")
    return module, CodeNode(layer.torch_name(call.function, x), args)


def _args(layer: Layer, written: Written, call: TorchCall, names: Mapping[str, Source], x: Shape) -> tuple[Arg, ...]:
    """The arguments, each with the value that need not be written: the layer's default is torch's."""
    values = with_expressions(layer, written).torch_arguments(names, x)
    found = []
    for place, (name, value) in enumerate(values.items()):
        source = names[name]
        info = type(layer).model_fields.get(source) if isinstance(source, str) else None
        default = REQUIRED if info is None or info.is_required() or call.own else info.default
        if info is not None and isinstance(source, str) and source in written and not _carries(value):
            plain = getattr(layer, source)
            says = value is None or value in (plain, compact(plain))
            found.append(Arg(name, written[source] if says else value, default, by_name=place >= call.bare))
        else:
            found.append(Arg(name, value, default, by_name=place >= call.bare))
    return tuple(found)


def _carries(value: Any) -> bool:
    return isinstance(value, Counted) or (isinstance(value, tuple) and any(map(_carries, value)))


def _settings(layer: Layer, written: Written, x: Shape) -> list[SettingNode]:
    if not isinstance(layer, Weighted):
        return []
    found = []
    if layer.init is not None and layer.init.name == "partial_dirac":
        found.append(SettingNode("first", "weight", "dirac"))
    elif layer.init is not None and layer.init.name != "whiten":  # a program has no training pictures
        names = INITIALIZERS[layer.init.name].arguments
        values = written.get("init", layer.init.arguments)
        args = tuple(("val" if name == "value" else name, value) for name, value in zip(names, values))  # noqa: B905 - those left out have torch's own values
        found.append(SettingNode("fill", "weight", layer.init.name, args))
    shapes = layer.weights(tuple(map(int, x)))
    for name, values in layer.literals().items():
        found.append(
            SettingNode("values", name, values=_nested(literal_values(name, values, shapes[name]), shapes[name]))
        )
    if isinstance(layer, BatchNorm):
        fields = {"weight": "gamma", "bias": "beta"}
        for name, value in layer.constants().items():
            expression = written.get(fields[name])
            if expression is not None or value != (name == "weight"):
                found.append(_filled(name, value, expression))
    if layer.frozen and (layer.frozen in shapes or (layer.frozen is True and shapes)):
        found.append(SettingNode("freeze", "" if layer.frozen is True else layer.frozen))
    return found


def _filled(tensor: str, value: float, expression: Expression | None) -> SettingNode:
    if expression is None and value in (0, 1):
        return SettingNode("fill", tensor, "zeros" if value == 0 else "ones")
    return SettingNode("fill", tensor, "constant", (("val", float(value) if expression is None else expression),))


def _nested(flat: list[float], shape: Shape) -> Any:
    """A flat list as lists within lists."""
    if len(shape) == 1:
        return tuple(flat)
    size = len(flat) // shape[0]
    return tuple(_nested(flat[start : start + size], shape[1:]) for start in range(0, len(flat), size))


def values_of(node: LayerNode) -> Iterator[Any]:
    """The values in a layer's code."""
    for made in (node.module, node.function):
        yield from (arg.value for arg in (made.args if made is not None else ()))
    for setting in node.settings:
        yield from (value for _, value in setting.args)
