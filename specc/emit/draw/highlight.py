"""What a picture shows of a name, set off from all else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import nearest, shown
from specc.emit.draw.marks import Bounds, Mark, NamedMarks, Rect, Sheet, enclosing, sheet_of
from specc.ir.shaped import ShapedModel

AROUND = 4.0  # pixels


def highlighted(sheet: Sheet, model: ShapedModel, label: str) -> Sheet:
    """The picture with a coloured ground behind every part of that name.

    Args:   label, a step's label or the name of a module, whole or its last parts; of what is inside a closed block,
            the block is meant.
    Raises: Problem E775 where the network has nothing of that name, E776 where the picture has no box for it.
    """
    marks = [mark for mark in sheet.marks if isinstance(mark, NamedMarks)]
    grounds = [_ground(bounds) for bounds in _places(marks, label) or _places(marks, _around(marks, model, label))]
    return sheet_of([*grounds, *sheet.marks], 0, at_least=sheet)


def _ground(bounds: Bounds) -> Rect:
    left, top, right, bottom = bounds
    size = right - left + 2 * AROUND, bottom - top + 2 * AROUND
    return Rect(left - AROUND, top - AROUND, *size, "highlight", 6)


def _places(marks: Sequence[NamedMarks], label: str) -> list[Bounds]:
    """Where parts of that name are: an open block as a whole, all else by itself."""
    found: Mapping[str, list[NamedMarks]] = defaultdict(list)
    for mark in marks:
        for path in _paths(mark.name, label):
            found[path].append(mark)
    bounds: list[Bounds] = []
    for path, inside in found.items():
        is_open = any(mark.name == path for mark in inside) and any(mark.name != path for mark in inside)
        bounds += [enclosing(inside)] if is_open else [mark.bounds for mark in inside]
    return bounds


def _paths(name: str, label: str) -> Iterator[str]:
    """What is called so among a module and those that it lies in.

    >>> list(_paths("stage2.basic1.conv1", "basic1")), list(_paths("stage2.basic1", "conv1"))
    (['stage2.basic1'], [])
    """
    for path in _with_parents(name):
        if path == label or path.endswith("." + label):
            yield path


def _with_parents(name: str) -> Iterator[str]:
    """A module's name and those of the modules around it, the innermost first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _around(marks: Iterable[Mark], model: ShapedModel, label: str) -> str:
    """The closed block that holds what is called so. Raises: as `highlighted`."""
    drawn = {mark.name for mark in marks if isinstance(mark, NamedMarks)}
    names = [row.name for row in model.rows()]
    full = next((path for name in names for path in _paths(name, label)), None)
    if full is None:
        raise _unknown(label, names)
    block = next((path for path in _with_parents(full) if path in drawn), None)
    if block is None:
        raise Problem.of("E776", f"`{shown(label)}` has no box of its own in this picture",
            help="`--unfold` draws every repeat by itself\n`--style flow` draws every layer")  # fmt: skip
    return block


def _unknown(label: str, names: Iterable[str]) -> Problem:
    parts = dict.fromkeys(
        part for name in names for path in _with_parents(name) for part in (path.split(".")[-1], path)
    )
    likely = nearest(label, parts)
    help = f"`--highlight {likely}`" if likely else "`specc summary` lists the names"
    return Problem.of("E775", f"nothing in this network is called `{shown(label)}`", help=help)
