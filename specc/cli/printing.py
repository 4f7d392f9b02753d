"""Where commands print: every sentence and every table passes here, so that nothing in it acts on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TextIO

import click

from specc.diagnostics.visible import visible_line, visible_lines
from specc.diagnostics.wrapping import wrapped


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal behind a stream; None for a pipe or a file, where lines stay whole."""
    if not stream.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


_PLAIN = str.maketrans({"×": "x", "→": "->", "·": "*", "…": "..."})


def encodable(text: str, stream: TextIO) -> str:
    """A text as a stream's encoding can show it: what it lacks in plain signs, else as question marks."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, errors="replace").decode(encoding)
    return text


def say(sentence: str, *, err: bool = False, stream: TextIO | None = None) -> None:
    """Prints a sentence; on a terminal it is broken between words. A line break in it is shown, not made."""
    stream = stream or (sys.stderr if err else sys.stdout)
    width = width_of(stream)
    shown = visible_line(sentence)
    first, *others = wrapped(shown, width, width - 2) if width else [shown]
    click.echo(encodable("\n".join([first, *(f"  {line}" for line in others)]), stream), file=stream)


def page(lines: Iterable[str]) -> str:
    """Lines as a text, each of them one line, whatever stands in it."""
    return "\n".join(map(visible_line, lines))


def in_columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells below each other, as lines. Args: right, the columns that end below each other, as numbers do.

    Most commands print so: the library that draws the table of `summary` takes longer to load than they take.

    >>> in_columns([("name", "size"), ("a", "10"), ("bcdef", "9")], right=[1])
    ['name   size', 'a        10', 'bcdef     9']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:>{width}}" if number in right else f"{cell:<{width}}"
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def cut_to_width(lines: Iterable[str]) -> Iterator[str]:
    """Lines no longer than the terminal is wide, where standard output is one."""
    width = width_of(sys.stdout) or sys.maxsize
    return (line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)


def show_page(text: str, *, stream: TextIO | None = None) -> None:
    """Prints a text of several lines, such as a table that `page` made; it keeps to the terminal's width itself."""
    stream = stream or sys.stdout
    click.echo(encodable(visible_lines(text), stream), file=stream)


def print_text(text: str, *, stream: TextIO | None = None) -> None:
    """Prints a spec, a program or a difference as it is, for a pipe or a file; on a terminal, as it can be shown."""
    stream = stream or sys.stdout
    click.echo(visible_lines(text) if stream.isatty() else text, file=stream, nl=False)


def print_json(value: Any, indent: int | None = None, **options: Any) -> None:
    """Prints JSON, in which all but plain characters are escaped."""
    import json

    click.echo(json.dumps(value, indent=indent, **options))
