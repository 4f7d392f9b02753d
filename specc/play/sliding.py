"""The windows of a layer as numbers that a page can draw."""

from __future__ import annotations

from typing import Any

from specc.ir.shaped import ShapedLayer
from specc.layers.conv import TransposedConv
from specc.layers.pool import ToSize

STILL = {"size": 1, "count": 1, "kernel": 1, "stride": 1, "before": 0, "after": 0, "dilation": 1}


def sliding(node: ShapedLayer) -> dict[str, Any] | None:
    """What slides over the last two dimensions; None where no window does, and each pixel stands for itself.

    `kind` is "slide", or "spread" where windows are chosen so that the output has a given size, or "paint" where each
    input pixel paints a patch of the output. Then `size` is the output's, and `count` the input's.
    """
    layer, x = node.layer, node.input
    if not layer.gathers or len(x) < 2:
        return None
    if isinstance(layer, TransposedConv):
        kind, axes = "paint", _painted(node, layer)
    else:
        kind, axes = "spread" if isinstance(layer, ToSize) else "slide", _slid(node)
    rows, columns = [STILL, *axes][-2:]
    weight = layer.weights(x).get("weight", (0, 0))
    return {
        "kind": kind, "rows": rows, "columns": columns, "gathers": layer.gathers, "more": len(axes) > 2,
        "channels": weight[1] if kind == "slide" else 1, "bias": "bias" in layer.weights(x),
        "fill": getattr(layer, "mode", "zeros" if layer.gathers != "largest" else "nothing"),
        "counted": getattr(layer, "count_include_pad", True),
    }  # fmt: skip


def _slid(node: ShapedLayer) -> list[dict[str, Any]]:
    windows = node.layer.windows(node.input)
    same = getattr(node.layer, "padding", 0) == "same"
    return [
        {
            "size": size, "count": count, "kernel": window.kernel, "stride": window.stride, "before": window.padding,
            "after": window.reach - 1 - window.padding if same else window.padding, "dilation": window.dilation,
        }
        for window, size, count in zip(windows, node.input[1:], node.output[1:], strict=True)
    ]  # fmt: skip


def _painted(node: ShapedLayer, layer: TransposedConv) -> list[dict[str, Any]]:
    numbers = zip(node.output[1:], node.input[1:], *layer.numbers(len(node.input) - 1), strict=True)
    return [
        {
            "size": size, "count": count, "kernel": kernel, "stride": stride, "before": padding, "after": padding,
            "dilation": dilation,
        }
        for size, count, kernel, stride, padding, _, dilation in numbers
    ]  # fmt: skip
