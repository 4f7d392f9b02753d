"""Lints: where they fire and where they must not, comments and options that silence them, what they cost.

The specs in `tests/cases/lints` are read like those of `test_cases`; a case without a mark must be quiet.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from counting import calls
from golden import agrees
from PIL import Image
from test_cases import Case, cases_in

import specc
from specc.cli import main
from specc.data.fit import compare
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.render import render_all
from specc.gallery import entries
from specc.ir.lint import RULES
from specc.pipeline import analyse, lint
from specc.source import Source

LINTS = sorted(code for code in CODES if code.startswith("W5"))
CASES = [case for path in sorted((Path(__file__).parent / "cases" / "lints").glob("*.cnn")) for case in cases_in(path)]


def warnings_of(text: str, name: str = "net.cnn") -> list[Diagnostic]:
    analysis = analyse(Source(name, text))
    assert analysis.ok, [f"{found.code} {found.message}" for found in analysis.diagnostics]
    return list(lint(analysis, apart=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_the_marked_warnings_are_given(case: Case) -> None:
    expected = sorted(case.expected())
    found = sorted(warnings_of(case.text, case.name), key=lambda d: (case.line(d), d.code, d.message))
    assert [(case.line(d), d.code) for d in found] == [(line, code) for line, code, _, _ in expected]
    for diagnostic in found:
        candidates = [e for e in expected if e[:2] == (case.line(diagnostic), diagnostic.code)]
        assert any(m in diagnostic.message and h in (diagnostic.help or "") for _, _, m, h in candidates), diagnostic


def test_every_lint_has_a_case_where_it_fires_and_one_where_it_is_quiet() -> None:
    marked = {code for case in CASES for _, code, _, _ in case.expected()}
    assert set(LINTS) - marked == {"W511"}  # tested below: it needs a data set
    assert sum(not case.expected() for case in CASES) >= 2 * len(RULES)


@pytest.mark.parametrize("spec", entries(), ids=lambda spec: spec.name)
def test_the_gallery_is_quiet(spec: specc.gallery.GalleryEntry) -> None:
    assert [f"{found.code} {found.message}" for found in warnings_of(spec.text, spec.name)] == []


def test_the_gallery_says_why_it_ignores() -> None:
    comments = [line for spec in entries() for line in spec.text.splitlines() if "specc: ignore" in line]
    assert comments
    assert all(re.search(r"ignore\[W5\d\d\] \w+", line) for line in comments), comments


_MARKED = re.compile(r"^(Wrong|Right):\n\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
EXAMPLES = [
    pytest.param(code, kind, textwrap.dedent(text), id=f"{code}-{kind}")
    for code in LINTS
    for kind, text in _MARKED.findall(CODES[code].explanation)
]


@pytest.mark.parametrize(("code", "kind", "text"), EXAMPLES)
def test_an_explanation_gives_what_it_claims(code: str, kind: str, text: str) -> None:
    if code == "W511":
        assert [found["code"] for found in compared(text, "cifar10")] == ([code] if kind == "Wrong" else [])
    else:
        assert [found.code for found in warnings_of(text)] == ([code] if kind == "Wrong" else [])


def test_every_lint_is_explained_with_a_wrong_and_a_right_spec() -> None:
    shown = {(code, kind) for code, kind, _ in (example.values for example in EXAMPLES)}
    assert shown == {(code, kind) for code in LINTS for kind in ("Wrong", "Right")}


@pytest.mark.parametrize("code", LINTS)
def test_the_report_of_a_lint(code: str) -> None:
    """That of its explanation's wrong example."""
    text = next(textwrap.dedent(text) for kind, text in _MARKED.findall(CODES[code].explanation) if kind == "Wrong")
    analysis = analyse(Source("net.cnn", text.rstrip() + "\n"))
    agrees(code, render_all(lint(analysis, compare(analysis, "cifar10") if code == "W511" else ())))


def test_a_spec_with_errors_is_not_linted() -> None:
    assert lint(analyse(Source("net.cnn", "param unused = 3\ninput 3x4x4\nmaxpool 5\n"))) == ()


def test_a_comment_that_another_input_makes_useless_is_not_reported() -> None:
    source = Source("net.cnn", "input 3x31x31\nmaxpool 2   # specc: ignore[W505]\n")
    assert lint(analyse(source, (3, 32, 32))) == ()
    assert lint(analyse(source, (3, 33, 33))) == ()


def test_a_string_silences_nothing() -> None:
    text = 'input 3x31x31\nmaxpool 2 ; train { data_dir "# specc: ignore[W505]" }\n'
    assert "W505" in {found.code for found in warnings_of(text)}


def test_python_gets_the_warnings() -> None:
    report = specc.check("input 784\nlinear 10 -> softmax\n")
    assert report.ok
    assert [found.code for found in report.diagnostics] == ["W501"]


# The command line

DOUBTFUL = "input 3x31x31\nconv 8 k3 p1 -> bn -> maxpool 2\nflatten -> linear 10\n"


def run(*arguments: str, text: str = DOUBTFUL) -> Result:
    return CliRunner().invoke(main, ["check", "-", *arguments], input=text)


def compared(text: str, data: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run("--data", data, "--format", "json", text=text).output)
    return found


def test_warnings_exit_0_and_are_counted() -> None:
    done = run()
    assert done.exit_code == 0
    assert "warning[W502]" in done.output
    assert "2 warnings found; `specc explain W502` says more" in done.output


@pytest.mark.parametrize(
    ("options", "status", "shown"),
    [
        (["-W", "error"], 1, ["W502", "W505"]),
        (["-W", "ignore"], 0, []),
        (["-W", "ignore:W505"], 0, ["W502"]),
        (["-W", "ignore:W505,w502"], 0, []),
        (["-W", "error:W501"], 0, ["W502", "W505"]),
        (["-W", "error:W505"], 1, ["W502", "W505"]),
        (["-W", "error", "-W", "ignore:W505"], 1, ["W502"]),
        (["-W", "error", "-W", "default"], 0, ["W502", "W505"]),
        (["-W", "ignore", "-W", "error:W502"], 1, ["W502"]),
    ],
)
def test_what_warnings_do_is_chosen(options: list[str], status: int, shown: list[str]) -> None:
    done = run("--format", "json", *options)
    assert (done.exit_code, [found["code"] for found in json.loads(done.output)]) == (status, shown)


@pytest.mark.parametrize(
    ("value", "says"),
    [("eror", "default, error, ignore"), ("error:W599", "no code"), ("ignore:E301", "E301 is an error")],
)
def test_a_wrong_choice_is_exit_2(value: str, says: str) -> None:
    done = run("-W", value)
    assert done.exit_code == 2
    assert says in done.output


def test_errors_cannot_be_ignored() -> None:
    assert run("-W", "ignore", text="input 3x4x4\nmaxpool 5\n").exit_code == 1


# `--data`


def test_a_spec_fits_its_data_set() -> None:
    done = CliRunner().invoke(main, ["check", "gallery:lenet_cifar", "--data", "cifar10"])
    assert (done.exit_code, done.output) == (0, "gallery:lenet_cifar fits cifar10\n")


def test_the_recipe_prepares_the_pictures() -> None:
    done = CliRunner().invoke(main, ["check", "gallery:lenet5", "--data", "mnist,fashion-mnist"])
    assert (done.exit_code, done.output.count(" fits ")) == (0, 2)


def test_pictures_that_do_not_fit_are_an_error_with_a_way_out() -> None:
    done = CliRunner().invoke(main, ["check", "gallery:lenet_cifar", "--data", "mnist,cifar10"])
    assert done.exit_code == 1
    assert "error[E605]: the pictures of mnist are 1x28x28" in done.output
    assert "`--resize 32 --channels 3`" in done.output
    assert "gallery:lenet_cifar fits cifar10" in done.output


def test_classes_that_do_not_agree_are_a_warning() -> None:
    text = "input 3x32x32\nconv 8 k3 -> relu -> flatten\nlinear 10\n"
    done = run("--data", "cifar100", text=text)
    assert done.exit_code == 0
    assert "warning[W511]: cifar100 has 100 classes, but the network gives 10" in done.output
    assert "<stdin>:3:1" in done.output
    assert run("--data", "cifar100", "-W", "error", text=text).exit_code == 1
    quiet = text.replace("linear 10", "linear 10   # specc: ignore[W511]")
    assert compared(quiet, "cifar100") == []


def test_a_folder_of_pictures_tells_its_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("RGB", (32, 32)).save(tmp_path / name / f"{number}.png")
    found = compared("input 3x32x32\nflatten -> linear 3\n", str(tmp_path))
    assert [d["code"] for d in found] == ["W511"]
    assert compared("input 3x32x32\nflatten -> linear 2\n", str(tmp_path)) == []


def test_an_unknown_data_set_is_exit_2() -> None:
    done = CliRunner().invoke(main, ["check", "gallery:lenet5", "--data", "mnits"])
    assert done.exit_code == 2
    assert "did you mean `mnist`?" in done.output


# The same warning at several places is told once


def joined_warnings(text: str) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(found.line, found.code, found.notes) for found in lint(analyse(Source("net.cnn", text)))]


CHAIN = "input 3x32x32\n" + "conv 8 k3 p1 -> bn -> relu\n" * 5 + "flatten -> linear 10\n"


def test_what_holds_at_several_places_is_told_once() -> None:
    assert joined_warnings(CHAIN) == [(2, "W502", ("the same at lines 3, 4, 5 and 6",))]


def test_an_editor_marks_every_place() -> None:
    assert [found.line for found in lint(analyse(Source("net.cnn", CHAIN)), apart=True)] == [2, 3, 4, 5, 6]


def test_a_comment_silences_its_line_and_the_others_are_told() -> None:
    silenced = CHAIN.replace("relu\n", "relu  # specc: ignore[W502]\n", 1)
    assert joined_warnings(silenced) == [(3, "W502", ("the same at lines 4, 5 and 6",))]


def test_another_word_or_number_is_a_note_of_its_own() -> None:
    text = "input 3x30x30\nconv 8 k3 p1 -> bn -> maxpool 2\ndwconv k3 p1 -> bn -> maxpool 2 -> flatten -> linear 10\n"
    assert joined_warnings(text) == [
        (2, "W502", ("line 3: the `bn` after this `dwconv` cancels its bias",)),
        (3, "W505", ()),
    ]


def test_different_ways_out_are_told_apart() -> None:
    text = "param a = 1\nparam b = 2\ninput 784\nlinear 10\n"
    assert [(line, code) for line, code, _ in joined_warnings(text)] == [(1, "W510"), (2, "W510")]


def test_a_note_names_a_few_of_many_lines() -> None:
    text = "input 3x32x32\n" + "conv 8 k3 p1 -> bn -> relu\n" * 40
    assert joined_warnings(text) == [(2, "W502", ("the same at lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 29 more",))]


def test_what_a_wide_window_reads_is_found_without_looking_at_every_pixel() -> None:
    text = "input 1x9000000\nadd { conv 2 k3000001 d2 s3 p3000000 | conv 2 k1 s3 }\n"
    found = []
    assert calls(lambda: found.extend(warnings_of(text))) < 100_000
    assert [one.code for one in found] == ["W508"]  # and no pixel is skipped
