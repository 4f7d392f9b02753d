"""The answer to `specc check --sizes`, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from specc.ir.analysis.sizes import Sizes, Taken

_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_WIDTH = 18
SHOWN = 4  # runs of sizes that are written out before "…"


def size_lines(path: str, sizes: Sizes | None, *, has_notes: bool) -> Iterator[str]:
    """What a spec takes, a line a question. has_notes: it has shapes behind `::`, which hold for its own input."""
    if sizes is None:
        yield f"{path}: the input is a vector, which has no height or width"
        return
    yield f"{path}, sizes from 1 to {sizes.most}"
    squares = sizes.squares
    yield _line("takes", _as_squares(squares.sizes, sizes))
    if squares.sizes:
        yield _line("smallest", "×".join([str(squares.sizes[0])] * sizes.rank))
        yield _line("no pixel lost", _as_squares(squares.whole, sizes))
    yield from _dimension_lines(sizes)
    if has_notes:
        yield _line("", "(left out of account: the shapes noted behind `::`, which hold for the spec's own input)")


def _as_squares(numbers: Sequence[int], sizes: Sizes) -> str:
    kind = {1: "", 2: " (height = width)", 3: " (depth = height = width)"}[sizes.rank]
    return in_words(numbers) + (kind if numbers else "")


def _dimension_lines(sizes: Sizes) -> Iterator[str]:
    if sizes.rank == 1:
        return
    names = _NAMES[sizes.rank]
    if sizes.dimensions is None:
        yield _line(" and ".join(names), "depend on each other; only squares were tried")
    elif len(set(sizes.dimensions)) == 1:
        yield _line(" and ".join(names), "independent of each other: each takes the same sizes")
    else:
        for name, taken in zip(names, sizes.dimensions, strict=True):
            yield _line(f"{name} alone", _in_one_line(taken))


def _in_one_line(taken: Taken) -> str:
    if taken.whole == taken.sizes:
        return in_words(taken.sizes)
    return f"{in_words(taken.sizes)}; no pixel lost: {in_words(taken.whole)}"


def _line(what: str, answer: str) -> str:
    return f"  {what:<{_WIDTH}}{answer}"


def in_words(numbers: Sequence[int]) -> str:
    """Ascending numbers, briefly.

    >>> in_words(range(32, 1025)), in_words([4, 8, 12, 16]), in_words([1, 3, 4, 5, 9]), in_words([])
    ('32 to 1024', '4, 8, 12, … 16 (every 4th)', '1, 3 to 5, 9', 'none')
    """
    if not numbers:
        return "none"
    steps = {after - before for before, after in pairwise(numbers)}
    if len(steps) == 1 and steps != {1} and len(numbers) > SHOWN - 1:
        first = ", ".join(map(str, numbers[: SHOWN - 1]))
        return f"{first}, … {numbers[-1]} (every {_ordinal(steps.pop())})"
    runs = list(_runs(numbers))
    if len(runs) <= SHOWN:
        return ", ".join(runs)
    return f"{', '.join(runs[:SHOWN])}, … {numbers[-1]}; {len(numbers)} in all"


def _runs(numbers: Sequence[int]) -> Iterator[str]:
    """Neighbouring numbers together: `3 to 5`."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            first, last = numbers[start], numbers[end - 1]
            yield str(first) if first == last else f"{first}, {last}" if last == first + 1 else f"{first} to {last}"
            start = end


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"
