"""What differs among the uses of a block: its parameters, and expressions of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from specc.exchange.importing.expressions import ENTERING, IN, Expr, Share, is_same
from specc.exchange.importing.forms import Chain
from specc.ir.names.values import divisible

COUNTED = ("n", "before")  # how often, and behind how many: given without their names
OUT = "out"  # the argument that counts channels
_LARGEST_FACTOR = 64
_PARTS = (4, 2, 3, 6, 8, 16)  # of the channels that people round
_FEWEST_ROUNDED = 3  # different numbers: that two agree may be chance
_STEMS = {"out": "c", "p": "drop", "num_parameters": "c", "frozen": "fixed"}
# Numbers of one kind may be told by each other; that others are equal or a multiple is chance.
_KINDS = {
    **dict.fromkeys(("c", "groups", "start", "end"), "channels"),
    **dict.fromkeys(("kernel", "padding", "dilation"), "window"),
}


class Parameter(NamedTuple):
    """A block's parameter. default: None where it must be given; is_channels: whether it counts channels."""

    name: str
    default: Any
    is_channels: bool


class FoundBlock(NamedTuple):
    """A block, with its body in terms of its parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Chain


class VaryingValues:
    """A block's parameters while they are found: a value for each use.

    entering: the channels that arrive at each use, empty where none are told by them, as in stages, whose numbers
    people list; derived: the defaults of columns that follow from them.
    """

    def __init__(self, entering: list[int]) -> None:
        self.entering = entering
        self.columns: dict[str, list[Any]] = {}
        self.channels: set[str] = set()
        self.derived: dict[str, Expr] = {}

    def express(self, values: list[Any], arriving: list[int], name: str) -> Any:
        """A value that all uses share, or an expression that gives each its own.

        Args: arriving, the channels at the step, none at a repeat; name, of the argument.
        """
        if all(is_same(value, values[0]) for value in values):
            return values[0]
        stem = _STEMS.get(name, name)
        found = self._known(values, stem)
        if found is None and stem == "c" and self.entering:
            found = self._of_channels(values, arriving)
        return Expr(found if found is not None else self._added(stem, values))

    def express_share(self, values: list[Share], arriving: list[int]) -> Any:
        """Shares of one whole, by the parts that came before; others are values like any."""
        if len({value._replace(part=0) for value in values}) > 1:
            return self.express(values, arriving, "p")
        return values[0]._replace(part=self.express([value.part for value in values], arriving, "before"))

    def _added(self, stem: str, values: list[Any], default: str = "") -> str:
        """A new column."""
        name, number = stem, 2
        while name in self.columns:
            name, number = f"{stem}{number}", number + 1
        self.columns[name] = values
        if stem == "c":
            self.channels.add(name)
        if default:
            self.derived[name] = Expr(default)
        return name

    def _known(self, values: list[Any], stem: str) -> str | None:
        """A parameter that there is, or a multiple of one."""
        alike = [name for name in self.columns if _kind(name) == _kind(stem)]
        same = next((name for name in alike if _are_same(self.columns[name], values)), None)
        multiples = (_multiple(name, self.columns[name], values) for name in alike)
        return same or next((found for found in multiples if found), None)

    def _of_channels(self, values: list[int], arriving: list[int]) -> str | None:
        """An expression of the channels that arrive at the step, or at the block.

        In a repeat others arrive each time, so that `arriving` is empty and only a parameter says it.
        """
        if not arriving:
            default = IN if values == self.entering else _multiple(IN, self.entering, values)
            return self._added("c", values, default) if default else None
        here = ENTERING if arriving == self.entering else IN
        if values == arriving:
            return here
        if values == self.entering:
            return self._added("c", values, IN)
        found = _multiple(here, arriving, values) or _rounded(here, arriving, values)
        if found is None and (default := _multiple(IN, self.entering, values)) is not None:
            return self._added("c", values, default)
        if found is None and (factors := _factors(arriving, values)):
            return f"{self._added('t', factors)}*{here}"
        return found

    def parameters(self) -> tuple[tuple[Parameter, ...], dict[str, str]]:
        """Those that must be given first, those that count channels before others; what each is called in the end."""
        names = dict(zip(self.columns, self.columns, strict=True))
        many = [name for name in self.columns if name in self.channels]
        if len(many) > 1:
            names |= {name: f"c{number}" for number, name in enumerate(many, start=1)}
        own = next((name for name, default in self.derived.items() if default.text == IN), None)
        names[ENTERING] = names[own] if own is not None else IN
        found = [Parameter(names[name], self._default(name), name in self.channels) for name in self.columns]
        return tuple(
            sorted(found, key=lambda one: (one.default is not None, not one.is_channels, one.name == "before"))
        ), names

    def _default(self, name: str) -> Any:
        if name in self.derived:
            return self.derived[name]
        column = self.columns[name]
        common = max(column, key=column.count)
        must_be_given = name in self.channels or _kind(name) in COUNTED
        return common if 2 * column.count(common) > len(column) and not must_be_given else None

    def arguments(self, place: int, names: dict[str, str]) -> list[tuple[str, Any]]:
        """What a use hands over, by the parameters' last names."""
        return [(names[old], column[place]) for old, column in self.columns.items() if old not in self.derived]


def _rounded(name: str, column: list[int], values: list[int]) -> str | None:
    """`divisible(c / 4, 8)`, where it holds for several numbers."""
    if len(set(values)) < _FEWEST_ROUNDED:
        return None
    for part in _PARTS:
        if all(value == divisible(Fraction(at, part), 8) for at, value in zip(column, values, strict=True)):
            return f"divisible({name} / {part}, 8)"
    return None


def _factors(column: list[int], values: list[int]) -> list[int]:
    """By what numbers are multiplied; none where that is no whole number, or says no more than the products do."""
    factors = [value // at for at, value in zip(column, values, strict=True)]
    whole = all(factor * at == value for factor, at, value in zip(factors, column, values, strict=True))
    few = len(set(column)) >= _FEWEST_ROUNDED and 2 * len(set(factors)) <= len(set(values))
    return factors if whole and few and min(factors) > 1 and max(factors) <= _PARTS[-1] else []


def _kind(name: str) -> str:
    stem = name.rstrip("0123456789")
    return _KINDS.get(stem, stem)


def _are_same(left: list[Any], right: list[Any]) -> bool:
    return all(is_same(one, other) for one, other in zip(left, right, strict=True))


def _multiple(name: str, column: list[Any], values: list[Any]) -> str | None:
    """`4*c`, `c // 2`"""
    if not all(type(value) is int for value in [*column, *values]):
        return None
    if all(value == at // 2 for at, value in zip(column, values, strict=True)):
        return f"{name} // 2"
    if min(*column, *values) < 1:
        return None
    factor, divisor = values[0] // column[0], column[0] // values[0]
    if 1 < factor <= _LARGEST_FACTOR and all(value == factor * at for at, value in zip(column, values, strict=True)):
        return f"{factor}*{name}"
    if 1 < divisor <= _LARGEST_FACTOR and all(value == at // divisor for at, value in zip(column, values, strict=True)):
        return f"{name} // {divisor}"
    return None
