"""The confusion matrix and the scores of each class: a table while it can be read, a picture for many classes."""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

from specc.diagnostics.amounts import percent
from specc.diagnostics.spelling import counted as in_words
from specc.report.table import ReportTable, share_text
from specc.tasks.confusion import RECALL, Confusion, shares
from specc.tasks.measure import Measure
from specc.tasks.rows import Rows

MOST = 20  # classes up to which every number is shown
NAMED = 20  # mistakes that are listed for more classes
DEEP = 55  # percent of colour from which white is read better


class Cell(NamedTuple):
    """So many pictures; share: of its row, as text; kinds: CSS classes; colour: in percent."""

    pictures: int
    share: str
    kinds: str
    colour: int


class Classes(NamedTuple):
    """The section about classes.

    scores: of each class. matrix: of few classes, a row for each true class. heat: of many, a PNG; said: what it shows;
    mistakes: the commonest.
    """

    scores: Scores
    matrix: list[tuple[str, list[Cell]]]
    heat: bytes
    said: str
    mistakes: ReportTable


class Scores(NamedTuple):
    """A table with a row for each class or number: name, count, values, and a share of 1 that is drawn as a bar."""

    heads: list[str]
    rows: list[tuple[str, str, list[str], float | None]]


def scores_of(rows: Rows) -> Scores:
    """The scores as texts; the bar is the recall, else the last share that there is."""
    bars = [place for place, one in enumerate(rows.columns) if one.is_share]
    bar = next((place for place in bars if rows.columns[place] == RECALL), bars[-1] if bars else None)
    told = [
        (name, f"{count:,}", list(map(_text, rows.columns, values)), None if bar is None else values[bar] or 0.0)
        for name, count, values in rows.rows
    ]
    return Scores([rows.of, rows.counted, *(one.title for one in rows.columns)], told)


def _text(column: Measure, value: float | None) -> str:
    return "–" if value is None else column.text(value)


def classes_of(confusion: Confusion, rows: Rows | None = None) -> Classes:
    """What is told of the classes. Args: rows, their scores where there is more to tell than the confusion says."""
    few, classes = len(confusion.classes) <= MOST, in_words(len(confusion.classes), "class")
    said = f"Confusion matrix of {classes}, {share_text(confusion.accuracy)} on the diagonal"
    matrix, heat = (_matrix(confusion), b"") if few else ([], _heat(confusion))
    scores = scores_of(rows or confusion.rows("pictures"))
    return Classes(scores, matrix, heat, said, _mistakes(confusion, scores.heads[1]))


def _matrix(confusion: Confusion) -> list[tuple[str, list[Cell]]]:
    return [
        (name, [_cell(*pair, true == column) for column, pair in enumerate(zip(row, shares(row), strict=True))])
        for true, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True))
    ]


def _cell(count: int, share: float, right: bool) -> Cell:
    """A mistake is coloured more strongly than its share: one in twenty has to be seen."""
    colour = round(100 * (share if right else min(1, 4 * share)) * 0.9)
    kinds = [*["hit"] * right, *["deep"] * (colour > DEEP), *["none"] * (not count)]
    return Cell(count, percent(share) if count else "", " ".join(kinds), colour)


def _mistakes(confusion: Confusion, counted: str) -> ReportTable:
    rows = [
        [one.true, one.predicted, str(one.pictures), share_text(one.share)] for one in confusion.most_frequent(NAMED)
    ]
    return ReportTable(["true class", "answer", counted, "of the class"], rows)


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
