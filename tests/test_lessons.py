"""Lessons: nothing gives an answer away, and what an answer may not change. What holes ask stands in `tests/cases`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import test_cases
from lsprotocol import types

from specc.api import draw
from specc.diagnostics.diagnostic import Diagnostic
from specc.fixes.apply import fix
from specc.fixes.search import advise
from specc.lsp.actions import actions
from specc.lsp.documents import Snapshot
from specc.pipeline import Analysis, analyse, analyse_answer, lint
from specc.source import Source
from specc.syntax.format import format_source

MARK = "  # specc: lesson"
LESSON = """\
input 1x28x28
budget params <= 100K
param classes = 10
block cbr(c, k=3) { conv c k=k p_ nobias -> bn -> relu }
cbr _ -> maxpool _                    :: 16x14x14
_ { conv 8 k1 | conv 8 k3 p1 }        :: 16x14x14
{ conv in k3 p1 -> relu } x_
_ -> flatten -> linear classes
train { epochs 2 ; lr _ }
"""
ANSWER = """\
# my answer
train { epochs 2 ; lr (1/100) }
input 1x28x28
param classes = 10
block cbr(c, k=3) {
  conv c kernel=k padding=1 nobias
  bn
  relu   :: 16x28x28
}
budget params <= 100K
cbr 16
maxpool kernel=2 :: 16x14x14
concat { conv 8 k=1 | conv 8 3 p1 } :: 16x14x14
{ conv in k3 p1 -> relu } x2
maxpool 2 -> conv 4 k3
flatten -> linear classes
"""


def answered(answer: str, lesson: str = LESSON) -> Analysis:
    return analyse_answer(Source("answer.cnn", answer), analyse(Source("lesson.cnn", lesson)))


def numbers_in(found: Diagnostic) -> list[str]:
    """The numbers that a finding's ways out name, but for the code whose explanation they point to."""
    return re.findall(r"(?<![EW])(?<![EW]\d)(?<![EW]\d\d)[0-9]+", found.help or "")


def test_a_lesson_tells_the_same_mistakes_and_no_number_that_mends_them() -> None:
    for case in test_cases.WRONG:
        before, after = (analyse(Source("net.cnn", text)) for text in (case.text, f"{case.text}\n{MARK}"))
        assert [found.code for found in after.diagnostics] == [found.code for found in before.diagnostics], case.name
        assert after.lesson
        assert advise(after) == after.diagnostics
        for found in after.diagnostics:
            if found.code.startswith("E3") or found.code in ("E203", "E204", "E205", "E206"):
                assert numbers_in(found) == [], found.help


def test_neither_fix_nor_an_editor_gives_the_answer_away() -> None:
    text = "input 1x28x28\nconv 16 k3 -> maxpool 2 :: 16x14x14\nlinear 10\n"
    assert fix(Source("net.cnn", text)).changed
    assert not fix(Source("net.cnn", f"# specc: lesson\n{text}")).changed
    whole = types.Range(types.Position(0, 0), types.Position(9, 0))
    asked = types.CodeActionParams(types.TextDocumentIdentifier("file:///net.cnn"), whole, types.CodeActionContext([]))
    assert actions(Snapshot("file:///net.cnn", 1, text), asked, lambda code: None, lambda: False)
    lesson = Snapshot("file:///net.cnn", 1, f"# specc: lesson\n{text}")
    assert not actions(lesson, asked, lambda code: None, lambda: False)


def test_warnings_of_a_lesson_name_no_number() -> None:
    text = "input 1x9x9\nconv 4 k2 s2 -> relu\nflatten -> linear 10\n"
    usual, told = (lint(analyse(Source("net.cnn", start + text))) for start in ("", "# specc: lesson\n"))
    assert [found.code for found in usual] == [found.code for found in told] != []
    assert any(map(numbers_in, usual)) and not any(map(numbers_in, told))


def test_a_right_answer_however_it_is_written() -> None:
    found = answered(ANSWER)
    assert found.diagnostics == ()
    assert found.model is not None and found.lesson


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("input 1x28x28", "input 1x30x30", 1, "`input 1x28x28` stands in the lesson"),
        ("budget params <= 100K\n", "", 1, "`budget params <= 100K` stands in the lesson"),
        ("budget params <= 100K", "budget params <= 1M", 1, "`budget params <= 100K` stands in the lesson"),
        ("maxpool kernel=2 :: 16x14x14", "maxpool 2", 12, "the lesson says `:: 16x14x14` here"),
        ("maxpool kernel=2 :: 16x14x14", "maxpool 2 :: 16x_x_", 12, "the lesson says `:: 16x14x14` here"),
        ("maxpool kernel=2", "maxpool 2 s2", 12, "the lesson says `maxpool _` here"),
        ("maxpool kernel=2", "avgpool 2", 12, "the lesson says `maxpool _` here"),
        ("cbr 16\n", "cbr 16\nrelu\n", 12, "the lesson says `maxpool _` here"),
        ("conv c kernel=k", "conv c k3", 6, "the lesson says `conv c k=k p_ nobias` here"),
        ("bn\n  relu", "relu", 7, "the lesson says `bn` here"),
        ("(c, k=3)", "(c, k=5)", 5, "the lesson says `block cbr(c, k=3)` here"),
        ("conv 8 3 p1 }", "conv 8 3 p1 | id }", 13, "another number of branches"),
        ("conv 8 3 p1 }", "conv 8 k3 p1 nobias }", 13, "the lesson says `conv 8 k3 p1` here"),
        ("x2\n", "\n", 14, "the lesson says"),
        ("\nmaxpool 2 -> conv 4 k3", "", 15, "steps of the lesson, or of what it asks"),
        ("linear classes", "linear 10", 16, "the lesson says `linear classes` here"),
        ("linear classes", "linear classes -> softmax", 16, "the lesson says `flatten` here"),
        ("lr (1/100)", "momentum 0.9", 1, "`train { epochs 2 ; lr _ }` stands in the lesson"),
    ],
)
def test_what_an_answer_may_not_change(before: str, after: str, line: int, message: str) -> None:
    assert ANSWER.count(before) == 1
    found = [one for one in answered(ANSWER.replace(before, after)).diagnostics if one.code == "E761"]
    assert [(one.line, message in one.message) for one in found] == [(line, True)], [one.message for one in found]
    assert all(one.help for one in found)


def test_what_a_hole_takes_is_told_without_numbers() -> None:
    hole = next(iter(analyse(Source("l.cnn", "input 1x8x8\nconv 1 k3 p_\n")).diagnostics))
    assert hole.help == "it takes a whole number, 0 or more, a size, `same` or `valid`; `specc layers conv` says more"


def test_a_lesson_answers_itself_but_for_its_holes() -> None:
    assert {found.code for found in answered(LESSON).diagnostics} == {"E760"}


@pytest.mark.parametrize("text", ["", "\0", "input (", "def forward(x):\n  return x\n", "{" * 200, "_ " * 3000])
def test_an_answer_that_is_no_spec_is_told_as_such(text: str) -> None:
    assert not answered(text).ok


def test_many_steps_are_compared_in_time() -> None:
    lesson = "input 8x9x9\n" + "_ -> relu -> bn\n" * 30
    answer = "input 8x9x9\n" + "relu -> bn\n" * 20_000
    assert all(found.code != "E401" for found in answered(answer, lesson).diagnostics)


# pictures


def test_a_lesson_is_drawn_up_to_the_shape_that_nobody_states() -> None:
    text = "input 1x28x28\nconv _ k3 -> relu -> maxpool _ :: 16x14x14\nconv 32 k3 p1 -> relu\nlinear _ -> tanh\n"
    model = analyse(Source("lesson.cnn", text)).drawable
    assert model is not None
    assert [(row.kind, row.output) for row in model.rows()] == [
        ("_", (16, 14, 14)), ("conv", (32, 14, 14)), ("relu", (32, 14, 14))
    ]  # fmt: skip
    assert "conv _ k3" in draw(text)


@pytest.mark.parametrize(
    "text",
    [
        "input 1x8x8\n_\n",
        "input 1x8x8\nblock a { conv _ k1 :: 4x8x8 }\na -> relu\n",
        "input 1x8x8\nconcat { conv _ k1 | id } -> relu\n",
        "input 1x8x8\nconcat { conv _ k1 :: 3x8x8 | id } -> relu\n",
        "input 1x8x8\nresidual { conv _ k1 :: 1x8x8 } shortcut { _ :: 1x8x8 }\n{ relu -> _ :: 1x8x8 } x3\n",
        "input 1x8x8\na: conv _ k1 -> relu :: 2x8x8\nadd { from a | id }\n",
    ],
)
@pytest.mark.parametrize("style", ["flow", "lecture"])
def test_any_lesson_can_be_drawn_or_says_why_not(text: str, style: str) -> None:
    found = analyse(Source("lesson.cnn", text))
    assert found.model is None
    if found.drawable is not None:
        assert draw(text, style=style).startswith("<svg")  # type: ignore[arg-type]  # one of the two


def test_what_has_other_errors_is_not_drawn() -> None:
    assert analyse(Source("lesson.cnn", "input 1x8x8\nconv _ k3 :: 4x6x6\nmaxpool 9\n")).drawable is None


# commands


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "specc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_commands_of_a_student_and_a_teacher(tmp_path: Path) -> None:
    (tmp_path / "lesson.cnn").write_text(LESSON)
    (tmp_path / "answer.cnn").write_text(ANSWER)
    for command in (("check",), ("train", "--data", "mnist"), ("summary",), ("export", "--to", "python")):
        done = run(tmp_path, *command, "lesson.cnn")
        assert done.returncode == 1 and "error[E760]" in done.stdout + done.stderr, command
    done = run(tmp_path, "check", "answer.cnn", "--lesson", "lesson.cnn")
    assert (done.returncode, done.stdout) == (0, "")
    done = run(tmp_path, "check", "lesson.cnn", "--lesson", "lesson.cnn", "--format", "json")
    assert {found["code"] for found in json.loads(done.stdout)} == {"E760"}
    done = run(tmp_path, "draw", "lesson.cnn", "-o", "lesson.svg")
    assert done.returncode == 0 and "7 holes to be filled, drawn as boxes" in done.stderr
    assert (tmp_path / "lesson.svg").read_text().startswith("<svg")
    assert run(tmp_path, "fmt", "--check", "lesson.cnn").stdout == "would change lesson.cnn\n"
    for wrong in (("--lesson", "no.cnn"), ("--lesson", "lesson.cnn", "--fix")):
        assert run(tmp_path, "check", "answer.cnn", *wrong).returncode == 2
    (tmp_path / "broken.cnn").write_text("conv 3")
    done = run(tmp_path, "check", "answer.cnn", "--lesson", "broken.cnn")
    assert done.returncode == 1 and "broken.cnn is no lesson" in done.stderr


def test_a_formatted_lesson_is_the_same_lesson() -> None:
    formatted = format_source(Source("lesson.cnn", LESSON)).text
    assert formatted is not None
    assert answered(ANSWER, formatted).diagnostics == ()
