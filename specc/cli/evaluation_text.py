"""What `specc eval` prints: as wide as the terminal, a confusion matrix in as much detail as fits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from specc.cli.printing import page
from specc.diagnostics.spelling import counted
from specc.report.confusion import Confusion, shares
from specc.runner.metrics import loss_text

if TYPE_CHECKING:
    from specc.evaluate.score import Evaluation
    from specc.evaluate.trained import Trained

PIPE_WIDTH = 100
NAMED = 10  # mistakes that are listed
BLOCKS, ASCII_BLOCKS = " ·░▒▓█", " .-+*#"
NAME_WIDTH = 16
MOST_PERCENT = 100  # classes whose numbers have two digits


def as_json(trained: Trained, found: Evaluation) -> dict[str, object]:
    """Everything, as `docs/runs.md` lists it."""
    whole: dict[str, object] = {
        "weights": str(trained.weights), "data": found.data, "split": found.part, "pictures": found.pictures,
        "loss": found.loss, "accuracy": None, "epoch": trained.epoch, "chosen_on": trained.chosen_on or None,
    }  # fmt: skip
    if found.confusion is not None:
        whole["accuracy"] = found.confusion.accuracy
        whole["classes"] = [{**one._asdict(), "f1": one.f1} for one in found.confusion.by_class()]
        whole["confusion"] = found.confusion.counts
    return whole


def as_text(trained: Trained, found: Evaluation, stream: TextIO) -> str:
    """The report for a terminal or a pipe."""
    width = shutil.get_terminal_size().columns if stream.isatty() else PIPE_WIDTH
    part = {"test": "test", "train": "training", "validation": "validation"}[found.part]
    epoch = "" if trained.epoch is None else f", epoch {trained.epoch}"
    chose = ", on which the epoch was chosen: the figures flatter" if found.chose_epoch else ""
    lines = wrap(f"{trained.name} ({trained.weights.name}{epoch}) on {found.data}", width)
    lines += wrap(counted(found.pictures, f"{part} picture") + chose, width)
    if found.confusion is None:
        return page([*lines, f"loss {loss_text(found.loss)} (mean squared error)"])
    confusion = found.confusion
    lines += [f"loss {loss_text(found.loss)}", f"accuracy {100 * confusion.accuracy:.2f} % ({confusion.right:,} right)"]
    lines += ["", *_by_class(confusion, width), "", *_matrix(confusion, width, _blocks(stream))]
    lines += _mistakes(confusion, width)
    return page(line.rstrip() for line in lines)


def _blocks(stream: TextIO) -> str:
    try:
        BLOCKS.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return ASCII_BLOCKS
    return BLOCKS


def cut(name: str, width: int = NAME_WIDTH) -> str:
    """A name that takes so many cells at most."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _by_class(confusion: Confusion, width: int) -> Iterator[str]:
    names = [cut(name, max(5, min(NAME_WIDTH, width - 29))) for name in confusion.classes]
    room = max(5, *map(len, names))
    yield f"{'class':<{room}}  pictures  precision  recall"
    for name, one in zip(names, confusion.by_class(), strict=True):
        yield f"{name:<{room}}  {one.pictures:>8,}  {_percent(one.precision):>9}  {_percent(one.recall):>6}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _matrix(confusion: Confusion, width: int, blocks: str) -> list[str]:
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
    if room + count * column <= width:
        return [*wrap(f"confusion ({said})", width), *_grid(labels, heads, cells, room, column)]
    room = max(map(len, names))
    if room + 3 * count <= width and count <= MOST_PERCENT:
        percent = [[_whole_percent(part) for part in shares(row)] for row in confusion.counts]
        return [*wrap(f"confusion, % of the true class ({said})", width), *_grid(names, numbers, percent, room, 3)]
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
        yield f"{one.pictures:>5,}  {cut(one.true, room)} as {cut(one.predicted, room)} ({100 * one.share:.1f} %)"
