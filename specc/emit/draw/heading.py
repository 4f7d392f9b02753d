"""A title over a picture."""

from __future__ import annotations

from collections.abc import Iterator

from specc.emit.draw.marks import Sheet, TextMark, moved
from specc.emit.draw.metrics import shortened, text_width

SIZE, LINE = 18.0, 24.0
MARGIN = 16.0
NARROWEST = 240.0  # pixels that a title has in any case
MOST_LINES = 4


def with_title(sheet: Sheet, title: str) -> Sheet:
    """The picture below its title, which is parted into lines where the picture is narrow."""
    lines = list(_lines(title, max(NARROWEST, sheet.width - 2 * MARGIN)))
    if not lines:
        return sheet
    width = max(sheet.width, *(text_width(line, SIZE, bold=True) + 2 * MARGIN for line in lines))
    top = MARGIN + LINE * len(lines)
    texts = (
        TextMark(width / 2, MARGIN - 4 + LINE * (number + 0.75), line, SIZE, "middle", bold=True)
        for number, line in enumerate(lines)
    )
    return Sheet(width, sheet.height + top, (*texts, *moved(sheet.marks, (width - sheet.width) / 2, top)))


def _lines(title: str, room: float) -> Iterator[str]:
    """Words in lines; what goes beyond the last is left out."""
    words = title.split()
    for number in range(MOST_LINES):
        if not words:
            return
        taken = next(
            (count for count in range(len(words), 1, -1) if _fits(words[:count], room)), 1
        ) if number + 1 < MOST_LINES else len(words)  # fmt: skip
        yield shortened(" ".join(words[:taken]), SIZE, room, bold=True)
        words = words[taken:]


def _fits(words: list[str], room: float) -> bool:
    return text_width(" ".join(words), SIZE, bold=True) <= room
