"""What a lesson asks, and what an answer may not change."""

from __future__ import annotations

from run_cases import Scene, case
from specc.diagnostics.diagnostic import Problem
from specc.pipeline import analyse, analyse_answer
from specc.source import Source

LESSON = "input 1x28x28\nbudget params <= 5K\nconv _ k3 p1 -> relu -> maxpool 2  :: 16x14x14\n"


@case("E760")
def an_open_hole(scene: Scene) -> None:
    raise Problem(analyse(Source("lesson.cnn", LESSON)).diagnostics[0])


@case("E761")
def a_changed_shape(scene: Scene) -> None:
    answer = Source("answer.cnn", LESSON.replace("_ k3", "8 k3").replace("16x", "8x"))
    raise Problem(analyse_answer(answer, analyse(Source("lesson.cnn", LESSON))).diagnostics[0])


@case("E761")
def a_missing_budget(scene: Scene) -> None:
    answer = Source("answer.cnn", LESSON.replace("_ k3", "16 k3").replace("budget params <= 5K\n", ""))
    raise Problem(analyse_answer(answer, analyse(Source("lesson.cnn", LESSON))).diagnostics[0])
