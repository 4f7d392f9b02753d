"""`specc eval` and `specc predict`: what a trained network is asked afterwards."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from specc.build.compile import build
from specc.cli.evaluation_text import ASCII_BLOCKS, BLOCKS, _matrix, as_text
from specc.cli.main import main
from specc.data.load import Dataset, load_dataset
from specc.evaluate.score import Evaluation
from specc.evaluate.trained import load_trained
from specc.recipe.recipe import Recipe
from specc.runner.run import Run, train
from specc.tasks.confusion import MACRO_F1, WEIGHTED_F1, Confusion
from specc.tasks.measure import ACCURACY
from specc.tasks.review import Review

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 3 ; batch 64 ; lr 0.01 ; normalize }\n"
AUTOENCODER = (
    "input 1x8x8\nflatten -> linear 8 -> relu -> linear 64 -> unflatten 1x8x8\ntrain { task reconstruct ; epochs 1 }\n"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(TINY, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(Recipe())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def specc(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


def picture(digits: Dataset, number: int) -> Image.Image:
    return Image.fromarray(digits.test.x[number, 0].numpy())


# What the weights carry


def test_the_weights_describe_their_pictures(run: Run, digits: Dataset) -> None:
    with safe_open(run.folder / "best.safetensors", framework="pt") as file:
        data = json.loads(file.metadata()["data"])
    assert (data["name"], data["classes"], data["sample"]) == ("digits", [str(n) for n in range(10)], [1, 8, 8])
    values = digits.train.x.double() / 255
    assert data["mean"] == pytest.approx([values.mean().item()], abs=1e-6)
    assert data["deviation"] == pytest.approx([values.std(correction=0).item()], abs=1e-6)


# eval


def test_eval_gives_the_runs_own_figures(run: Run) -> None:
    for kind, expected in (("best", run.best), ("last", run.metrics[-1])):
        found = json.loads(specc("eval", run.folder, "--weights", kind, "--json").stdout)
        assert expected is not None
        assert found["accuracy"] == expected.test_accuracy
        assert found["loss"] == pytest.approx(expected.test_loss, rel=1e-5)
        assert (found["pictures"], found["data"], found["split"]) == (359, "digits", "test")


def test_eval_agrees_with_torch_and_sklearn(run: Run, digits: Dataset) -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    trained = load_trained(run.folder)
    scaling = trained.data.scaling()
    assert scaling is not None
    images = (digits.test.x.float() / 255 - scaling.mean) / scaling.deviation
    with torch.inference_mode():
        answers = trained.model(images).argmax(1)
    found = json.loads(specc("eval", run.folder, "--json").stdout)
    rows = torch.tensor(found["confusion"])
    # The command computes in the run's precision, which may move a picture that lies between two classes.
    assert (rows - torch.tensor(confusion_matrix(digits.test.y, answers))).abs().sum() <= 4
    true = torch.arange(10).repeat_interleave(rows.sum(1))
    said = torch.cat([torch.arange(10).repeat_interleave(row) for row in rows])
    precision, recall, f1, support = precision_recall_fscore_support(true, said, zero_division=0)
    assert [one["pictures"] for one in found["classes"]] == support.tolist()
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert [one[name] for one in found["classes"]] == pytest.approx(values.tolist())


def test_eval_of_a_weights_file_elsewhere(run: Run, folder: Path) -> None:
    (folder / "net.safetensors").write_bytes((run.folder / "best.safetensors").read_bytes())
    done = specc("eval", "net.safetensors", "--limit", "50")
    assert done.exit_code == 0, done.stderr
    assert "net (net.safetensors, epoch 3) on digits" in done.stdout
    assert "50 test pictures" in done.stdout


def test_eval_on_the_training_pictures(run: Run) -> None:
    assert json.loads(specc("eval", run.folder, "--split", "train", "--json").stdout)["pictures"] == 1438


def test_eval_of_an_autoencoder(folder: Path) -> None:
    done = train(AUTOENCODER, folder / "run")
    found = json.loads(specc("eval", "run", "--json").stdout)
    assert found["accuracy"] is None
    assert found["loss"] == pytest.approx(done.metrics[-1].test_loss, rel=1e-4)
    assert "mean squared error" in specc("eval", "run").stdout
    assert "E646" in specc("predict", "run", "nothing.png").stderr


def _leaves(folder: Path, classes: int, side: int) -> Path:
    for kind in range(classes):
        for number in range(5):
            path = folder / f"class{kind}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (side, side), 20 * kind + number).save(path)
    return folder


def test_eval_on_other_data(run: Run, folder: Path) -> None:
    assert "10 classes" not in (wrong := specc("eval", run.folder, "--data", _leaves(folder / "three", 3, 8))).stdout
    assert (wrong.exit_code, "E642" in wrong.stderr, "3 classes" in wrong.stderr) == (1, True, True)
    large = _leaves(folder / "large", 10, 12)
    assert "--fit" in specc("eval", run.folder, "--data", large).stderr
    fitting = specc("eval", run.folder, "--data", large, "--fit")
    assert fitting.exit_code == 0, fitting.stderr
    assert "50 test pictures" in fitting.stdout
    assert "different names" in fitting.stderr


def _confusion(classes: int, pictures: int) -> Confusion:
    rows = [[pictures if column == row else (row + column) % 3 for column in range(classes)] for row in range(classes)]
    return Confusion(tuple(f"name{number}" for number in range(classes)), tuple(map(tuple, rows)))


def _review(confusion: Confusion) -> Review:
    numbers = ((ACCURACY, confusion.accuracy), *zip((MACRO_F1, WEIGHTED_F1), confusion.mean_f1(), strict=True))
    return Review(0.5, numbers, confusion.rows("pictures"), confusion)


@pytest.mark.parametrize(
    ("classes", "pictures", "width", "lines", "words"),
    [
        (10, 900, 80, 12, "confusion (rows"),
        (10, 900, 42, 13, "% of the true class (rows"),
        (100, 900, 120, 101, "darker is more"),
        (100, 900, 40, 0, ""),
    ],
)
def test_a_matrix_is_as_detailed_as_fits(classes: int, pictures: int, width: int, lines: int, words: str) -> None:
    found = _matrix(_confusion(classes, pictures), width, BLOCKS)
    assert len(found) == lines
    assert words in "".join(found[:1])
    assert max(map(len, found), default=0) <= width
    ascii_only = "".join(_matrix(_confusion(classes, pictures), width, ASCII_BLOCKS)[1:])
    assert all(character.isascii() or character == "…" for character in ascii_only)


def test_the_text_of_an_evaluation_fits_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "40")
    found = Evaluation("digits", "test", 100, _review(_confusion(10, 90)))
    text = as_text(load_trained(run.folder), found, Terminal())
    assert max(map(len, text.splitlines())) <= 40
    assert "most often mistaken for another class" in text


# predict


def test_predict_tells_the_likeliest_classes(run: Run, digits: Dataset, folder: Path) -> None:
    for number in range(3):
        picture(digits, number).save(folder / f"{number}.png")
    done = specc("predict", run.folder, "--json", "0.png", "1.png", "2.png")
    assert done.exit_code == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["picture"] for one in answers] == ["0.png", "1.png", "2.png"]
    trained = load_trained(run.folder)
    scaling = trained.data.scaling()
    assert scaling is not None
    with torch.inference_mode():
        shares = trained.model((digits.test.x[:3].float() / 255 - scaling.mean) / scaling.deviation).softmax(1)
    for one, row in zip(answers, shares, strict=True):
        values, places = row.topk(5)
        assert [found["class"] for found in one["classes"]] == [str(place) for place in places.tolist()]
        assert [found["probability"] for found in one["classes"]] == pytest.approx(values.tolist(), abs=1e-6)


def test_predict_passes_over_what_is_no_picture(run: Run, digits: Dataset, folder: Path) -> None:
    (folder / "all" / "below").mkdir(parents=True)
    picture(digits, 0).save(folder / "all" / "b.png")
    picture(digits, 1).save(folder / "all" / "below" / "a.png")
    whole = (folder / "all" / "b.png").read_bytes()
    (folder / "all" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "all" / "notes.txt").write_text("no picture")
    done = specc("predict", run.folder, "all", "nowhere.png", "--top", "1")
    assert done.exit_code == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["all/b.png", "all/below/a.png"]
    assert done.stderr.count("E643") == 2
    assert "cut.png" in done.stderr
    assert "nowhere.png" in done.stderr


def test_predict_from_standard_input_inverted_and_scaled(run: Run, digits: Dataset) -> None:
    def answer(image: Image.Image, *options: str) -> Any:
        content = io.BytesIO()
        image.save(content, "PNG")
        done = specc("predict", run.folder, "-", "--json", *options, given=content.getvalue())
        return json.loads(done.stdout)

    plain = picture(digits, 0)
    expected = answer(plain)["classes"]
    inverted = Image.eval(plain, lambda level: 255 - level)
    assert answer(inverted, "--invert")["classes"][0]["class"] == expected[0]["class"]
    doubled = plain.resize((16, 16), Image.Resampling.NEAREST)
    assert "16x16" in answer(doubled)["error"]
    assert answer(doubled.convert("RGB"), "--fit")["classes"][0]["class"] == expected[0]["class"]


def test_predict_scales_as_the_recipe_does(digits: Dataset, folder: Path) -> None:
    train(TINY.replace("1x8x8", "1x12x12"), folder / "run", resize=12, epochs=1, limit=200)
    picture(digits, 0).save("eight.png")
    assert specc("predict", "run", "eight.png").exit_code == 0


# Wrong weights


def _without_data(path: Path, target: Path) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    del metadata["data"]
    save_file(load_file(path), target, metadata)


def _other_network(path: Path, target: Path) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({"weight": torch.zeros(2000)}, target, metadata)


def _huge_network(path: Path, target: Path) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    metadata["spec"] = TINY.replace("linear 10", "linear 9000000 -> linear 10")
    save_file(load_file(path), target, metadata)


def _one_class(path: Path, target: Path) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    metadata["data"] = json.dumps({**json.loads(metadata["data"]), "classes": ["all"]})
    save_file(load_file(path), target, metadata)


def _plain_weights(path: Path, target: Path) -> None:
    save_file(load_file(path), target)


def _cut_off(path: Path, target: Path) -> None:
    target.write_bytes(path.read_bytes()[:-100])


def _no_safetensors(path: Path, target: Path) -> None:
    torch.save(load_file(path), target)


@pytest.mark.parametrize(
    "spoil",
    [_without_data, _other_network, _huge_network, _one_class, _plain_weights, _cut_off, _no_safetensors],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("command", ["eval", "predict", "peek"])
def test_weights_that_cannot_be_used(spoil: Any, command: str, run: Run, folder: Path) -> None:
    spoil(run.folder / "best.safetensors", folder / "bad.safetensors")
    done = specc(command, "bad.safetensors", *(["some.png"] if command != "eval" else []))
    assert (done.exit_code, "E641" in done.stderr, "Traceback" in done.output) == (1, True, False)


def test_a_run_that_is_not_there(folder: Path) -> None:
    for arguments in (["eval", "nowhere"], ["predict", "nowhere", "a.png"], ["eval", "."]):
        done = specc(*arguments)
        assert (done.exit_code, "E640" in done.stderr) == (2, True)


def test_a_run_without_weights_and_what_is_no_run(folder: Path) -> None:
    (folder / "begun").mkdir()
    (folder / "begun" / "recipe.json").write_text("{}")
    (folder / "net.cnn").write_text("input 1x8x8\n")
    (folder / "notes.txt").write_text("no weights")
    for named, code, status, help in (
        ("begun", "E640", 2, "`specc train --resume begun`"),
        ("net.cnn", "E641", 1, "net.cnn is a spec, and the weights of a run are needed here"),
        ("net.cnn", "E641", 1, "`specc train net.cnn` trains it"),
        ("notes.txt", "E641", 1, "name the folder of a run"),
    ):
        done = specc("eval", named)
        assert (done.exit_code, code in done.stderr, help in done.stderr) == (status, True, True), done.stderr


def test_weights_of_a_run_that_was_stopped_in_its_first_epoch(run: Run, folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "last.safetensors").write_bytes((run.folder / "last.safetensors").read_bytes())
    assert load_trained(folder / "run").weights.name == "last.safetensors"
    assert specc("eval", "run", "--weights", "best").exit_code == 2


def test_loaded_weights_are_those_of_the_file(run: Run) -> None:
    trained = load_trained(run.folder, "last")
    assert build(trained.shaped).state_dict().keys() == trained.model.state_dict().keys()
    for name, tensor in load_file(run.folder / "last.safetensors").items():
        assert trained.model.state_dict()[name].equal(tensor)
    assert not trained.model.training
