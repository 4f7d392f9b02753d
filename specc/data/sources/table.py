"""A CSV file: a row for each picture, with its class, its labels, or the numbers that are to be found for it."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from specc import files
from specc.data.sources import path_of
from specc.data.sources.picture_files import Contents, Listing, PictureFiles, in_order
from specc.data.survey import TEST, TRAINING, VALIDATION, held_out, shortened
from specc.data.walk import NAMES
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, nearest
from specc.tasks.task import Kind

LARGEST = 1 << 28  # bytes of a table
FILE, LABEL, LABELS, SPLIT = "file", "label", "labels", "split"
PARTED = ";"  # what stands between the labels of a picture
HEAD = "the first line names the columns: `file,label`, `file,labels`, or `file` and a column for each number"


class TableLine(NamedTuple):
    """A row. number: of the line where it ends. part: of the data, as `split` says; empty where it does not."""

    number: int
    path: str
    part: str
    value: Any


class Table(PictureFiles):
    """Pictures by their paths, relative to the table."""

    @property
    def place(self) -> Path:
        return path_of(self.request.data)

    @property
    def name(self) -> str:
        return self.place.stem

    def listed(self) -> Contents:
        place = self.place
        columns, rows = _rows(place)
        target, names = _target_of(place, columns)
        kept = [_entry(place, columns, line, row, target, names) for line, row in rows]
        _require_files(place, kept)
        notes = self._unused(columns, names)
        if self.request.part == "any" and SPLIT not in columns:
            parts, more = {TEST: kept}, f"all pictures of {place} are test pictures"
        else:
            parts, more = _parted(place, kept, target)
        trained = parts.get(TRAINING) or parts[TEST]
        classes = tuple(names) if target == "numbers" else _classes(trained, target)
        if self.request.part is None:
            _require_classes(place, trained, classes, target)
        parts = self.request.wanted(parts, f"the table {place}", f"a column `{SPLIT}` says `train`, `test` or `val`")
        number = _numbering(place, classes, target)
        listed = {part: Listing([row.path for row in some], list(map(number, some))) for part, some in parts.items()}
        return Contents(classes, listed, (*notes, *([more] if more else [])), target=target)

    def _unused(self, columns: list[str], names: list[str]) -> tuple[str, ...]:
        unused = [name for name in columns if name not in (FILE, SPLIT, LABEL, LABELS, *names)]
        if not unused:
            return ()
        return (f"{counted(len(unused), 'column')} of {self.place.name} not used: {shortened(unused)}",)


def _rows(place: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each row with the number of its line. Raises: Problem E680."""
    try:
        text = files.read(place, LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise _wrong(place, None, f"it cannot be read: {files.reason(error)}", "make it readable") from error
    except UnicodeDecodeError:
        raise _wrong(place, None, "it is not UTF-8", "save it as CSV in UTF-8") from None
    if not text.strip():
        raise _wrong(place, None, "it is empty", HEAD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        columns = [name.strip() for name in next(reader, [])]
        rows += ((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    except csv.Error as error:
        raise _wrong(place, reader.line_num, f"it is no CSV: {error}", "a field with quotes in it is in quotes itself, "
            'and has each of them twice: `"a ""b"" c"`') from None  # fmt: skip
    _require_columns(place, columns)
    for line, row in rows:
        if len(row) != len(columns):
            raise _wrong(place, line, f"there {'is' if len(row) == 1 else 'are'} {counted(len(row), 'field')} for "
                f"{counted(len(columns), 'column')}",
                "a field with a comma in it is written in quotes")  # fmt: skip
    if not rows:
        raise _wrong(place, None, "there is no row below its head", "add a row for each picture")
    return columns, rows


def _require_columns(place: Path, columns: list[str]) -> None:
    if FILE not in columns:
        guess = nearest(FILE, columns) or next((name for name in columns if name.lower() in ("path", "filename")), None)
        help = f"if `{guess}` has the paths, call it `{FILE}`" if guess else HEAD
        if len(columns) == 1 and PARTED in columns[0]:
            help = "separate the columns by commas"
        raise _wrong(place, 1, f"there is no column `{FILE}`; there is {shortened(columns) or 'nothing'}", help)
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise _wrong(place, 1, f"two columns are called `{twice}`", "rename or remove one of them")
    if "" in columns:
        raise _wrong(place, 1, "a column has no name", "name it, or remove it")


def _target_of(place: Path, columns: list[str]) -> tuple[Kind, list[str]]:
    """What is to be found, and of numbers the columns that hold them."""
    if LABEL in columns and LABELS in columns:
        raise _wrong(place, 1, f"there is both `{LABEL}` and `{LABELS}`",
            f"`{LABEL}` is for one class each, `{LABELS}` for several: keep one")  # fmt: skip
    if LABEL in columns:
        return "class", []
    if LABELS in columns:
        return "classes", []
    numbers = [name for name in columns if name not in (FILE, SPLIT)]
    return ("numbers", numbers) if numbers else ("none", [])


def _entry(place: Path, columns: list[str], line: int, row: list[str], target: Kind, names: list[str]) -> TableLine:
    """A row, read. Raises: Problem E680 with its line."""
    said = dict(zip(columns, map(str.strip, row), strict=True))
    if not said[FILE]:
        raise _wrong(place, line, f"`{FILE}` is empty", "name the picture, or remove the row")
    split = said.get(SPLIT, "")
    if SPLIT in said and split.lower() not in NAMES:
        raise _wrong(place, line, f"`{SPLIT}` is `{split}`", "it is `train`, `test` or `val`")
    value: Any = None
    if target == "class":
        value = said[LABEL]
        if not value:
            raise _wrong(place, line, f"`{LABEL}` is empty", "say the class, or remove the row")
    elif target == "classes":
        value = tuple(dict.fromkeys(filter(None, map(str.strip, said[LABELS].split(PARTED)))))
    elif target == "numbers":
        value = tuple(_number(place, line, name, said[name]) for name in names)
    path = os.path.join(place.parent, said[FILE])  # noqa: PTH118 - there may be a million
    return TableLine(line, path, NAMES[split.lower()] if split else "", value)


def _number(place: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _wrong(place, line, f"`{name}` is `{text}`, which is no number",
            "write it as 12.5, or remove the row\nfor classes in place of numbers call the column `label`")  # fmt: skip
    return value


def _require_files(place: Path, rows: list[TableLine]) -> None:
    missing = [row for row in rows if not os.path.lexists(row.path)]
    if missing:
        first, *others = missing
        more = f", and {len(others):,} more are missing" if others else ""
        raise _wrong(place, first.number, f"there is no file {first.path}{more}",
            "paths are relative to the table's folder; mend the path, or remove the row")  # fmt: skip


def _parted(place: Path, rows: list[TableLine], target: Kind) -> tuple[dict[str, list[TableLine]], str]:
    """The rows of each part; a fifth is held out to test on where no part is named, which a note tells."""
    if not rows[0].part:
        if target == "class":
            numbers = {name: number for number, name in enumerate(dict.fromkeys(row.value for row in rows))}
            labels = [numbers[row.value] for row in rows]
        else:
            labels = [0] * len(rows)
        if len(rows) < 2:
            raise _wrong(
                place, rows[0].number, "it holds a single picture", "one is needed to train on, one to test on"
            )
        what = "a fifth of each class" if target == "class" else "a fifth of the pictures"
        split = {part: [rows[index] for index in places] for part, places in held_out(labels).items()}
        return split, f"{what} is held out to test on"
    parts = {part: [row for row in rows if row.part == part] for part in (TRAINING, TEST, VALIDATION)}
    if not parts[TEST]:
        parts[TEST], parts[VALIDATION] = parts[VALIDATION], []
    for part, word in ((TRAINING, "train"), (TEST, "test")):
        if not parts[part]:
            raise _wrong(place, rows[0].number, f"no row has the `{SPLIT}` `{word}`",
                f"remove the column `{SPLIT}`: a fifth of the pictures is then held out")  # fmt: skip
    return {name: some for name, some in parts.items() if some}, ""


def _classes(rows: list[TableLine], target: Kind) -> tuple[str, ...]:
    """The names of the classes, in order: whole numbers by their size."""
    if target == "none":
        return ()
    return in_order({name for row in rows for name in ((row.value,) if target == "class" else row.value)})


def _require_classes(place: Path, rows: list[TableLine], classes: tuple[str, ...], target: Kind) -> None:
    least = {"class": 2, "classes": 1}.get(target, 0)
    if len(classes) < least:
        what = f"only one class, `{classes[0]}`" if classes else "no label"
        raise _wrong(place, rows[0].number, f"its pictures have {what}", "say the class of each picture")


def _numbering(place: Path, classes: tuple[str, ...], target: Kind) -> Callable[[TableLine], Any]:
    """What a row's value is in numbers. Raises: Problem E680 for a class that is not trained on."""
    numbers = {name: number for number, name in enumerate(classes)}

    def known(row: TableLine, names: tuple[str, ...]) -> Iterator[int]:
        for name in names:
            if name not in numbers:
                raise _wrong(place, row.number, f"`{name}` is a class that no training picture has",
                    "correct its name, or remove the row")  # fmt: skip
            yield numbers[name]

    def of_class(row: TableLine) -> int:
        return next(known(row, (row.value,)))

    def of_classes(row: TableLine) -> tuple[int, ...]:
        there = set(known(row, row.value))
        return tuple(int(number in there) for number in range(len(classes)))

    return {"class": of_class, "classes": of_classes}.get(target, lambda row: row.value or 0)


def _wrong(place: Path, line: int | None, what: str, help: str) -> Problem:
    where = str(place) if line is None else f"{place}, line {line:,}"
    return Problem.of("E680", f"{where}: {what}", help=help)
