"""Tasks from a spec to an answer: what each learns from data that the test makes, and what is told of it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Stop
from click.testing import CliRunner, Result
from made import IGNORED, NAMES, SIDE, drawn, name_all
from PIL import Image
from safetensors.torch import load_file

from specc.cli.main import main
from specc.data.augment import Augmenter, augmentation_of
from specc.data.load import load_dataset
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.resume import resume
from specc.runner.run import Run, train
from specc.tasks.classify import Classify
from specc.tasks.multilabel import Multilabel, average_precision
from specc.tasks.regress import Regress
from specc.tasks.segment import Segment
from specc.tasks.task import Targets, Task

pytestmark = pytest.mark.usefixtures("one_thread")

HEAD = f"input 1x{SIDE}x{SIDE}\n"
PIXELS = HEAD + "conv 8 k5 p2 -> relu -> conv 8 k5 p2 -> relu -> conv 2 k1\n"
VECTOR = HEAD + "conv 8 k5 p2 -> relu -> maxpool 2 -> conv 16 k3 p1 -> relu -> maxpool 2 -> flatten -> linear 2\n"
TRAINED: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "segment": (PIXELS, {"data": "discs", "epochs": 6, "dice": 0.5, "flip": True}, "test_iou", 0.9),
    "regress": (VECTOR, {"data": "centres", "epochs": 20, "error": "huber"}, "test_r2", 0.95),
    "multilabel": (VECTOR, {"data": "shapes", "epochs": 8}, "test_f1", 0.95),
}


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    name_all(monkeypatch)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        name_all(patch)
        return {
            task: train(spec, folder / task, task=task, batch=24, lr=0.005, **more)
            for task, (spec, more, _, _) in TRAINED.items()
        }


def specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("task", TRAINED)
def test_a_task_is_learned(task: str, runs: dict[str, Run]) -> None:
    _, _, key, least = TRAINED[task]
    best = runs[task].best
    assert best is not None and (best.measures[key] or 0) > least, runs[task].metrics
    assert best.score == best.measures[key]


@pytest.mark.parametrize("task", TRAINED)
def test_the_files_of_a_run_say_it_all(task: str, runs: dict[str, Run]) -> None:
    run = runs[task]
    rows = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    own = {
        "segment": ["test_accuracy", "test_iou"], "regress": ["test_mae", "test_r2"],
        "multilabel": ["test_f1", "test_map"],
    }[task]  # fmt: skip
    assert list(rows[0]) == ["epoch", "train_loss", "test_loss", *own, "seconds"]
    page = (run.folder / "report.html").read_text()
    title = {"segment": "Masks", "regress": "Largest errors", "multilabel": "Largest losses"}[task]
    assert f"<h2>{title}</h2>" in page
    assert all(name in page for name in NAMES[run_data(task)])


def run_data(task: str) -> str:
    return str(TRAINED[task][1]["data"])


def answered(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What the run's network gives for the test pictures, and what is true of them."""
    x, y = drawn(name, 80, 1)
    with torch.inference_mode():
        return run.model(torch.from_numpy(x).float() / 255).numpy(), y


def test_overlaps_are_those_of_sklearn(runs: dict[str, Run]) -> None:
    from sklearn.metrics import accuracy_score, jaccard_score, precision_score

    outputs, masks = answered(runs["segment"], "discs")
    known = masks != IGNORED
    true, said = masks[known], outputs.argmax(1)[known]
    found = json.loads(specc("eval", runs["segment"].folder, "--format", "json").stdout)
    assert found["accuracy"] == pytest.approx(accuracy_score(true, said), abs=2e-4)
    assert found["iou"] == pytest.approx(jaccard_score(true, said, average="macro"), abs=2e-3)
    assert [one["name"] for one in found["classes"]] == ["ground", "disc"]
    assert [one["iou"] for one in found["classes"]] == pytest.approx(
        jaccard_score(true, said, average=None).tolist(), abs=2e-3
    )
    assert found["classes"][1]["precision"] == pytest.approx(precision_score(true, said), abs=2e-3)
    assert sum(map(sum, found["confusion"])) == known.sum()
    assert found["classes"][1]["pixels"] == (true == 1).sum()


def test_numbers_are_measured_in_their_own_unit(runs: dict[str, Run]) -> None:
    from sklearn.metrics import mean_absolute_error, r2_score

    outputs, true = answered(runs["regress"], "centres")
    train_y = drawn("centres", 240, 0)[1]
    said = outputs * train_y.std(0) + train_y.mean(0)
    found = json.loads(specc("eval", runs["regress"].folder, "--json").stdout)
    assert found["mae"] == pytest.approx(mean_absolute_error(true, said), rel=2e-2)
    assert found["r2"] == pytest.approx(r2_score(true, said), abs=2e-3)
    for one, mae in zip(found["numbers"], mean_absolute_error(true, said, multioutput="raw_values"), strict=True):
        assert one["mae"] == pytest.approx(mae, rel=2e-2)


def test_labels_are_measured_as_sklearn_does(runs: dict[str, Run]) -> None:
    from sklearn.metrics import average_precision_score, f1_score

    outputs, true = answered(runs["multilabel"], "shapes")
    found = json.loads(specc("eval", runs["multilabel"].folder, "--json").stdout)
    assert found["f1"] == pytest.approx(f1_score(true, outputs > 0, average="micro"), abs=1e-2)
    assert found["macro_f1"] == pytest.approx(f1_score(true, outputs > 0, average="macro"), abs=1e-2)
    assert found["map"] == pytest.approx(average_precision_score(true, outputs, average="macro"), abs=1e-2)
    assert [one["pictures"] for one in found["labels"]] == true.sum(0).tolist()


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_sklearns(ties: bool) -> None:
    from sklearn.metrics import average_precision_score

    chance = torch.Generator().manual_seed(3)
    for _ in range(20):
        scores = torch.rand(30, generator=chance)
        if ties:
            scores = (4 * scores).round()
        there = (torch.rand(30, generator=chance) < 0.3).float()
        there[0] = 1.0
        assert average_precision(scores, there) == pytest.approx(average_precision_score(there, scores))
    assert average_precision(scores, torch.zeros(30)) is None


# The gallery's U-Net


def discs_in_folders(folder: Path) -> Path:
    """Pictures of 32x32 beside their masks, as files."""
    pictures, masks = drawn("discs", 72, 0)
    masks[:, 0] = masks[:, 1]
    for name, arrays, how in (
        ("images", pictures[:, 0], Image.Resampling.BILINEAR), ("masks", masks * 255, Image.Resampling.NEAREST),
    ):  # fmt: skip
        (folder / name).mkdir(parents=True)
        for number, levels in enumerate(arrays):
            Image.fromarray(levels).resize((32, 32), how).save(folder / name / f"{number}.png")
    return folder


def test_the_unet_of_the_gallery_segments_by_one_command(tmp_path: Path) -> None:
    data, run = discs_in_folders(tmp_path / "discs"), tmp_path / "run"
    size = ["--set", "width=4", "--input", "1x32x32", "--resize", "32", "--epochs", "12", "--lr", "0.004"]
    done = specc("train", "gallery:small/unet", "--data", data, *size, "--out", run)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert max(row["test_iou"] for row in rows) > 0.9, rows
    picture = data / "images" / "3.png"
    told = json.loads(specc("predict", run, picture, "--format", "json", "--out", tmp_path / "said").stdout)
    with Image.open(told["mask"]) as mask, Image.open(data / "masks" / "3.png") as true:
        said, wanted = np.asarray(mask) > 0, np.asarray(true) > 0
    assert (said & wanted).sum() / (said | wanted).sum() > 0.8
    with Image.open(told["overlay"]) as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (32, 32))


# What is said to every sample


def table_of(run: Run, folder: Path, *more: str) -> list[dict[str, str]]:
    done = specc("eval", run.folder, "--predictions", folder / "all.csv", *more)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO((folder / "all.csv").read_text())))


def test_every_answer_stands_in_a_table(runs: dict[str, Run], tmp_path: Path) -> None:
    rows = table_of(runs["regress"], tmp_path)
    true = drawn("centres", 80, 1)[1]
    assert list(rows[0]) == ["sample", "true x", "true y", "x", "y"]
    assert [row["sample"] for row in rows] == list(map(str, range(80)))
    assert np.allclose([[float(row["true x"]), float(row["true y"])] for row in rows], true)
    error = np.abs(np.array([[float(row[name]) for name in "xy"] for row in rows]) - true).mean()
    assert error == pytest.approx(json.loads(specc("eval", runs["regress"].folder, "--json").stdout)["mae"], rel=1e-4)
    labels = table_of(runs["multilabel"], tmp_path)
    assert list(labels[0]) == ["sample", "true", "labels", "disc", "bar"]
    has = drawn("shapes", 80, 1)[1]
    assert [row["true"] for row in labels] == [
        ";".join(name for name, one in zip(("disc", "bar"), row, strict=True) if one) for row in has
    ]
    masks = table_of(runs["segment"], tmp_path)
    assert list(masks[0]) == ["sample", "true ground", "true disc", "ground", "disc"]
    known = drawn("discs", 80, 1)[1] != IGNORED
    assert float(masks[0]["true disc"]) == pytest.approx((drawn("discs", 80, 1)[1][0] == 1)[known[0]].mean(), abs=1e-6)


def test_the_table_of_a_folder_names_its_files(tmp_path: Path) -> None:
    for name in ("ash", "oak"):
        (tmp_path / "trees" / name).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(drawn("rare", 20, number)[0][0, 0]).save(tmp_path / "trees" / name / f"{number}.png")
    run = train(VECTOR, tmp_path / "run", data=str(tmp_path / "trees"), epochs=1, batch=8)
    rows = table_of(run, tmp_path)
    assert list(rows[0]) == ["sample", "true", "class", "probability"] and len(rows) == 4
    assert all(Path(row["sample"]).parent.name == row["true"] for row in rows)
    found = json.loads(specc("eval", run.folder, "--json").stdout)
    assert sum(row["true"] == row["class"] for row in rows) / len(rows) == pytest.approx(found["accuracy"])
    assert all(Path(row["sample"]).is_file() for row in table_of(run, tmp_path, "--split", "train"))


# What is said to a picture


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("discs", "centres", "shapes"):
        Image.fromarray(drawn(name, 80, 1)[0][0, 0]).save(f"{name}.png")
    return tmp_path


def test_predict_writes_masks_and_overlays(runs: dict[str, Run], pictures: Path) -> None:
    (pictures / "more").mkdir()
    Image.open("discs.png").save("more/discs.png")
    done = specc("predict", runs["segment"].folder, "discs.png", "more", "--format", "json", "--out", "masks")
    assert done.exit_code == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    outputs, _ = answered(runs["segment"], "discs")
    with Image.open(first["mask"]) as mask, Image.open(first["overlay"]) as overlay:
        assert (mask.mode, overlay.mode, overlay.size) == ("P", "RGB", (SIDE, SIDE))
        said = np.array(mask)
        assert (said != outputs[0].argmax(0)).mean() < 0.01
        assert (np.array(overlay)[said == 1][:, 0] > np.array(overlay)[said == 1][:, 1]).all()
    shares = {one["class"]: one["share"] for one in first["classes"]}
    assert shares["disc"] == pytest.approx((said == 1).mean())
    assert second["mask"] != first["mask"]
    assert f"mask {first['mask']}" in specc("predict", runs["segment"].folder, "discs.png", "--out", "masks").stdout


def test_predict_as_a_table(runs: dict[str, Run], pictures: Path) -> None:
    for task, name, columns in (
        ("regress", "centres", ["x", "y"]), ("multilabel", "shapes", ["labels", "disc", "bar"]),
        ("segment", "discs", ["ground", "disc", "mask", "overlay"]),
    ):  # fmt: skip
        done = specc("predict", runs[task].folder, "nothing.png", f"{name}.png", "--format", "csv")
        assert done.exit_code == 1
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert list(rows[0]) == ["picture", *columns, "error"]
        assert [row["picture"] for row in rows] == ["nothing.png", f"{name}.png"]
        assert rows[0]["error"] and not rows[1]["error"]
        told = json.loads(specc("predict", runs[task].folder, f"{name}.png", "--json").stdout)
        if task == "regress":
            assert {key: float(rows[1][key]) for key in columns} == told["numbers"]
            true = drawn("centres", 80, 1)[1][0]
            assert told["numbers"]["y"] == pytest.approx(float(true[1]), abs=2)
        if task == "multilabel":
            assert rows[1]["labels"] == ";".join(one["label"] for one in told["labels"])


def test_predict_in_words(runs: dict[str, Run], pictures: Path) -> None:
    assert specc("predict", runs["regress"].folder, "centres.png").stdout.startswith("centres.png\n  x ")
    assert specc("eval", runs["regress"].folder).stdout.splitlines()[3].startswith("MAE ")
    text = specc("eval", runs["segment"].folder, "--percent").stdout
    assert "class   pixels" in text and "% of the true class" in text
    assert specc("peek", runs["multilabel"].folder, "shapes.png", "-o", "sheet.png").exit_code == 0


# Going on


BACK = HEAD + "flatten -> linear 8 -> relu -> dropout 0.1 -> linear 256 -> unflatten 1x16x16\n"


@pytest.mark.parametrize("task", [*TRAINED, "reconstruct"])
def test_a_run_that_is_stopped_ends_with_the_same_bits(task: str, tmp_path: Path) -> None:
    spec, more, _, _ = TRAINED.get(task, (BACK, {"data": "discs"}, "", 0.0))
    asked: dict[str, Any] = {**more, "task": task, "batch": 24, "epochs": 2}
    asked |= {} if task in ("regress", "reconstruct") else {"label_smoothing": 0.1}
    whole = train(spec, tmp_path / "whole", **asked)
    train(spec, tmp_path / "run", callback=Stop(13), **asked)
    done = resume(tmp_path / "run")
    assert [one.row() | {"seconds": 0} for one in done.metrics] == [one.row() | {"seconds": 0} for one in whole.metrics]
    own, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "run"))
    assert all(own[name].equal(tensor) for name, tensor in other.items())


# The loss


GOALS: dict[str, tuple[Task, Targets, tuple[int, ...], tuple[int, ...]]] = {
    "classify": (Classify(0.1, (1.0, 5.0)), Targets("", 2, counts=(30, 10)), (2,), ()),
    "classify balanced": (Classify(0.0, "balanced"), Targets("", 2, counts=(30, 10)), (2,), ()),
    "multilabel": (
        Multilabel(0.1, "balanced"), Targets("", 2, "classes", counts=(30, 10), samples=40), (2,), (2,)
    ),
    "regress": (Regress("huber"), Targets("", 2, "numbers", mean=(0.4, 0.6), deviation=(0.5, 2.0)), (2,), (2,)),
    "segment": (Segment(0.1, "balanced", 0.5), Targets("", 2, "mask", counts=(30, 10)), (2, 4, 4), (4, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", GOALS)
def test_parts_of_a_batch_add_up_to_the_whole(name: str) -> None:
    """As accumulation and processes add them up: the mean of parts of one size is that of all."""
    task, targets, out, shape = GOALS[name]
    goal, chance = task.start(targets), torch.Generator().manual_seed(0)
    outputs, y = torch.randn(8, *out, generator=chance), torch.randint(0, 2, (8, *shape), generator=chance)
    if name == "segment":
        y[0, 0], y[5] = IGNORED, -1
    whole = goal.loss(outputs, outputs, y)
    parts = [goal.loss(outputs[part], outputs[part], y[part]) for part in (slice(0, 4), slice(4, 8))]
    assert float(sum(parts)) / 2 == pytest.approx(float(whole), rel=1e-5)
    assert whole.isfinite()


def test_losses_are_torchs() -> None:
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, huber_loss, l1_loss, mse_loss

    chance = torch.Generator().manual_seed(0)
    outputs, pixels = torch.randn(6, 3, generator=chance), torch.randn(6, 3, 4, 4, generator=chance)
    y, masks = torch.randint(0, 3, (6,), generator=chance), torch.randint(0, 3, (6, 4, 4), generator=chance)
    weights = (1.0, 2.0, 3.0)
    counts = tuple(y.bincount(minlength=3).tolist())
    found = Classify(0.0, weights).start(Targets("", 3, counts=counts)).loss(outputs, outputs, y)
    # Where the batch is all there is, torch's weighted mean is the same.
    assert float(found) == pytest.approx(float(cross_entropy(outputs, y, torch.tensor(weights))), rel=1e-5)
    found = Segment().start(Targets("", 3, "mask")).loss(pixels, pixels, masks)
    assert float(found) == pytest.approx(float(cross_entropy(pixels, masks)), rel=1e-5)
    there = torch.randint(0, 2, (6, 3), generator=chance)
    found = Multilabel(0.0, weights).start(Targets("", 3, "classes")).loss(outputs, outputs, there)
    expected = binary_cross_entropy_with_logits(outputs, there.float(), pos_weight=torch.tensor(weights))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    functions: dict[str, Any] = {"mse": mse_loss, "mae": l1_loss, "huber": huber_loss}
    for error, function in functions.items():
        goal = Regress(error).start(Targets("", 3, "numbers", mean=(1.0, 2.0, 3.0), deviation=(2.0, 2.0, 2.0)))
        scaled = (there - torch.tensor([1.0, 2.0, 3.0])) / 2
        assert float(goal.loss(outputs, outputs, there)) == pytest.approx(float(function(outputs, scaled)), rel=1e-5)


def test_a_rare_class_is_found_where_it_counts_more(tmp_path: Path) -> None:
    recalls = []
    for weights in (None, "balanced"):
        done = train(VECTOR, tmp_path / str(weights), data="rare", epochs=4, batch=24, seed=1, class_weights=weights)
        found = json.loads(specc("eval", done.folder, "--weights", "last", "--json").stdout)
        recalls.append(found["classes"][1]["recall"])
    assert recalls[1] > recalls[0] + 0.2, recalls


# Masks move with their pictures


@pytest.mark.parametrize("setting", [{"flip": True}, {"crop": 3}, {"flip": True, "crop": 3, "color_jitter": 0.2}])
def test_masks_move_with_their_pictures(setting: dict[str, Any]) -> None:
    torch.manual_seed(0)
    masks = torch.randint(1, 3, (32, 12, 12))
    images = (masks * 40).byte().unsqueeze(1)
    augmentation = augmentation_of(Recipe(**setting), 3, masks=True)
    assert isinstance(augmentation, Augmenter)
    torch.manual_seed(1)
    moved, targets = augmentation.move(images, masks)
    assert (targets != masks).any()
    if "color_jitter" not in setting:
        assert ((targets == -1) == (moved[:, 0] == 0)).all()
        inside = targets > 0
        assert (moved[:, 0][inside] == targets[inside] * 40).all()
    torch.manual_seed(1)
    alone, _ = augmentation_of(Recipe(**setting), 3).move(images, masks)  # type: ignore[union-attr] # it is one
    assert torch.equal(alone, moved)


def test_a_cut_out_mask_is_that_of_its_part() -> None:
    torch.manual_seed(0)
    masks = torch.zeros(16, 32, 32, dtype=torch.uint8)
    masks[:, 8:24, 8:24] = 1
    augmentation = augmentation_of(Recipe(resized_crop=0.3), 2, masks=True)
    assert augmentation is not None
    moved, targets = augmentation.move((masks * 200).unsqueeze(1), masks)
    assert set(targets.flatten().tolist()) <= {0, 1}
    assert ((moved[:, 0] > 100) != (targets > 0)).float().mean() < 0.02


# What does not go together


@pytest.mark.parametrize(
    ("data", "recipe", "words"),
    [
        ("discs", {}, "gives a class for each pixel"),
        ("digits", {"task": "regress"}, "gives one class for each sample"),
        ("rare", {"class_weights": (1.0, 2.0, 3.0)}, "`class_weights` has 3 numbers"),
    ],
)
def test_data_that_a_task_does_not_learn_from(data: str, recipe: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        train(VECTOR, tmp_path / "run", data=data, resize=SIDE if data == "digits" else None, **recipe)
    found = caught.value.diagnostic
    assert (found.code, words in found.message) == ("E638", True), found.message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "data", "end", "help"),
    [
        ("segment", "discs", "conv 3 k1", "end the network with `conv 2 k1`"),
        ("segment", "discs", "maxpool 2 -> conv 2 k1", "add layers that lead back"),
        ("multilabel", "shapes", "flatten -> linear 3", "end the network with `linear 2`"),
        ("regress", "centres", "conv 2 k1", "this network answers for every pixel"),
    ],
)
def test_outputs_that_a_task_does_not_take(task: str, data: str, end: str, help: str, tmp_path: Path) -> None:
    text = f"{HEAD}{end}\ntrain {{ task {task} ; data {data} }}\n"
    with pytest.raises(Problem) as caught:
        train(text, tmp_path / "run")
    found = caught.value.diagnostic
    assert (found.code, found.helps[0].startswith(help)) == ("E606", True), found.help or found.message
    (tmp_path / "net.cnn").write_text(text)
    checked = json.loads(specc("check", tmp_path / "net.cnn", "--data", data, "--format", "json").stdout)
    assert {one["code"] for one in checked} & {"W511", "E606"}, checked


def test_what_is_known_of_targets() -> None:
    targets = load_dataset(Recipe(data="centres", task="regress")).targets
    y = drawn("centres", 240, 0)[1].astype(float)
    assert targets.mean == pytest.approx(y.mean(0).tolist())
    assert targets.deviation == pytest.approx(y.std(0).tolist())
    masks = drawn("discs", 240, 0)[1]
    assert load_dataset(Recipe(data="discs")).targets.counts == ((masks == 0).sum(), (masks == 1).sum())
