"""`specc check`: find the mistakes in specs."""

from __future__ import annotations

import sys

import click

from specc.cli.options import input_option, set_option
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.overrides import UnknownParameter
from specc.pipeline import analyse
from specc.reading import Unreadable, read_source


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@input_option
@set_option
@click.option(
    "--format", "form", type=click.Choice(["full", "concise", "json"]), default="full", help="How findings are shown."
)
def command(files: tuple[str, ...], input_shape: tuple[int, ...] | None, settings: dict[str, str], form: str) -> None:
    """Find the mistakes in specs, without running them. `-` reads standard input.

    Exit status: 0 nothing wrong, 1 errors in a spec, 2 a file could not be read or the command was wrong.
    """
    found: list[Diagnostic] = []
    status = 0
    for path in files:
        try:
            found += _check(path, input_shape, settings)
        except Unreadable as problem:
            status = max(status, fail(problem))
        except Problem as problem:
            found.append(problem.diagnostic)
        except UnknownParameter as error:
            click.echo(f"Error: {path}: {error}", err=True)
            status = EXIT_USAGE
    if any(diagnostic.is_error for diagnostic in found):
        status = max(status, EXIT_ERRORS)
    _print(found, form, len(files))
    sys.exit(status)


def _check(path: str, input_shape: tuple[int, ...] | None, settings: dict[str, str]) -> tuple[Diagnostic, ...]:
    return analyse(read_source(path), input_shape, settings).diagnostics


def _print(found: list[Diagnostic], form: str, files: int) -> None:
    if form == "full":
        show(found, sys.stdout)
        _print_count(found, files)
        return
    from specc.diagnostics.formats import as_json, concise

    if form == "json":
        click.echo(as_json(found))
    else:
        for diagnostic in found:
            click.echo(concise(diagnostic))


def _print_count(found: list[Diagnostic], files: int) -> None:
    """The last line on a terminal: how much there is to mend."""
    errors = sum(diagnostic.is_error for diagnostic in found)
    if errors:
        codes = sorted({diagnostic.code for diagnostic in found})
        plural = "s" if errors > 1 else ""
        click.echo(f"\n{errors} error{plural} found; `specc explain {codes[0]}` tells more")
