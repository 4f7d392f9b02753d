"""`specc serve`: a trained network behind HTTP, on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from specc.cli.chosen import device_of, device_option, fit_option, weights_option
from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem


@click.command("serve")
@click.argument("run", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=8000, metavar="N",
    help="Where to listen; 0 takes any that is free.  [8000]")  # fmt: skip
@click.option("--host", default="127.0.0.1", metavar="ADDRESS",
    help="Which address to listen at; this one is reached from this machine alone.  [127.0.0.1]")  # fmt: skip
@click.option("--allow-host", "names", multiple=True, metavar="NAME",
    help="A name under which it may be asked, besides its address and localhost; * is any; may be "
    "repeated.")  # fmt: skip
@click.option("--max-size", type=click.IntRange(1, 1024), default=16, metavar="MB",
    help="The largest request that is taken.  [16]")  # fmt: skip
@click.option("--max-pixels", type=click.IntRange(1, 268), default=64, metavar="MILLIONS",
    help="The largest picture that is decoded.  [64]")  # fmt: skip
@weights_option
@fit_option
@device_option
def command(  # noqa: PLR0913, PLR0917 - an option each
    run: Path,
    port: int,
    host: str,
    names: tuple[str, ...],
    max_size: int,
    max_pixels: int,
    kind: str | None,
    fit: bool,
    device: str,
) -> None:
    """Answer HTTP requests: a picture that is posted to / comes back as the JSON of `specc predict`.

    Only this machine is answered unless --host says otherwise; nobody is asked who they are. Ctrl-C ends it. It needs
    starlette, uvicorn and python-multipart.
    """
    from specc.evaluate.trained import load_trained, weights_of

    try:
        weights_of(run, kind)
        place = device_of(device)
        from specc.serve.serving import bound, require_packages, serve

        require_packages()
        from specc.serve.answering import Answers, Limits

        limits = Limits(size=max_size << 20, pixels=max_pixels * 1_000_000)
        answers = Answers(load_trained(run, kind, place), place, limits, fit=fit)
        listening = bound(host, port)
    except Problem as problem:
        sys.exit(fail(problem))
    say(f"{answers.trained.name} answers at {listening.url}, Ctrl-C ends it")
    serve(answers, listening, names)
    say("ended")
