"""A folder of submissions, from its listing to the table, the CSV and the page. The page of the package to read first.

In:         a lesson, a folder, a reference that nobody else sees.
Out:        a `Graded` for each submission, in the folder `out`: `rows/` as they come, `grades.csv` and `grades.html`.
Guarantees: a broken submission is a row like the others; what was marked stays, and is not done again, until the file,
            the lesson, the reference or an option changes. A stop leaves whole files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specc import __version__, files
from specc.diagnostics.diagnostic import Problem
from specc.grade.mark import Graded, Grades, MarkingJob, SubmissionMark, judged
from specc.grade.process import marked_apart
from specc.grade.submissions import Submission, submissions_in
from specc.grade.tables import as_csv, as_page
from specc.pipeline import Analysis
from specc.reading import decode
from specc.source import Source

ROWS, TABLE, PAGE = "rows", "grades.csv", "grades.html"
NO_REFERENCE = "E763"
UNWRITABLE = "E764"


class GradingPlan(NamedTuple):
    """What is to be marked, and how.

    options: settings of the recipe that hold for all, without `data` nothing is trained; margin: how far a score may be
    below the reference's; seconds, memory: what each process may take, in seconds and bytes; but: files that may lie in
    the folder and are no submissions.
    """

    lesson: Analysis
    reference: Source
    folder: Path
    out: Path
    options: Mapping[str, Any]
    margin: float
    seconds: int
    memory: int
    but: tuple[Path, ...] = ()


def grade(plan: GradingPlan, tell: Callable[[Graded], None]) -> Grades:
    """Marks every submission; what stands in the folder is whole whenever it ends.

    Args:   tell, is told of each row.
    Raises: Problem E762 where there is nothing to mark, E763 where the reference is no answer, E764.
    """
    lesson = plan.lesson.source
    found = submissions_in(plan.folder, Path(lesson.path).name, (*plan.but, plan.out))
    with files.told(UNWRITABLE, plan.out, "name another folder with `--out`"):
        (plan.out / ROWS).mkdir(parents=True, exist_ok=True)
    grades = Grades(Path(lesson.path).stem, _reference(plan), [])
    try:
        for submission in found:
            row = _graded(plan, grades.reference, submission)
            grades.rows.append(row)
            tell(row)
    finally:
        with files.told(UNWRITABLE, plan.out, "name another folder with `--out`"):
            files.write(plan.out / TABLE, as_csv(grades).encode(), own=True)
            files.write(plan.out / PAGE, as_page(grades).encode(), own=True)
    return grades


def _reference(plan: GradingPlan) -> SubmissionMark:
    """What the others are compared with. Raises: Problem E763."""
    mark, _ = _kept(plan, _asked(plan, plan.reference.text, Path(plan.reference.path).name, is_reference=True))
    wrong = mark.state != "marked" or mark.errors or mark.holes
    untrained = bool(plan.options.get("data")) and mark.score is None
    if wrong or untrained:
        why = mark.note or mark.trained or "it is not the lesson with its holes filled, or something is wrong with it"
        help = f"`specc check {plan.reference.path} --lesson {plan.lesson.source.path}` says more"
        raise Problem.of(NO_REFERENCE, f"{plan.reference.path} cannot be compared with: {why}", help)
    return mark


def _graded(plan: GradingPlan, reference: SubmissionMark, submission: Submission) -> Graded:
    named = {"student": submission.student, "file": submission.file}
    is_new = False
    if submission.fault:
        mark = SubmissionMark(state="nothing", note=submission.fault)
    else:
        try:
            text = decode(submission.file, submission.content).text
        except Problem as problem:
            mark = SubmissionMark(state="nothing", note=problem.diagnostic.message)
        else:
            mark, is_new = _kept(plan, _asked(plan, text, submission.file))
    mark = mark.model_copy(update=named)
    return Graded(mark, judged(mark, reference, plan.margin), is_new)


def _asked(plan: GradingPlan, text: str, file: str, *, is_reference: bool = False) -> MarkingJob:
    return MarkingJob(
        text=text, file=file, lesson=plan.lesson.source.text, reference="" if is_reference else plan.reference.text,
        options=dict(plan.options), memory=plan.memory, seconds=plan.seconds,
    )  # fmt: skip


def _kept(plan: GradingPlan, asked: MarkingJob) -> tuple[SubmissionMark, bool]:
    """The mark, and whether it is new. One that is there for the very same question is taken."""
    question = json.dumps([__version__, asked.model_dump()], sort_keys=True).encode(errors="surrogatepass")
    path = plan.out / ROWS / f"{hashlib.sha256(question).hexdigest()[:32]}.json"
    try:
        return SubmissionMark.model_validate(files.read_json(path)), False
    except (OSError, ValueError):
        mark = marked_apart(asked)
    with files.told(UNWRITABLE, path, "name another folder with `--out`"):
        files.write(path, mark.model_dump_json(indent=1).encode(), own=True)
    return mark, True
