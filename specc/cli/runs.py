"""`specc runs`: what was trained, and how runs differ."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from textwrap import wrap
from typing import Any, NamedTuple, TypeAlias

import click

from specc.cli.printing import in_columns, page, print_json, say, show_page
from specc.cli.report import fail
from specc.diagnostics.amounts import duration
from specc.diagnostics.diagnostic import Problem
from specc.runner.listing import Listed, ListedSeries, differences, run_at, runs_in
from specc.runner.metrics import Metrics, loss_text
from specc.runner.run_folder import RUNS, RunFolder, is_run
from specc.runner.series import spread

PIPE_WIDTH = 160
CURVES = "curves.png"
Told: TypeAlias = Listed | ListedSeries
SORTS: dict[str, Callable[[Told], Any]] = {
    "time": lambda one: (-one.changed, one.path.name),
    "name": lambda one: one.path.name,
    "accuracy": lambda one: (-_mean([best.score for best in _bests(one)], float("-inf")), one.path.name),
    "loss": lambda one: (_mean([last.test_loss for last in _lasts(one)], float("inf")), one.path.name),
}
SPREAD = 2  # cells between two columns


@click.command("runs")
@click.argument("folders", metavar="[FOLDER | RUN...]", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--sort",
    type=click.Choice(list(SORTS)),
    default="time",
    help="What comes first: the latest, a name, the best accuracy, the smallest loss.  [time]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--curves", is_flag=True, help="Write the curves of each run into its folder, as curves.png.")
def command(folders: tuple[Path, ...], sort: str, as_json: bool, curves: bool) -> None:
    """List the runs in FOLDER (by default `runs`), or compare two or more RUNs: where their recipes differ, and their
    results side by side. Curves as PNG need the extra `draw`.

    Exit status: 0, even where there is no run yet; 1 where curves cannot be drawn; 2 where there is no such folder.
    """
    if curves and as_json:
        raise click.UsageError("--curves writes pictures and --json prints; give one of the two.")
    try:
        if len(folders) > 1:
            runs = [run_at(path) for path in folders]
            if curves:
                _draw(runs)
            elif as_json:
                print_json(_comparison_json(runs), default=str)
            else:
                show_page(comparison(runs, _width()))
            return
        folder = folders[0] if folders else RUNS
        runs = [] if not folders and not folder.exists() else sorted(runs_in(folder), key=SORTS[sort])
    except Problem as problem:
        sys.exit(fail(problem))
    if as_json:
        print_json({"runs": [one.as_json() for one in runs]})
    elif not runs:
        say(f"no runs in {folder}; `specc train SPEC` starts one")
    elif curves:
        _draw(runs)
    else:
        show_page(table(runs, _width(), full=is_run(folder)))


def _draw(runs: Sequence[Told]) -> None:
    """Write `curves.png` of each run that has finished an epoch. Exits with 1 where one cannot be."""
    from specc.report.curves import charts_of, curves_png

    for one in (run for told in runs for run in told.runs):
        charts = charts_of([metrics.row() for metrics in one.metrics])
        if not charts:
            say(f"{one.path}: no epoch is finished, so there are no curves", err=True)
            continue
        try:
            RunFolder(one.path).write(CURVES, curves_png(charts))
        except Problem as problem:
            sys.exit(fail(problem))
        say(f"wrote {one.path / CURVES}")


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


class _RunsColumn(NamedTuple):
    """rank: columns of a high rank give way first on a narrow terminal."""

    heading: str
    cell: Callable[[Told], str]
    rank: int = 0
    right: bool = True


def table(runs: Sequence[Told], width: int, *, full: bool = False) -> str:
    """A line for each run. Args: full, whether a run is told by its whole path."""
    columns = (
        _RunsColumn("run", lambda one: str(one.path) if full else one.path.name, right=False),
        _RunsColumn("spec", lambda one: one.spec, 5, right=False),
        _RunsColumn("data", lambda one: Path(one.record.recipe.data).name if one.record else "-", 4, right=False),
        _RunsColumn("epochs", _epochs, 1),
        _RunsColumn("best", _best, 0),
        _RunsColumn("loss", _test_loss, 2),
        _RunsColumn("time", lambda one: duration(one.seconds), 3),
        _RunsColumn("state", lambda one: one.state, 1, right=False),
    )
    cells = {column.heading: [column.heading, *map(column.cell, runs)] for column in columns}
    kept = list(columns)
    while _total(kept, cells) > width and any(column.rank for column in kept):
        least = max(column.rank for column in kept)
        kept = [column for column in kept if column.rank != least]
    rows = list(zip(*(cells[column.heading] for column in kept), strict=True))
    right = [number for number, column in enumerate(kept) if column.right]
    return page([*in_columns(rows, right), *_legend(runs, width)])


def _total(columns: Sequence[_RunsColumn], cells: dict[str, list[str]]) -> int:
    return sum(max(map(len, cells[column.heading])) + SPREAD for column in columns) - SPREAD


def _bests(one: Told) -> list[Metrics]:
    return [run.best for run in one.runs if run.best is not None]


def _lasts(one: Told) -> list[Metrics]:
    return [run.last for run in one.runs if run.last is not None]


def _mean(values: Sequence[float], nothing: float) -> float:
    return fmean(values) if values else nothing


def _epochs(one: Told) -> str:
    """How many are done, of how many; of a series those of all its runs."""
    count = one.series.count if isinstance(one, ListedSeries) else 1
    return (
        f"{sum(len(run.metrics) for run in one.runs)}/{count * one.record.recipe.whole_epochs if one.record else '?'}"
    )


def _score(metrics: Sequence[Metrics]) -> str:
    """What epochs are compared by, of one in each run: of several runs mean and deviation."""
    return str(spread(metrics)) if metrics else "-"


def _test_loss(one: Told) -> str:
    return loss_text(_mean([last.test_loss for last in _lasts(one)], 0)) if _lasts(one) else "-"


MARK = "*"
LEGEND = "the epoch was chosen on the same test samples, so the figure flatters; `--validation 0.1` chooses on others"


def _best(one: Told) -> str:
    """The figure of the best epoch, with a mark where it was chosen by that figure."""
    return _score(_bests(one)) + (MARK if one.flatters else "")


def _legend(runs: Sequence[Told], width: int) -> list[str]:
    return wrap(f"{MARK} {LEGEND}", width) if any(one.flatters for one in runs) else []


RESULTS: tuple[tuple[str, Callable[[Told], str]], ...] = (
    ("state", lambda one: one.state),
    ("epochs done", _epochs),
    ("best", _best),
    ("best epoch", lambda one: ", ".join(str(best.epoch) for best in _bests(one)) or "-"),
    ("last", lambda one: _score(_lasts(one))),
    ("test loss", _test_loss),
    ("train loss", lambda one: loss_text(_mean([last.train_loss for last in _lasts(one)], 0)) if _lasts(one) else "-"),
    ("time", lambda one: duration(one.seconds)),
)


def comparison(runs: Sequence[Told], width: int) -> str:
    """The runs beside each other: settings that differ, then results; below each other where the terminal is narrow."""
    names = _names(runs)
    settings = [
        (name.replace("_", " "), [_value(value) for value in values]) for name, values in differences(runs).items()
    ]
    results = [(name, [cell(one) for one in runs]) for name, cell in RESULTS]
    heads = ["", *names]
    rows = [[name, *values] for name, values in (*settings, *results)]
    lines = in_columns([heads, *rows], right=range(1, len(heads)))
    alike = [] if settings else ["the recipes are the same"]
    if max(map(len, lines)) > width:
        return page([*alike, *_stacked(names, rows), *_legend(runs, width)])
    first = 1 + len(settings)
    return page([lines[0], *alike, *lines[1:first], "", *lines[first:], *_legend(runs, width)])


def _stacked(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, name in enumerate(names, 1):
        yield name
        yield from (f"  {row[0]}: {row[number]}" for row in rows)


def _names(runs: Sequence[Told]) -> list[str]:
    """The folders' names; whole paths where two are called alike."""
    short = [one.path.name for one in runs]
    return short if len(set(short)) == len(short) else [str(one.path) for one in runs]


def _value(value: Any) -> str:
    from specc.recipe.written import as_written

    return "-" if value is None else as_written(value)


def _comparison_json(runs: Sequence[Told]) -> dict[str, Any]:
    found = {name: list(values) for name, values in differences(runs).items()}
    return {"runs": [one.as_json() for one in runs], "differences": found}
