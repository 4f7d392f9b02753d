"""Sentences on a terminal: columns of a text, and lines that are broken between words."""

from __future__ import annotations

import re
from collections.abc import Iterator

NARROWEST = 20  # columns under which a text is not broken: every word would stand alone
_WORD = r"[^\s`]*(?:`[^`]*`[^\s`]*)+|\S+"


def columns(text: str) -> int:
    """The width on a terminal: two columns for wide characters, none for combining ones.

    >>> columns("abc"), columns("写真"), columns("e\\u0301")
    (3, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(columns_of, text))


def columns_of(char: str) -> int:
    """The width of one character."""
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(text: str, first: int, others: int | None = None) -> list[str]:
    """A text in lines of so many columns, the first of its own length; what stands in backticks stays in one line.

    A word that is longer than a line is left whole. Where there is no room for words, so is the text.

    >>> wrapped("write `conv 8 k3` here", 12)
    ['write', '`conv 8 k3`', 'here']
    """
    others = first if others is None else others
    if columns(text) <= first or others < NARROWEST // 2:
        return [text]
    lines, room = [""], first
    for word in _words(text, others):
        if lines[-1] and columns(lines[-1]) + 1 + columns(word) > room:
            lines.append(word)
            room = others
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def _words(text: str, room: int) -> Iterator[str]:
    """What is not to be broken: words, and commands in backticks unless they are longer than a line."""
    for found in re.finditer(_WORD, text):
        yield from [found[0]] if columns(found[0]) <= room else found[0].split()
