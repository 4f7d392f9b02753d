"""`specc bench`: how fast a spec trains on this machine."""

from __future__ import annotations

import gc
import sys
from typing import Any

import click

from specc.cli.options import input_option, set_option
from specc.cli.printing import in_columns, page, print_json, show_page
from specc.cli.recipe_options import recipe_options
from specc.cli.report import EXIT_ERRORS, fail, show
from specc.cli.train import SIGNALLED
from specc.data.fit import completed
from specc.diagnostics.amounts import in_bytes, percent
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted, spelled
from specc.ir.names.overrides import UnknownParameter
from specc.pipeline import analyse
from specc.reading import read_source
from specc.recipe.reading import overridden
from specc.runner.before import subject_of
from specc.runner.bench import Measured, measure
from specc.runner.cpu.process import claim


@click.command(short_help="Measure how fast a spec trains on this machine.")
@click.argument("spec")
@recipe_options
@input_option
@set_option
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, metavar="S",
    help="How long training is measured; evaluation takes half as long.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    spec: str,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    seconds: float,
    as_json: bool,
    **options: Any,
) -> None:
    """Train SPEC for a few seconds and report samples per second, step time, memory and the share of data.

    On random pictures of the spec's input shape, unless --data names a data set or a folder. The recipe is that of
    `specc train`: the spec's `train { }` block, then the options given here. Nothing is written.

    Exit status: 0 measured, 1 errors in the spec or it cannot be trained, 2 the command was wrong or a file could not
    be read.
    """
    gc.enable()  # off since the start-up, as in training
    claim()
    try:
        source = read_source(spec)
        own = analyse(source, input_shape, settings)
        analysis = completed(own, options)
        show(analysis.diagnostics)
        if analysis.model is None:
            sys.exit(EXIT_ERRORS)
        subject = subject_of(analysis, own.resolved.left_open)
        recipe = overridden(analysis.recipe, options)
        found = measure(subject, recipe, seconds, data=options["data"] is not None)
    except Problem as problem:
        sys.exit(fail(problem))
    except UnknownParameter as error:
        raise click.UsageError(f"{spec}: {error}") from error
    except KeyboardInterrupt:
        show_page("\nstopped", stream=sys.stderr)
        sys.exit(SIGNALLED + 2)
    if as_json:
        print_json(found._asdict(), indent=2)
    else:
        show_page(table(spec, found))


def table(spec: str, found: Measured) -> str:
    """The figures as lines."""
    shape = spelled(found.sample)
    threads = f", {counted(found.threads, 'thread')}" if found.device == "cpu" else ""
    spread = f"{1000 * found.step_shortest:.2f} to {1000 * found.step_longest:.2f}, {counted(found.steps, 'step')}"
    rows = [
        ("step", f"{1000 * found.step_seconds:,.2f} ms", f"median; {spread}"),
        ("training", f"{found.samples_per_second:,.0f}/s", f"{shape} pictures, {found.batch} in a step"),
        ("data", percent(found.data_share), "of a step: cutting, scaling and augmenting its batch"),
        ("evaluation", f"{found.evaluated_per_second:,.0f}/s", "pictures"),
    ]
    if found.memory_bytes is not None:
        whose = "of the process" if found.device in ("cpu", "mps") else "on the device"
        rows.append(("memory", in_bytes(found.memory_bytes), f"{whose}, at most"))
    parts = (counted(found.parameters, "parameter"), found.pictures, f"{found.device}{threads}, {found.precision}")
    head = f"{spec}: {'; '.join(parts)}"
    return page([head, *in_columns(rows, right=[1])])
