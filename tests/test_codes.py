"""Every code has a case, a golden report and an explanation, whatever its family."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import test_cases
import test_lints
import test_render
from golden import GOLDEN
from run_cases import all_cases

import specc
from specc.cli.report import status_of
from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.reading import Unreadable

# Bytes, a file, a data set: no text can hold them, and their cases stand in test_cases and test_lints.
NOT_MARKED = {"E106", "E107", "W511"}
MARKED = {code for case in (*test_cases.WRONG, *test_lints.CASES) for _, code, _, _ in case.expected()}
OF_RUNS = {case.title: case.code for case in all_cases()}


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_a_case_a_golden_report_and_an_explanation(code: str) -> None:
    known = CODES[code]
    assert code in {*MARKED, *OF_RUNS.values(), *NOT_MARKED}, "see the docstrings of test_cases.py and run_cases"
    report = GOLDEN / f"{code}.txt"
    assert report.exists(), "UPDATE_GOLDEN=1 pytest writes it"
    assert report.read_text(encoding="utf-8").startswith(f"{known.severity}[{code}]: ")
    assert known.title and not known.title.endswith(".")
    assert len(known.explanation) > 200
    assert max(map(len, known.explanation.splitlines())) < 120


def test_every_code_in_the_program_has_a_page_and_every_page_a_code() -> None:
    files = sorted(Path(specc.__file__).parent.rglob("*.py"))
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert {text for text in texts if re.fullmatch(r"[EW]\d{3}", text)} == set(CODES)


@pytest.mark.parametrize(("code", "status"), [("E301", 1), ("E605", 1), ("E601", 2), ("E620", 2), ("E670", 2)])
def test_a_problem_ends_a_command_as_its_code_says(code: str, status: int) -> None:
    assert CODES[code].status == status == status_of(Problem.of(code, "…"))
    assert status_of(Unreadable(Diagnostic(code, "…"))) == 2


def test_pages_are_read_when_they_are_asked_for() -> None:
    program = (
        "import builtins, io, sys; from specc.pipeline import analyse, lint; from specc.source import Source\n"
        "opened = []; whole = io.open; io.open = lambda name, *more, **how: opened.append(str(name)) or "
        "whole(name, *more, **how)\n"
        "found = analyse(Source('net.cnn', 'input 3x4x4\\nconv 8 k3 -> maxpool 5\\n')); assert not found.ok\n"
        "assert [d.severity for d in found.diagnostics] == ['error']\n"
        "assert not any('explanations' in name for name in opened), opened\n"
        "from specc.diagnostics.codes import CODES; assert CODES['E301'].title\n"
        "assert [name[-7:] for name in opened if 'explanations' in name] == ['E301.md']\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("code", ["../codes", "E999", "", "e301"])
def test_what_is_no_code_has_no_page(code: str) -> None:
    assert code not in CODES
    with pytest.raises(KeyError):
        CODES[code]


def test_every_golden_report_belongs_to_a_test() -> None:
    derived = {"colour", "several-errors-ascii", "label-behind-a-gap-ascii"}
    formats = re.compile(r"-(json|concise)$")
    left_over = {formats.sub("", path.stem) for path in GOLDEN.glob("*.txt")}
    assert left_over - derived - {*test_render.REPORTS, *CODES, *OF_RUNS} == set()
