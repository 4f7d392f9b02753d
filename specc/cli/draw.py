"""`specc draw`: a picture of a network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from specc.cli.checked import checked_model
from specc.cli.options import WritesWithOption, color_option, input_option, set_option
from specc.cli.output import deliver
from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.formats import FORMATS as PICTURES
from specc.emit.draw.formats import Format, format_of
from specc.emit.draw.picture import PLAIN, THEMES, Options
from specc.emit.draw.png import SCALE
from specc.emit.draw.styles import LAYOUTS, STYLES
from specc.ir.shaped import ShapedModel


def _page(model: ShapedModel, options: Options, scale: float) -> bytes:
    from specc.play.serving import require_page

    require_page()  # before what needs it is imported
    from specc.play.onefile import one_page

    return one_page(model.source)


FORMATS: dict[str, Format] = {
    **PICTURES,
    "html": Format((".html",), "a page to play with, as `specc play --site` writes it", _page, looks=False, read=False),
}


def told(words: Iterable[tuple[str, str]]) -> str:
    """Choices in a sentence: `flow: a diagram of the layers; lecture: …`."""
    return "; ".join(f"{name}: {text}" for name, text in words) + "."


@click.command("draw", cls=WritesWithOption)
@click.argument("file", metavar="SPEC")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where the picture goes; its ending says the format.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="The format, where no ending says it.  [svg]")
@click.option("--style", type=click.Choice(list(STYLES)), default="flow",
              help=f"{told((name, one.words) for name, one in STYLES.items())}  [flow]")  # fmt: skip
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="auto", help=f"{told(LAYOUTS.items())}  [auto]")
@click.option("--theme", type=click.Choice(THEMES), default="auto",
              help="Colours; auto: those that the reader's browser prefers.  [auto]")  # fmt: skip
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Open this many levels of blocks, and no more.")
@click.option("--unfold", is_flag=True, help="Draw every repeat by itself.")
@click.option("--params", "parameters", is_flag=True, help="Say how many parameters each layer has.")
@click.option("--title", default="", metavar="TEXT", help="A title over the picture.")
@click.option("--highlight", default="", metavar="LABEL", help="Set off what has this label, or is this module.")
@click.option("--scale", type=click.FloatRange(0.1, 10), metavar="X", help="Pixels of a PNG for each of the SVG.  [2]")
@input_option
@set_option
@color_option
def command(
    file: str, output: str, form: str | None, scale: float | None,
    input_shape: tuple[int, ...] | None, settings: dict[str, str], **options: Any,
) -> None:  # fmt: skip
    """Draw a network, as a picture or as text for other programs: the file's ending says which.

    Without -o, or with -o -, an SVG goes to standard output, if that is a pipe or a file. Steps that are repeated
    alike are drawn once, ×4; a long network is drawn in several columns or rows. Of a lesson, each stretch from a
    hole to the next stated shape is a box.
    """
    meant = _format(form, output)
    chosen = Options(**options)
    _require_fitting(meant, output, chosen, scale)
    if meant == "html" and (input_shape or settings):
        raise click.UsageError("A page has the spec's text as it stands: --input and --set are not for html.")
    model = checked_model(file, input_shape, settings, drawn=True)
    try:
        deliver(FORMATS[meant].write(model, chosen, scale or SCALE), output)
    except Problem as problem:
        sys.exit(fail(problem))
    if output != "-":
        say(f"wrote {output}", err=True)


def _format(form: str | None, output: str) -> str:
    """The name of the format that is meant. Raises: UsageError where none is."""
    meant = form or ("svg" if output == "-" else format_of(output, FORMATS))
    if meant is None or output.endswith(".cnn"):
        *others, last = (ending for one in FORMATS.values() for ending in one.endings)
        raise click.UsageError(f"'{output}' is not the name of a picture; end it in {', '.join(others)} or {last}")
    return meant


def _require_fitting(name: str, output: str, options: Options, scale: float | None) -> None:
    """Raises: UsageError for options that the format has no use for."""
    form = FORMATS[name]
    for option in ("style", "layout", "title", "highlight"):
        given = getattr(options, option)
        if not form.looks and given != getattr(PLAIN, option):
            raise click.UsageError(f"--{option} {given} is not for {name}, but for {_names(lambda one: one.looks)}.")
    if scale is not None and not form.pixels:
        raise click.UsageError(f"--scale is for {_names(lambda one: one.pixels)}; {name} has no pixels.")
    if not form.read and output == "-" and sys.stdout.isatty():
        raise click.UsageError(f"{name} is not for a terminal; name a file, such as -o net{form.endings[0]}.")


def _names(which: Callable[[Format], bool]) -> str:
    *others, last = (name for name, one in FORMATS.items() if which(one))
    return f"{', '.join(others)} or {last}" if others else last
