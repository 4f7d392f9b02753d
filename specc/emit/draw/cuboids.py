"""A feature map as a box in perspective, as papers draw VGG: height and depth follow the picture's sides, the width its
channels. A vector is a tall slim box.

Sides grow as those of `maps`; the width with the square root of the channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from specc.emit.draw.maps import LINEAR, STRIP, Corner, Drawn, MapLook, MapScale
from specc.emit.draw.marks import LineMark, Mark, PlainMark, Polygon, Rect
from specc.emit.draw.stages import Stage
from specc.emit.draw.theme import style_of

SLANT = 0.32  # of a side that leads away from the eye, across and up
THIN, THICK = 4.0, 56.0
PER_ROOT = 2.2  # pixels of the width for each root of a channel
SLAB = 3.0  # between boxes that are repeats
MOST_SLABS = 4


def draw_cuboid(stage: Stage, scale: MapScale) -> Drawn:
    """What a stage looks like: a box, or as many as it has repeats, up to four."""
    style = "map" if stage.family == "input" else style_of(stage.family)
    shape = stage.shape
    if len(shape) == 1:
        width, height, depth = 8.0, scale.bar(shape[0]), 10.0
    else:
        width = min(THICK, max(THIN, PER_ROOT * scale.zoom * sqrt(shape[0])))
        height = scale.side(shape[-2]) if len(shape) > 2 else STRIP
        depth = scale.side(shape[-1])
    count = min(stage.times, MOST_SLABS)
    width = max(THIN, width / sqrt(count))
    slant = SLANT * depth
    marks = [mark for at in range(count) for mark in _box(at * (width + SLAB), width, height, slant, style)]
    whole = count * width + (count - 1) * SLAB
    return Drawn(whole + slant, height + slant, tuple(marks), Rect(0, slant, whole, height, style))


def _box(x: float, width: float, height: float, slant: float, style: str) -> Iterator[PlainMark]:
    """Front, top and right side: the top lighter, the side darker."""
    left, right, top, foot = x, x + width, slant, slant + height
    lid = (left, top), (left + slant, 0), (right + slant, 0), (right, top)
    side = (right, top), (right + slant, 0), (right + slant, height), (right, foot)
    yield Polygon(lid, style)
    yield Polygon(lid, "gleam")
    yield Polygon(side, style)
    yield Polygon(side, "dim")
    yield Rect(left, top, width, height, style)


def lead(stage: Stage, before: Corner, after: Corner) -> Iterator[Mark]:
    """An arrow from one box to the next, at half the height of their fronts."""
    if not stage.before:
        return  # an output beside others
    (source, (x, y)), (target, (end, low)) = before, after
    start = x + source.width + 3
    yield LineMark(((start, y + source.height / 2), (end - 3, low + target.height / 2)), arrow=True)


def _words(scale: MapScale) -> tuple[str, ...]:
    sides = "are to scale" if scale.pixels <= LINEAR else "grow with the square root of the size"
    return (f"Heights and depths {sides}, widths with the square root of the channels.",)


CUBOIDS = MapLook(draw_cuboid, lead, _words)
