"""Marks in, SVG out: one file that holds everything, the same for the same marks, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import NamedTuple

from specc.emit.draw.marks import (
    Disc,
    LineMark,
    Mark,
    NamedMarks,
    PlainMark,
    Point,
    Polygon,
    Rect,
    Sheet,
    TextMark,
    plain,
    printable,
    styles_of,
)
from specc.emit.draw.theme import ROOT, Theme, style_sheet


class Words(NamedTuple):
    """What a screen reader says: the picture's name and what is to be seen."""

    title: str
    description: str


def to_svg(sheet: Sheet, theme: Theme, words: Words) -> str:
    """The text of an SVG file."""
    marks = tuple(plain(sheet.marks))
    return _picture(sheet, words, [f"<style>{style_sheet(theme, styles_of(marks))}</style>"], map(_element, marks))


def to_svg_with_names(sheet: Sheet, words: Words) -> str:
    """The text of an SVG element for a page that has the colours itself: `data-name` says what each part shows, and
    `data-fold` what opens or closes a block. Every line but the first and the last is an element, so that the page can
    tell which of them differ from those that it shows."""
    return _picture(sheet, words, [], map(_named, sheet.marks))


def _picture(sheet: Sheet, words: Words, style: list[str], elements: Iterable[str]) -> str:
    width, height = _number(sheet.width), _number(sheet.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{ROOT}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{_escaped(words.title)}</title>",
        f"<desc>{_escaped(words.description)}</desc>",
        *style,
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _named(mark: Mark) -> str:
    if not isinstance(mark, NamedMarks):
        return f"<g>{_element(mark)}</g>" if isinstance(mark, LineMark) and mark.arrow else _element(mark)
    fold = f' data-fold="{mark.fold}"' if mark.fold else ""
    return f'<g data-name="{_escaped(mark.name)}"{fold}>{"".join(map(_element, mark.marks))}</g>'


def _element(mark: PlainMark) -> str:
    match mark:
        case Rect():
            radius = f' rx="{_number(mark.radius)}"' if mark.radius else ""
            place = f'x="{_number(mark.x)}" y="{_number(mark.y)}"'
            size = f'width="{_number(mark.width)}" height="{_number(mark.height)}"'
            return f'<rect class="{mark.style}" {place} {size}{radius}/>'
        case Disc():
            place = f'cx="{_number(mark.x)}" cy="{_number(mark.y)}"'
            return f'<circle class="{mark.style}" {place} r="{_number(mark.radius)}"/>'
        case Polygon():
            return f'<path class="{mark.style}" d="{_path(mark.points)}Z"/>'
        case TextMark():
            return _text(mark)
        case LineMark():
            return _line(mark)


def _text(mark: TextMark) -> str:
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    style = f"{mark.style} b" if mark.bold else mark.style
    place = f'x="{_number(mark.x)}" y="{_number(mark.y)}" font-size="{_number(mark.size)}"'
    return f'<text class="{style}" {place}{anchor}>{_escaped(mark.text)}</text>'


def _line(mark: LineMark) -> str:
    points, head = mark.parted()
    return f'<path class="{mark.style}" d="{_path(points)}"/>' + (_element(head) if head else "")


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


@lru_cache(8192)
def _number(value: float) -> str:
    """A tenth of a pixel is enough, and shorter.

    >>> _number(12.04), _number(0.25), _number(-0.01)
    ('12', '0.2', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _escaped(text: str) -> str:
    """Text for XML: marked characters as entities, and those that XML forbids as `�`."""
    return escape(printable(text))
