"""`specc check`: find the mistakes in specs."""

from __future__ import annotations

import sys

import click

from specc.cli.options import color_option, input_option, set_option
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, FORMATS, fail, show
from specc.cli.warning_filter import WarningRule, action_for, read_rules
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.overrides import UnknownParameter
from specc.pipeline import Analysis, analyse, lint
from specc.reading import Unreadable, read_source


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@input_option
@set_option
@click.option(
    "--data", metavar="NAME,…", help="Also tell whether the spec fits these data sets, such as mnist,cifar10."
)
@click.option(
    "-W", "rules", multiple=True, metavar="ACTION[:CODE,…]", callback=read_rules,
    help="What warnings do: error makes them fail the check, ignore hides them; may be repeated.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), default="full", help="How findings are shown.")
@color_option
def command(
    files: tuple[str, ...],
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    data: str | None,
    rules: tuple[WarningRule, ...],
    form: str,
) -> None:
    """Find the mistakes in specs, without running them. `-` reads standard input.

    Exit status: 0 nothing wrong but warnings, 1 errors in a spec, 2 a file could not be read or the command was wrong.
    """
    found: list[Diagnostic] = []
    status = 0
    for path in files:
        try:
            found += _check(analyse(read_source(path), input_shape, settings), data)
        except Unreadable as problem:
            status = max(status, fail(problem))
        except Problem as problem:
            found.append(problem.diagnostic)
        except UnknownParameter as error:
            click.echo(f"Error: {path}: {error}", err=True)
            status = EXIT_USAGE
    actions = [(diagnostic, action_for(diagnostic, rules)) for diagnostic in found]
    if any(action == "error" for _, action in actions):
        status = max(status, EXIT_ERRORS)
    _print([diagnostic for diagnostic, action in actions if action != "ignore"], form)
    sys.exit(status)


def _check(analysis: Analysis, data: str | None) -> tuple[Diagnostic, ...]:
    against = _compare(analysis, data) if data is not None and analysis.model is not None else ()
    errors = tuple(diagnostic for diagnostic in against if diagnostic.is_error)
    warnings = tuple(diagnostic for diagnostic in against if not diagnostic.is_error)
    return (*analysis.diagnostics, *errors, *lint(analysis, warnings))


def _compare(analysis: Analysis, data: str) -> tuple[Diagnostic, ...]:
    """What speaks against each of the data sets."""
    from specc.data.compare import compare

    try:
        return tuple(found for name in data.split(",") for found in compare(analysis, name.strip()))
    except Problem as problem:
        if problem.diagnostic.code == "E601":
            raise Unreadable(problem.diagnostic) from None
        raise


def _print(found: list[Diagnostic], form: str) -> None:
    if form == "full":
        show(found, sys.stdout)
        if found:
            click.echo(f"\n{_count(found)} found; `specc explain {found[0].code}` tells more")
        return
    from specc.diagnostics.formats import FORMATTERS

    text = FORMATTERS[form](found)
    if text:
        click.echo(text)


def _count(found: list[Diagnostic]) -> str:
    """`2 errors and 1 warning`"""
    errors = sum(diagnostic.is_error for diagnostic in found)
    parts = [f"{count} {word}{'s' * (count > 1)}" for count, word in _counts(errors, len(found) - errors) if count]
    return " and ".join(parts)


def _counts(errors: int, warnings: int) -> tuple[tuple[int, str], ...]:
    return ((errors, "error"), (warnings, "warning"))
