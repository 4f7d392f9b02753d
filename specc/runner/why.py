"""What in a picture an answer rests on: Grad-CAM and occlusion, each a map over the picture.

In:         a network, a picture as it gets it, and the number of a class.
Out:        numbers over the picture's pixels; the larger, the more the class's score rests on that place.
Guarantees: the network is as it was; no random number is drawn; the work is bounded by `occlusion_is_cheap`.
Leaves:     colours to `specc.report.pictures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import interpolate

from specc.ir.shaped import ShapedModel
from specc.layers.base import Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

WINDOWS = 4  # a window covers a quarter of a side, and moves on by half of itself
FAINT = 0.01  # a fall of the probability by less is hardly one
TOGETHER = 16  # covered pictures in a batch
MOST_MACS = 20_000_000_000  # for all pictures that are covered: some seconds of a slow CPU
LAST = 24  # layers from the end among which the one is looked for that Grad-CAM takes


def grad_cam(model: nn.Module, shaped: ShapedModel, image: Tensor, wanted: int) -> Tensor | None:
    """How much a class's score rests on each place, by the last maps that still are a picture.

    relu(Σₖ αₖ Aₖ), where Aₖ are that layer's maps and αₖ is the mean over the positions of ∂score/∂Aₖ.

    Args:    image, (channels, height, width). wanted, the class; of several outputs one of the first.
    Returns: (height, width) of the picture, 0 and more; None where no layer leaves a picture that the score rests on.
    Source:  Selvaraju et al. 2017, equations 1 and 2.
    """
    with _evaluating(model), torch.enable_grad(), _kept(model, _candidates(shaped)) as kept:
        score = scores_of(model(image.unsqueeze(0).requires_grad_()))[0, wanted]
        for maps in reversed(kept):
            (slope,) = torch.autograd.grad(score, maps, retain_graph=True, allow_unused=True)
            if slope is not None:
                weighed = (slope.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
                shown = interpolate(weighed.float(), tuple(image.shape[1:]), mode="bilinear", align_corners=False)
                return shown.detach()[0, 0]
    return None


@torch.no_grad()
def occlusion(model: nn.Module, image: Tensor, wanted: int) -> Tensor:
    """How much less probable a class is with each place covered: at a pixel the mean over the windows that cover it.

    A window has the mean of each channel of the picture.

    Returns: (height, width); negative where the class is more probable without that place.
    Source:  Zeiler and Fergus 2014, section 4.2.
    """
    _, height, width = image.shape
    places = [(top, left) for top in _starts(height) for left in _starts(width)]
    drops, covers = image.new_zeros(height, width), image.new_zeros(height, width)
    with _evaluating(model):
        whole = _probability(model, image.unsqueeze(0), wanted)[0]
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            found = whole - _probability(model, torch.stack([_covered(image, place) for place in some]), wanted)
            for place, drop in zip(some, found, strict=True):
                part = _window(place, height, width)
                drops[part] += drop
                covers[part] += 1
    return drops / covers


def occlusion_is_cheap(shaped: ShapedModel, pictures: int = 1) -> bool:
    """Whether so many pictures may be covered: each costs a pass for every window."""
    _, height, width = shaped.input
    return shaped.macs * len(_starts(height)) * len(_starts(width)) * pictures <= MOST_MACS


def _candidates(shaped: ShapedModel) -> list[str]:
    """The last convolutions that leave a picture of more than a pixel, and what follows each without another shape."""
    found: list[str] = []
    shape: Shape | None = None
    for row in shaped.rows():
        if isinstance(row.output, dict):  # of `outputs`, the last one
            continue
        shape = row.output if row.macs else shape
        if row.output == shape and len(row.output) == 3 and row.output[1] * row.output[2] > 1:
            found.append(row.name)
    return found[-LAST:]


@contextmanager
def _kept(model: nn.Module, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """What these layers give, in the order in which they run; what goes on is a copy, which may be changed in place."""
    found: list[Tensor] = []

    def keep(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        found.append(output)
        return output.clone()

    hooks = [model.get_submodule(name).register_forward_hook(keep) for name in names]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)


def scores_of(outputs: Any) -> Tensor:
    """Those of the first output, which is the one that is told."""
    scores: Tensor = next(iter(outputs.values())) if isinstance(outputs, dict) else outputs
    return scores


def _probability(model: Callable[[Tensor], Any], x: Tensor, wanted: int) -> Tensor:
    return scores_of(model(x)).float().softmax(1)[:, wanted]


def _side(size: int) -> int:
    return max(1, size // WINDOWS)


def _starts(size: int) -> list[int]:
    """Where windows begin: half of one apart, the last one at the edge."""
    side = _side(size)
    return sorted({*range(0, size - side + 1, max(1, side // 2)), size - side})


def _window(place: tuple[int, int], height: int, width: int) -> tuple[slice, slice]:
    top, left = place
    return slice(top, top + _side(height)), slice(left, left + _side(width))


def _covered(image: Tensor, place: tuple[int, int]) -> Tensor:
    found = image.clone()
    found[(slice(None), *_window(place, *image.shape[1:]))] = image.mean((1, 2))[:, None, None]
    return found
