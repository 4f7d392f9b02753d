"""The lint of a class count that the data set contradicts: looked for where the data set is known."""

from __future__ import annotations

import re
from math import prod

from specc.ir.shaped import ShapedModel
from specc.layers.base import Shape


def way_to_output(model: ShapedModel, wanted: Shape, name: str = "") -> str:
    """What makes a network give so many numbers, or so many for each pixel, several ways a line each.

    Args: name, of the output that is to give them, of a network with several.
    """
    if name and isinstance(model.gives, dict):
        return _way_to_classes(model, wanted[0], model.gives[name], f"the branch `{name}`")
    if len(wanted) == 1:
        return _way_to_classes(model, wanted[0], model.output, "the network")
    if model.output[1:] != wanted[1:]:
        return "add layers that lead back to the picture's size, such as `upsample 2` or `convtranspose`"
    deciding = _deciding_param(model, model.output)
    return f"`--set {deciding}={wanted[0]}`" if deciding else f"end the network with `conv {wanted[0]} k1`"


def _way_to_classes(model: ShapedModel, classes: int, output: Shape, what: str) -> str:
    pixels = model.input[1:]
    if output == model.output and len(output) > 1 and output[1:] == pixels and prod(pixels) > 1:
        return (
            "this network answers for every pixel: `--task segment` trains it on pictures with masks\n"
            f"for one answer for the whole picture end the network with `gap -> flatten -> linear {classes}`"
        )
    if len(output) > 1:
        ends = (f"flatten -> linear {classes}", f"gap -> flatten -> linear {classes}")
        return "\n".join(f"end {what} with `{end}`" for end in ends)
    name = _deciding_param(model, output)
    return f"`--set {name}={classes}`" if name else f"end {what} with `linear {classes}`"


def _deciding_param(model: ShapedModel, output: Shape) -> str | None:
    """The `param` that says how many outputs the last step with weights has."""
    weighted = next((node for _, node in reversed(model.chain.steps) if node.costs.parameters), None)
    words = re.findall(r"\w+", model.source.slice(weighted.span)) if weighted else []
    found = (name for name, value in model.parameters.items() if value == output[0] and name in words)
    return next(found, None)
