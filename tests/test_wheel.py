"""What reaches the people who install specc: the grammar, the types, the gallery."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import specc

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
    assert {"specc/syntax/grammar.lark", "specc/syntax/tables.py", "specc/py.typed"} <= names


def test_the_templates_travel(names: set[str]) -> None:
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "specc" / "report" / "templates").iterdir()}
    assert len(templates) > 2
    assert templates <= names


def test_the_page_travels_with_its_licences_and_without_its_sources(names: set[str]) -> None:
    bundle = {str(path.relative_to(ROOT)) for path in (ROOT / "specc" / "play" / "bundle").iterdir()}
    assert {"specc/play/bundle/play.js", "specc/play/bundle/licences.txt"} <= bundle <= names
    assert not [name for name in names if name.startswith("specc/play/page/")]


def test_every_module_travels(names: set[str]) -> None:
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "specc").rglob("*.py")} <= names


def test_the_gallery_travels(names: set[str]) -> None:
    packed = {name.partition("specs/")[2] for name in names if name.endswith(".cnn")}
    assert {str(path.relative_to(ROOT / "specs")) for path in (ROOT / "specs").rglob("*.cnn")} == packed


def test_nothing_else_travels(names: set[str]) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"specc", "specc_cnn"}


def test_the_licence_travels(names: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert {f"version: {specc.__version__}", "license: MIT"} <= set(citation)


def test_the_readme_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("| extra | for |")[2].partition("\n\n")[0]
    rows = [row.partition("|")[2].partition("|")[0] for row in section.splitlines()[2:]]
    named = [word.strip("` ") for row in rows for word in row.split(",")]
    assert sorted(named) == sorted(project["optional-dependencies"])
