"""How commands read specs and tell what is wrong: reports to standard error, exit status by the worst."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from specc.cli.printing import width_of
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.reading import Unreadable

EXIT_ERRORS = 1
EXIT_USAGE = 2
FORMATS = ("full", "concise", "json", "github", "sarif")


def wants_colour(stream: TextIO) -> bool:
    """Colour on a terminal only, unless `--color`, then `NO_COLOR`, then `FORCE_COLOR` says otherwise."""
    context = click.get_current_context(silent=True)
    if context is not None and context.color is not None:
        return context.color
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def report_text(diagnostics: Sequence[Diagnostic], stream: TextIO) -> str:
    """Full reports, in colour and with box characters where the stream can show them."""
    from specc.diagnostics.render import ASCII_FRAME, UNICODE_FRAME, plain, render_all

    frame = UNICODE_FRAME if _can_show(stream, "┌─│·×…") else ASCII_FRAME
    style = _colour if wants_colour(stream) else plain
    text = render_all(diagnostics, style, frame, width_of(stream))
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)


def _can_show(stream: TextIO, characters: str) -> bool:
    try:
        characters.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


_COLOURS = {"error": "red", "warning": "yellow", "frame": "blue", "note": "cyan", "bold": None}


def _colour(text: str, part: str) -> str:
    return click.style(text, fg=_COLOURS[part], bold=part in ("error", "warning", "bold"))


def show(diagnostics: Sequence[Diagnostic], stream: TextIO | None = None) -> None:
    """Writes full reports, to standard error unless they are what the command was asked for."""
    if diagnostics:
        stream = stream or sys.stderr
        click.echo(report_text(diagnostics, stream), file=stream, color=True)


def status_of(problem: Problem) -> int:
    """The exit status that a problem means: that of its code, and for a file that is not there always 2."""
    return EXIT_USAGE if isinstance(problem, Unreadable) else CODES[problem.diagnostic.code].status


def fail(problem: Problem) -> int:
    """Shows a problem. Returns: the exit status that it means."""
    show([problem.diagnostic])
    return status_of(problem)
