"""Every code of data and runs is provoked, and its report compared with the one that a person has read.

The cases stand in `tests/run_cases`; how one is added is told in its `__init__.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from golden import agrees
from run_cases import Case, Scene, all_cases

from specc.diagnostics.codes import CODES
from specc.diagnostics.render import render

CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.name}")
def test_the_report_of_a_run(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scene = Scene(tmp_path, monkeypatch)
    found = case.report(scene)
    assert found.code == case.code
    shown = render(found)
    for text, stand_in in scene.hidden:
        shown = shown.replace(text, stand_in)
    agrees(case.title, shown)


def test_every_code_of_data_and_runs_has_a_case() -> None:
    assert sorted({case.code for case in CASES}) == sorted(code for code in CODES if re.fullmatch(r"E[67]\d\d", code))
