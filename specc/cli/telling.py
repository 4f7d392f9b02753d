"""How `specc train` tells of a run: a bar on a terminal, lines elsewhere, nothing or JSON on request, and loggers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from specc.cli.report import wants_colour
from specc.runner.callbacks.base import Callback
from specc.runner.callbacks.lines import JsonLines, Lines, Quiet
from specc.runner.callbacks.registry import LOGGERS, logging, logging_again, named

Command = TypeVar("Command", bound=Callable[..., Any])

KEY = "specc.runner.callback"


def callback_options(command: Command) -> Command:
    """`--quiet`, `--json`, `--log` and `--callback`; `chosen` reads them out of the context."""
    for option in (
        click.option("--callback", "others", metavar="NAMES", callback=_read_flag, expose_value=False,
            help="Tell the run to callbacks of installed packages, separated by commas."),
        click.option("--log", metavar="NAMES", callback=_read_log, expose_value=False,
            help=f"Report the run to {', '.join(LOGGERS)}, separated by commas. A continued run reports "
            "to its own again, unless this names others or none."),
        click.option("--json", "as_json", is_flag=True, callback=_read_flag, expose_value=False,
            help="Print one JSON object per line in place of text."),
        click.option("--quiet", "-q", is_flag=True, callback=_read_flag, expose_value=False,
            help="Print errors and warnings only."),
    ):  # fmt: skip
        command = option(command)
    return command


def chosen(run: Path | None = None) -> Callback:
    """What the options ask for.

    Args:   run, the folder of a run that is continued.
    Raises: Problem E644, E645 where a logger cannot be told, E694 where there is no such callback.
    """
    asked = click.get_current_context().meta.get(KEY, {})
    if asked.get("as_json"):
        callback: Callback = JsonLines()
    elif asked.get("quiet"):
        callback = Quiet()
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from specc.runner.callbacks.bar import Bar

        callback = Bar(colour=wants_colour(sys.stdout))
    else:
        callback = Lines()
    if asked.get("others"):
        from specc.runner.callbacks.others import Together, others

        callback = Together(callback, others(asked["others"]))
    names = asked.get("log")
    if names is None and run is not None:
        return logging_again(callback, run)
    return logging(callback, names or ())


def prints_json() -> bool:
    """Whether standard output is for a program."""
    return bool(click.get_current_context().meta.get(KEY, {}).get("as_json"))


def _read_flag(context: click.Context, option: click.Parameter, value: bool | str | None) -> None:
    asked = context.meta.setdefault(KEY, {})
    asked[option.name] = value
    if asked.get("quiet") and asked.get("as_json"):
        raise click.UsageError("--quiet and --json cannot be used together.")


def _read_log(context: click.Context, option: click.Parameter, value: str | None) -> None:
    try:
        context.meta.setdefault(KEY, {})["log"] = None if value is None else named(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
