"""`specc summary`: layers, shapes, parameters and multiply-accumulates."""

from __future__ import annotations

import json
import sys

import click

from specc.cli.options import input_option, set_option
from specc.cli.report import EXIT_ERRORS, EXIT_USAGE, fail, show
from specc.diagnostics.diagnostic import Problem
from specc.ir.overrides import UnknownParameter
from specc.ir.shaped import ShapedModel
from specc.layers.base import written
from specc.pipeline import analyse
from specc.reading import read_source


@click.command("summary")
@click.argument("file")
@input_option
@set_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How it is shown.")
def command(file: str, input_shape: tuple[int, ...] | None, settings: dict[str, str], form: str) -> None:
    """Show a spec's layers, shapes, parameters and multiply-accumulates (MACs) for one sample."""
    try:
        analysis = analyse(read_source(file), input_shape, settings)
    except UnknownParameter as error:
        click.echo(f"Error: {file}: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except Problem as problem:
        sys.exit(fail(problem))
    show(analysis.diagnostics)
    if analysis.model is None:
        sys.exit(EXIT_ERRORS)
    if form == "json":
        click.echo(as_json(analysis.model))
    else:
        print_table(analysis.model)


def as_json(model: ShapedModel) -> str:
    """The summary as the language page describes it: rows sum to the totals."""
    layers = [row._asdict() for row in model.rows()]
    whole = {"input": model.input, "output": model.output, "params": model.params, "macs": model.macs, "layers": layers}
    return json.dumps(whole, indent=2)


def print_table(model: ShapedModel) -> None:
    """The rows, aligned; on a narrow terminal the columns that matter least give way."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", overflow="fold")
    table.add_column("kind")
    for heading in ("input", "output", "params", "MACs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in model.rows():
        numbers = (f"{row.params:,}" if row.params else "", f"{row.macs:,}" if row.macs else "")
        table.add_row(row.name, row.kind, written(row.input), written(row.output), *numbers)
    table.add_section()
    table.add_row("total", "", written(model.input), written(model.output), f"{model.params:,}", f"{model.macs:,}")
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table)
    console.print(f"memory for one sample: {model.memory / 2**20:,.1f} MiB (weights, gradients and outputs, float32)")
