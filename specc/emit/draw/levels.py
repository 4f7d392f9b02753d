"""Tiles on a level for each size: down from one to the next and up again, as encoder-decoders are drawn.

A tile is what a style draws for one step, around its axis; this layout decides where each stands, and draws the lines
that lead to another level and those that skip what lies deeper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from specc.emit.draw.marks import Disc, LineMark, Mark, TextMark, moved
from specc.emit.draw.metrics import text_width
from specc.emit.draw.stages import Skip
from specc.layers.base import Shape

BETWEEN = 26.0  # the least from one level to the next
LINE = 15.0  # of the texts beside a line
CORNER = 12.0  # from the end of a line to where it turns
ARC = 14.0  # the height that a skip over others takes
JUMP = 30.0  # that of a number
NUMBER = 13.0  # its letters
DISC = 10.0  # the radius around it


class WordsBeside(NamedTuple):
    """A line of text beside an arrow."""

    text: str
    size: float
    style: str = "text"
    bold: bool = False


class Tile(NamedTuple):
    """marks: from x 0 on, around y 0; above, below: how far they reach; words: what stands beside the line that leads
    to it from another level; gap: the least from the tile before it on its level; follows: whether it goes on from the
    tile before it."""

    marks: tuple[Mark, ...]
    width: float
    above: float
    below: float
    level: int
    words: tuple[WordsBeside, ...] = ()
    gap: float = 26.0
    follows: bool = True


class Stood(NamedTuple):
    """A tile in its place: its left edge, and its axis."""

    tile: Tile
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.x + self.tile.width / 2

    @property
    def right(self) -> float:
        return self.x + self.tile.width


Between: TypeAlias = Callable[[int, Stood, Stood], Iterable[Mark]]
"""What leads from one tile to the next on its level. Args: the number of the latter."""


def levels_of(shapes: Sequence[Shape]) -> list[int]:
    """The level of each shape: 0 for the largest pictures, a vector below them all.

    >>> levels_of([(1, 8, 8), (2, 4, 4), (9,), (2, 8, 8)])
    [0, 1, 2, 0]
    """
    sizes = [_size(shape) for shape in shapes]
    order = sorted(set(sizes), reverse=True)
    return [order.index(size) for size in sizes]


def _size(shape: Shape) -> float:
    size = 1.0
    for side in shape[1:]:
        size *= side
    return size if len(shape) > 1 else 0.0


def comes_back(levels: Sequence[int], skips: Sequence[Skip]) -> bool:
    """Whether steps are those of an encoder-decoder: several skips past what is smaller, to where it is as large."""
    over = [skip for skip in skips if levels[skip.start] == levels[skip.end] < max(levels[skip.start : skip.end + 1])]
    return len({levels[skip.start] for skip in over}) > 1


def in_levels(tiles: Sequence[Tile], skips: Sequence[Skip], between: Between) -> list[Mark]:
    """Everything in its place."""
    xs = _across(tiles)
    over, straight, jumps = _kinds(tiles, skips)
    heights = _Heights(tiles, over, jumps)
    stood = [Stood(tile, x, heights.axis[tile.level]) for tile, x in zip(tiles, xs, strict=True)]
    marks = [mark for one in stood for mark in moved(one.tile.marks, one.x, one.y)]
    for number, (before, after) in enumerate(pairwise(stood), start=1):
        is_level = before.tile.level == after.tile.level
        if after.tile.follows:
            marks += between(number, before, after) if is_level else _climb(before, after, heights)
    for skip in straight:
        start, end = stood[skip.start], stood[skip.end]
        marks.append(LineMark(((start.right + 4, start.y), (end.x - 4, end.y)), "skip", arrow=True))
    for place, skip in enumerate(over):
        marks.append(_arc(stood[skip.start], stood[skip.end], heights.top(stood[skip.start]) - ARC * (place % 6) - 8))
    return [*marks, *_jumps(stood, jumps)]


def _across(tiles: Sequence[Tile]) -> list[float]:
    """The left edge of each: behind the tile before it, or over or under its middle; a line that climbs is kept away
    from the words of those before it."""
    edges: dict[int, float] = {}  # by level, of tiles
    words: dict[int, float] = {}  # by the level over them, of words beside lines
    found: list[float] = []
    for number, tile in enumerate(tiles):
        x = 0.0
        if number and tiles[number - 1].level == tile.level:
            x = found[-1] + tiles[number - 1].width + tile.gap
        elif number:
            x = found[-1] + (tiles[number - 1].width - tile.width) / 2
        if tile.level in edges:
            x = max(x, edges[tile.level] + tile.gap)
        ahead = tiles[number + 1] if number + 1 < len(tiles) else tile
        crossed = range(*sorted((tile.level, ahead.level))) if ahead.follows else range(0)
        x = max([x, *(words[level] + 14 - tile.width / 2 for level in crossed if level in words)])
        words.update(dict.fromkeys(crossed, x + tile.width / 2 + 8 + widest(ahead.words)))
        found.append(x)
        edges[tile.level] = x + tile.width
    return found


def _kinds(tiles: Sequence[Tile], skips: Sequence[Skip]) -> tuple[list[Skip], list[Skip], list[Skip]]:
    """Skips that lead over others on their level, straight ones, and those that lead to another level."""
    over, straight, jumps = [], [], []
    for skip in sorted(skips):
        level = tiles[skip.start].level
        if tiles[skip.end].level != level:
            jumps.append(skip)
        elif any(tile.level == level for tile in tiles[skip.start + 1 : skip.end]):
            over.append(skip)
        else:
            straight.append(skip)
    return over, straight, jumps


class _Heights:
    """Where the axis of each level is."""

    def __init__(self, tiles: Sequence[Tile], over: Sequence[Skip], jumps: Sequence[Skip]) -> None:
        self.room: dict[int, float] = defaultdict(float)  # over the tiles
        for skip in over:
            self.room[tiles[skip.start].level] = ARC * min(6, len(over)) + 8
        for place in {place for skip in jumps for place in skip}:
            self.room[tiles[place].level] = max(JUMP, self.room[tiles[place].level])
        self.above = {level: max(tile.above for tile in tiles if tile.level == level) for level in _levels(tiles)}
        below = {level: max(tile.below for tile in tiles if tile.level == level) for level in _levels(tiles)}
        self.axis: dict[int, float] = {}
        self.foot: dict[int, float] = {}  # the lower edge of the tiles on a level
        y = 0.0
        for level in _levels(tiles):
            y += self.room[level] + self.above[level]
            self.axis[level] = y
            self.foot[level] = y + below[level]
            y += below[level] + max(BETWEEN, LINE * _most_words(tiles, level) + 2 * CORNER + 8)

    def top(self, stood: Stood) -> float:
        """The upper edge of the tiles on a level."""
        return stood.y - self.above[stood.tile.level]


def _levels(tiles: Sequence[Tile]) -> list[int]:
    return sorted({tile.level for tile in tiles})


def _most_words(tiles: Sequence[Tile], level: int) -> int:
    """Of the lines between a level and the next, how many lines of text stand beside one."""
    moves = ((to, sorted((at.level, to.level))) for at, to in pairwise(tiles) if to.follows)
    return max((len(to.words) for to, (upper, lower) in moves if upper <= level < lower), default=0)


def _climb(before: Stood, after: Stood, heights: _Heights) -> Iterator[Mark]:
    """A line to another level, with its words in the room between both."""
    down = before.tile.level < after.tile.level
    upper, lower = (before, after) if down else (after, before)
    high, low = upper.y + upper.tile.below + 4, lower.y - lower.tile.above - 3
    free = heights.foot[lower.tile.level - 1], heights.top(lower) - heights.room[lower.tile.level]
    start, end, turn = (high, low, free[1] - CORNER / 2) if down else (low, high, free[0] + CORNER / 2)
    x, to = before.middle, after.middle
    points = ((x, start), (x, turn), (to, turn), (to, end)) if abs(x - to) > CORNER else ((x, start), (x, end))
    yield LineMark(points, arrow=True)
    top = (sum(free) - LINE * len(after.tile.words)) / 2
    for number, one in enumerate(after.tile.words):
        yield TextMark(x + 8, top + LINE * number + 11, one.text, one.size, "start", one.style, one.bold)


def _arc(start: Stood, end: Stood, y: float) -> LineMark:
    """A skip over the tiles between."""
    left, right = start.middle + 5, end.middle - 5
    points = (left, start.y - start.tile.above), (left, y), (right, y), (right, end.y - end.tile.above)
    return LineMark(points, "skip", arrow=True)


def _jumps(stood: Sequence[Stood], jumps: Sequence[Skip]) -> Iterator[Mark]:
    """Both ends of skips that lead to another level, with a number at each."""
    numbers = {start: number for number, start in enumerate(sorted({skip.start for skip in jumps}), start=1)}
    for start, number in numbers.items():
        yield from _number(stood[start], number, 10, leaves=True)
    arrived: dict[int, int] = defaultdict(int)
    for skip in jumps:
        aside = -14.0 - 22 * arrived[skip.end]
        arrived[skip.end] += 1
        yield from _number(stood[skip.end], numbers[skip.start], aside, leaves=False)


def _number(stood: Stood, number: int, aside: float, *, leaves: bool) -> Iterator[Mark]:
    x, foot = stood.middle + aside, stood.y - stood.tile.above
    ends = (x, foot), (x, foot - JUMP + 2 * DISC + 1)
    yield LineMark(ends, "skip") if leaves else LineMark(ends[::-1], "skip", arrow=True)
    yield Disc(x, foot - JUMP + DISC + 1, DISC, "join")
    yield TextMark(x, foot - JUMP + DISC + 5.5, str(number), NUMBER, "middle")


def widest(words: Iterable[WordsBeside]) -> float:
    return max((text_width(one.text, one.size, bold=one.bold) for one in words), default=0.0)
