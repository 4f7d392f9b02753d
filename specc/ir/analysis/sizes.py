"""Which sizes of picture a network takes, and for which of them every pixel is read.

In:         a resolved model and, where there is one, its shaped model.
Out:        a `Sizes`: squares from 1 to a largest side; each dimension by itself where they are independent.
Guarantees: what trying every size one by one would give, the shapes noted behind `::`, budgets and the limits of
            machines left out of account.
Leaves:     the rules to the layers; `ir.axis` follows a dimension, and where it cannot, every size is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from specc.ir.analysis.axis import Axis, Entangled, is_symmetric, loses_pixels
from specc.ir.analysis.unchecked import unchecked
from specc.ir.model import Model
from specc.ir.shaped import ShapedModel
from specc.ir.shapes.infer import Visits, infer
from specc.layers.base import Shape

MOST = 1024
MOST_EVER = 32768  # signals are long
MOST_ALONG, MOST_TRIED = 250_000, 60_000  # layers that are looked at, all sizes together
FEWEST = 16
# Sides of common pictures: where a spec's own input does not fit, one of these shows how the network works.
_USUAL = (224, 32, 28, 64, 128, 256, 512, 1024, 299, 227, 96, 8)
_LIMITS = ("E402", "E403")


class Taken(NamedTuple):
    """Sizes in ascending order. whole: those for which no pixel is discarded."""

    sizes: tuple[int, ...]
    whole: tuple[int, ...]


class Sizes(NamedTuple):
    """What a network takes. most: the largest side that was asked for; squares: of equal sides; dimensions: each by
    itself, None where they depend on each other."""

    rank: int
    most: int
    squares: Taken
    dimensions: tuple[Taken, ...] | None


def sizes_of(model: Model, shaped: ShapedModel | None, most: int | None = None) -> Sizes | None:
    """The sizes from 1 to `most` that a network takes; None for vectors, which have no sizes.

    Args: model, without errors but for those of its shapes; shaped, the same with its shapes, where they fit.
    """
    if model.input is None or len(model.input) == 1:
        return None
    rank = len(model.input) - 1
    asked, most = most, most or min(max(MOST, *model.input[1:]), MOST_EVER)
    free = unchecked(model)
    base = shaped or _base(free)
    if base is None:
        most = asked or _within(most, MOST_TRIED, _steps(free))
        return Sizes(rank, most, _tried(free, most), None)
    try:
        alike = is_symmetric(base.chain)
        most = asked or _within(most, MOST_ALONG, base.chain.costs.nodes)
        found = [_along(Axis(base, dimension), most) for dimension in range(1 if alike else rank)]
    except Entangled:
        most = asked or _within(most, MOST_TRIED, base.chain.costs.nodes)
        return Sizes(rank, most, _tried(free, most), None)
    common = set(found[0]).intersection(*found[1:])
    squares = {size: any(each[size] for each in found) for size in sorted(common)}
    return Sizes(rank, most, _taken(squares), tuple(map(_taken, found)) * (rank if alike else 1))


def _within(most: int, work: int, steps: int) -> int:
    """So many sizes of a network of so many steps that they take no more than so much work."""
    return max(FEWEST, min(most, work // max(1, steps)))


def _steps(model: Model) -> int:
    """How often a walk comes past a step, where no size is known to fit."""
    visits: Visits = {}
    infer(model, visits)
    return sum(map(len, visits.values()))


def _along(axis: Axis, most: int) -> dict[int, bool]:
    """The sizes that are taken, with whether pixels are lost."""
    answers = ((size, axis.take(size)) for size in range(1, most + 1))
    return {size: loses for size, loses in answers if loses is not None}


def _taken(loses: Mapping[int, bool]) -> Taken:
    return Taken(tuple(loses), tuple(size for size, lost in loses.items() if not lost))


def _base(model: Model) -> ShapedModel | None:
    """The model for some size that fits: its own, or a usual one."""
    assert model.input is not None  # noqa: S101 - the caller looked
    squares = ((model.input[0], *(side,) * (len(model.input) - 1)) for side in _USUAL)
    return next((shaped for shape in (model.input, *squares) if (shaped := _shaped(model, shape))), None)


def _shaped(model: Model, shape: Shape) -> ShapedModel | None:
    return infer(model._replace(input=shape))[0]


def _tried(model: Model, most: int) -> Taken:
    """Every square by itself."""
    assert model.input is not None  # noqa: S101 - the caller looked
    return _taken(dict(_attempts(model, range(1, most + 1))))


def _attempts(model: Model, sides: Iterable[int]) -> Iterable[tuple[int, bool]]:
    assert model.input is not None  # noqa: S101 - the caller looked
    for side in sides:
        shape = (model.input[0], *(side,) * (len(model.input) - 1))
        shaped, found = infer(model._replace(input=shape))
        if shaped is not None:
            yield side, loses_pixels(shaped.chain)
        elif all(diagnostic.code in _LIMITS for diagnostic in found):
            return
