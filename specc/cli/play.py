"""`specc play`: a page on which a network is edited, drawn and looked into."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem


@click.command("play")
@click.argument("spec", metavar="[SPEC|RUN]", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
    help="Where to listen; 0 takes any that is free.  [0]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
@click.option("--site", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Write the page as files that any web server can hold: the compiler runs in the browser.")  # fmt: skip
@click.option("--vendored", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Copies of Pyodide, and for a run of onnxruntime-web, in place of their public addresses.")  # fmt: skip
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR",
    help="The folder with the named data sets' files, for pictures and training.  [the user's cache]")  # fmt: skip
def command(
    spec: str | None,
    port: int,
    no_browser: bool,
    site: Path | None,
    vendored: Path | None,
    data_dir: Path | None,
) -> None:
    """Open a page on which a network is edited, drawn and looked into: SPEC, that of a run, or LeNet-5.

    A click on a layer shows what it computes, with its window moving over the picture; "Try it" shows the network
    pictures, with a run's weights or random ones, and trains it. Nothing leaves this machine: the page is reached from
    it alone, at an address that nobody can guess. What is edited stays in the page, and in its address. Ctrl-C ends it,
    and a run that it trains can go on later. It needs starlette, uvicorn, websockets and pygls.
    """
    from specc.play.opening import opened
    from specc.play.serving import listening, open_browser, require_page, serve

    if vendored is not None and site is None:
        raise click.UsageError("--vendored is for the files that --site writes.")
    try:
        found = opened(spec)
        require_page()
        if site is not None:
            from specc.play.site import write_site

            write_site(found, site, vendored)
            say(f"wrote {site}, for any web server to hold")
            return
        at = listening(port)
    except Problem as problem:
        sys.exit(fail(problem))
    say(f"{found.source.path} is at {at.url}, Ctrl-C ends it")
    if not no_browser:
        open_browser(at.url)
    serve(found, at, data_dir)
    say("ended")
