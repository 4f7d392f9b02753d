"""The grades as text: lines for a terminal, CSV for a spreadsheet, a page with what each student is told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from specc.diagnostics.codes import CODES
from specc.diagnostics.spelling import counted
from specc.grade.mark import CRITERIA, Graded, Grades, SubmissionMark
from specc.ir.names.holes import OPEN_HOLE
from specc.report.template import rendered

HEADS = ("student", "points", "shape", "params", "budget", "result", "about")
COLUMNS = ("output", "params", "macs", "score", "holes", "errors", "state", "codes", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out
_SIGNS = {True: "✓", False: "✗", None: ""}


def about(mark: SubmissionMark) -> str:
    """What there is to say of a submission, in a few words."""
    said = [mark.note] if mark.note else []
    said += [counted(mark.holes, "open hole")] if mark.holes else []
    codes = ", ".join(code for code in mark.codes if code != OPEN_HOLE)
    said += [f"{counted(mark.errors, 'error')}: {codes}"] if mark.errors else []
    said += [f"not trained: {mark.trained}"] if mark.trained else []
    return "; ".join(said)


def cells(row: Graded) -> tuple[str, ...]:
    """A line of the table on a terminal and on the page."""
    mark, verdicts = row.mark, row.verdicts
    said = {
        "shape": mark.output or "", "params": "" if mark.params is None else f"{mark.params:,}",
        "budget": "", "score": mark.result,
    }  # fmt: skip
    judged = (f"{_SIGNS[verdicts[name]]} {said[name]}".strip() for name in CRITERIA)
    return (mark.student, row.points, *judged, about(mark))


def as_csv(grades: Grades) -> str:
    """A row for each student, with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "file", "points", "of", *(f"{name}_right" for name in CRITERIA), *COLUMNS])
    for row in grades.rows:
        mark = row.mark
        reached, _, most = row.points.partition("/")
        right = ["" if row.verdicts[name] is None else int(bool(row.verdicts[name])) for name in CRITERIA]
        figures = [getattr(mark, name) for name in COLUMNS[:-2]]
        line = [mark.student, mark.file, reached, most, *right, *figures, " ".join(mark.codes), about(mark)]
        writer.writerow([_cell(cell) if isinstance(cell, str) else cell for cell in line])
    return text.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_page(grades: Grades) -> str:
    """The whole document; what students wrote is text in it, and nothing is loaded or run."""
    students = [
        {"name": row.mark.student, "file": row.mark.file, "points": row.points, "about": about(row.mark),
         "report": row.mark.report, "codes": list(_explained(row.mark))}
        for row in grades.rows
    ]  # fmt: skip
    rows = list(map(cells, grades.rows))
    return rendered("grades.html", title=grades.title, heads=HEADS, rows=rows, students=students)


def _explained(mark: SubmissionMark) -> Iterator[tuple[str, str]]:
    for code in mark.codes:
        if code in CODES:
            yield f"{code}: {CODES[code].title}", CODES[code].explanation.strip()
