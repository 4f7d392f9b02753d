"""`specc new`: a spec of the gallery as a file to start from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from specc.cli.printing import say
from specc.cli.report import EXIT_USAGE, fail
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import typed
from specc.files import reason, write_new
from specc.gallery import PREFIX, entry


@click.command("new")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def command(name: str, file: Path | None) -> None:
    """Copy the gallery's spec NAME to FILE, to start from.

    Without FILE the copy goes into this folder under the spec's own name. A file that exists is never overwritten.
    """
    from specc.reading import read_source

    try:
        source = read_source(PREFIX + name.removeprefix(PREFIX))
    except Problem as problem:
        sys.exit(fail(problem))
    own_name = entry(source.path).file_name
    target = Path(own_name) if file is None else file / own_name if file.is_dir() else file
    try:
        write_new(target, source.text.encode())
    except OSError as error:
        say(f"Error: {_reason(target, error)}", err=True)
        sys.exit(EXIT_USAGE)
    say(f"wrote {target}, a copy of {source.path}; `specc check {typed(target)}` checks it")


def _reason(target: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return f"{target} already exists and is left as it is; give the copy another name: `specc new NAME FILE`"
    return f"{target} cannot be written: {reason(error)}"
