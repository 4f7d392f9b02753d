"""`specc eval`: how good a trained network is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specc.cli.chosen import device_of, device_option, fit_option, tta_option, weights_option
from specc.cli.output import csv_of, deliver
from specc.cli.printing import print_json, say, show_page
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.evaluate.score import Evaluation
    from specc.evaluate.trained import Trained


@click.command("eval")
@click.argument("run", metavar="RUN|WEIGHTS", type=click.Path(path_type=Path))
@click.option(
    "--data", metavar="NAME|FOLDER|FILE", help="Other data, with the same classes or some of them.  [the run's own]"
)
@click.option("--data-dir", metavar="DIR", help="Folder that holds the named data sets' files.  [as in training]")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Use at most this many pictures.  [as in training]"
)
@click.option("--split", "part", type=click.Choice(["test", "validation", "train"]),
    help="Which part of the data.  [test; all of another folder without parts]")  # fmt: skip
@weights_option
@fit_option
@tta_option
@device_option
@click.option("--percent", is_flag=True, help="Confusion matrix in per cent of its rows.")
@click.option("--predictions", "table", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="Write what is true of each sample, and what the network says, as a table.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as does --format json.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How it is told.  [text]")
def command(
    run: Path, kind: str | None, device: str, percent: bool, table: Path | None, as_json: bool, form: str, **wanted: Any
) -> None:
    """Evaluate a run, or a weights file: loss, the measures of its task, scores of each class, confusion matrix.

    Exit status: 0, even for a poor result; 1 where the weights or the data cannot be used, 2 where the command was
    wrong or there is no such run.
    """
    from specc.cli.evaluation_text import as_json as evaluation_json
    from specc.cli.evaluation_text import as_text

    try:
        trained, found = _evaluated(run, kind, device, {**wanted, "predictions": table is not None})
        if table is not None:
            deliver(csv_of(found.predictions, ("sample",)).encode(), table, option="--predictions")
    except Problem as problem:
        sys.exit(fail(problem))
    if found.note:
        say(f"note: {found.note}", err=True)
    if as_json or form == "json":
        print_json(evaluation_json(trained, found))
    else:
        show_page(as_text(trained, found, sys.stdout, percent=percent))


def _evaluated(run: Path, kind: str | None, device: str, wanted: dict[str, Any]) -> tuple[Trained, Evaluation]:
    from specc.evaluate.trained import load_trained, weights_of

    weights_of(run, kind)  # a slip in the name is told before torch is imported
    place = device_of(device)
    from specc.evaluate.score import Wanted, evaluate

    trained = load_trained(run, kind, place)
    return trained, evaluate(trained, Wanted(**wanted), place)
