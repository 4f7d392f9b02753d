"""A folder of submissions, marked: by the real command, by what it leaves behind, and one by one."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from specc.diagnostics.diagnostic import Problem
from specc.grade import grading
from specc.grade.grading import GradingPlan, grade
from specc.grade.mark import Graded, MarkingJob, SubmissionMark, judged, points
from specc.grade.process import marked_apart
from specc.grade.submissions import LARGEST, submissions_in
from specc.pipeline import analyse
from specc.source import Source

LESSON = """\
# specc: lesson
input 1x8x8
budget params <= 3K
conv _ k_ p1 -> relu -> maxpool _   :: 8x4x4
flatten -> linear 10
train { epochs 3 ; batch 256 ; optimizer adam lr=0.005 }
"""
RIGHT = LESSON.replace("conv _ k_", "conv 8 k3").replace("maxpool _", "maxpool 2")
EVIL = "<script>alert(1)</script>"
CLASS = {
    "anna.cnn": RIGHT,
    "ben/answer.cnn": RIGHT.replace("k3", "k5") + f"# {EVIL}\n",
    "carl.cnn": LESSON,
    "dora.txt": RIGHT.replace("budget params <= 3K\n", "").replace("conv 8", "conv 64").replace("8x4x4", "64x4x4"),
    "eve.cnn": "\udcff\udcfe",
    "empty/notes.txt": "nothing yet",
    "two/a.cnn": RIGHT,
    "two/b.cnn": RIGHT,
    "zero.cnn": " \n",
    "=HYPERLINK(1).cnn": RIGHT,
    "<b>.cnn": "relu -> " + "(" * 3000,
    ".hidden.cnn": RIGHT,
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "lesson.cnn").write_text(LESSON)
    (tmp_path / "reference.cnn").write_text(RIGHT)
    for name, text in CLASS.items():
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(errors="surrogateescape"))
    (tmp_path / "class" / "link.cnn").symlink_to(tmp_path / "reference.cnn")
    os.mkfifo(tmp_path / "class" / "pipe.cnn")
    (tmp_path / "class" / "huge.cnn").write_bytes(b"#" * (LARGEST + 1))
    return tmp_path


def command(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = ["grade", "lesson.cnn", "class", "--reference", "reference.cnn", *options]
    return subprocess.run(
        [sys.executable, "-m", "specc", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "grades" / "grades.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_a_class_is_marked_whatever_it_hands_in(course: Path) -> None:
    done = command(course)
    assert done.returncode == 0, done.stderr
    rows = rows_of(course)
    assert {name: (row["points"], row["note"].partition(":")[0]) for name, row in rows.items()} == {
        "anna": ("3", ""),
        "'=HYPERLINK(1)": ("3", ""),
        "ben": ("0", "1 error"),
        "carl": ("0", "3 open holes"),
        "dora.txt": ("0", "2 errors"),
        "eve": ("0", "this is not a text file"),
        "empty": ("0", "the folder has no `.cnn` file in it"),
        "two": ("0", "the folder has 2 `.cnn` files, and none is called `lesson.cnn`"),
        "zero": ("0", "the file is empty"),
        "<b>": ("0", "1 error"),
        "link": ("0", "it is a link, which is not followed"),
        "pipe": ("0", "it cannot be read"),
        "huge": ("0", "it cannot be read"),
    }
    assert rows["anna"] | {"file": ""} == {
        "student": "anna", "file": "", "points": "3", "of": "3", "shape_right": "1", "params_right": "1",
        "budget_right": "1", "score_right": "", "output": "10", "params": "1370", "macs": "5888", "score": "",
        "holes": "0", "errors": "0", "codes": "", "state": "marked", "note": "",
    }  # fmt: skip
    assert (rows["ben"]["codes"], rows["dora.txt"]["codes"], rows["dora.txt"]["params"]) == ("E306", "E761", "10890")

    page = (course / "grades" / "grades.html").read_text()
    assert EVIL not in page and "<b>" not in page and "&lt;b&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "the shape here is" in page and "E306: a checked shape" in page  # the report, and the explanation
    assert "conv 8 k3 p1 -&gt; relu -&gt; maxpool 2" not in page  # what the reference says stays hidden


def test_what_is_marked_is_not_done_again_unless_the_file_changes(course: Path) -> None:
    first = command(course)
    kept = {path: path.stat().st_mtime_ns for path in (course / "grades" / "rows").iterdir()}
    (course / "class" / "carl.cnn").write_text(RIGHT)
    again = command(course)
    assert again.stdout.count("\n") == first.stdout.count("\n")
    assert re.findall(r"^(\w+): ./.$", again.stderr, re.MULTILINE) == ["carl"]
    assert rows_of(course)["carl"]["points"] == "3"
    now = {path: path.stat().st_mtime_ns for path in (course / "grades" / "rows").iterdir()}
    assert now.items() > kept.items() and len(now) == len(kept) + 1


def test_training_is_a_criterion(course: Path) -> None:
    for path in (course / "class").iterdir():
        if path.name not in ("anna.cnn", "dora.txt"):
            subprocess.run(["rm", "-r", str(path)], check=True)
    done = command(course, "--data", "digits", "--epochs", "1", "--seed", "3", "--margin", "1")
    assert done.returncode == 0, done.stderr
    rows = rows_of(course)
    assert rows["anna"]["points"] == "4" and 0.1 < float(rows["anna"]["score"]) < 1
    assert (rows["dora.txt"]["points"], rows["dora.txt"]["score_right"]) == ("1", "1")
    assert "accuracy" in done.stdout


# one process


def job(text: str = RIGHT, **changes: Any) -> MarkingJob:
    asked: dict[str, Any] = {"text": text, "file": "a.cnn", "lesson": LESSON, "memory": 4 * 10**9, "seconds": 100}
    return MarkingJob(**{**asked, **changes})


def test_a_process_that_takes_too_long_is_a_row() -> None:
    mark = marked_apart(job(options={"data": "digits", "epochs": 100_000}, seconds=3))
    assert (mark.state, mark.note) == ("stopped", "it took more than 3 seconds, and was stopped")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not bound memory so")
def test_a_process_that_takes_too_much_is_a_row() -> None:
    mark = marked_apart(job(options={"data": "digits", "epochs": 1}, memory=10**8))
    assert mark.state in ("stopped", "failed") and mark.note


def test_a_recipe_of_a_student_is_not_followed(tmp_path: Path) -> None:
    own = re.sub("train .*", 'train { epochs 500 ; data "/etc" ; lr 5 }', RIGHT)
    mark = marked_apart(job(own, reference=RIGHT, options={"data": "digits", "epochs": 1}))
    assert mark.score is not None and mark.score > 0.1
    assert mark.codes == ["E761"]


# what there is to mark


@pytest.mark.parametrize("kind", ["nothing", "a file", "empty"])
def test_nothing_to_mark_is_told(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "class"
    if kind == "empty":
        folder.mkdir()
    elif kind == "a file":
        folder.write_text("")
    with pytest.raises(Problem) as caught:
        submissions_in(folder, "lesson.cnn")
    assert caught.value.diagnostic.code == "E762"


def test_what_lies_there_and_is_no_submission_is_left_out(tmp_path: Path) -> None:
    for name in ("lesson.cnn", "reference.cnn", "anna.cnn"):
        (tmp_path / name).write_text(RIGHT)
    (tmp_path / "grades").mkdir()
    but = [tmp_path / name for name in ("lesson.cnn", "reference.cnn", "grades")]
    assert [found.student for found in submissions_in(tmp_path, "lesson.cnn", but)] == ["anna"]


def test_two_of_one_name_keep_their_endings(tmp_path: Path) -> None:
    (tmp_path / "anna.cnn").write_text(RIGHT)
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "lesson.cnn").write_text(RIGHT)
    assert [found.student for found in submissions_in(tmp_path, "lesson.cnn")] == ["anna", "anna.cnn"]


# the whole


def plan_of(course: Path, **changes: Any) -> GradingPlan:
    plan = GradingPlan(
        analyse(Source("lesson.cnn", LESSON)), Source("reference.cnn", RIGHT), course / "class", course / "grades",
        {}, 0.02, 60, 10**9,
    )  # fmt: skip
    return plan._replace(**changes)


def test_a_stop_leaves_whole_files_and_the_same_command_goes_on(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks: list[str] = []

    def marked(asked: MarkingJob) -> SubmissionMark:
        marks.append(asked.file)
        if len(marks) == 4:
            raise KeyboardInterrupt
        return SubmissionMark(file=asked.file, output="10", params=1)

    monkeypatch.setattr(grading, "marked_apart", marked)
    told: list[Graded] = []
    with pytest.raises(KeyboardInterrupt):
        grade(plan_of(course), told.append)
    assert len(rows_of(course)) == len(told) >= 2
    before = list(marks)
    grades = grade(plan_of(course), told.append)
    assert len(rows_of(course)) == len(grades.rows) == 13
    assert not set(before[:3]) & set(marks[4:])


def test_ctrl_c_ends_the_process_that_marks(course: Path) -> None:
    arguments = ["lesson.cnn", "class", "--reference", "reference.cnn", "--data", "digits", "--epochs", "100000"]
    command = [sys.executable, "-m", "specc", "grade", *arguments]
    with subprocess.Popen(command, cwd=course, stderr=subprocess.PIPE) as process:
        while not (course / "grades" / "rows").exists():
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.parametrize("text", [LESSON, RIGHT.replace("8x4x4", "_x4x4"), RIGHT.replace("conv 8", "conv 200"), "relu"])
def test_a_reference_that_is_no_answer_is_refused(course: Path, text: str) -> None:
    with pytest.raises(Problem) as caught:
        grade(plan_of(course, reference=Source("reference.cnn", text)), lambda row: None)
    assert caught.value.diagnostic.code == "E763"


def test_what_is_compared() -> None:
    reference = SubmissionMark(output="10", params=5, budget=True, score=0.9)
    near = reference.model_copy(update={"score": 0.881})
    assert points(judged(near, reference, 0.02)) == "4/4"
    assert judged(near, reference, 0.01)["score"] is False
    over = reference.model_copy(update={"codes": ["E404"], "errors": 1, "budget": False, "params": 9})
    assert judged(over, reference, 0) == {"shape": True, "params": False, "budget": False, "score": True}
    assert points(judged(SubmissionMark(state="nothing"), reference, 0)) == "0/4"
    free = reference.model_copy(update={"budget": None, "score": None})
    assert points(judged(free, free, 0)) == "2/2"
