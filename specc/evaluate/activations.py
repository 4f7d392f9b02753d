"""What leaves each layer for one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from specc.diagnostics.diagnostic import Problem
from specc.ir.shaped import ShapedModel

if TYPE_CHECKING:
    from torch import Tensor, nn


class Output(NamedTuple):
    """What a layer gives, without the batch dimension, on the CPU. same: its values are those that it was given."""

    name: str
    kind: str
    values: Tensor
    same: bool


@torch.inference_mode()
def outputs_of(model: nn.Module, shaped: ShapedModel, image: Tensor, wanted: Sequence[str] = ()) -> list[Output]:
    """The output of every layer, in the order of execution, in evaluation mode.

    Args:   image, as the network gets it, (channels, height, width). wanted, names of layers, or of what stands before
            a dot in them; all where it is empty.
    Raises: Problem E647 where no layer has such a name.
    """
    every = [
        row for row in shaped.rows() if not isinstance(row.output, dict)
    ]  # of several outputs each has its own row
    rows = [row for row in every if not wanted or any(_is_part(row.name, name) for name in wanted)]
    for name in wanted:
        if not any(_is_part(row.name, name) for row in rows):
            raise Problem.of("E647", f"the network has no layer `{name}`", help=_guess(shaped, name))
    modules = dict(model.named_modules())
    found: dict[str, tuple[Tensor, bool]] = {}
    hooks = [modules[row.name].register_forward_hook(_Hook(found, row.name)) for row in rows]
    try:
        model.eval()
        model(image.unsqueeze(0))
    finally:
        for hook in hooks:
            hook.remove()
    return [Output(row.name, row.kind, *found[row.name]) for row in rows if row.name in found]


class _Hook:
    """Notes a copy of what a module gives: the next one may change it in place."""

    def __init__(self, found: dict[str, tuple[Tensor, bool]], name: str) -> None:
        self.found, self.name = found, name

    def __call__(self, module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        same = output.numel() == given[0].numel() and bool(output.flatten().equal(given[0].flatten()))
        self.found[self.name] = (output[0].detach().float().cpu().clone(), same)


def _is_part(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}.")


def _guess(shaped: ShapedModel, name: str) -> str:
    from specc.diagnostics.spelling import nearest

    guess = nearest(name, [row.name for row in shaped.rows()])
    return f"did you mean `{guess}`?" if guess else "`specc summary` lists the layers"
