"""`specc lsp`: the language server, for editors."""

from __future__ import annotations

import os
import sys

import click

from specc.cli.printing import say
from specc.cli.report import EXIT_USAGE


@click.command("lsp")
@click.option(
    "--stdio", is_flag=True, help="Speak on standard input and output; the only way, so this may be left out."
)
@click.option("--verbose", is_flag=True, help="Log every message to standard error.")
def command(stdio: bool, verbose: bool) -> None:
    """Serve an editor: diagnostics, fixes, shapes and more while a spec is written.

    An editor starts this command and talks to it in the Language Server Protocol; docs/editors.md says how. The log
    goes to standard error. It needs pygls: pip install pygls.
    """
    try:
        from specc.lsp.serving import serve
        from specc.play.features import register_pictures
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol", "cattrs", "attrs"):
            raise
        say("Error: the language server needs pygls, which is not installed; write: pip install pygls", err=True)
        sys.exit(EXIT_USAGE)
    if sys.stdin.isatty():
        say("specc lsp speaks to an editor, which starts it; Ctrl-C ends it", err=True)
    serve(verbose, register_pictures)
    sys.stderr.flush()
    os._exit(0)  # a thread may still wait for a line of input that will never come
