"""The confusion matrix and the scores of each class: a table while it can be read, a picture for many classes."""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

from specc.diagnostics.spelling import counted
from specc.report.table import Table, share_text
from specc.tasks.confusion import ClassScore, Confusion, shares

MOST = 20  # classes up to which every number is shown
NAMED = 20  # mistakes that are listed for more classes
DEEP = 55  # percent of colour from which white is read better


class Cell(NamedTuple):
    """So many pictures; kinds: CSS classes; colour: in percent."""

    pictures: int
    kinds: str
    colour: int


class Classes(NamedTuple):
    """The section about classes.

    matrix: of few classes, a row for each true class. heat: of many, a PNG; said: what it shows; mistakes: the
            commonest.
    """

    scores: list[ClassScore]
    matrix: list[tuple[str, list[Cell]]]
    heat: bytes
    said: str
    mistakes: Table


def classes_of(confusion: Confusion) -> Classes:
    """What is told of the classes."""
    few, classes = len(confusion.classes) <= MOST, counted(len(confusion.classes), "class")
    said = f"Confusion matrix of {classes}, {share_text(confusion.accuracy)} on the diagonal"
    matrix, heat = (_matrix(confusion), b"") if few else ([], _heat(confusion))
    return Classes(confusion.by_class(), matrix, heat, said, _mistakes(confusion))


def _matrix(confusion: Confusion) -> list[tuple[str, list[Cell]]]:
    return [
        (name, [_cell(*pair, true == column) for column, pair in enumerate(zip(row, shares(row), strict=True))])
        for true, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True))
    ]


def _cell(count: int, share: float, right: bool) -> Cell:
    """A mistake is coloured more strongly than its share: one in twenty has to be seen."""
    colour = round(100 * (share if right else min(1, 4 * share)) * 0.9)
    kinds = [*["hit"] * right, *["deep"] * (colour > DEEP), *["none"] * (not count)]
    return Cell(count, " ".join(kinds), colour)


def _mistakes(confusion: Confusion) -> Table:
    rows = [
        [one.true, one.predicted, str(one.pictures), share_text(one.share)] for one in confusion.most_frequent(NAMED)
    ]
    return Table(["true class", "answer", "pictures", "of the class"], rows)


def _heat(confusion: Confusion) -> bytes:
    """A pixel for each pair of classes: blue on the diagonal, red beside it."""
    from PIL import Image

    size = len(confusion.classes)
    pixels = bytearray()
    for true, row in enumerate(confusion.counts):
        for column, share in enumerate(shares(row)):
            strong, ink = (share, (11, 98, 196)) if true == column else (min(1, 4 * share), (196, 50, 11))
            pixels += bytes(round(255 - (255 - part) * strong) for part in ink)
    content = BytesIO()
    Image.frombytes("RGB", (size, size), bytes(pixels)).save(content, "PNG")
    return content.getvalue()
