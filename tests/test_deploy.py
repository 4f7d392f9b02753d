"""Trained networks where specc is not: what an exported file says of its use, and what it gives for a picture."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from made import NAMES, SIDE, drawn, name_all
from PIL import Image

from specc.cli.main import main
from specc.emit.python.prediction import Prediction, constants_text
from specc.evaluate.network import load
from specc.runner.run import Run, train

pytestmark = pytest.mark.usefixtures("one_thread")

HEAD = f"input 1x{SIDE}x{SIDE}\n"
PIXELS = HEAD + "conv 8 k5 p2 -> relu -> conv 2 k1\n"
VECTOR = HEAD + "conv 8 k5 p2 -> relu -> maxpool 2 -> conv 8 k3 p1 -> relu -> maxpool 2 -> flatten -> linear 2\n"
HEADS = HEAD + (
    "early: { conv 8 k5 p2 -> relu -> maxpool 2 } -> conv 8 k3 p1 -> relu -> maxpool 2\n"
    "outputs { aux: from early -> flatten -> linear 2 | main: flatten -> linear 2 }\n"
)
OF_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "classify": (VECTOR, {"data": "rare", "normalize": True}),
    "multilabel": (VECTOR, {"data": "shapes", "threshold": 0.4}),
    "regress": (VECTOR, {"data": "centres", "normalize": True}),
    "segment": (PIXELS, {"data": "discs"}),
    "heads": (HEADS, {"data": "rare", "normalize": True, "task": "classify", "heads": "main=1 aux=0.3"}),
}
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    name_all(monkeypatch)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each task, and one on colour pictures of other sizes in files."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        name_all(patch)
        found = {
            task: train(spec, folder / task, **{"task": task, "batch": 24, "lr": 0.005, "epochs": 1, **more})
            for task, (spec, more) in OF_TASKS.items()
        }
    _photographs(folder / "photographs")
    spec = "input 3x20x24\nconv 4 k3 -> relu -> maxpool 2 -> flatten -> linear 2\n"
    asked: dict[str, Any] = {"resize": (20, 24), "normalize": True, "epochs": 2, "batch": 8, "lr": 0.01}
    for name, fit in (("files", "stretch"), ("crop", "crop"), ("pad", "pad")):
        found[name] = train(spec, folder / name, data=str(folder / "photographs"), fit=fit, **asked)
    return found


def _photographs(folder: Path) -> None:
    """Red and blue JPEG files, some of them on their side as telephones leave them."""
    chance = np.random.default_rng(0)
    for place, name in enumerate(("red", "blue")):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            levels = chance.integers(0, 120, (40 + number, 60, 3)).astype(np.uint8)
            levels[..., 2 * place] += 100
            exif = Image.Exif()
            exif[0x0112] = 6 if number % 3 == 0 else 1
            Image.fromarray(levels).save(folder / name / f"{number}.jpg", exif=exif, quality=90)


def specc(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


class Exports:
    """Files that were exported of the runs, each once."""

    def __init__(self, runs: dict[str, Run], folder: Path) -> None:
        self.runs, self._folder = runs, folder

    def of(self, task: str, kind: str, *more: str) -> Path:
        file = self._folder / f"{'-'.join((task, *more))}.{kind}"
        if not file.exists():
            specc("export", self.runs[task].folder, "-o", file, *more)
        return file


@pytest.fixture(scope="module")
def exports(runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return Exports(runs, tmp_path_factory.mktemp("exports"))


def session(file: Path) -> Any:
    return onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])


def metadata(file: Path) -> dict[str, str]:
    if file.suffix == ".onnx":
        return dict(session(file).get_modelmeta().custom_metadata_map)
    names = ("classes", "task", "input", "mean", "deviation", "spec", "fit")
    texts: dict[str, Any] = dict.fromkeys(names, "")
    torch.export.load(file, extra_files=texts)
    return texts


# What the file says


@pytest.mark.parametrize(
    ("task", "kind", "more"),
    [*((task, "onnx", ["--pictures"]) for task in OF_TASKS), ("classify", "onnx", []), ("classify", "pt2", [])],
)
def test_an_exported_run_says_what_it_is_for(task: str, kind: str, more: list[str], exports: Exports) -> None:
    said = metadata(exports.of(task, kind, *more))
    data = load(exports.runs[task].folder)._trained.data
    assert said["task"] == OF_TASKS[task][1].get("task", task)
    assert json.loads(said["classes"]) == list(NAMES[str(OF_TASKS[task][1]["data"])])
    assert said["input"] == f"1x{SIDE}x{SIDE}"
    assert said["spec"] == OF_TASKS[task][0]
    assert json.loads(said["mean"]) == list(data.mean or (0.0,))
    assert json.loads(said["deviation"]) == list(data.deviation or (1.0,))
    assert said["fit"] == "stretch"
    if task == "multilabel":
        assert json.loads(said["threshold"]) == 0.4
    if task == "regress":
        assert json.loads(said["target_mean"]) == pytest.approx(drawn("centres", 240, 0)[1].mean(0).tolist())


def test_a_spec_says_its_text_and_its_input_alone(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(VECTOR)
    specc("export", tmp_path / "net.cnn", "-o", tmp_path / "net.onnx")
    said = metadata(tmp_path / "net.onnx")
    assert said == {"spec": VECTOR, "input": f"1x{SIDE}x{SIDE}"}


def test_a_spec_with_the_weights_of_a_run_says_what_they_say(runs: dict[str, Run], tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text("# the same\n" + VECTOR)
    weights = runs["classify"].folder / "best.safetensors"
    specc("export", tmp_path / "net.cnn", "--weights", weights, "-o", tmp_path / "net.onnx", "--pictures")
    said = metadata(tmp_path / "net.onnx")
    assert said["spec"].startswith("# the same") and json.loads(said["classes"]) == ["none", "disc"]


# Pictures as bytes


@pytest.mark.parametrize("task", OF_TASKS)
def test_pictures_give_what_predict_tells(task: str, exports: Exports, tmp_path: Path) -> None:
    run, classes = exports.runs[task], NAMES[str(OF_TASKS[task][1]["data"])]
    pictures = drawn(str(OF_TASKS[task][1]["data"]), 80, 1)[0][:5]
    given = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    (answers,) = session(exports.of(task, "onnx", "--pictures")).run(None, {"input": given})
    if task in ("multilabel", "segment"):
        program: Any = torch.export.load(exports.of(task, "pt2", "--pictures")).module()
        assert np.allclose(answers, program(torch.from_numpy(given)).detach().numpy(), rtol=1e-5, atol=1e-6)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture[0]).save(tmp_path / f"{number}.png")
    files = [tmp_path / f"{number}.png" for number in range(len(pictures))]
    done = specc("predict", run.folder, *files, "--format", "json", "--out", tmp_path / "masks")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for answer, one in zip(answers, told, strict=True):
        if task == "segment":
            with Image.open(one["mask"]) as mask:
                assert (np.asarray(mask) == answer).mean() > 0.999
        elif task == "multilabel":
            expected = {name: share for name, share in zip(classes, answer, strict=True) if share >= 0.4}
            assert {one["label"]: one["probability"] for one in one["labels"]} == pytest.approx(expected, rel=1e-4)
        elif task == "regress":
            assert list(one["numbers"].values()) == pytest.approx(answer.tolist(), rel=1e-4)
        else:
            shares = {one["class"]: one["probability"] for one in one["classes"]}
            assert shares == pytest.approx(dict(zip(classes, answer, strict=True)), rel=1e-4)


def test_a_raw_jpeg_gives_in_onnxruntime_what_predict_gives(exports: Exports, tmp_path: Path) -> None:
    """The picture at the network's size, decoded by Pillow: nothing but that stands before the file."""
    content = io.BytesIO()
    chance = np.random.default_rng(5)
    Image.fromarray(chance.integers(0, 256, (20, 24, 3)).astype(np.uint8)).save(content, "JPEG")
    (tmp_path / "raw.jpg").write_bytes(content.getvalue())
    program = session(exports.of("files", "onnx", "--pictures"))
    assert program.get_inputs()[0].type == "tensor(uint8)"
    assert program.get_inputs()[0].shape[1:] == [20, 24, 3]
    picture = np.asarray(Image.open(tmp_path / "raw.jpg"))
    (answer,) = program.run(None, {"input": picture[np.newaxis]})[0]
    classes = json.loads(program.get_modelmeta().custom_metadata_map["classes"])
    told = json.loads(specc("predict", exports.runs["files"].folder, tmp_path / "raw.jpg", "--format", "json").stdout)
    expected = {one["class"]: one["probability"] for one in told["classes"]}
    assert dict(zip(classes, answer.tolist(), strict=True)) == pytest.approx(expected, rel=1e-5)


AUTOENCODER = "input 1x8x8\nflatten -> linear 64 -> unflatten 1x8x8\n"
VECTORS = "input 64\nlinear 10\n"


@pytest.mark.parametrize(
    ("subject", "more", "status", "told"),
    [
        ("spec", ["-o", "net.onnx"], 2, "error[E700]: nothing says what pictures net was trained on"),
        ("autoencoder", ["-o", "net.pt2"], 2, "says nothing of them"),
        ("vector", ["-o", "net.pt2"], 1, "no picture has that shape"),
        ("files", ["-o", "net.py"], 2, "the Python of a run has `predict`"),
    ],
)
def test_what_takes_no_pictures(
    subject: str, more: list[str], status: int, told: str, runs: dict[str, Run], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(VECTOR)
    names = {"spec": "net.cnn", "files": str(runs["files"].folder)}
    if subject == "autoencoder":
        names[subject] = str(train(AUTOENCODER, tmp_path / "run", task="reconstruct", epochs=1, limit=64).folder)
    if subject == "vector":
        np.savez("v.npz", x=np.random.default_rng(0).random((40, 64)).astype(np.float32), y=np.arange(40) % 10)
        names[subject] = str(train(VECTORS, tmp_path / "run", data="v.npz", epochs=1).folder)
    done = CliRunner().invoke(main, ["export", names[subject], "--pictures", *more])
    assert (done.exit_code, told in done.output) == (status, True), done.output
    assert not Path(more[1]).exists()


# Python


ALONE = """\
import sys
sys.modules["specc"] = None  # it cannot be imported
import json
import os
import re
import shutil
import subprocess
import sys
import net
for path in sys.argv[1:]:
    told = net.predict(path)
    print(json.dumps(told if isinstance(told, dict) else told.tolist()))
"""


def predicted_alone(run: Run, folder: Path, *files: Path) -> list[Any]:
    """What the exported Python of a run says where specc is not installed."""
    specc("export", run.folder, "-o", folder / "net.py")
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *map(str, files)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("task", OF_TASKS)
def test_exported_python_predicts_without_specc(task: str, runs: dict[str, Run], tmp_path: Path) -> None:
    picture = drawn(str(OF_TASKS[task][1]["data"]), 80, 1)[0][0, 0]
    Image.fromarray(picture).save(tmp_path / "one.png")
    Image.fromarray((picture.astype(np.int32) * 257).astype(np.uint16)).save(tmp_path / "deep.png")  # 16 bits
    first, deep = predicted_alone(runs[task], tmp_path, tmp_path / "one.png", tmp_path / "deep.png")
    assert first == deep
    done = specc("predict", runs[task].folder, tmp_path / "one.png", "--json", "--out", tmp_path / "masks")
    told = json.loads(done.stdout)
    if task == "segment":
        with Image.open(told["mask"]) as mask:
            assert (np.asarray(mask) == np.array(first)).all()
    elif task == "regress":
        assert first == pytest.approx(told["numbers"], rel=1e-6)
    else:
        each = told["labels" if task == "multilabel" else "classes"]
        expected = [(next(iter(one.values())), one["probability"]) for one in each]
        assert list(first) == [name for name, _ in expected]
        assert first == pytest.approx(dict(expected), rel=1e-5)


@pytest.mark.parametrize("name", ["files", "crop", "pad"])
def test_exported_python_prepares_photographs_as_the_run_does(name: str, runs: dict[str, Run], tmp_path: Path) -> None:
    folder = runs["files"].folder.parent / "photographs"
    big = tmp_path / "big.jpg"  # decoded at a part of its size, and lying on its side
    exif = Image.Exif()
    exif[0x0112] = 8
    levels = np.random.default_rng(3).integers(0, 256, (30, 45, 3)).astype(np.uint8)
    Image.fromarray(levels).resize((720, 480)).save(big, exif=exif)
    files = [big, *sorted(folder.rglob("*.jpg"))[::3]]
    found = predicted_alone(runs[name], tmp_path, *files)
    done = specc("predict", runs[name].folder, *files, "--format", "json")
    for one, line in zip(found, done.stdout.splitlines(), strict=True):
        told = {each["class"]: each["probability"] for each in json.loads(line)["classes"]}
        assert one == pytest.approx(told, rel=1e-5)


def test_exported_python_tells_of_pictures_on_the_command_line(runs: dict[str, Run], tmp_path: Path) -> None:
    Image.fromarray(drawn("rare", 80, 1)[0][0, 0]).save(tmp_path / "one.png")
    written = specc("export", runs["classify"].folder, "-o", tmp_path / "net.py").stderr
    assert "net.py PICTURE…` predicts pictures" in written
    for given, begins in ((["one.png"], "one.png {'none': 0."), ([], "(2, 2)")):
        done = subprocess.run(
            [sys.executable, "net.py", *given], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        (line,) = done.stdout.splitlines()
        assert line.startswith(begins)


def test_names_of_classes_stay_texts_in_exported_python() -> None:
    names = ('"; import os #', "a\nb", "\u202e", "\\", "é", "数")
    text = constants_text(Prediction((1, 8, 8), "", {"classes": names}, ""))
    assert all(line.isprintable() for line in text.splitlines())
    space: dict[str, Any] = {}
    exec(text, space)
    assert space["CLASSES"] == names


@pytest.mark.parametrize("task", [*OF_TASKS, "files", "crop", "pad"])
def test_exported_python_is_laid_out_as_a_formatter_leaves_it(task: str, runs: dict[str, Run], tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    specc("export", runs[task].folder, "-o", tmp_path / "net.py")
    command = [ruff, "format", "--isolated", "--no-cache", "--line-length", "100", "--diff", str(tmp_path / "net.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# Int8


def answers_of(file: Path, pictures: np.ndarray) -> np.ndarray:
    given = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    found: np.ndarray = session(file).run(None, {"input": given})[0]
    return found


@pytest.mark.parametrize("task", ["classify", "segment", "heads"])
def test_int8_tells_what_it_costs(task: str, exports: Exports, tmp_path: Path) -> None:
    run, data = exports.runs[task], str(OF_TASKS[task][1]["data"])
    done = specc("export", run.folder, "-o", tmp_path / "net.onnx", "--int8", "--pictures")
    told = re.search(
        r"float to int8: (\S+) ([\d.]+) % → ([\d.]+) % on 80 test pictures of (\w+); ranges from 240", done.stderr
    )
    assert told is not None, done.stderr
    best = run.best
    assert best is not None and told[4] == data
    assert float(told[2]) == pytest.approx(100 * (best.score or 0), abs=0.6)
    pictures, true = drawn(data, 80, 1)
    exact = answers_of(exports.of(task, "onnx", "--pictures"), pictures)
    rough = answers_of(tmp_path / "net.onnx", pictures)
    if task != "segment":
        assert (rough.argmax(1) == true).mean() == pytest.approx(float(told[3]) / 100, abs=1e-4)
        exact, rough = exact.argmax(1), rough.argmax(1)
    assert (exact == rough).mean() > 0.95
    kinds = {tensor.data_type for tensor in model_of_file(tmp_path / "net.onnx").graph.initializer}
    assert 3 in kinds  # onnx.TensorProto.INT8
    assert metadata(tmp_path / "net.onnx") == metadata(exports.of(task, "onnx", "--pictures"))


def model_of_file(file: Path) -> Any:
    import onnx

    return onnx.load(file)


def test_int8_of_numbers_takes_what_the_network_takes(exports: Exports, tmp_path: Path) -> None:
    done = specc("export", exports.runs["regress"].folder, "-o", tmp_path / "net.onnx", "--int8")
    assert re.search(r"float to int8: R² -?[\d.]+ → -?[\d.]+ on 80 test pictures", done.stderr), done.stderr
    (given,) = session(tmp_path / "net.onnx").get_inputs()
    assert given.type == "tensor(float)"


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA is unset: real MNIST is not there")
def test_int8_is_within_two_points_on_mnist(tmp_path: Path) -> None:
    spec = (
        "input 1x28x28\nconv 8 k5 nobias -> bn -> relu -> maxpool 2\n"
        "conv 16 k5 -> relu -> maxpool 2 -> flatten -> linear 10\n"
    )
    asked: dict[str, Any] = {"data": "mnist", "data_dir": os.environ["SPECC_DATA"], "limit": 3000, "normalize": True}
    run = train(spec, tmp_path / "run", epochs=1, batch=32, lr=0.005, **asked)
    done = specc("export", run.folder, "-o", tmp_path / "net.onnx", "--int8")
    told = re.search(r"accuracy ([\d.]+) % → ([\d.]+) % on [\d,]+ test pictures of mnist", done.stderr)
    assert told is not None, done.stderr
    assert float(told[1]) > 85
    assert abs(float(told[1]) - float(told[2])) < 2
    specc("export", run.folder, "-o", tmp_path / "float.onnx")
    assert (tmp_path / "net.onnx").stat().st_size < (tmp_path / "float.onnx").stat().st_size


@pytest.mark.parametrize(
    ("subject", "more", "status", "told"),
    [
        ("net.cnn", ["-o", "net.onnx", "--int8"], 2, "error[E700]: nothing says what pictures net was trained on"),
        ("run", ["-o", "net.pt2", "--int8"], 2, "`--int8` is for `--to onnx`"),
        ("run", ["-o", "net.onnx", "--data", "digits"], 2, "`--data` is for `--int8`"),
        ("run", ["-o", "net.onnx", "--int8", "--data", "digits"], 1, "error[E642]"),
        ("run", ["-o", "net.onnx", "--int8", "--data", "nothing"], 2, "error[E601]"),
    ],
)
def test_what_cannot_be_made_int8(
    subject: str, more: list[str], status: int, told: str, runs: dict[str, Run], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(VECTOR)
    done = CliRunner().invoke(main, ["export", subject.replace("run", str(runs["classify"].folder)), *more])
    assert (done.exit_code, told in done.output) == (status, True), done.output
    assert not Path(more[1]).exists()
