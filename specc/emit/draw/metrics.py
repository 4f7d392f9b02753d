"""How wide a text is, without a font: the widths of DejaVu Sans, which are those of the widest common sans-serif.

In a narrower font, Arial or Helvetica, every text is shorter than what is reckoned here, so what has room keeps it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

ASCENT, DESCENT = 0.78, 0.24
"""How far letters reach above and below the baseline, in font sizes."""

# Source: the advance widths of DejaVu Sans and DejaVu Sans Bold 2.37, in hundredths of the size, rounded up.
_REGULAR = (
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34,
    34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74,
    69, 99, 69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64,
    64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = (
    35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40,
    40, 84, 84, 84, 59, 100, 78, 77, 74, 84, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 86, 74, 86, 78, 73, 69, 82,
    78, 111, 78, 73, 73, 46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72,
    72, 50, 60, 48, 72, 66, 93, 65, 66, 59, 72, 37, 72, 84,
)  # fmt: skip
_OTHER = {"×": 84, "·": 38, "…": 100, "−": 84, "→": 84, "√": 67, "–": 50}
_WIDEST = 120  # of a character that no table has: a letter of another script, a picture


@lru_cache(4096)  # the same words stand in a picture many times
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper bound of a text's width, in the unit of the font size.

    >>> round(text_width("conv 64", 10), 1), round(text_width("conv 64", 10, bold=True), 1)
    (40.1, 44.2)
    """
    table = _BOLD if bold else _REGULAR
    return sum(_advance(char, table) for char in text) * size / 100


def _advance(char: str, table: tuple[int, ...]) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return table[code - 32]
    return 0 if unicodedata.combining(char) else _OTHER.get(char, _WIDEST)


def shortened(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """A text that fits into a width; where it does not, its beginning and `…`.

    >>> shortened("a_very_long_name", 10, 60)
    'a_very_lo…'
    """
    if text_width(text, size, bold=bold) <= room:
        return text
    while text and text_width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text + "…"
