"""What `specc eval` prints: as wide as the terminal, a confusion matrix in as much detail as fits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from specc.cli.printing import page
from specc.diagnostics import amounts
from specc.diagnostics.spelling import called, counted
from specc.runner.metrics import loss_text
from specc.tasks.confusion import Confusion, shares
from specc.tasks.measure import ACCURACY, Measure

if TYPE_CHECKING:
    from specc.evaluate.score import Evaluation
    from specc.evaluate.trained import Trained
    from specc.tasks.review import Review
    from specc.tasks.rows import Rows

PIPE_WIDTH = 100
NAMED = 10  # mistakes that are listed
BLOCKS, ASCII_BLOCKS = " ·░▒▓█", " .-+*#"
NAME_WIDTH = 16
GAP, SHARE, NUMBER = 2, 5, 9  # cells between two columns, of a share in per cent, of another number
MOST_PERCENT = 100  # classes whose numbers have two digits


def as_json(trained: Trained, found: Evaluation) -> dict[str, object]:
    """Everything, as `docs/runs.md` lists it."""
    review = found.review
    whole: dict[str, object] = {
        "weights": str(trained.weights), "data": found.data, "split": found.part, "pictures": found.pictures,
        "loss": review.loss, **{one.name: value for one, value in review.numbers},
        "epoch": trained.epoch, "chosen_on": trained.chosen_on or None,
    }  # fmt: skip
    if found.plain is not None:
        whole["without_tta"] = {"loss": found.plain.loss, **{one.name: value for one, value in found.plain.numbers}}
    if review.rows is not None:
        whole[review.rows.many] = review.rows.as_json()
    if review.confusion is not None:
        whole["confusion"] = review.confusion.counts
    return whole


def as_text(trained: Trained, found: Evaluation, stream: TextIO, *, percent: bool = False) -> str:
    """The report for a terminal or a pipe. Args: percent, whether the confusion matrix has shares of its rows."""
    width = shutil.get_terminal_size().columns if stream.isatty() else PIPE_WIDTH
    part = {"test": "test", "train": "training", "validation": "validation"}[found.part]
    epoch = "" if trained.epoch is None else f", epoch {trained.epoch}"
    chose = ", on which the epoch was chosen: the figures flatter" if found.chose_epoch else ""
    lines = wrap(f"{trained.name} ({trained.weights.name}{epoch}) on {found.data}", width)
    lines += wrap(counted(found.pictures, f"{part} {called(trained.data.sample)}") + chose, width)
    lines += _numbers(trained, found.review)
    lines += _without_tta(found.plain)
    if found.review.rows is not None:
        lines += ["", *_rows(found.review.rows, width)]
    if found.review.confusion is not None:
        lines += ["", *_matrix(found.review.confusion, width, _blocks(stream), percent=percent)]
        lines += _mistakes(found.review.confusion, width)
    return page(line.rstrip() for line in lines)


def _numbers(trained: Trained, review: Review) -> Iterator[str]:
    what = f" ({trained.task.loss})" if trained.task.loss else ""
    yield f"loss {loss_text(review.loss)}{what}"
    for one, value in review.numbers:
        right = f" ({review.confusion.right:,} right)" if one == ACCURACY and review.confusion else ""
        if value is not None:
            yield f"{one.title} {one.text(value)}{right}"


def _without_tta(review: Review | None) -> Iterator[str]:
    """What there was without mirror images, in a line."""
    if review is not None:
        told = [f"{one.title} {one.text(value)}" for one, value in review.numbers if value is not None]
        yield f"without `--tta`: {', '.join([f'loss {loss_text(review.loss)}', *told[:2]])}"


def _blocks(stream: TextIO) -> str:
    try:
        BLOCKS.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return ASCII_BLOCKS
    return BLOCKS


def cut(name: str, width: int = NAME_WIDTH) -> str:
    """A name that takes so many cells at most."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _rows(rows: Rows, width: int) -> Iterator[str]:
    """A line for each class, with as many columns as there is room for."""
    counts = max(len(rows.counted), *(len(f"{count:,}") for _, count, _ in rows.rows))
    room = max(len(rows.of), min(NAME_WIDTH, max(len(name) for name, _, _ in rows.rows)))
    room = max(len(rows.of), min(room, width - counts - GAP - _needed(rows.columns[:2])))
    shown = [n for n in range(len(rows.columns)) if room + GAP + counts + _needed(rows.columns[: n + 1]) <= width]
    heads = "".join(f"  {one.title:>{_cell(one)}}" for one in (rows.columns[n] for n in shown))
    yield f"{rows.of:<{room}}  {rows.counted:>{counts}}{heads}"
    for name, count, values in rows.rows:
        cells = "".join(f"  {_value(rows.columns[n], values[n]):>{_cell(rows.columns[n])}}" for n in shown)
        yield f"{cut(name, room):<{room}}  {count:>{counts},}{cells}"


def _needed(columns: Sequence[Measure]) -> int:
    return sum(GAP + _cell(one) for one in columns)


def _cell(column: Measure) -> int:
    return max(len(column.title), SHARE if column.is_share else NUMBER)


def _value(column: Measure, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f}" if column.is_share else column.text(value)


def _matrix(confusion: Confusion, width: int, blocks: str, *, percent: bool = False) -> list[str]:
    """Counts, else percent, else a cell for each pair of classes, else nothing: what fits first."""
    names, count = [cut(name, 8) for name in confusion.classes], len(confusion.classes)
    numbers = [str(number) for number in range(count)]
    nothing = "·" if blocks is BLOCKS else "."
    cells = [[str(pictures) if pictures else nothing for pictures in row] for row in confusion.counts]
    column = max(max(map(len, row)) for row in (*cells, numbers)) + 1
    heads = names if max(map(len, names)) < column else numbers
    labels = names if heads is names else [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]
    room = max(map(len, labels))
    said = "rows: true classes, columns: answers"
    if room + count * column <= width and not percent:
        return [*wrap(f"confusion ({said})", width), *_grid(labels, heads, cells, room, column)]
    room = max(map(len, names))
    if room + 3 * count <= width and count <= MOST_PERCENT:
        parts = [[_whole_percent(part) for part in shares(row)] for row in confusion.counts]
        return [*wrap(f"confusion, % of the true class ({said})", width), *_grid(names, numbers, parts, room, 3)]
    room = max(map(len, labels))
    if room + 2 + count <= width:
        said += " in the same order; darker is more"
        return [*wrap(f"confusion ({said})", width), *_shaded(confusion, labels, room, blocks)]
    return []


def _grid(
    labels: Sequence[str], heads: Sequence[str], cells: Sequence[Sequence[str]], room: int, columns: int
) -> Iterator[str]:
    yield " " * room + "".join(f"{head:>{columns}}" for head in heads)
    for label, row in zip(labels, cells, strict=True):
        yield f"{label:>{room}}" + "".join(f"{cell:>{columns}}" for cell in row)


def _whole_percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.005 else "." if share else ""


def _shaded(confusion: Confusion, labels: Sequence[str], room: int, blocks: str) -> Iterator[str]:
    for label, row in zip(labels, confusion.counts, strict=True):
        # A mistake in a hundred is seen; all of a class is the darkest.
        levels = [0 if not part else 1 + min(4, int(5 * part**0.5)) for part in shares(row)]
        yield f"{label:>{room}}  " + "".join(blocks[level] for level in levels)


def _mistakes(confusion: Confusion, width: int) -> Iterator[str]:
    found = confusion.most_frequent(NAMED)
    room = max(8, min(24, (width - 22) // 2))
    if found:
        yield ""
        yield "most often mistaken for another class"
    for one in found:
        yield f"{one.pictures:>5,}  {cut(one.true, room)} as {cut(one.predicted, room)} ({amounts.percent(one.share)})"
