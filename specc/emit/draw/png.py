"""Marks in, PNG out, by Pillow.

Figures are drawn four times as large and made smaller, a band of the picture at a time; letters at their size, on top.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.marks import Disc, LineMark, PlainMark, Point, Polygon, Rect, Sheet, TextMark, plain, printable
from specc.emit.draw.theme import Paint, Shade, paint

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

MOST_PIXELS = 80_000_000
FINE = 4  # times as large as the picture
BAND = 24_000_000  # pixels that are drawn at once
SCALE = 2.0
# A regular and a bold face, those first that an SVG asks for first.
_FACES = (
    ("Arial.ttf", "Arial Bold.ttf"), ("arial.ttf", "arialbd.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"), ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
)  # fmt: skip
_PLAIN = str.maketrans({"×": "x", "−": "-", "–": "-", "→": ">", "√": "sqrt "})


def to_png(sheet: Sheet, shade: Shade = "light", scale: float = SCALE) -> bytes:
    """A picture as a PNG file.

    Args:   scale, pixels of the PNG for each of the sheet.
    Raises: Problem E658 where there are too many pixels.
    """
    from PIL import Image

    width, height = max(1, round(sheet.width * scale)), max(1, round(sheet.height * scale))
    _require_room(width, height)
    marks = tuple(plain(sheet.marks))
    picture = Image.new("RGB", (width, height), paint("paper", shade).fill)
    rows = max(1, BAND // (width * FINE * FINE))
    for top in range(0, height, rows):
        band = Image.new("RGB", (width * FINE, min(rows, height - top) * FINE), paint("paper", shade).fill)
        brush = _Brush(band, shade, scale * FINE, top * FINE)
        for mark in marks:
            brush.draw(mark)
        picture.paste(band.reduce(FINE), (0, top))
    _write(picture, marks, shade, scale)
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def _require_room(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise Problem.of(
            "E658", f"the PNG would have {width:,}×{height:,} pixels; at most {MOST_PIXELS:,} are drawn",
            help="an SVG has no such bound: `-o net.svg`\n"
            "`--scale 1`, or `--depth 1` for closed blocks, makes the picture smaller",
        )  # fmt: skip


class _Brush:
    """Draws figures on a part of the picture that begins `top` pixels below its upper edge."""

    def __init__(self, band: object, shade: Shade, scale: float, top: int) -> None:
        from PIL import ImageDraw

        self.pen: ImageDraw.ImageDraw = ImageDraw.Draw(band, "RGBA")  # type: ignore[arg-type]  # an image
        self.shade, self.scale, self.top = shade, scale, top
        self.bottom = top + self.pen.im.size[1]

    def at(self, point: Point) -> tuple[int, int]:
        """Whole numbers: Pillow would cut fractions, and those below zero towards the other side."""
        return round(point[0] * self.scale), round(point[1] * self.scale) - self.top

    def draw(self, mark: PlainMark) -> None:
        _, upper, _, lower = mark.bounds
        if (lower + 9) * self.scale < self.top or (upper - 9) * self.scale > self.bottom:
            return
        look = paint(mark.style, self.shade)
        match mark:
            case Rect():
                self.rect(mark, look)
            case Disc():
                self.rect(_round(mark), look)
            case Polygon():
                self.pen.polygon([*map(self.at, mark.points)], _fill(look))
                self.line((*mark.points, mark.points[0]), look)
            case LineMark():
                points, head = mark.parted()
                self.line(points, look)
                if head:
                    self.draw(head)
            case TextMark():
                pass  # on top, later

    def rect(self, mark: Rect, look: Paint) -> None:
        """A rectangle with its border on both sides of its edge, as SVG has it."""
        left, top, right, bottom = mark.bounds
        half = 0 if look.stroke == "none" or look.dash else look.width / 2
        box = (*self.at((left - half, top - half)), *self.at((right + half, bottom + half)))
        line = None if half == 0 else look.stroke
        width = round(look.width * self.scale)
        self.pen.rounded_rectangle(box, round((mark.radius + half) * self.scale), _fill(look), line, width)
        if look.dash:
            self.line(((left, top), (right, top), (right, bottom), (left, bottom), (left, top)), look)

    def line(self, points: Sequence[Point], look: Paint) -> None:
        if look.stroke == "none":
            return
        for piece in _dashes(points, look.dash) if look.dash else [points]:
            self.pen.line([*map(self.at, piece)], look.stroke, round(look.width * self.scale), "curve")


def _fill(look: Paint) -> str | None:
    return None if look.fill == "none" else look.fill


def _round(mark: Disc) -> Rect:
    size = 2 * mark.radius
    return Rect(mark.x - mark.radius, mark.y - mark.radius, size, size, mark.style, mark.radius)


def _dashes(points: Sequence[Point], pattern: str) -> Iterator[tuple[Point, Point]]:
    """The parts of a line that a pattern such as `4 2` leaves."""
    drawn, gap = map(float, pattern.split())
    left, is_drawn = drawn, True
    for start, end in pairwise(points):
        length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
        done = 0.0
        while done < length:
            step = min(left, length - done)
            if is_drawn:
                yield _between(start, end, done / length), _between(start, end, (done + step) / length)
            done, left = done + step, left - step
            if left <= 0:
                is_drawn = not is_drawn
                left = drawn if is_drawn else gap


def _between(start: Point, end: Point, part: float) -> Point:
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


# Letters


class _Face(NamedTuple):
    """Files of a typeface; of Pillow's own, which has few signs and no bold, neither."""

    regular: str = ""
    bold: str = ""

    def font(self, size: float, *, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        from PIL import ImageFont

        if not self.regular:
            return ImageFont.load_default(size)
        return ImageFont.truetype(self.bold if bold else self.regular, size)

    def text(self, text: str) -> str:
        """A text in the signs that it has."""
        return text if self.regular else text.translate(_PLAIN).encode("ascii", "replace").decode()


def _write(picture: object, marks: Sequence[PlainMark], shade: Shade, scale: float) -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(picture)  # type: ignore[arg-type]  # an image
    face = _face()
    for mark in marks:
        if isinstance(mark, TextMark):
            font = face.font(mark.size * scale, bold=mark.bold)
            place = mark.x * scale, mark.y * scale
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[mark.anchor]
            text = face.text(printable(mark.text))
            pen.text(place, text, paint(mark.style, shade).fill, font, anchor)


def _face() -> _Face:
    """A typeface of the system, else the one that Matplotlib carries, else Pillow's own."""
    from PIL import ImageFont

    carried = [(str(folder / "DejaVuSans.ttf"), str(folder / "DejaVuSans-Bold.ttf")) for folder in _matplotlib_fonts()]
    for regular, bold in (*_FACES, *carried):
        try:
            return _Face(str(ImageFont.truetype(regular).path), str(ImageFont.truetype(bold).path))
        except OSError:
            continue
    return _Face()


def _matplotlib_fonts() -> list[Path]:
    """Matplotlib's folder of fonts, found without importing it."""
    spec = find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec else None
    return [Path(folder) / "mpl-data" / "fonts" / "ttf" for folder in folders or ()]
