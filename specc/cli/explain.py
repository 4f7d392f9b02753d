"""`specc explain`: the long story behind a diagnostic code."""

from __future__ import annotations

import sys

import click

from specc.cli.options import color_option
from specc.cli.printing import say, show_page
from specc.cli.report import EXIT_USAGE, wants_colour
from specc.diagnostics.codes import CODES, Code

WIDEST = 100  # columns: longer lines are hard to read


@click.command("explain")
@click.argument("code", required=False)
@color_option
def command(code: str | None) -> None:
    """Explain a diagnostic code such as E301; without one, list them all."""

    if code is None:
        for known in sorted(CODES.values()):
            say(f"{known.code}  {known.title}")
        return
    found = CODES.get(code.upper())
    if found is None:
        say(f"Error: there is no code `{code}`{_meant(code)}", err=True)
        sys.exit(EXIT_USAGE)
    if wants_colour(sys.stdout):
        _print_page(found)
    else:
        show_page(f"{found.code}: {found.title}\n\n{found.explanation.strip()}")


def _meant(code: str) -> str:
    """The code whose number this is, `301` or `W301`, else where all are listed."""
    guess = next((known for known in CODES if known[1:] == code[-3:]), None) if len(code) <= len("E301") else None
    return f"; did you mean `{guess}`?" if guess else "; `specc explain` lists them all"


def _print_page(code: Code) -> None:
    """The explanation as Markdown is meant to look."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(force_terminal=True)
    console.print(Markdown(f"# {code.code}: {code.title}\n\n{code.explanation}"), width=min(console.width, WIDEST))
