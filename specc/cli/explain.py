"""`specc explain`: the long story behind a diagnostic code."""

from __future__ import annotations

import sys

import click

from specc.cli.report import EXIT_USAGE
from specc.diagnostics.codes import CODES


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain a diagnostic code such as E301; without one, list them all."""
    if code is None:
        for known in CODES.values():
            click.echo(f"{known.code}  {known.title}")
        return
    found = CODES.get(code.upper())
    if found is None:
        click.echo(f"Error: there is no code `{code}`; `specc explain` lists them all", err=True)
        sys.exit(EXIT_USAGE)
    click.echo(f"{found.code}: {found.title}\n\n{found.explanation.strip()}")
