"""A sheet of samples as one picture: some of each class under the class's name."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from specc.data.catalogue import Entry
from specc.data.dataset import Split, load_named
from specc.data.download import Report, silent
from specc.data.drawn import picture_of_sample
from specc.data.folder import list_folder
from specc.data.picture_file import Unreadable, eight_bits, opened, quiet
from specc.data.pictures import Fault, damaged
from specc.diagnostics.diagnostic import Problem

UNWRITABLE = "E633"
CELL = (32, 96)  # sides of a shown picture in pixels, at least and at most
ENLARGED = 64  # small pictures are drawn about so large, each pixel as a square
GAP, MARGIN, LINE = 4, 16, 22
PAPER, INK, EMPTY = (255, 255, 255), (32, 32, 32), (240, 240, 240)
RATIO = 4 / 3  # of width to height that the sheet comes near to


class Samples(NamedTuple):
    """Pictures of one class."""

    name: str
    pictures: list[Image.Image]


def samples_of_named(
    entry: Entry, data_dir: Path, count: int, seed: int, report: Report = silent
) -> tuple[Samples, ...]:
    """So many training pictures of each class. Raises: Problem E602 to E604, E619."""
    dataset = load_named(entry, data_dir, report)
    split = dataset.train
    assert isinstance(split, Split)  # noqa: S101 - a named data set is in memory

    def picture(index: int) -> Image.Image:
        return picture_of_sample(split.images[index].numpy())

    return _chosen(dataset.classes, split.labels.tolist(), count, seed, picture)


def samples_of_folder(root: Path, count: int, seed: int) -> tuple[Samples, ...]:
    """So many training pictures of each class. Raises: Problem E607 to E609."""
    found = list_folder(root)

    def picture(index: int) -> Image.Image:
        path = found.train.paths[index]
        try:
            with quiet(), opened(path) as file:
                return eight_bits(file, "RGB", (2 * CELL[1], 2 * CELL[1]))
        except Unreadable as error:
            raise damaged([Fault(path, error.reason, error.way)], 1) from error

    return _chosen(found.classes, found.train.labels, count, seed, picture)


def _chosen(
    classes: Sequence[str], labels: Sequence[int], count: int, seed: int, picture: Callable[[int], Image.Image]
) -> tuple[Samples, ...]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    members: list[list[int]] = [[] for _ in classes]
    for index, label in enumerate(labels):
        members[label].append(index)
    return tuple(
        Samples(name, [picture(index) for index in sorted(chance.sample(own, min(count, len(own))))])
        for name, own in zip(classes, members, strict=True)
    )


def draw_sheet(samples: Sequence[Samples]) -> Image.Image:
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


def _side(samples: Sequence[Samples]) -> int:
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
