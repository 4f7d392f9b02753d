"""`specc grade`: a folder of answers to a lesson, marked."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specc.cli.checked import read_lesson
from specc.cli.printing import in_columns, page, say, show_page
from specc.cli.report import fail
from specc.diagnostics.diagnostic import Problem
from specc.reading import read_source
from specc.syntax.numerals import number_of

if TYPE_CHECKING:
    from specc.grade.mark import Graded

LEAST_MEMORY = 10**8


class MemoryType(click.ParamType[int]):
    """`4G` as bytes."""

    name = "memory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        size = int(number_of(value)) if re.fullmatch("[0-9]{1,15}[KMG]?", value) else 0
        if size < LEAST_MEMORY:
            self.fail(f"'{value}' is no size of at least 100M; write it as 4G", param, ctx)
        return size


@click.command("grade")
@click.argument("lesson")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--reference", required=True, metavar="SPEC", help="The lesson with its holes filled as they should be.")
@click.option("--data", metavar="NAME|FOLDER|FILE", help="Also train each submission on this data set.")
@click.option("--data-dir", metavar="DIR", help="Where named data sets are kept.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="With --data: how long.  [as the recipe says]")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, metavar="N", help="Where chance begins.  [0]")
@click.option("--margin", type=click.FloatRange(min=0), default=0.02, metavar="X",
    help="How far a result may be below the reference's.  [0.02]")  # fmt: skip
@click.option("--timeout", type=click.IntRange(1, 86_400), default=300, metavar="SECONDS",
    help="What each submission may take, training included.  [300]")  # fmt: skip
@click.option("--memory", type=MemoryType(), default="4G", metavar="SIZE",
    help="What each submission may use, on Linux.  [4G]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default="grades", metavar="DIR",
    help="Where the table and the page go.  [grades]")  # fmt: skip
def command(lesson: str, folder: Path, reference: str, **options: Any) -> None:
    """Mark the answers to LESSON in FOLDER, a file or a folder for each student, by a reference.

    Each is checked and, with --data, trained in a process of its own, within bounds of time and memory; one that is
    broken is a row like the others. There is a point for the stated shapes and the output, one for as many parameters
    as the reference has, one for the lesson's budgets, and one for the result of training. Written are grades.csv and
    grades.html, which says what was wrong with each. What has been marked is not done again until the file changes.

    Exit status: 0 all were looked at, however good they are, 1 the reference is no answer, 2 the command was wrong or
    there is nothing to mark, 130 stopped by Ctrl-C: the same command goes on.
    """
    from specc.grade.grading import PAGE, TABLE, GradingPlan, grade
    from specc.grade.tables import HEADS, cells

    trained = {name: options.pop(name) for name in ("data", "data_dir", "epochs", "seed")}
    if trained["data"] is None and trained["epochs"] is not None:
        raise click.UsageError("--epochs says how long to train, and --data on what: give both, or neither")
    if trained["data"] is None:
        trained = {}
    seconds = options.pop("timeout")
    try:
        plan = GradingPlan(
            read_lesson(lesson), read_source(reference), folder, options=trained, seconds=seconds,
            but=(Path(lesson), Path(reference)), **options,
        )  # fmt: skip
        grades = grade(plan, _tell)
    except Problem as problem:
        sys.exit(fail(problem))
    show_page(page(in_columns([HEADS, *map(cells, grades.rows)])))
    say(f"{plan.out / TABLE} and {plan.out / PAGE} have it all", err=True)


def _tell(row: Graded) -> None:
    """What has just been marked, while others wait."""
    if row.is_new:
        say(f"{row.mark.student}: {row.points}", err=True)
