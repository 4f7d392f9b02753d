"""`specc check`: find the mistakes in specs."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from specc.cli.fixing import Advice, report_stream
from specc.cli.options import color_option, input_option, quiet_option, set_option, somebody_looks
from specc.cli.printing import say
from specc.cli.questions import Question, TextAnswer, answers
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, FORMATS, fail, show, status_of
from specc.cli.warning_filter import WarningRule, action_for, read_rules
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.told import tally
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import analyse
from specc.reading import read_source


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@input_option
@set_option
@click.option(
    "--data",
    metavar="NAME|FOLDER|FILE,…",
    help="Also say whether the spec fits these data sets, such as mnist,cifar10.",
)
@click.option("--sizes", is_flag=True, help="Also list the sizes of pictures that the spec takes.")
@click.option(
    "-W", "rules", multiple=True, metavar="ACTION[:CODE,…]", callback=read_rules,
    help="What warnings do: error makes them fail the check, ignore hides them; may be repeated.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), default="full", help="How findings are shown.")
@click.option("--fix", is_flag=True, help="Make the edits that mend an error for certain, and show the difference.")
@quiet_option
@color_option
def command(
    files: tuple[str, ...],
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    data: str | None,
    sizes: bool,
    rules: tuple[WarningRule, ...],
    form: str,
    fix: bool,
) -> None:
    """Find the mistakes in specs, without running them. `-` reads standard input.

    Exit status: 0 nothing worse than warnings, 1 errors in a spec, 2 a file could not be read or the command was wrong.
    """
    if sizes and form != "full":
        raise click.UsageError("--sizes is answered in words: leave out --format")
    told: list[TextAnswer] = []
    status = 0
    advice, stream = Advice(input_shape, settings), report_stream(files, fix=fix)
    asked = Question(data, sizes, {})
    for path in files:
        try:
            if fix:
                analysis = advice.fix(path, stream if form == "full" else sys.stderr)
            else:
                analysis = analyse(read_source(path), input_shape, settings)
            told += answers(analysis, asked, advice.on)
        except Problem as problem:
            if status_of(problem) == EXIT_USAGE:  # the command line names something that is not there
                status = fail(problem)
            else:
                told.append(TextAnswer((problem.diagnostic,)))
        except UnknownParameter as error:
            say(f"Error: {path}: {error}", err=True)
            status = EXIT_USAGE
    actions = [(diagnostic, action_for(diagnostic, rules)) for each in told for diagnostic in each.found]
    status = max(status, EXIT_ERRORS if any(action == "error" for _, action in actions) else 0)
    _print([diagnostic for diagnostic, action in actions if action != "ignore"], form, stream)
    if form == "full":
        if somebody_looks(stream):
            for line in (each.network for each in told if each.network):
                say(line, stream=stream)
        passed = dict.fromkeys(str(one) for survey in asked.known.values() for one in survey.passed_over)
        for line in (*(line for each in told for line in each.lines), *passed):
            say(line, stream=stream)
    sys.exit(status)


def _print(found: list[Diagnostic], form: str, stream: TextIO) -> None:
    if form == "full":
        show(found, stream)
        if found:
            click.echo(file=stream)
            say(f"{tally(found)} found; `specc explain {found[0].code}` says more", stream=stream)
        return
    from specc.diagnostics.formats import FORMATTERS

    text = FORMATTERS[form](found)
    if text:
        click.echo(text, file=stream)
