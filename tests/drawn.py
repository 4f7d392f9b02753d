"""Pictures as tests look at them: what lies where, and every text that has no place of its own."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations, pairwise
from typing import NamedTuple

from specc.emit.draw.metrics import ASCENT, DESCENT, text_width
from specc.gallery import entry
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.source import Source


@cache
def gallery_model(name: str) -> ShapedModel:
    model = analyse(entry(name).source).model
    assert model is not None
    return model


def model_of(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


# What lies where


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip

    def holds(self, other: Area) -> bool:
        return (
            self.left <= other.left and other.right <= self.right
            and self.top <= other.top and other.bottom <= self.bottom
        )  # fmt: skip

    def is_cut_by(self, start: tuple[float, float], end: tuple[float, float]) -> bool:
        """Whether a straight line passes through: Liang and Barsky's clipping leaves something of it."""
        low, high = 0.0, 1.0
        for at, before, after in ((0, self.left, self.right), (1, self.top, self.bottom)):
            step = end[at] - start[at]
            if step == 0:
                if not before < start[at] < after:
                    return False
                continue
            near, far = sorted(((before - start[at]) / step, (after - start[at]) / step))
            low, high = max(low, near), min(high, far)
        return low < high


class Seen(NamedTuple):
    """A picture taken apart: its size, its texts with their areas, rectangles, circles as areas, strokes."""

    size: Area
    texts: list[tuple[str, Area]]
    rects: list[Area]
    strokes: list[tuple[tuple[float, float], tuple[float, float]]]


def taken_apart(svg: str) -> Seen:
    root = ET.fromstring(svg)
    seen = Seen(Area(*map(float, root.attrib["viewBox"].split())), [], [], [])
    for element in root:
        kind, given = element.tag.rpartition("}")[2], element.attrib
        if kind == "text":
            seen.texts.append((element.text or "", text_area(element)))
        elif kind == "rect" and given["class"] != "paper":
            x, y, width, height = (float(given[key]) for key in ("x", "y", "width", "height"))
            seen.rects.append(Area(x, y, x + width, y + height))
        elif kind == "circle":
            x, y, radius = (float(given[key]) for key in ("cx", "cy", "r"))
            seen.rects.append(Area(x - radius, y - radius, x + radius, y + radius))
        elif kind == "path":
            points = [tuple(map(float, pair.split())) for pair in re.findall(r"-?[\d.]+ -?[\d.]+", given["d"])]
            seen.strokes.extend(pairwise(points))  # type: ignore[arg-type]  # pairs
    return seen


def text_area(element: ET.Element) -> Area:
    given, text = element.attrib, element.text or ""
    size, x, y = (float(given[key]) for key in ("font-size", "x", "y"))
    width = text_width(text, size, bold="b" in given["class"].split())
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[given.get("text-anchor", "start")] * width
    return Area(left, y - ASCENT * size, left + width, y + DESCENT * size)


def faults(svg: str) -> list[str]:
    """Every text that has no place of its own."""
    seen = taken_apart(svg)
    found = [f"{text} is cut off" for text, area in seen.texts if not seen.size.holds(area)]
    found += [f"{a} meets {b}" for (a, one), (b, two) in combinations(seen.texts, 2) if one.meets(two)]
    found += [
        f"{text} meets a border"
        for text, area in seen.texts
        for rect in seen.rects
        if area.meets(rect) and not rect.holds(area)
    ]
    found += [f"{text} meets a line" for text, area in seen.texts for line in seen.strokes if area.is_cut_by(*line)]
    return found
