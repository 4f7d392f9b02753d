"""What stops `specc grade`; a submission never does."""

from __future__ import annotations

from pathlib import Path

from run_cases import Scene, case
from specc.grade.grading import GradingPlan, grade
from specc.pipeline import analyse
from specc.source import Source

LESSON = "input 1x8x8\nconv _ k3 -> relu   :: 4x6x6\nflatten -> linear 10\n"


def graded(reference: str = LESSON.replace("_", "4")) -> None:
    plan = GradingPlan(
        analyse(Source("lesson.cnn", LESSON)), Source("reference.cnn", reference), Path("class"), Path("grades"),
        {}, 0.02, 60, 10**9,
    )  # fmt: skip
    grade(plan, lambda row: None)


@case("E762")
def no_folder(scene: Scene) -> None:
    graded()


@case("E762")
def an_empty_folder(scene: Scene) -> None:
    Path("class").mkdir()
    graded()


@case("E763")
def a_reference_with_a_hole(scene: Scene) -> None:
    scene.write("class/anna.cnn")
    graded(LESSON)


@case("E764")
def a_file_where_the_grades_should_go(scene: Scene) -> None:
    scene.write("class/anna.cnn")
    scene.write("grades", "")
    graded()
