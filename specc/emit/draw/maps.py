"""A feature map as stacked sheets, a vector as a bar, and the window that leads from one to the next.

Sides are to scale where the largest has at most `LINEAR` pixels; beyond, they grow with the square root, or a 7×7 map
would be a dot beside the photograph. The number of sheets grows with the logarithm of the channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log2, sqrt
from typing import NamedTuple

from specc.emit.draw.marks import LineMark, Mark, PlainMark, Point, Rect
from specc.emit.draw.stages import Stage
from specc.emit.draw.theme import style_of
from specc.layers.base import Shape

LARGEST, SMALLEST = 110.0, 6.0  # pixels of the picture
COMPACT = 0.65  # of that, where a network cannot go on in a further row
LINEAR = 40
STRIP = 10.0  # the height of a signal
SHEET = 5.0  # from one sheet to the next
ROOMY = 22.0  # the side of a sheet on which a window and a value have room beside each other
MOST_SHEETS = 12
BAR = 11.0  # the width of a vector


class MapScale(NamedTuple):
    """pixels: of the largest side in the network; longest: of its vectors; zoom: of everything."""

    pixels: int
    longest: int
    zoom: float = 1

    @classmethod
    def of(cls, shapes: Sequence[Shape], *, compact: bool = False) -> MapScale:
        sides = [size for shape in shapes for size in shape[1:]]
        longest = max((shape[0] for shape in shapes if len(shape) == 1), default=1)
        return cls(max(sides, default=1), longest, COMPACT if compact else 1)

    def side(self, size: float) -> float:
        """The length of a side."""
        part = size / self.pixels
        return max(SMALLEST, self.zoom * LARGEST * (part if self.pixels <= LINEAR else sqrt(part)))

    def bar(self, length: int) -> float:
        """The length of a vector's bar."""
        return 22 + self.zoom * (LARGEST - 22) * log2(length + 1) / log2(self.longest + 1)


class Drawn(NamedTuple):
    """A map with its upper left corner at 0, 0; front: the foremost sheet, or the bar."""

    width: float
    height: float
    marks: tuple[PlainMark, ...]
    front: Rect


Corner = tuple[Drawn, Point]
"""A map and the place of its upper left corner."""


class MapLook(NamedTuple):
    """How a style draws maps. draw: one; lead: what leads from one to the next; words: how sizes are to be read."""

    draw: Callable[[Stage, MapScale], Drawn]
    lead: Callable[[Stage, Corner, Corner], Iterable[Mark]]
    words: Callable[[MapScale], tuple[str, ...]]

    def smaller(self, part: float) -> MapLook:
        """The same with maps of a part of their size."""
        return self._replace(draw=lambda stage, scale: self.draw(stage, scale._replace(zoom=part * scale.zoom)))


def draw_map(stage: Stage, scale: MapScale) -> Drawn:
    """What a stage looks like."""
    style = "map" if stage.family == "input" else style_of(stage.family)
    shape = stage.shape
    if len(shape) == 1:
        front = Rect(0, 0, BAR, scale.bar(shape[0]), style, 2)
        return Drawn(front.width, front.height, (front,), front)
    width = scale.side(shape[-1])
    height = scale.side(shape[-2]) if len(shape) > 2 else STRIP
    step, count = SHEET * scale.zoom, sheets(shape[0])
    shift = step * (count - 1)
    marks = tuple(Rect(shift - step * at, step * at, width, height, style, min(2, width / 4)) for at in range(count))
    return Drawn(width + shift, height + shift, marks, Rect(0, shift, width, height, style))


def sheets(channels: int) -> int:
    """How many sheets stand for so many channels.

    >>> [sheets(channels) for channels in (1, 3, 6, 16, 64, 512)]
    [1, 3, 4, 5, 7, 10]
    """
    return min(MOST_SHEETS, 1 + round(log2(channels) * 1.02)) if channels != 3 else 3


def rays(stage: Stage, before: Corner, after: Corner) -> Iterator[Mark]:
    """From one map to the next: a window and the lines from it to what it makes, or an arrow."""
    if not stage.before:
        return  # an output beside others
    source, target = _front(before), _front(after)
    is_bar = len(stage.before) == 1, len(stage.shape) == 1
    if any(is_bar):
        yield from _fan(before, target)
    elif stage.windows and stage.family in ("convolution", "pooling"):
        yield from _windowed(stage, source, target)
    else:
        y = before[1][1] + before[0].height / 2
        yield LineMark(((before[1][0] + before[0].width + 4, y), (after[1][0] - 3, y)), arrow=True)


def _front(corner: Corner) -> Rect:
    return corner[0].front.moved(*corner[1])


def _fan(before: Corner, target: Rect) -> Iterator[Mark]:
    """Everything leads to everything: lines from end to end."""
    drawn, (x, y) = before
    front = _front(before)
    yield LineMark(((x + drawn.width, y), (target.x, target.y)), "rays")
    low = front.x + front.width, front.y + front.height
    yield LineMark((low, (target.x, target.y + target.height)), "rays")


def _windowed(stage: Stage, source: Rect, target: Rect) -> Iterator[Mark]:
    """The window on the map that it is slid over, and lines to the value that it gives; the other way round where
    the map grows."""
    if any(window.stride < 1 for window in stage.windows):
        start, window = _value(source, 0.75), _spot(target, _share(stage, stage.shape), 0.3)
        for y in (window.y, window.y + window.height):
            yield LineMark(((start.x + start.width, start.y + start.height / 2), (window.x, y)), "rays")
        yield from (start, window) if start.width else (window,)
        return
    window, value = _spot(source, _share(stage, stage.before), 0.75), _value(target, 0.15)
    for y in (window.y, window.y + window.height):
        yield LineMark(((window.x + window.width, y), (value.x, value.y + value.height / 2)), "rays")
    yield from (window, value) if value.width else (window,)


def _share(stage: Stage, shape: Shape) -> tuple[float, float]:
    """How much of a map's width and height the window covers."""
    reach = [max(window.reach, 1 / window.stride) for window in stage.windows]
    if shape == stage.shape != stage.before:
        reach = [1 / window.stride if window.stride < 1 else window.reach for window in stage.windows]
    parts = [min(1.0, pixels / size) for pixels, size in zip(reach, shape[1:], strict=True)]
    return parts[-1], parts[-2] if len(parts) > 1 else 1.0


def _spot(sheet: Rect, share: tuple[float, float], along: float) -> Rect:
    """A window of that share, around a place of the sheet and inside it."""
    width, height = max(4.0, sheet.width * share[0]), max(4.0, sheet.height * share[1])
    width, height = min(width, sheet.width), min(height, sheet.height)
    x = sheet.x + (sheet.width - width) * along
    return Rect(x, sheet.y + (sheet.height - height) * 0.4, width, height, "window")


def _value(sheet: Rect, along: float) -> Rect:
    """One value of a map; where the sheet is small the middle of its edge, a rectangle of no size."""
    if min(sheet.width, sheet.height) >= ROOMY:
        return _spot(sheet, (0, 0), along)
    x = sheet.x + (sheet.width if along > 0.5 else 0)
    return Rect(x, sheet.y + sheet.height / 2, 0, 0, "window")


def _words(scale: MapScale) -> tuple[str, ...]:
    if scale.pixels <= LINEAR:
        return ("Sides of maps are to scale; sheets and bars grow with the logarithm of channels and features.",)
    return ("Sides of maps grow with the square root of the size; sheets and bars with a logarithm.",)


SHEETS = MapLook(draw_map, rays, _words)
