"""Feature maps and kernels on one picture: a title for each layer, below it its maps as tiles.

Every map is stretched by itself from black, its smallest value, to white, its largest; one without contrast is grey.
Kernels share one scale, with zero in its middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from specc.diagnostics.spelling import counted, spelled
from specc.evaluate.activations import Output
from specc.report.pictures import heated, kernels_as_levels, picture_of
from specc.runner.kernels import Kernels

if TYPE_CHECKING:
    from torch import Tensor

TILE, GAP, MARGIN = 80, 6, 24  # pixels
TITLE = 30
STRIP = 26  # height of a vector
LARGEST_STRIP = 1024  # values of a vector that are shown
MOST_LAYERS = 100
MOST_NAMED = 20  # values of the last layer up to which they get names
PAPER, INK, SOFT, EDGE = "#ffffff", "#1c2127", "#6a7480", "#c9ced4"


class Section(NamedTuple):
    """A title, a remark beside it, and tiles below it, all of one size; a vector is one wide tile."""

    title: str
    remark: str
    tiles: tuple[Image.Image, ...]


def sheet(heading: str, sections: Sequence[Section], columns: int) -> bytes:
    """All sections below each other, as PNG. Args: columns, tiles in a line."""
    width = 2 * MARGIN + columns * (TILE + GAP) - GAP
    lines = [_lines(section, width) for section in sections]
    height = 2 * MARGIN + 40 + sum(TITLE + sum(line[0].height + GAP for line in some) + GAP for some in lines)
    picture = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, MARGIN), heading, fill=INK, font=ImageFont.load_default(20))
    y = MARGIN + 40
    for section, some in zip(sections, lines, strict=True):
        _titled(pen, section, y)
        y += TITLE
        for line in some:
            for number, tile in enumerate(line):
                x = MARGIN + number * (tile.width + GAP)
                picture.paste(tile, (x, y))
                pen.rectangle((x - 1, y - 1, x + tile.width, y + tile.height), outline=EDGE)  # white ends somewhere
            y += line[0].height + GAP
        y += GAP
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def _lines(section: Section, width: int) -> list[tuple[Image.Image, ...]]:
    """The tiles, as many in a line as there is room for."""
    if not section.tiles:
        return []
    count = max(1, (width - 2 * MARGIN + GAP) // (section.tiles[0].width + GAP))
    return [section.tiles[start : start + count] for start in range(0, len(section.tiles), count)]


def _titled(pen: ImageDraw.ImageDraw, section: Section, y: int) -> None:
    font = ImageFont.load_default(15)
    pen.text((MARGIN, y + 6), section.title, fill=INK, font=font)
    pen.text((MARGIN + pen.textlength(section.title, font) + 14, y + 6), section.remark, fill=SOFT, font=font)


def input_section(image: Tensor) -> Section:
    """The picture itself, as it came."""
    return Section("input", spelled(tuple(image.shape)), (_enlarged(picture_of(image).convert("RGB"), 2 * TILE),))


def heat_section(image: Tensor, maps: Mapping[str, Tensor], answer: str) -> Section:
    """Maps over the picture, (channels, height, width) from 0 to 1: where it holds what an answer rests on."""
    tiles = tuple(_enlarged(picture_of(heated(image, heat)), 2 * TILE) for heat in maps.values())
    return Section(", ".join(maps), f"what {answer} rests on", tiles)


def output_sections(
    outputs: Sequence[Output], most: int, columns: int, classes: Sequence[str] = ()
) -> Iterator[Section]:
    """A section for each layer, up to a limit. Args: most, maps of a layer; classes, names of the last one's values."""
    for output in outputs[:MOST_LAYERS]:
        tells_kind = output.name.rpartition(".")[2].startswith(output.kind)
        title = output.name if tells_kind else f"{output.name} ({output.kind})"
        shape = spelled(tuple(output.values.shape))
        if output.same:
            yield Section(title, f"{shape}, unchanged", ())
        else:
            tiles, note = _tiles(output.values, most, columns)
            if output is outputs[-1] and len(classes) == output.values.numel() <= MOST_NAMED:
                _name_cells(tiles[0], classes)
            yield Section(title, f"{shape}{note}", tiles)
    if len(outputs) > MOST_LAYERS:
        yield Section(f"and {counted(len(outputs) - MOST_LAYERS, 'more layer')}", "--layer NAME picks some", ())


def _tiles(values: Tensor, most: int, columns: int) -> tuple[tuple[Image.Image, ...], str]:
    """The maps of a layer as tiles, and how many are left out; of a volume the middle slice."""
    wide = columns * (TILE + GAP) - GAP
    if values.dim() == 1 or prod(values.shape[1:]) == 1:
        shown = values.flatten()[:LARGEST_STRIP]
        return (_strip(shown, wide),), _rest(len(shown), values.numel(), "value")
    if values.dim() == 2:
        return (_stretched(values).resize((wide, 3 * STRIP), Image.Resampling.NEAREST),), ""
    if values.dim() == 4:
        values = values[:, values.shape[1] // 2]
    return tuple(_enlarged(_stretched(one), TILE) for one in values[:most]), _rest(most, len(values), "map")


def _rest(shown: int, count: int, what: str) -> str:
    return f", the first {shown}; {counted(count - shown, f'more {what}')}" if count > shown else ""


def _strip(values: Tensor, width: int) -> Image.Image:
    """A vector as a row of cells."""
    return _stretched(values.unsqueeze(0)).resize((width, STRIP), Image.Resampling.NEAREST)


def _name_cells(strip: Image.Image, names: Sequence[str]) -> None:
    """Write a name into each cell of a strip, in the shade that is read best."""
    pen, width = ImageDraw.Draw(strip), strip.width / len(names)
    for number, name in enumerate(names):
        middle = ((number + 0.5) * width, strip.height / 2)
        level = strip.getpixel((int(middle[0]), 2))
        ink = PAPER if isinstance(level, tuple) and level[0] < 140 else INK
        pen.text(middle, name[: int(width // 8)], fill=ink, font=ImageFont.load_default(13), anchor="mm")


def kernel_section(kernels: Kernels, most: int) -> Section:
    """The first kernels; those that see three channels in colour, others by their first channel."""
    count, channels, height, width = kernels.values.shape
    shown = kernels_as_levels(kernels.values)[:most]
    tiles = tuple(_enlarged(picture_of(one).convert("RGB"), TILE) for one in shown)
    remark = f"{counted(count, 'kernel')} of {channels}x{height}x{width}{_rest(most, count, 'kernel')}"
    return Section(f"kernels of {kernels.name}", remark + (", first channel" if channels not in (1, 3) else ""), tiles)


def _stretched(values: Tensor) -> Image.Image:
    """(height, width) as grey levels over the whole range."""
    low, high = float(values.min()), float(values.max())
    shares = (values - low) / (high - low) if high > low else values * 0 + 0.5
    return picture_of(shares.nan_to_num(0.5).unsqueeze(0)).convert("RGB")


def _enlarged(picture: Image.Image, side: int) -> Image.Image:
    """Its longer side so long; pixels stay squares, and a large picture is averaged."""
    factor = side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)
