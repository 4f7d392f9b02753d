"""What reaches the people who install specc: the grammar, the types, the gallery."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a freshly built wheel; the build environment is this one, so nothing is downloaded."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_grammar_and_the_types_travel(names: set[str]) -> None:
    assert {"specc/syntax/grammar.lark", "specc/syntax/tables.py", "specc/report/report.css", "specc/py.typed"} <= names


def test_every_module_travels(names: set[str]) -> None:
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "specc").rglob("*.py")} <= names


def test_the_gallery_travels(names: set[str]) -> None:
    packed = {name.partition("specs/")[2] for name in names if name.endswith(".cnn")}
    assert {str(path.relative_to(ROOT / "specs")) for path in (ROOT / "specs").rglob("*.cnn")} == packed


def test_nothing_else_travels(names: set[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"specc"}
