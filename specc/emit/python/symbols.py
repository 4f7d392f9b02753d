"""A column of values as an expression of a class's parameters: `c`, `4 * c`, `in_channels // 2`.

An expression is taken because it has the right value for every use of the class, never because it looks likely. Where
none does, the class gets another parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from itertools import combinations, islice, permutations
from operator import eq, gt, ne
from typing import Any

from specc.emit.python.nodes import MISSING, UseColumn, same

CHANNELS = ("in_channels", "out_channels", "in_features", "out_features", "num_features", "channels", "num_channels")
_LOCAL = ("self", "number", "x", "out", "parts", "step")  # what the code of a class calls things by itself
_LARGEST_FACTOR = 64
_MOST_JOINED = 16  # parameters of a class are tried in pairs; what needs more than these gets one of its own
_MOST_COMPARED = 256  # as many comparisons


class Symbols:
    """The parameters of a class: those offered by its block, and those that had to be invented."""

    def __init__(
        self, known: list[tuple[str, UseColumn]], avoid: Set[str] = frozenset(), *, is_root: bool = False
    ) -> None:
        """known: names with their values; avoid: those of the file's other things; is_root: for the network itself."""
        self.is_root = is_root
        self.columns: dict[str, UseColumn] = {}
        self.used: dict[str, bool] = {}  # by name, whether it counts channels
        self._avoid = avoid
        for name, column in known:
            if all(isinstance(value, int | float | tuple) for value in column.known):
                self.columns[self.free(name)] = column
        self._counts_channels = {name for name, _ in known[:1]}

    def free(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        if self._is_taken(name):
            name += "_"
        number, found = 2, name
        while found in self.columns or self._is_taken(found):
            found, number = f"{name}{number}", number + 1
        return found

    def _is_taken(self, name: str) -> bool:
        return name in self._avoid or name in _LOCAL

    def express(self, column: UseColumn, hint: str) -> str | None:
        """The expression for a column; None for one whose value is always the same.

        Args: hint, the name of a parameter if one has to be invented.
        """
        if column.is_constant:
            return self._varying_symbol(column) if MISSING in column.values else None
        name = self._symbol(column)
        if name is None:
            found = self.derived(column, hint)
            if found is not None:
                return found
            name = self.free(_PARAMETER_NAMES.get(hint, hint))
            first = column.known[0]
            self.columns[name] = UseColumn(tuple(first if value is MISSING else value for value in column.values))
        self._use(name, hint)
        return name

    def _varying_symbol(self, column: UseColumn) -> str | None:
        """A parameter in use that has a column's one value wherever the step is there: `stride` of a projection."""
        matching = [name for name in self.used if _agree(column, self.columns[name].values)]
        return next((name for name in matching if not self.columns[name].is_constant), None)

    def known(self, column: UseColumn) -> str | None:
        """The expression for a column if no parameter has to be invented or taken up for it."""
        name = self._symbol(column)
        return name if name in self.used else None

    def ratio(self, column: UseColumn, whole: UseColumn, letter: str) -> str:
        """A size as a part or a multiple of what arrived: `H/2`, `2·H`, `H/stride`; `_` where it is neither."""
        pairs = list(zip(column.values, whole.values, strict=True))
        for factor in range(2, 33):
            if all(size == -(-all_ // factor) for size, all_ in pairs):
                return f"{letter}/{factor}"
            if all(size == factor * all_ for size, all_ in pairs):
                return f"{factor}·{letter}"
        for name in self.used:
            strides = self.columns[name].values
            if all(type(s) is int and s > 0 and size == -(-all_ // s) for s, (size, all_) in zip(strides, pairs)):  # noqa: B905 - of one length, as all columns are
                return f"{letter}/{name}"
        return "_"

    def _symbol(self, column: UseColumn) -> str | None:
        matching = [name for name, values in self.columns.items() if _agree(column, values.values)]
        return min(matching, key=lambda name: name not in self.used, default=None)

    def derived(self, column: UseColumn, hint: str = "", *, only_used: bool = False) -> str | None:
        """An expression of one or two parameters, the simplest first; `only_used`: of those taken up already."""
        if not all(type(value) is int for value in column.known):
            return None
        whole = {
            name: values.values
            for name, values in self.columns.items()
            if all(type(value) is int for value in values.values) and (not only_used or name in self.used)
        }
        for text, values, names in _expressions(column, whole):
            if _agree(column, values):
                for name in () if only_used else names:
                    self._use(name, hint if len(names) == 1 else "")
                return text
        return None

    def condition(self, column: UseColumn, hint: str) -> str:
        """A column of booleans as a condition: `in_channels != c`, `stride == 1 and in_channels == c`."""
        found = next(self._conditions(column), None)
        if found is None:
            return self.express(column, hint) or str(column.known[0])
        text, names = found
        for name in names:
            self._use(name)
        return text

    def projection(self, present: UseColumn, arguments: Mapping[str, UseColumn]) -> str | None:
        """When a residual's shortcut is a convolution, as people write it: `stride != 1 or in_channels != c`.

        So a class has it for any other arguments, too. None where not all uses keep to that.

        Args: arguments, of the convolution, where it is one.
        """
        if not {"in_channels", "out_channels", "stride"} <= arguments.keys():
            return None
        strides, arriving, leaving = (
            self._in_use(arguments[name]) for name in ("stride", "in_channels", "out_channels")
        )
        terms: list[tuple[str, tuple[bool, ...]]] = []
        if strides and strides[0] in self.used:
            terms.append((f"{strides[0]} != 1", tuple(value != 1 for value in strides[1])))
        if arriving and leaving:
            pairs = zip(arriving[1], leaving[1], strict=True)
            terms.append((f"{arriving[0]} != {leaving[0]}", tuple(one != other for one, other in pairs)))
        values = tuple(map(any, zip(*(values for _, values in terms), strict=True)))
        return " or ".join(text for text, _ in terms) if terms and _agree(present, values) else None

    def _in_use(self, column: UseColumn) -> tuple[str, tuple[Any, ...]] | None:
        """A parameter or an expression of those taken up that gives a column, with its value for each use."""
        for name in self.used:
            if not self.columns[name].is_constant and _agree(column, self.columns[name].values):
                return name, self.columns[name].values
        whole = {name: self.columns[name].values for name in self.used}
        whole = {name: values for name, values in whole.items() if all(type(value) is int for value in values)}
        if not all(type(value) is int for value in column.known):
            return None
        found = (one for one in _expressions(column, whole) if _agree(column, one[1]))
        return next(((text, values) for text, values, _ in found), None)

    def _use(self, name: str, hint: str = "") -> None:
        """Takes a parameter up."""
        before = self.used.get(name, name in self._counts_channels)
        self.used[name] = before or hint in CHANNELS

    def sum_of_used(self, column: UseColumn) -> str | None:
        """The sum of three or four parameters that gives a column: the channels of joined branches."""
        numbers = (name for name in self.used if isinstance(self.columns[name].values[0], int))
        whole = {name: self.columns[name].values for name in islice(numbers, _MOST_JOINED)}
        for count in (3, 4):
            for names in combinations(whole, count):
                if _agree(column, tuple(map(sum, zip(*(whole[name] for name in names), strict=True)))):
                    return " + ".join(names)
        return None

    def _conditions(self, column: UseColumn) -> Iterator[tuple[str, tuple[str, ...]]]:
        simple = list(self._comparisons())
        for text, values, names in simple:
            if _agree(column, values):
                yield text, names
        for (left, a, first), (right, b, second) in combinations(simple[:_MOST_COMPARED], 2):
            for word, join in (("or", _or), ("and", _and)):
                if _agree(column, tuple(map(join, a, b))):
                    yield f"{left} {word} {right}", (*first, *second)

    def _comparisons(self) -> Iterator[tuple[str, tuple[bool, ...], tuple[str, ...]]]:
        signs: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (("!=", ne), ("==", eq), (">", gt))
        for name, column in self.columns.items():
            if all(isinstance(value, bool) for value in column.values):
                yield f"not {name}", tuple(not value for value in column.values), (name,)
        numbers = {n: c.values for n, c in self.columns.items() if all(type(v) is int for v in c.values)}
        for name in self._counts_channels & set(numbers):
            numbers[name] = numbers.pop(name)  # what the block is given says more than what arrives
        for name, values in numbers.items():
            for bound in sorted(set(values))[:8]:
                for sign, compare in signs:
                    yield f"{name} {sign} {bound}", tuple(compare(value, bound) for value in values), (name,)
        for (left, a), (right, b) in combinations(numbers.items(), 2):
            for sign, compare in signs[:2]:
                yield f"{left} {sign} {right}", tuple(map(compare, a, b)), (left, right)


_PARAMETER_NAMES = {
    "kernel_size": "kernel", "padding_mode": "mode", "num_features": "channels", "num_groups": "groups",
    "stop": "count", "ceil_mode": "ceil", "joined": "adds", "present": "has_shortcut",
}  # fmt: skip


def _agree(column: UseColumn, values: tuple[Any, ...]) -> bool:
    return all(mine is MISSING or same(mine, other) for mine, other in zip(column.values, values, strict=True))


def _and(left: bool, right: bool) -> bool:
    return left and right


def _or(left: bool, right: bool) -> bool:
    return left or right


def _expressions(
    column: UseColumn, whole: dict[str, tuple[int, ...]]
) -> Iterator[tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """Expressions that could give a column, each with its values and the parameters in it."""
    two = _of_two(dict(islice(whole.items(), _MOST_JOINED)))
    if MISSING in column.values:  # a number that suits the few uses there are says less than a second parameter
        yield from two
    yield from _of_one(column, whole)
    yield from two


def _of_one(
    column: UseColumn, whole: dict[str, tuple[int, ...]]
) -> Iterator[tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """A parameter with a number: `4 * c`, `c // 2`, `n - 1`."""
    place = next(place for place, value in enumerate(column.values) if value is not MISSING)
    wanted = column.values[place]
    for name, values in whole.items():
        at = values[place]
        if at and wanted % at == 0 and 1 < wanted // at <= _LARGEST_FACTOR:
            factor = wanted // at
            yield f"{factor} * {name}", tuple(factor * value for value in values), (name,)
        if wanted > 0:
            for divisor in sorted({2, min(max(at // wanted, 2), _LARGEST_FACTOR)}):
                yield f"{name} // {divisor}", tuple(value // divisor for value in values), (name,)
        if at != wanted:
            sign, step = ("+", wanted - at) if wanted > at else ("-", at - wanted)
            yield f"{name} {sign} {step}", tuple(value + wanted - at for value in values), (name,)


def _of_two(whole: dict[str, tuple[int, ...]]) -> list[tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """Two parameters: `t * in_channels`, `c + growth`."""
    found: list[tuple[str, tuple[int, ...], tuple[str, ...]]] = []
    for (left, a), (right, b) in combinations(whole.items(), 2):
        found.append((f"{right} * {left}", tuple(x * y for x, y in zip(a, b, strict=True)), (left, right)))
        found.append((f"{left} + {right}", tuple(x + y for x, y in zip(a, b, strict=True)), (left, right)))
    for (left, a), (right, b) in permutations(whole.items(), 2):
        found.append((f"{left} - {right}", tuple(x - y for x, y in zip(a, b, strict=True)), (left, right)))
        if all(b):
            found.append((f"{left} // {right}", tuple(x // y for x, y in zip(a, b, strict=True)), (left, right)))
    return found
