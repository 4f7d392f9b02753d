"""`specc summary`: layers, shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import sys
from typing import Any

import click

from specc.cli.checked import checked_model
from specc.cli.options import color_option, input_option, set_option
from specc.cli.printing import print_json, show_page
from specc.cli.summary_markup import MARKUPS
from specc.ir.shaped import ShapedModel


@click.command("summary")
@click.argument("file")
@input_option
@set_option
@click.option("--data", metavar="NAME|FOLDER|FILE", help="The data set that says what the spec leaves open.")
@click.option("--batch", type=click.IntRange(min=1), default=1, help="Count the memory for this many samples.  [1]")
@click.option("--unfold", is_flag=True, help="List every repeat by itself.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N",
    help="Show blocks as a tree, so many levels of them opened.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json", *MARKUPS]), default="table",
    help="How it is shown.")  # fmt: skip
@color_option
def command(
    file: str,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    data: str | None,
    batch: int,
    unfold: bool,
    depth: int | None,
    form: str,
) -> None:
    """Show a spec's layers, shapes, parameters and multiply-accumulates (MACs) for one sample.

    field is the receptive field: how many pixels of the input a value depends on. memory is what the outputs take
    in float32. Steps that are repeated alike are one line, ×3, with the sum of all. With --depth each block is a line
    with the sum of what is in it.
    """
    if form == "json" and depth is not None:
        raise click.UsageError("--depth is for tables; json lists every layer.")
    model = checked_model(file, input_shape, settings, data=data, warn=True)
    if form == "json":
        print_json(as_json(model), indent=2)
        return
    from specc.cli.summary_table import print_table, text_of

    if form in MARKUPS:
        table, left_out = text_of(model, batch, unfold=unfold, depth=depth)
        show_page(MARKUPS[form](table))
        if left_out:
            show_page(left_out, stream=sys.stderr)
        return
    print_table(model, batch, unfold=unfold, depth=depth)


def as_json(model: ShapedModel) -> dict[str, Any]:
    """The summary as the language page describes it: rows sum to the totals."""
    layers = [row.public() for row in model.rows()]
    return {"input": model.input, "output": model.gives, "params": model.params, "macs": model.macs, "layers": layers}
