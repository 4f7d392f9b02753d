"""`specc draw`: a picture of a network."""

from __future__ import annotations

import sys
from typing import Any

import click

from specc.cli.checked import checked_model
from specc.cli.options import WritesWithOption, color_option, input_option, set_option
from specc.cli.output import deliver
from specc.cli.printing import say
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.picture import ENDINGS, FORMATS, STYLES, THEMES, Format, Options, Style, draw, draw_png, format_of
from specc.ir.shaped import ShapedModel


@click.command("draw", cls=WritesWithOption)
@click.argument("file", metavar="SPEC")
@click.option("-o", "--output", metavar="FILE", default="-", help="Where the picture goes; its ending says the format.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="The format, where no ending says it.  [svg]")
@click.option("--style", type=click.Choice(STYLES), default="flow",
              help="A diagram of the layers, or the stacked feature maps of a lecture.  [flow]")  # fmt: skip
@click.option("--theme", type=click.Choice(THEMES), default="auto",
              help="Colours; auto: those that the reader's browser prefers.  [auto]")  # fmt: skip
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Open this many levels of blocks, and no more.")
@click.option("--unfold", is_flag=True, help="Draw every repeat by itself.")
@click.option("--params", "parameters", is_flag=True, help="Say how many parameters each layer has.")
@click.option("--scale", type=click.FloatRange(0.1, 10), metavar="X", help="Pixels of a PNG for each of the SVG.  [2]")
@input_option
@set_option
@color_option
def command(
    file: str, output: str, form: Format | None, scale: float | None,
    input_shape: tuple[int, ...] | None, settings: dict[str, str], **options: Any,
) -> None:  # fmt: skip
    """Draw a network, as SVG, PNG, or text for Mermaid (.mmd) and Graphviz (.dot).

    Without -o, or with -o -, the picture goes to standard output. Steps that are repeated alike are drawn once, ×4;
    a long network is drawn in several columns or rows. PNG needs the extra `draw`.
    Of a lesson, each stretch from a hole to the next stated shape is a box.
    """
    form = _format(form, output, options["style"], scale)
    model = checked_model(file, input_shape, settings, drawn=True)
    try:
        data = _picture(model, form, Options(**options), scale)
        deliver(data, output)
    except Problem as problem:
        sys.exit(fail(problem))
    if output != "-":
        say(f"wrote {output}", err=True)


def _format(form: Format | None, output: str, style: Style, scale: float | None) -> Format:
    """The format that is meant. Raises: UsageError for options that do not go together."""
    meant = form or ("svg" if output == "-" else format_of(output))
    if meant is None or output.endswith(".cnn"):
        raise click.UsageError(f"'{output}' is not the name of a picture; end it in {', '.join(ENDINGS)}")
    if meant in ("mermaid", "dot") and style != "flow":
        raise click.UsageError(f"--style {style} is drawn as svg or png, not as {meant}.")
    if scale is not None and meant != "png":
        raise click.UsageError(f"--scale is for png; {meant} has no pixels.")
    if meant == "png" and output == "-" and sys.stdout.isatty():
        raise click.UsageError("A PNG is not for a terminal; name a file with -o, or send it into one.")
    return meant


def _picture(model: ShapedModel, form: Format, options: Options, scale: float | None) -> bytes:
    if form == "png":
        return draw_png(model, options, scale or 2.0)
    return draw(model, form, options).encode()
