"""What is inside the blocks of a picture of feature maps: a small diagram of each, once, under the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.emit.draw.marks import Mark, Piece, moved
from specc.emit.draw.outline import DrawnGroup
from specc.emit.draw.pieces import Pieces
from specc.emit.draw.stages import Stage
from specc.emit.draw.ways import RIGHT

APART = 16.0
MOST = 4  # blocks
LONGEST = 1500.0  # pixels; what is longer is for the flow style


def insets(frames: Sequence[Piece], top: float, room: float) -> Iterator[Mark]:
    """Frames from left to right and in further rows. top: where they begin; room: how wide a row may be."""
    x = deepest = 0.0
    for frame in frames:
        if x and x + frame.length > room:
            x, top, deepest = 0.0, top + deepest + APART, 0.0
        yield from moved(frame.marks, x, top + frame.near)
        x += frame.length + APART
        deepest = max(deepest, frame.near + frame.far)


def frames_of(stages: Sequence[Stage]) -> list[Piece]:
    """Of blocks the first with each caption as a frame around its layers."""
    firsts: dict[tuple[object, ...], Stage] = {}
    for stage in stages:
        if stage.inside:
            firsts.setdefault((stage.title, stage.details), stage)
    pieces = Pieces(RIGHT, small=True)
    frames = (
        pieces.frame(DrawnGroup(stage.title, stage.inside, stage.before, stage.shape, 0, 1, ""))
        for stage in firsts.values()
    )
    return [frame for frame in frames if frame.length <= LONGEST][:MOST]
