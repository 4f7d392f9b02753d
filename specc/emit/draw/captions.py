"""What stands under a feature map: its size, the operation, its arguments, and what follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.emit.draw.metrics import shortened, text_width
from specc.emit.draw.stages import Stage, StageRow
from specc.layers.base import Shape, written

SIZE, TITLE, DETAIL, NOTE = 13.0, 13.0, 12.0, 11.0
LINE = 16.0
LONG_TITLE = 100.0  # beyond it the argument goes below the word
DETAILS = 96.0  # how wide a line of arguments gets before there is another
WIDEST_WORD = 150.0


def caption(stage: Stage, *, wide: bool = False) -> tuple[str, ...]:
    """The lines; the first is the operation. wide: whether there is room for long ones."""
    times = f" ×{stage.times}" if stage.times > 1 else ""
    whole = shortened(stage.title, TITLE, WIDEST_WORD, bold=True)
    title, details = whole + times, stage.details
    if not wide and text_width(title, TITLE, bold=True) > LONG_TITLE and " " in title:
        word, _, argument = whole.partition(" ")
        title, details = word + times, (argument, *details) if argument else details
    count = (f"{stage.parameters:,} param.",) if stage.parameters else ()
    room = WIDEST_WORD if wide else DETAILS
    return (title, *_filled(details, room), *_filled(stage.after, room), *count)


def told_once(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The same stages, arguments left out where the last one of the same word has had them."""
    told: dict[str, object] = {}
    found: list[Stage] = []
    for stage in stages:
        word = stage.title.partition(" ")[0]
        if told.get(word) == (stage.details, stage.after):
            found.append(stage._replace(details=(), after=()))
        else:
            told[word] = stage.details, stage.after
            found.append(stage)
    return tuple(found)


def in_brief(row: StageRow) -> StageRow:
    """The same row without arguments, nor what is done to the values of a map."""
    return row._replace(stages=tuple(_in_brief(stage) for stage in row.stages))


def _in_brief(stage: Stage) -> Stage:
    word, _, argument = stage.title.partition(" ")
    is_told = argument == str(stage.shape[0]) and not stage.inside  # by the size; a block is called as its inside is
    return stage._replace(title=word if is_told else stage.title, details=(), after=())


def sizes_of(stages: Sequence[Stage], *, once: bool) -> list[str]:
    """What stands under each map: its shape. once: its channels where one before it was as high and wide."""
    seen: set[Shape] = set()
    found: list[str] = []
    for stage in stages:
        found.append(written(stage.shape[:1] if once and stage.shape[1:] in seen else stage.shape))
        seen.add(stage.shape[1:])
    return found


def _filled(words: Sequence[str], room: float) -> Iterator[str]:
    """Words in lines of a modest width."""
    line = ""
    for word in words:
        text = shortened(word, DETAIL, WIDEST_WORD)
        if line and text_width(f"{line}, {text}", DETAIL) > room:
            yield line
            line = text
        else:
            line = f"{line}, {text}" if line else text
    if line:
        yield line


def caption_width(lines: Sequence[str]) -> float:
    return max(text_width(lines[0], TITLE, bold=True), *(text_width(line, DETAIL) for line in lines[1:]), 0)


def size_width(stage: Stage) -> float:
    return text_width(written(stage.shape), SIZE)
