"""What people type in Python, from `import specc` on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import specc
from specc.cli.main import main
from specc.diagnostics.diagnostic import Problem

if TYPE_CHECKING:
    from specc.runner.run import Run

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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return specc.train(SPEC, tmp_path_factory.mktemp("run") / "digits", data="digits", epochs=2, normalize=True)


def said(path: Path, *pictures: Path) -> list[dict[str, Any]]:
    """What the command says to pictures."""
    done = CliRunner().invoke(main, ["predict", str(path), *map(str, pictures), "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_loaded_network_says_what_the_command_says(run: Run, tmp_path: Path) -> None:
    """A file, a picture and arrays of it, however their channels lie."""
    levels = np.random.default_rng(3).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    net = specc.load(run)
    (expected,) = said(run.folder, tmp_path / "a.png")
    colour = np.stack([levels] * 3, -1)
    same = [str(tmp_path / "a.png"), tmp_path / "a.png", Image.fromarray(levels), levels, levels[None], colour,
        colour.transpose(2, 0, 1), torch.tensor(levels)[None], levels[None] / 255]  # fmt: skip
    answers = net.predict(same)
    assert len(answers) == len(same)
    for answer in (*answers, net.predict(levels)):
        for mine, theirs in zip(answer.values["classes"], expected["classes"], strict=True):
            assert mine["class"] == theirs["class"]
            assert mine["probability"] == pytest.approx(theirs["probability"], abs=1e-5)
        assert str(answer) == "\n".join(answer.words)


def test_a_turned_picture_is_turned_back(run: Run, tmp_path: Path) -> None:
    levels = np.random.default_rng(4).integers(0, 256, (8, 8), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(levels).save(tmp_path / "turned.png", exif=exif)
    net = specc.load(run.folder)
    with Image.open(tmp_path / "turned.png") as picture:
        assert net.predict(picture).values == net.predict(tmp_path / "turned.png").values
    assert net.predict(np.rot90(levels, -1)).values == net.predict(tmp_path / "turned.png").values


def test_other_sizes_are_scaled_where_that_is_said(run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (20, 12), (200, 30, 60)).save(tmp_path / "big.png")
    net = specc.load(run.folder / "last.safetensors")
    with pytest.raises(Problem, match="12x20"):
        net.predict(tmp_path / "big.png")
    with Image.open(tmp_path / "big.png") as picture:
        assert net.predict(picture, fit=True).values == net.predict(tmp_path / "big.png", fit=True).values
    with pytest.raises(Problem, match="is no sample"):
        net.predict(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(Problem, match="cannot be read"):
        net.predict([tmp_path / "big.png", tmp_path / "none.png"], fit=True)


def test_a_loaded_network_knows_its_classes(run: Run) -> None:
    net = specc.load(run, weights="last")
    assert net.classes == tuple(map(str, range(10)))
    assert net.weights.name == "last.safetensors"
    assert not net.model.training
    page = net._repr_html_()
    assert "conv1" in page and "digits" in page
    with pytest.raises(Problem, match="nowhere"):
        specc.load("nowhere")


def test_a_run_shows_itself(run: Run) -> None:
    page = run._repr_html_()
    assert page.startswith("<iframe sandbox")
    assert "Complete: 2 epochs." in page
    (run.folder / "report.html").rename(run.folder / "kept.html")
    assert run._repr_html_().startswith("<img")
    (run.folder / "kept.html").rename(run.folder / "report.html")


def test_curves_grow_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []

    class Handle:
        def update(self, shown: Any) -> None:
            pages.append(shown.data)

    def display(shown: Any, display_id: bool) -> Handle:
        pages.append(shown.data)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    specc.train(SPEC, tmp_path / "run", data="digits", epochs=2, limit=64)
    assert ["<img" in page for page in pages] == [False, True, True]
    assert "epoch 2/2" in pages[-1]


def test_a_drawing_is_a_picture() -> None:
    picture = specc.draw(SPEC)
    assert picture.startswith("<svg")
    assert picture == specc.draw(SPEC, style="flow")
    assert picture != specc.draw(SPEC, style="lecture")
    assert picture != specc.draw(SPEC, layout="row")
    assert "For a slide" in specc.draw(SPEC, title="For a slide")
    labelled = "input 1x8x8\nmiddle: conv 4 k3\n"
    assert specc.draw(labelled, highlight="middle") != specc.draw(labelled)
    assert "data:image/svg+xml" in picture._repr_html_()
    assert "8×6×6" in specc.draw("param c = 4\n" + SPEC.replace("conv 4", "conv c"), params={"c": 8})
    with pytest.raises(specc.SpecError, match="E301"):
        specc.draw(SPEC.replace("k3", "k9"))


def test_the_names_are_listed() -> None:
    assert {"check", "compile", "draw", "load", "load_weights", "resume", "train"} <= set(dir(specc))
