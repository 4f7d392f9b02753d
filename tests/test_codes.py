"""Every code has a case, a golden report and an explanation, whatever its family."""

from __future__ import annotations

import re

import pytest
import test_cases
import test_lints
import test_render
from golden import GOLDEN
from run_cases import all_cases

from specc.diagnostics.codes import CODES
from specc.ir.lint import add_all_codes

add_all_codes()
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


def test_every_golden_report_belongs_to_a_test() -> None:
    derived = {"colour", "several-errors-ascii", "label-behind-a-gap-ascii"}
    formats = re.compile(r"-(json|concise)$")
    left_over = {formats.sub("", path.stem) for path in GOLDEN.glob("*.txt")}
    assert left_over - derived - {*test_render.REPORTS, *CODES, *OF_RUNS} == set()
