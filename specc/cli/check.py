"""`specc check`: find the mistakes in specs."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, TextIO

import click

from specc.cli.checked import read_lesson
from specc.cli.fixing import Advice, report_stream
from specc.cli.options import color_option, input_option, quiet_option, set_option, somebody_looks
from specc.cli.printing import say
from specc.cli.questions import Question, TextAnswer, answers
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, FORMATS, fail, show, status_of
from specc.cli.warning_filter import WarningRule, action_for, read_rules
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.diagnostics.told import tally
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import Analysis, analyse, analyse_answer
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
@click.option("--lesson", metavar="SPEC", help="Also say whether the files are this lesson with its holes filled.")
@click.option("--fix", is_flag=True, help="Make the edits that mend an error for certain, and show the difference.")
@quiet_option
@color_option
def command(
    files: tuple[str, ...],
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    rules: tuple[WarningRule, ...],
    form: str,
    data: str | None,
    **asked: Any,
) -> None:
    """Find the mistakes in specs, without running them. `-` reads standard input.

    Exit status: 0 nothing worse than warnings, 1 errors in a spec, 2 a file could not be read or the command was wrong.
    """
    if asked["sizes"] and form != "full":
        raise click.UsageError("--sizes is answered in words: leave out --format")
    told: list[TextAnswer] = []
    status = 0
    advice, stream = Advice(input_shape, settings), report_stream(files, fix=asked["fix"])
    reading = _reading(advice, stream if form == "full" else sys.stderr, asked["lesson"], fix=asked["fix"])
    question = Question(data, asked["sizes"], {})
    for path in files:
        try:
            told += answers(reading.analysis(path), question, advice.on)
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
        passed = dict.fromkeys(str(one) for survey in question.known.values() for one in survey.passed_over)
        for line in (*(line for each in told for line in each.lines), *passed):
            say(line, stream=stream)
    sys.exit(status)


class _Looking(NamedTuple):
    """How each file is looked at. lesson: what it answers; mended: where the fixes are shown that are made in it."""

    advice: Advice
    lesson: Analysis | None
    mended: TextIO | None

    def analysis(self, path: str) -> Analysis:
        """What a file says. Raises: Problem; UnknownParameter."""
        if self.mended is not None:
            return self.advice.fix(path, self.mended)
        source, (shape, settings) = read_source(path), (self.advice.input_shape, self.advice.settings)
        return analyse_answer(source, self.lesson, shape, settings) if self.lesson else analyse(source, shape, settings)


def _reading(advice: Advice, stream: TextIO, lesson: str | None, *, fix: bool) -> _Looking:
    if lesson is not None and fix:
        raise click.UsageError("--fix would do what a lesson asks: leave out one of the two")
    return _Looking(advice, None if lesson is None else read_lesson(lesson), stream if fix else None)


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
