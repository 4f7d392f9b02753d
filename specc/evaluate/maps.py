"""What a network makes of a picture, as bytes that a page can draw.

Every map is stretched by itself from 0, its smallest value, to 255, its largest; filters share one scale, with zero in
its middle. What `specc peek` draws into a file is found in the same way.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import adaptive_avg_pool2d

from specc.diagnostics.spelling import spelled
from specc.evaluate.activations import Output, outputs_of
from specc.evaluate.peek import PeekSubject

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALL, LARGE = 28, 96  # pixels of a map's longer side: among those of all layers, and of the layer that is looked at
MOST_SMALL, MOST_LARGE = 8, 256  # maps of a layer, and of the layer that is looked at
MOST_IN_ALL = 1600  # maps of all layers together
MOST_LAYERS = 600
LONGEST = 512  # values of a vector
MOST_INPUTS, LARGEST_KERNEL = 16, 11  # of a filter that is shown
MOST_NUMBERS = 10_000  # weights that are told as numbers
MOST_ANSWERS = 5


@torch.inference_mode()
def maps_of(subject: PeekSubject, image: Tensor, layer: str = "", filters: tuple[str, ...] = ()) -> dict[str, Any]:
    """The maps of every layer that changes something, all of one layer with its filters, and the answer.

    Args:   image, as the network gets it. layer, the one that is looked at; empty for none. filters, what the fixed
            ones of the first convolution are called.
    Raises: Problem E647.
    """
    outputs = [one for one in outputs_of(subject.model, subject.shaped, image) if not one.same][:MOST_LAYERS]
    each = max(1, min(MOST_SMALL, MOST_IN_ALL // max(1, len(outputs))))
    looked_at = next((one for one in outputs if one.name == layer), None)
    return {
        "input": _input(subject.taker.unscaled(image)),
        "layers": [_told(one, each, SMALL) for one in outputs],
        "whole": None if looked_at is None else _whole(subject, looked_at, filters),
        **_answer(subject, image),
    }


def _input(image: Tensor) -> dict[str, Any]:
    """The picture itself, a channel after the other, from 0 to 1."""
    return _tiles(_smaller(image, LARGE), image.new_zeros(len(image)), image.new_ones(len(image)))


def _told(output: Output, most: int, side: int) -> dict[str, Any]:
    """A layer's first maps."""
    values = output.values
    maps = _maps(values)
    is_vector = maps.shape[1] == 1
    shown = maps[:most, :, :LONGEST] if is_vector else _smaller(maps[:most], side)
    flat = shown.nan_to_num(0.0).flatten(1)
    tiles = _tiles(shown, flat.amin(1), flat.amax(1))
    return {"name": output.name, "kind": output.kind, "shape": spelled(values.shape), "of": len(maps), **tiles}


def _maps(values: Tensor) -> Tensor:
    """A layer's output as (maps, height, width): a vector is one map of one row, of a volume the middle slice."""
    if values.dim() == 1 or values[0].numel() == 1:
        return values.reshape(1, 1, -1)
    if values.dim() == 2:
        return values.unsqueeze(0)
    return values[:, values.shape[1] // 2] if values.dim() == 4 else values


def _smaller(maps: Tensor, side: int) -> Tensor:
    """Maps whose longer side is at most so long, averaged."""
    height, width = maps.shape[-2:]
    factor = max(height, width) / side
    if factor <= 1:
        return maps
    return adaptive_avg_pool2d(maps.float(), (max(1, ceil(height / factor)), max(1, ceil(width / factor))))


def _tiles(maps: Tensor, low: Tensor, high: Tensor) -> dict[str, Any]:
    """Maps, (count, height, width), as bytes between a low and a high value each; one without contrast is grey."""
    span = (high - low).view(-1, 1, 1)
    shares = torch.where(span > 0, (maps - low.view(-1, 1, 1)) / span.where(span > 0, 1.0), 0.5).nan_to_num(0.5)
    pixels = shares.mul(255).round().clamp(0, 255).byte().contiguous()
    count, height, width = pixels.shape
    return {
        "count": count, "height": height, "width": width, "pixels": b64encode(pixels.numpy().tobytes()).decode(),
        "low": _rounded(low), "high": _rounded(high),
    }  # fmt: skip


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.4g}") for value in values.nan_to_num(0.0, 3e38, -3e38).tolist()]


def _whole(subject: PeekSubject, output: Output, names: tuple[str, ...]) -> dict[str, Any]:
    told = _told(output, MOST_LARGE, LARGE)
    filters = filters_of(subject.model.get_submodule(output.name), told["count"])
    is_first = names and next((row.name for row in subject.shaped.rows() if row.params), "") == output.name
    return {**told, "filters": filters, "called": list(names) if is_first else []}


def filters_of(module: nn.Module, most: int) -> dict[str, Any] | None:
    """The first filters of a two-dimensional convolution, each for the first channels of its input; None elsewhere."""
    weight, is_convolution = getattr(module, "weight", None), getattr(module, "transposed", True) is False
    if not is_convolution or not isinstance(weight, torch.Tensor) or weight.dim() != 4:
        return None
    if max(weight.shape[2:]) > LARGEST_KERNEL:
        return None
    shown = weight.detach().float().cpu()[:most, :MOST_INPUTS]
    largest = shown.abs().amax().clamp(min=1e-12).expand(shown.shape[0] * shown.shape[1])
    top = largest * (128 / 127)  # so that zero is a whole number of bytes, 127
    values = _rounded(shown.flatten()) if shown.numel() <= MOST_NUMBERS else []
    about = {"inputs": shown.shape[1], "of": weight.shape[1], "values": values}
    return {**about, **_tiles(shown.flatten(0, 1), -largest, top)}


def _answer(subject: PeekSubject, image: Tensor) -> dict[str, Any]:
    """What the network says: probabilities as bars, else in words; nothing of one that was not trained."""
    if subject.goal is None:
        return {"bars": [], "words": []}
    (answer,) = subject.goal.answers(subject.model(image.unsqueeze(0)), MOST_ANSWERS)
    found = answer.values.get("classes") or answer.values.get("labels") or []
    bars = list(_bars(found)) if isinstance(found, list) else []
    return {"bars": bars, "words": [] if bars else list(answer.words)}


def _bars(found: Iterable[dict[str, Any]]) -> Iterable[tuple[str, float]]:
    for one in found:
        name, share = one.values()
        yield str(name), float(share)
