"""`specc peek`: feature maps and kernels on one picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from specc.api import compile as compile_spec
from specc.cli.main import main
from specc.evaluate.activations import outputs_of
from specc.evaluate.sheet import GAP, MARGIN, TILE, kernel_section, output_sections
from specc.pipeline import analyse
from specc.runner.kernels import first_kernels
from specc.runner.run import Run, train
from specc.source import Source

TINY = (
    "input 1x8x8\nconv 20 k3 p1 -> bn -> relu -> maxpool 2 -> flatten -> dropout 0.5 -> linear 10\ntrain { epochs 1 }\n"
)
BRANCHES = "input 3x8x8\nstem: conv 4 k3 p1\nresidual { conv 4 k3 p1 -> relu } -> gap -> flatten -> linear 10\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(TINY, tmp_path_factory.mktemp("runs") / "tiny", limit=300)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(TINY)
    Image.radial_gradient("L").resize((8, 8)).save(tmp_path / "grey.png")
    yield tmp_path


def specc(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["peek", *map(str, arguments)], input=given)


def sheet(path: str) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


# What leaves each layer


def test_of_a_network_with_several_outputs_each_has_its_maps(folder: Path) -> None:
    (folder / "heads.cnn").write_text("input 1x8x8\noutputs { a: conv 2 k3 | b: conv 3 k3 }\n")
    done = specc("heads.cnn", "grey.png")
    assert (done.exit_code, done.output) == (0, "wrote peek.png\n")


def test_outputs_are_those_of_the_network() -> None:
    shaped = analyse(Source("net", TINY)).model
    assert shaped is not None
    torch.manual_seed(0)
    model = compile_spec(TINY).eval()
    image = torch.rand(1, 8, 8)
    found = {one.name: one for one in outputs_of(model, shaped, image)}
    assert list(found) == [row.name for row in shaped.rows()]
    x = image.unsqueeze(0)
    with torch.inference_mode():
        for name, layer in model.named_children():
            x = layer(x)
            assert found[name].values.equal(x[0])
    assert [name for name, one in found.items() if one.same] == ["flatten1", "dropout1"]


def test_outputs_of_branches_and_of_some_layers() -> None:
    shaped = analyse(Source("net", BRANCHES)).model
    assert shaped is not None
    model = compile_spec(BRANCHES)
    every = [one.name for one in outputs_of(model, shaped, torch.rand(3, 8, 8))]
    assert every[:3] == ["stem", "residual1.body.conv1", "residual1.body.relu1"]
    some = outputs_of(model, shaped, torch.rand(3, 8, 8), ["residual1"])
    assert [one.name for one in some] == [name for name in every if name.startswith("residual1")]
    kernels = first_kernels(model, shaped)
    assert kernels is not None
    assert (kernels.name, tuple(kernels.values.shape)) == ("stem", (4, 3, 3, 3))
    assert not any(module._forward_hooks for module in model.modules())


# The sheet


def test_the_sheet_of_a_run(run: Run, folder: Path) -> None:
    done = specc(run.folder, "grey.png")
    assert (done.exit_code, done.stdout) == (0, "wrote peek.png\n"), done.stderr
    picture = sheet("peek.png")
    assert picture.width == 2 * MARGIN + 16 * (TILE + GAP) - GAP
    first = Path("peek.png").read_bytes()
    specc(run.folder, "grey.png", "-o", "again.png")
    assert Path("again.png").read_bytes() == first


def test_maps_are_stretched_and_counted(run: Run) -> None:
    shaped = analyse(Source("net", TINY)).model
    assert shaped is not None
    outputs = outputs_of(run.model, shaped, torch.rand(1, 8, 8))
    conv, *_, linear = output_sections(outputs, 16, 16)
    assert (len(conv.tiles), conv.remark) == (16, "20x8x8, the first 16; 4 more maps")
    values = outputs[0].values[3]
    tile = conv.tiles[3].convert("L")
    assert tile.size == (TILE, TILE)
    place = divmod(int(values.argmax()), 8)
    assert tile.getpixel((place[1] * 10 + 5, place[0] * 10 + 5)) == 255
    assert tile.getextrema() == (0, 255)
    assert len(linear.tiles) == 1
    kernels = first_kernels(run.model, shaped)
    assert kernels is not None
    assert kernel_section(kernels, 5).remark == "20 kernels of 1x3x3, the first 5; 15 more kernels"


def test_a_test_picture_in_place_of_a_file(run: Run, folder: Path) -> None:
    assert specc(run.folder, "--sample", "3", "-o", "three.png").exit_code == 0
    assert specc(run.folder, "--sample", "4", "-o", "four.png").exit_code == 0
    assert Path("three.png").read_bytes() != Path("four.png").read_bytes()
    beyond = specc(run.folder, "--sample", "100000")
    assert (beyond.exit_code, "E643" in beyond.stderr) == (1, True)


def test_fresh_weights_of_a_spec(folder: Path) -> None:
    assert specc("net.cnn", "grey.png", "-o", "a.png").exit_code == 0
    assert specc("net.cnn", "grey.png", "-o", "b.png").exit_code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert specc("gallery:lenet5", "grey.png", "-o", "c.png", "--fit").exit_code == 0


def test_standard_input_and_output(run: Run, folder: Path) -> None:
    done = specc(run.folder, "-", "-o", "-", given=Path("grey.png").read_bytes())
    assert done.exit_code == 0
    assert Image.open(io.BytesIO(done.stdout_bytes)).format == "PNG"


def test_layers_and_maps_make_it_smaller(run: Run, folder: Path) -> None:
    specc(run.folder, "grey.png", "-o", "all.png")
    specc(run.folder, "grey.png", "-o", "few.png", "--layer", "conv1", "--maps", "4")
    assert sheet("few.png").height < sheet("all.png").height
    assert sheet("few.png").width < sheet("all.png").width


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["net.cnn"], 2, "Name a PICTURE"),
        (["net.cnn", "grey.png", "--sample", "1"], 2, "Name a PICTURE"),
        (["net.cnn", "grey.png", "-o", "peek.txt"], 2, "does not end in .png"),
        (["net.cnn", "grey.png", "-o", "nowhere/peek.png"], 1, "nowhere/peek.png"),
        (["net.cnn", "nothing.png"], 1, "E643"),
        (["net.cnn", "net.cnn"], 1, "E643"),
        (["net.cnn", "grey.png", "--layer", "conv"], 1, "did you mean `conv1`?"),
        (["vector.cnn", "grey.png"], 1, "E647"),
        (["nowhere.cnn", "grey.png"], 2, "E107"),
        (["nowhere.safetensors", "grey.png"], 2, "E640"),
        (["large.cnn", "grey.png"], 1, "--fit"),
    ],
)
def test_wrong_commands(arguments: list[str], status: int, words: str, folder: Path) -> None:
    Path("vector.cnn").write_text("input 64\nlinear 10\n")
    Path("large.cnn").write_text("input 1x28x28\nconv 4 k3\n")
    done = specc(*arguments)
    assert (done.exit_code, words in done.output, "Traceback" in done.output) == (status, True, False), done.output


def test_a_deep_network_is_cut(folder: Path) -> None:
    deep = "input 1x8x8\n" + "conv 2 k3 p1\n" * 120
    shaped = analyse(Source("net", deep)).model
    assert shaped is not None
    *_, last = output_sections(outputs_of(compile_spec(deep), shaped, torch.rand(1, 8, 8)), 4, 16)
    assert last.title == "and 20 more layers"
