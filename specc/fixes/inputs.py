"""Candidates for numbers that stand as another framework counts them: the input's shape, torch's input channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt

from specc.diagnostics.spelling import spelled
from specc.fixes.arguments import without
from specc.fixes.changes import Failure, told
from specc.fixes.edit import Candidate, Edit, Kind
from specc.fixes.outline import SpecOutline
from specc.layers.base import Shape
from specc.layers.conv import Conv
from specc.layers.linear import Linear
from specc.syntax import tree

_COLOURS = (1, 3)  # channels of pictures
_MOST_DIGITS = 12  # of a size that anybody means


def input_candidates(failure: Failure) -> Iterator[Candidate]:
    """For an error further down: the input as it was most likely meant."""
    yield from input_edits(failure.outline)


def input_edits(outline: SpecOutline) -> Iterator[Candidate]:
    """The input with its channels first, without its batch, or as the picture that a vector was."""
    item = outline.input
    if item is None or not isinstance(item.value, tree.SizeLiteral | tree.Number):
        return
    dims = item.value.dims if isinstance(item.value, tree.SizeLiteral) else (item.value.value,)
    if not all(isinstance(size, int) for size in dims):
        return
    for meant, why in _meant(tuple(int(size) for size in dims)):
        text = spelled(meant)
        edits = (Edit(item.value.span, text),)
        yield Candidate(Kind.ORDER, edits, f"`input {text}`", len(outline.sites), why=why, bare=True)


def _meant(dims: Shape) -> Iterator[tuple[Shape, str]]:
    """Shapes that may be meant, and why."""
    match dims:
        case (size,):
            for colours in _COLOURS:
                side = isqrt(size // colours)
                if side > 1 and colours * side * side == size:
                    yield (colours, side, side), f": {size} pixels as an image"
        case (height, width) if height > max(_COLOURS):  # 1x16000 is a signal
            yield (1, height, width), ": one channel"
        case (height, width, colours) if colours in _COLOURS and height > colours:
            yield (colours, height, width), ": channels come first"
        case (_, colours, height, width) if colours in _COLOURS:
            yield (colours, height, width), ": the batch is left out"
        case (_, height, width, colours) if colours in _COLOURS:
            yield (colours, height, width), ": channels come first, and the batch is left out"
        case (_, _, _, _, _):
            yield dims[1:], ": the batch is left out"
        case _:
            return


def input_written(sizes: Sequence[str]) -> str:
    """The statement for a shape as another framework counts it, with its channels last or without them.

    >>> input_written(["28", "28", "1"]), input_written(["28", "28"]), input_written(["3", "32", "32"])
    ('input 1x28x28', 'input 1x28x28', 'input 3x32x32')
    """
    dims = tuple(int(size[:_MOST_DIGITS]) for size in sizes)
    meant = [shape for shape, _ in _meant(dims)] if len(dims) > 1 else []
    return f"input {spelled([*meant, dims][0])}"


def torch_order(failure: Failure, arriving: int | None = None) -> Iterator[Candidate]:
    """`conv 3 64 3` as torch counts: without the first number, which is what arrives.

    arriving: the number that must stand there; any, where it is not known.
    """
    arguments = failure.site.step.arguments
    positional = [argument for argument in arguments if isinstance(argument, tree.Positional)]
    numbers = [argument for argument in positional if isinstance(argument.value, tree.Number)]
    if failure.site.layer not in (Conv, Linear) or len(numbers) < 2 or numbers[0] is not arguments[0]:
        return
    first = numbers[0].value
    if arriving is None or failure.outline.value(first, failure.site) == arriving:
        certain = arriving is not None or failure.says_what_arrives(first)
        edits = (without(failure.outline, numbers[0].span),)
        yield told(failure, failure.site, Kind.ORDER, edits, certain=certain)
