"""`specc play`: a page on which a network is edited, drawn and looked into."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem

FIRST = "gallery:lenet5"  # what is opened where nothing is named
OF_A_RUN = "spec.cnn"


@click.command("play")
@click.argument("spec", metavar="[SPEC|RUN]", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
    help="Where to listen; 0 takes any that is free.  [0]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
def command(spec: str | None, port: int, no_browser: bool) -> None:
    """Open a page on which a network is edited, drawn and looked into: SPEC, that of a run, or LeNet-5.

    A click on a layer shows what it computes, with its window moving over the picture. Nothing leaves this machine: the
    page is reached from it alone, at an address that nobody can guess. What is edited stays in the page, and in its
    address. Ctrl-C ends it. It needs starlette, uvicorn, websockets and pygls.
    """
    from specc.play.serving import listening, open_browser, serve
    from specc.reading import read_source

    try:
        source = read_source(_meant(spec))
        at = listening(port)
    except Problem as problem:
        sys.exit(fail(problem))
    say(f"{source.path} is at {at.url}, Ctrl-C ends it")
    if not no_browser:
        open_browser(at.url)
    serve(source, at)
    say("ended")


def _meant(spec: str | None) -> str:
    """The spec's file: of a run the one in its folder."""
    if spec is None:
        return FIRST
    inside = Path(spec) / OF_A_RUN
    return str(inside) if spec != "-" and inside.is_file() else spec
