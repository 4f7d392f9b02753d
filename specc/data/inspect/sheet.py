"""A sheet of samples as one picture: some of each class under the class's name; each is drawn, whatever its shape."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from specc.data.picture import UnreadablePicture, eight_bits, opened, quiet
from specc.data.sources import DataSource
from specc.data.sources.picture_files import PictureFiles
from specc.data.survey import TRAINING, Fault, Survey, damaged
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNWRITABLE = "E633"
CELL = (32, 96)  # sides of a shown picture in pixels, at least and at most
ENLARGED = 64  # small pictures are drawn about so large, each pixel as a square
GAP, MARGIN, LINE = 4, 16, 22
PAPER, INK, EMPTY = (255, 255, 255), (32, 32, 32), (240, 240, 240)
CURVE = 96  # pixels of a curve's picture
LANES = 8  # channels of a signal that are drawn, one below the other
RATIO = 4 / 3  # of width to height that the sheet comes near to


class SheetRow(NamedTuple):
    """Pictures of one class."""

    name: str
    pictures: list[Image.Image]


def rows_of(source: DataSource, count: int, seed: int) -> tuple[SheetRow, ...]:
    """So many training samples of each class, or out of all, of a data set that was fetched.

    Raises: Problem E607 to E609.
    """
    survey = source.survey()
    if isinstance(source, PictureFiles):
        listing = source.contents.parts[TRAINING]
        return _chosen(
            _members(survey, listing.labels), count, seed, lambda index: _opened(source, listing.paths[index])
        )
    samples, targets = source.take(TRAINING, slice(None))
    labels = [0] * len(samples) if targets is None else targets.tolist()
    drawn = samples if samples.dtype.name == "uint8" else as_bytes(samples)
    return _chosen(_members(survey, labels), count, seed, lambda index: picture_of_sample(drawn[index]))


def as_bytes(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Floats spread over the levels of brightness, from the least of all to the largest."""
    import numpy as np

    low, high = float(samples.min()), float(samples.max())
    return ((samples - low) * (255 / ((high - low) or 1))).round().astype(np.uint8)


def _members(survey: Survey, labels: Sequence[Any]) -> dict[str, list[int]]:
    """The samples of each class by their places; all of them together where they have none."""
    names = survey.classes if isinstance(survey.classes, tuple) else ()
    if survey.target == "class":
        return {name: [index for index, label in enumerate(labels) if label == k] for k, name in enumerate(names)}
    if survey.target == "classes":
        return {name: [index for index, one in enumerate(labels) if one[k]] for k, name in enumerate(names)}
    return {survey.name: list(range(len(labels)))}


def _opened(source: PictureFiles, path: str) -> Image.Image:
    try:
        with quiet(), opened(path, source.content(path)) as file:
            return eight_bits(file, "RGB", (2 * CELL[1], 2 * CELL[1]))
    except UnreadablePicture as error:
        raise damaged([Fault(path, error.reason, error.way)], 1, skippable=True) from error


def _chosen(
    members: dict[str, list[int]], count: int, seed: int, picture: Callable[[int], Image.Image]
) -> tuple[SheetRow, ...]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    return tuple(
        SheetRow(name, [picture(index) for index in sorted(chance.sample(own, min(count, len(own))))])
        for name, own in members.items()
    )


def draw_sheet(samples: Sequence[SheetRow]) -> Image.Image:
    """The sheet: a block for each class, in columns from the top left."""
    side = _side(samples)
    across = max((len(one.pictures) for one in samples), default=1) or 1
    width = across * (side + GAP) + MARGIN
    height = LINE + side + MARGIN
    columns = min(len(samples), max(1, round(sqrt(len(samples) * height * RATIO / width))))
    rows = ceil(len(samples) / columns)
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for number, one in enumerate(samples):
        column, row = divmod(number, rows)
        left, top = MARGIN + column * width, MARGIN + row * height
        pen.text((left, top), _fitting(one.name, width - MARGIN, pen, font), fill=INK, font=font)
        for place, picture in enumerate(one.pictures):
            _paste(sheet, picture, side, left + place * (side + GAP), top + LINE)
    return sheet


def _side(samples: Sequence[SheetRow]) -> int:
    """How large each picture is drawn: small ones a whole number of times, large ones made smaller."""
    largest = max((max(picture.size) for one in samples for picture in one.pictures), default=CELL[0])
    return min(CELL[1], largest * max(1, ENLARGED // largest))


def _paste(sheet: Image.Image, picture: Image.Image, side: int, left: int, top: int) -> None:
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    kind = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BILINEAR
    sheet.paste(EMPTY, (left, top, left + side, top + side))
    spare = ((side - size[0]) // 2, (side - size[1]) // 2)
    sheet.paste(picture.convert("RGB").resize(size, kind), (left + spare[0], top + spare[1]))


def _fitting(
    text: str, width: int, pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> str:
    """As much of a text as there is room for."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    try:
        while pen.textlength(shown, font) > width and len(shown) > 1:
            shown = shown.removesuffix("…")[:-1] + "…"
    except UnicodeEncodeError:  # Pillow without FreeType knows Latin-1 only
        return _fitting(text.encode("ascii", "replace").decode(), width, pen, font)
    return shown


def encoded(sheet: Image.Image, place: Path) -> bytes:
    """The picture as a file, in the format that the name ends in; PNG for `-`.

    Raises: Problem E633 where it ends in none.
    """
    form = "PNG" if str(place) == "-" else Image.registered_extensions().get(place.suffix.lower())
    if form not in Image.SAVE:
        raise Problem.of(UNWRITABLE, f"the sheet {place} cannot be written: no picture format ends in `{place.suffix}`",
            help="name another file with `-o sheet.png`")  # fmt: skip
    content = BytesIO()
    sheet.save(content, form)
    return content.getvalue()


def picture_of_sample(sample: NDArray[np.uint8]) -> Image.Image:
    """A sample, channels first.

    A vector and a signal are curves, each channel in its own lane. Of a volume the middle slice is shown. Channels that
    are neither grey nor RGB are averaged.
    """
    import numpy as np

    if sample.ndim < 3:
        return _curves(np.atleast_2d(sample)[:LANES])
    while sample.ndim > 3:
        sample = sample[:, sample.shape[1] // 2]
    if len(sample) == 3:
        return Image.fromarray(np.ascontiguousarray(sample.transpose(1, 2, 0)))
    return Image.fromarray(np.round(sample.mean(0)).astype(np.uint8))


def _curves(channels: NDArray[np.uint8]) -> Image.Image:
    import numpy as np

    drawn = Image.new("L", (CURVE, CURVE), PAPER[0])
    pen = ImageDraw.Draw(drawn)
    for lane, values in enumerate(channels):
        top, bottom = (CURVE * row // len(channels) for row in (lane, lane + 1))
        levels = _thinned(values).astype(float)
        across = np.linspace(0, CURVE - 1, len(levels))
        down = bottom - 1 - levels / 255 * (bottom - top - 1)
        pen.line([*zip(across.tolist(), down.tolist(), strict=True)] * (1 if len(levels) > 1 else 2), fill=INK[0])
    return drawn


def _thinned(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """No more values than can be seen: of each column the lowest and the highest."""
    import numpy as np

    if len(values) <= 2 * CURVE:
        return values
    starts = np.arange(CURVE) * len(values) // CURVE
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], 1)
    return ends.reshape(-1)
