"""What a picture can show and how it can lie: each is an entry here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from specc.emit.draw.marks import Sheet
from specc.emit.draw.outline import Outline

Style: TypeAlias = Literal["flow", "lecture", "cuboids"]
Layout: TypeAlias = Literal["auto", "u", "row", "column"]


class StyleOf(NamedTuple):
    """words: what it shows, as the help says it; draw: from an outline, a layout, and whether parameters are told."""

    words: str
    draw: Callable[[Outline, Layout, bool], Sheet]


def _flow(network: Outline, layout: Layout, parameters: bool) -> Sheet:
    from specc.emit.draw.flow import flow

    return flow(network, layout, parameters=parameters)


def _lecture(network: Outline, layout: Layout, parameters: bool) -> Sheet:
    from specc.emit.draw.lecture import maps
    from specc.emit.draw.maps import SHEETS

    return maps(network, SHEETS, layout, parameters=parameters)


def _cuboids(network: Outline, layout: Layout, parameters: bool) -> Sheet:
    from specc.emit.draw.cuboids import CUBOIDS
    from specc.emit.draw.lecture import maps

    return maps(network, CUBOIDS, layout, parameters=parameters)


STYLES: dict[Style, StyleOf] = {
    "flow": StyleOf("a diagram of the layers", _flow),
    "lecture": StyleOf("the stacked feature maps of a lecture", _lecture),
    "cuboids": StyleOf("boxes whose sides follow size and channels, as papers draw VGG", _cuboids),
}
LAYOUTS: dict[Layout, str] = {
    "auto": "what suits the network",
    "u": "a level for each size, down and up again",
    "row": "from left to right",
    "column": "from top to bottom",
}
