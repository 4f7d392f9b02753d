"""`specc fmt`: specs in canonical form."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from specc import files
from specc.cli.printing import say
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.visible import visible, visible_lines
from specc.gallery import PREFIX
from specc.reading import read_source
from specc.source import Source
from specc.syntax.format import Formatted, format_source


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, metavar="FILE…")
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change, and exit 1.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--shapes", is_flag=True, help="Note the true shape, `:: CxHxW`, at the end of every chain.")
def command(paths: tuple[str, ...], check: bool, diff: bool, shapes: bool) -> None:
    """Write specs in canonical form. `-` formats standard input to standard output, and so does gallery:NAME.

    A spec with syntax errors is left alone. Exit status: 0 all is well, 1 errors in a spec, or --check found a file
    that would change, 2 a file could not be read or written or the command was wrong.
    """
    status = 0
    for path in paths:
        try:
            status = max(status, _format(path, check=check, diff=diff, shapes=shapes))
        except Problem as problem:
            status = max(status, fail(problem))
        except OSError as error:
            say(f"Error: {path} cannot be written, and is as it was: {files.reason(error)}", err=True)
            status = EXIT_USAGE
    sys.exit(status)


def _format(path: str, *, check: bool, diff: bool, shapes: bool) -> int:
    """One file. Returns: its exit status. Raises: Problem, OSError."""
    source = read_source(path)
    done = _formatted(source, shapes=shapes)
    show(done.diagnostics)
    if done.text is None:
        return EXIT_ERRORS
    changes = done.text != source.text
    if diff:
        _print(difference(source, done.text))
    if check and changes:
        say(f"would change {source.path}", err=diff)
    if not check and not diff:
        _write(path, done.text, changes=changes)
    return EXIT_ERRORS if done.diagnostics or (check and changes) else 0


def _formatted(source: Source, *, shapes: bool) -> Formatted:
    if not shapes:
        return format_source(source)
    from specc.annotate import format_with_shapes

    return format_with_shapes(source)


def difference(source: Source, text: str) -> str:
    """A unified diff of what formatting changes."""
    import difflib

    before, after = (re.findall(r"[^\n]*\n|[^\n]+", part) for part in (source.text, text))
    lines = difflib.unified_diff(before, after, visible(source.path), visible(source.path))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _write(path: str, text: str, *, changes: bool) -> None:
    if path == "-" or path.startswith(PREFIX):
        _print(text)
    elif changes:
        files.write(Path(path), text.encode())
        say(f"formatted {path}")


def _print(text: str) -> None:
    """Writes bytes, so that the text is the same on every terminal and in every pipe."""
    sys.stdout.buffer.write((visible_lines(text) if sys.stdout.isatty() else text).encode())
    sys.stdout.buffer.flush()
