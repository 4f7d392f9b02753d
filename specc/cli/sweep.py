"""`specc sweep`: many runs of one spec, each with other settings."""

from __future__ import annotations

import csv
import gc
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specc import files
from specc.api import SpecError
from specc.cli.options import input_option, set_option
from specc.cli.printing import in_columns, page, print_json, say, show_page
from specc.cli.recipe_options import recipe_options
from specc.cli.report import EXIT_ERRORS, fail, show
from specc.cli.train import SIGNALLED
from specc.diagnostics.amounts import percent
from specc.diagnostics.diagnostic import Problem
from specc.diagnostics.spelling import counted
from specc.ir.names.overrides import UnknownParameter
from specc.reading import read_source

if TYPE_CHECKING:
    from specc.search.mattered import Mattered
    from specc.search.sweep import SweepPlan, Trial

SHOWN = 10  # trials of the table
FLATTERS = "note: it was chosen on the test samples, so its figure flatters; `--validation 0.1` chooses on others"
TABLE, PICTURE, SHARES = "trials.csv", "mattered.svg", "mattered.json"
BAR = 30  # cells of the longest bar


@click.command("sweep", short_help="Search settings: many runs of one spec.")
@click.argument("spec")
@click.option("--vary", "varied", multiple=True, metavar="NAME=VALUES",
    help="What is searched, a setting or a `param` of the spec: lr=1e-4:1e-1:log, width=16:128:16 with a step, or "
    "width=16,32,64; may be repeated.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1, 1_000_000), metavar="N",
    help="How many runs there are to be, those of the same sweep so far counted.  "
    "[20; of lists, every combination]")  # fmt: skip
@click.option("--prune", is_flag=True, help="Stop a run early that is behind the median of the others.")
@click.option("--storage", metavar="URL",
    help="Where the trials are kept, such as sqlite:///trials.db; several machines may share it.  "
    "[the sweep's folder]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of the sweep, with a run folder for each trial.  [runs/NAME-sweep]")  # fmt: skip
@input_option
@set_option
@recipe_options
@click.option("--json", "as_json", is_flag=True, help="Print the trials as JSON, one object a line.")
def command(
    spec: str,
    varied: tuple[str, ...],
    out: Path | None,
    input_shape: tuple[int, ...] | None,
    settings: dict[str, str],
    as_json: bool,
    **options: Any,
) -> None:
    """Train SPEC many times, with other settings each time, and say which are the best.

    Trials are ordinary runs in one folder. The same command goes on with a sweep that was stopped, also in the middle
    of a run, and any number of processes may work on one sweep at the same time: start the command as often as you
    like. All other options are those of `specc train`, the same in every trial.

    Exit status: 0 all trials were made, 1 errors in the spec, 2 the command was wrong or a file could not be read, 130
    stopped by Ctrl-C.
    """
    gc.enable()  # off since the start-up; training makes garbage
    from specc.search.sweep import Stopped

    try:
        search = {name: options.pop(name) for name in ("trials", "prune", "storage")}
        plan = _plan(spec, varied, settings)._replace(input=input_shape, options=options, **search)
        plan = plan._replace(folder=out or plan.folder)
        found, mattered = _searched(plan, as_json)
    except Problem as problem:
        sys.exit(fail(problem))
    except UnknownParameter as error:
        raise click.UsageError(f"{spec}: {error}") from error
    except SpecError as error:
        show(error.diagnostics)
        sys.exit(EXIT_ERRORS)
    except Stopped as stopped:
        show_page("stopped; the same command goes on", stream=sys.stderr)
        sys.exit(SIGNALLED + stopped.number)
    if as_json:
        for trial in found:
            print_json(trial._asdict())
    else:
        show_page(table(found, mattered))
        if mattered:
            say(f"{plan.folder / PICTURE} shows it")


def _plan(spec: str, varied: Sequence[str], settings: dict[str, str]) -> SweepPlan:
    """Raises: Problem E670, and those of a file that cannot be read; SpecError for a spec with errors."""
    from specc.pipeline import analyse
    from specc.runner.cpu.process import claim
    from specc.search.space import read_space
    from specc.syntax.parse import parse

    source = read_source(spec)
    parsed = parse(source)
    if parsed.diagnostics:
        raise SpecError(analyse(source).diagnostics)
    space = read_space(varied, parsed.tree)
    claim()
    from specc.search.sweep import SweepPlan

    name = "spec" if source.path.startswith("<") else Path(source.path).stem
    given = source.text + "\n" if spec == "-" else spec
    return SweepPlan(given, source.text, space, Path("runs") / f"{name}-sweep", params=settings)


def _searched(plan: SweepPlan, as_json: bool) -> tuple[list[Trial], list[Mattered]]:
    """Make the trials. Their table is kept, whatever ends the sweep. Returns: the trials, and what mattered in them."""
    from specc.search.mattered import what_mattered
    from specc.search.sweep import open_study, sweep, trials_of

    study = open_study(plan)
    done = sum(trial.state != "running" for trial in trials_of(study, plan))
    if done and not as_json:
        say(f"{plan.folder} has {counted(done, 'trial')} of {plan.total}")
    try:
        sweep(study, plan, lambda line: say(line, err=as_json))
    finally:
        found = trials_of(study, plan)
        files.write(plan.folder / TABLE, as_csv(found).encode())
    mattered = what_mattered(study, plan.space)
    _keep(plan.folder, mattered)
    return found, mattered


def _keep(folder: Path, mattered: Sequence[Mattered]) -> None:
    """What mattered, as a picture and for programs."""
    from specc.report.mattered import MatteredRow, mattered_svg
    from specc.search.space import Range

    if not mattered:
        return
    rows = [
        MatteredRow(one.varied.name, one.share, one.points, isinstance(one.varied, Range) and one.varied.log)
        for one in mattered
    ]
    files.write(folder / PICTURE, mattered_svg(rows).encode())
    shares = {one.varied.name: one.share for one in mattered}
    files.write(folder / SHARES, (json.dumps(shares, indent=2) + "\n").encode())


def as_csv(trials: Sequence[Trial]) -> str:
    """The trials as a table for a spreadsheet."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.chosen))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", *names, "state", "score", "result", "folder"])
    for trial in trials:
        chosen = (trial.chosen.get(name, "") for name in names)
        writer.writerow([trial.number, *chosen, trial.state, trial.score, trial.result, trial.folder])
    return text.getvalue()


def table(trials: Sequence[Trial], mattered: Sequence[Mattered] = ()) -> str:
    """The best trials, how many have no result, and what made the difference."""
    from specc.search.sweep import as_text

    some = [trial for trial in trials if trial.score is not None][:SHOWN]
    rows = [("trial", "settings", "result")]
    rows += [(str(trial.number), as_text(trial.chosen), trial.result) for trial in some]
    lines = ["", *in_columns(rows, right=[0])]
    others = [(state, sum(trial.state == state for trial in trials)) for state in ("pruned", "failed", "running")]
    lines += [f"{counted(count, 'trial')} {state}" for state, count in others if count]
    if some:
        lines += [f"the best is in {some[0].folder}", *([FLATTERS] if some[0].judged_on == "test" else [])]
    return page([*lines, *_shares(mattered)])


def _shares(mattered: Sequence[Mattered]) -> list[str]:
    """A bar for each thing that was varied."""
    if not mattered:
        return []
    head = f"what mattered, of {counted(len(mattered[0].points), 'trial')} (fANOVA):"
    rows = [(one.varied.name, percent(one.share, 0), "#" * round(BAR * one.share)) for one in mattered]
    return ["", head, *in_columns(rows, right=[1])]
