"""`specc specs`: the gallery, listed or one spec printed."""

from __future__ import annotations

import shutil
import sys

import click

from specc.cli.printing import page, print_text, show_page
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.gallery import PREFIX, GalleryEntry, entries


@click.command("specs")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the specs that come with specc, or print the one called NAME.

    Every command takes gallery:NAME where it takes a file.
    """
    from specc.reading import read_source

    if name is None:
        show_page(listing(entries()))
        return
    try:
        print_text(read_source(PREFIX + name.removeprefix(PREFIX)).text)
    except Problem as problem:
        sys.exit(fail(problem))


def listing(specs: list[GalleryEntry]) -> str:
    """A line for each spec: name, input, parameters, title; cut to the width of a terminal."""
    rows = [("name", "input", "parameters", "")]
    rows += [(spec.name, spec.input, f"{spec.parameters:,}", spec.title) for spec in specs]
    name, shape, count = (max(len(row[column]) for row in rows) for column in range(3))
    lines = [f"{row[0]:<{name}}  {row[1]:<{shape}}  {row[2]:>{count}}  {row[3]}".rstrip() for row in rows]
    lines += ["", "`specc specs NAME` prints a spec, `specc new NAME` copies it, `gallery:NAME` stands for it."]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return page(line if not width or len(line) <= width else line[: width - 1] + "…" for line in lines)
