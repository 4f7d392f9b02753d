"""The lecture notebooks run from top to bottom, each in a kernel of its own, and are kept without outputs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CHARACTERS = 120  # in a line of code, where a reader does not scroll


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def left_out(folder: Path) -> set[str]:
    """The cells that are not run: what installs, and what would download MNIST where it is not there to be linked."""
    data = Path(os.environ.get("SPECC_DATA", "nowhere"))
    if not (data / "MNIST" / "raw").is_dir():
        return {"install", "mnist"}
    (folder / "data").symlink_to(data.resolve())
    return {"install"}


def test_there_are_six() -> None:
    assert len(NOTEBOOKS) == 6
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS] == re.findall(r"\]\((\d-[a-z-]+\.ipynb)\)", index)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_whole_and_kept_without_outputs(path: Path) -> None:
    book = read(path)
    nbformat.validate(book)
    first, *others = book.cells
    assert first.cell_type == "code" and first.source.startswith("%pip install") and tags(first) == {"install"}
    assert others[0].cell_type == "markdown" and others[0].source.startswith(f"# {path.stem[0]}. ")
    for cell in others:
        assert "pip install" not in cell.source
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
            assert max(map(len, cell.source.splitlines())) <= CHARACTERS
    for name in re.findall(r"\]\(([^)]+\.ipynb)\)", "\n".join(cell.source for cell in others)):
        assert (FOLDER / name).is_file(), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book, but = read(path), left_out(tmp_path)
    book.cells = [cell for cell in book.cells if not tags(cell) & but]
    client = nbclient.NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    told = "".join(output.get("text", "") for output in outputs)
    assert "Traceback" not in told and "command not found" not in told
