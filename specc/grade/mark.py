"""What is known of one submission when it has been marked; data that go through files and between processes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

OVER_BUDGET = "E404"  # which is no other mistake
CRITERIA = ("shape", "params", "budget", "score")


class MarkingJob(BaseModel):
    """What one process is to do.

    text:      the submission; file: what it is called in reports.
    lesson, reference: their texts, the reference empty while it is itself what is looked at.
    options:   settings of the recipe that hold for all; without `data` nothing is trained.
    memory:    bytes that the process may use; seconds: how long it may take.
    """

    text: str
    file: str
    lesson: str
    reference: str = ""
    options: dict[str, Any] = {}
    memory: int
    seconds: int


class SubmissionMark(BaseModel):
    """A row.

    state:    marked, or what ended it; note: in words, where it is not marked.
    holes, errors: how many were found; codes: of the errors, each once; report: what the student is told.
    output, params, macs, memory: of the network; None where it is not known.
    budget:   whether the lesson's budgets are met; None where that is not known.
    score:    after the last epoch, the larger the better; result: the same in words; trained: why not, where it is not.
    """

    student: str = ""
    file: str = ""
    state: Literal["marked", "nothing", "stopped", "failed"] = "marked"
    note: str = ""
    holes: int = 0
    errors: int = 0
    codes: list[str] = []
    report: str = ""
    output: str | None = None
    params: int | None = None
    macs: int | None = None
    budget: bool | None = None
    score: float | None = None
    result: str = ""
    trained: str = ""


def judged(mark: SubmissionMark, reference: SubmissionMark, margin: float) -> dict[str, bool | None]:
    """Which criteria a submission meets; None for one that was not looked at for anybody.

    Args: margin, how far its score may be below the reference's.
    """
    whole = mark.state == "marked" and not mark.holes and not set(mark.codes) - {OVER_BUDGET}
    scored = mark.score is not None and reference.score is not None
    return {
        "shape": whole and mark.output == reference.output,
        "params": whole and mark.params == reference.params,
        "budget": None if reference.budget is None else bool(mark.budget),
        "score": None if reference.score is None else scored and float(mark.score or 0) >= reference.score - margin,
    }


def points(verdicts: dict[str, bool | None]) -> str:
    """How many of the criteria are met: `3/4`."""
    counted = [verdict for verdict in verdicts.values() if verdict is not None]
    return f"{sum(counted)}/{len(counted)}"


class Graded(NamedTuple):
    """A row of the table. is_new: whether it was marked just now."""

    mark: SubmissionMark
    verdicts: dict[str, bool | None]
    is_new: bool = False

    @property
    def points(self) -> str:
        return points(self.verdicts)


class Grades(NamedTuple):
    """The table. reference: what the rows are compared with."""

    title: str
    reference: SubmissionMark
    rows: list[Graded]
