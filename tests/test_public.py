"""What people type in Python, from `import specc` on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import specc
from specc.diagnostics.diagnostic import Problem

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\n"


def test_a_run_and_its_continuation(tmp_path: Path) -> None:
    run = specc.train(SPEC, tmp_path / "run", data="digits", epochs=1, limit=64)
    assert run.best == run.metrics[0]
    assert run.folder == tmp_path / "run"
    assert len(specc.resume(run.folder, epochs=2).metrics) == 2


def test_what_cannot_be_trained(tmp_path: Path) -> None:
    with pytest.raises(specc.SpecError, match="E301"):
        specc.train(SPEC.replace("k3", "k9"), tmp_path / "run")
    with pytest.raises(Problem, match="epoch"):
        specc.train(SPEC, tmp_path / "run", epoch=3)
    with pytest.raises(Problem, match="no folder"):
        specc.resume(tmp_path / "nothing")


def test_importing_specc_loads_nothing() -> None:
    program = "import sys, specc; print({'torch', 'lark', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
