"""Data that people bring in files: tables, arrays, pictures with masks. What they hold, and what is wrong with them."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Stop
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file

import specc
from specc.cli.main import main
from specc.data import kept
from specc.data.batches import Batches
from specc.data.load import load_dataset
from specc.data.sources import data_source
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.recipe.recipe import Recipe
from specc.runner.resume import resume

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


def run_specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def problem(action: Callable[[], object]) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


def loaded(data: object, **more: Any) -> Any:
    return load_dataset(Recipe(data=str(data), **more))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with ten pictures, each of a level of its own."""
    monkeypatch.chdir(tmp_path)
    for number in range(10):
        picture(tmp_path / "pictures" / f"{number}.png", 10 * number)
    return tmp_path


def picture(path: Path, level: int, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


def table(place: Path, head: str, *rows: str) -> Path:
    (place / "table.csv").write_text("\n".join([head, *rows, ""]))
    return place / "table.csv"


# Tables


def of_two(place: Path) -> Path:
    rows = [f"pictures/{number}.png,{('oak', 'birch')[number % 2]}" for number in range(10)]
    return table(place, "file,label", *rows)


def test_a_class_for_each_picture(place: Path) -> None:
    found = loaded(of_two(place))
    assert (found.name, found.classes, found.sample, found.survey.target) == (
        "table",
        ("birch", "oak"),
        (1, 4, 6),
        "class",
    )
    assert (len(found.train), len(found.test), found.note) == (8, 2, "a fifth of each class is held out to test on")
    levels = found.train.x[:, 0, 0, 0]
    assert found.train.y.tolist() == [1 - level // 10 % 2 for level in levels.tolist()]


@pytest.mark.parametrize("where", ["on", "off"])
def test_parts_are_those_that_the_table_says(place: Path, where: str) -> None:
    splits = ("Train", "train", "test", "VAL", "train", "train", "test", "validation", "train", "train")
    rows = [f"pictures/{number}.png,{number % 2},{split}" for number, split in enumerate(splits)]
    found = loaded(table(place, "file,label,split", *rows), in_memory=where)
    assert found.validation is not None
    assert [part.x[:, 0, 0, 0].tolist() for part in (found.train, found.test, found.validation)] == [
        [0, 10, 40, 50, 80, 90], [20, 60], [30, 70],
    ]  # fmt: skip
    assert len(loaded(place / "table.csv", validation=0.5).train) == 2
    assert len(loaded(place / "table.csv", limit=1).test) == 1


def test_numbers_as_classes_stand_in_their_order(place: Path) -> None:
    rows = [f"pictures/{number}.png,{number % 5 * 5}" for number in range(10)]
    assert loaded(table(place, "file,label", *rows)).classes == ("0", "5", "10", "15", "20")


def test_several_labels_each(place: Path) -> None:
    rows = [
        f"pictures/{number}.png,{'; '.join(['red'] * (number % 2) + ['round'] * (number < 5))}" for number in range(10)
    ]
    found = loaded(table(place, "file,labels", *rows))
    assert (found.survey.target, found.classes, found.train.y.dtype) == ("classes", ("red", "round"), torch.float32)
    levels = (found.train.x[:, 0, 0, 0] // 10).tolist()
    assert found.train.y.tolist() == [[float(level % 2), float(level < 5)] for level in levels]


def test_numbers_to_be_found(place: Path) -> None:
    rows = [f"pictures/{number}.png,{number / 2},-1e-3" for number in range(10)]
    found = loaded(table(place, "file,weight,angle", *rows))
    assert (found.survey.target, found.classes) == ("numbers", ("weight", "angle"))
    levels = found.train.x[:, 0, 0, 0].float() / 20
    assert found.train.y[:, 0].equal(levels) and found.train.y[:, 1].allclose(torch.tensor(-1e-3))


def test_pictures_alone(place: Path) -> None:
    found = loaded(table(place, "file", *(f"pictures/{number}.png" for number in range(10))))
    assert (found.survey.target, found.classes, len(found.train)) == ("none", (), 8)


def test_odd_but_right_tables(place: Path) -> None:
    """A mark at the beginning, lines of Windows, quotes, empty lines, absolute paths, a column that is not used."""
    picture(place / "a, b" / "é.png", 7)
    lines = ["file,label,age", f"{place / 'pictures/1.png'},cat,3", '"a, b/é.png","c""at",', "", "pictures/2.png,dog,5"]
    (place / "t.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, "pictures/3.png,dog,5"]).encode())
    found = loaded("t.csv")
    assert set(found.classes) == {'c"at', "cat", "dog"}
    assert "1 column of t.csv not used: `age`" in found.note


WRONG = {
    "no-picture": ("file,label", ["pictures/0.png,a", "x.png,b", "y.png,b"], "line 3: there is no file", "relative"),
    "no-number": ("file,weight", ["pictures/0.png,1", "pictures/1.png,big"], "line 3: `weight` is `big`", "`label`"),
    "infinite": ("file,weight", ["pictures/0.png,1e999"], "line 2: `weight` is `1e999`", "12.5"),
    "no-file": ("path,label", ["pictures/0.png,a"], "line 1: there is no column `file`", "call it `file`"),
    "semicolons": ("file;label", ["pictures/0.png;a"], "line 1: there is no column `file`", "commas"),
    "both": ("file,label,labels", ["pictures/0.png,a,b"], "both `label` and `labels`", "keep one"),
    "twice": ("file,label,label", ["pictures/0.png,a,b"], "two columns are called `label`", "rename"),
    "fields": ("file,label", ["pictures/0.png,a", "pictures/1.png,b,c"], "line 3: there are 3 fields", "quotes"),
    "field": ("file,label", ["pictures/0.png,a", "pictures/1.png"], "there is 1 field for 2 columns", "quotes"),
    "no-text": ("", [], "table.csv: it is empty", "`file,label`"),
    "no-head": ("", ["pictures/0.png,a"], "there is no column `file`; there is nothing", "`file,label`"),
    "part": ("file,label,split", ["pictures/0.png,a,learn"], "line 2: `split` is `learn`", "`train`"),
    "no-test": ("file,label,split", ["pictures/0.png,a,train", "pictures/1.png,b,train"], "`split` `test`", "fifth"),
    "empty-label": ("file,label", ["pictures/0.png,a", "pictures/1.png,"], "line 3: `label` is empty", "class"),
    "one-class": ("file,label", ["pictures/0.png,a", "pictures/1.png,a"], "only one class, `a`", "class"),
    "only-tested": (
        "file,label,split", ["pictures/0.png,a,train", "pictures/1.png,b,train", "pictures/2.png,c,test"],
        "line 4: `c` is a class that no training picture has", "correct",
    ),
    "quotes": ("file,label", ['"pictures/0.png,a', "x"], "it is no CSV", "quotes"),
    "empty": ("file,label", [], "no row below its head", "add a row"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_table_names_the_line_and_the_way_out(name: str, place: Path) -> None:
    head, rows, words, way = WRONG[name]
    found = problem(lambda: loaded(table(place, head, *rows)))
    assert (found.code, words in found.message, way in (found.help or "")) == ("E680", True, True), found
    (place / "net.cnn").write_text("conv 2 k3 -> gap -> flatten -> linear 2\n")
    for command in ("check", "train"):
        done = run_specc(command, "net.cnn", "--data", "table.csv")
        assert (done.exit_code, "E680" in done.stdout + done.stderr) == (1, True), done.output


@pytest.mark.parametrize(
    "content", [b"file,label\n\xff\xfe,a\n", b"", b"\x00" * 50, b'file,label\na,"' + b"x" * 200_000]
)
def test_what_is_no_table(content: bytes, place: Path) -> None:
    (place / "table.csv").write_bytes(content)
    assert problem(lambda: loaded("table.csv")).code == "E680"


def test_a_damaged_picture_of_a_table_is_named(place: Path) -> None:
    path = of_two(place)
    (place / "pictures" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = problem(lambda: loaded(path))
    assert (found.code, "3.png" in found.message) == ("E607", True)


# Arrays


def sounds(place: Path, **more: Any) -> Path:
    """Signals of two kinds, channels last, in float32."""
    generator = np.random.default_rng(0)
    x = generator.normal(0, 3, (40, 50, 1)).astype(np.float32)
    y = np.arange(40) % 2
    x[y == 1] += np.sin(np.arange(50))[:, None] * 9
    np.savez(place / "sounds.npz", **{"x": x, "y": y, **more})
    return place / "sounds.npz"


def test_signals_stay_floats(place: Path) -> None:
    path = sounds(place)
    found = loaded(path)
    assert (found.sample, found.train.dtype, found.classes, found.survey.dtype) == (
        (1, 50),
        torch.float32,
        ("0", "1"),
        "float32",
    )
    assert "samples of 50x1 are taken as 1x50: channels last" in found.note and "a fifth" in found.note
    whole = np.load(path)["x"]
    ((x, y),) = Batches(found.test, 100).in_order()
    rows = [int(np.flatnonzero((whole[:, :, 0] == one).all(1))[0]) for one in x[:, 0].numpy()]
    assert y.tolist() == [row % 2 for row in rows] and len(found.train) == 32


def test_rising_and_falling_tones_are_told_apart(place: Path) -> None:
    """Chirps in float32, as they are: one command."""
    chance, time = np.random.default_rng(0), np.linspace(0, 1, 256)
    y = np.arange(400) % 2
    start, more = chance.uniform(5, 15, (400, 1)), chance.uniform(15, 25, (400, 1))
    rising = 2 * np.pi * (start * time + more * time**2 / 2)
    waves = np.where(y[:, None] == 1, np.sin(rising), np.sin(rising)[:, ::-1]) * chance.uniform(0.5, 2, (400, 1))
    x = (waves + chance.normal(0, 0.3, waves.shape)).astype(np.float32)[:, None]
    np.savez("chirps.npz", x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:])
    network = "conv 16 k9 s2 -> bn -> relu -> conv 32 k9 s2 -> bn -> relu -> conv 32 k9 s2 -> bn -> relu -> gap"
    Path("chirps.cnn").write_text(f"param classes = auto\n{network} -> flatten -> linear classes\n")
    command = ["train", "chirps.cnn", "--data", "chirps.npz", "--epochs", "12", "--batch", "32", "--out", "run"]
    done = CliRunner().invoke(main, [*command, "--device", "cpu", "--seed", "1"])
    assert done.exit_code == 0, done.output
    last = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])
    assert last["test_accuracy"] > 0.95


def test_a_volume_is_trained_on_as_it_is(place: Path) -> None:
    """A bright corner in one of two places, (depth, height, width) of float32."""
    chance = np.random.default_rng(0)
    x, y = chance.normal(0, 1, (120, 1, 6, 8, 8)).astype(np.float32), np.arange(120) % 2
    x[y == 1, :, :3, :4, :4] += 2
    np.savez("volumes.npz", x_train=x[:80], y_train=y[:80], x_test=x[80:], y_test=y[80:])
    spec = "conv 8 k3 -> relu -> maxpool 2 -> flatten -> linear 2\n"
    run = specc.train(spec, place / "run", data="volumes.npz", epochs=8, batch=16, device="cpu")
    assert float(run.metrics[-1].measures["test_accuracy"] or 0) > 0.9


SHAPES = {
    (28, 28): (1, 28, 28), (3, 32, 32): (3, 32, 32), (32, 32, 3): (3, 32, 32), (784,): (784,), (1, 16000): (1, 16000),
    (16000, 2): (2, 16000), (12, 500): (12, 500), (16, 20, 20): (1, 16, 20, 20), (1, 9, 8, 7): (1, 9, 8, 7),
    (9, 8, 7, 2): (2, 9, 8, 7), (4, 4): (4, 4),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["uint8", "int16", "float32", "float64"])
def test_channels_come_first_or_last(shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    x = (np.random.default_rng(0).random((6, *shape)) * 200).astype(kind)
    np.savez_compressed(tmp_path / "a.npz", x_train=x, y_train=np.arange(6) % 2, x_test=x[:3], y_test=np.arange(3) % 2)
    source = data_source(Recipe(data=str(tmp_path / "a.npz")))
    told = source.survey()
    found = loaded(tmp_path / "a.npz")
    assert told.sample == found.sample == SHAPES[shape] and told.splits == {"training": 6, "test": 3}
    expected = np.moveaxis(x, -1, 1) if "channels last" in found.note else x
    expected = expected.reshape(6, *SHAPES[shape])
    if kind == "uint8":
        assert found.train.dtype == torch.uint8 and np.array_equal(found.train.x.numpy(), expected)
    else:
        floats = expected.astype(np.float32) / (32768 if kind == "int16" else 1)
        assert found.train.dtype == torch.float32 and np.array_equal(found.train.x.numpy(), floats)


TARGETS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "numbers-as-classes": (np.arange(8) % 3 + 4, "class", ("4", "5", "6")),
    "words": (np.array(["owl", "cat"] * 4), "class", ("cat", "owl")),
    "column": (np.arange(8).reshape(8, 1) % 2, "class", ("0", "1")),
    "switch": (np.arange(8) % 2 == 0, "class", ("False", "True")),
    "labels": (np.stack([np.arange(8) % 2, np.arange(8) > 3], 1).astype(np.int8), "classes", ("0", "1")),
    "number": (np.arange(8) / 3, "numbers", ("y",)),
    "two-numbers": (np.zeros((8, 2), np.float32), "numbers", ("y1", "y2")),
    "mask": (np.arange(8 * 16).reshape(8, 4, 4) % 3, "mask", ("0", "1", "2")),
    "mask-of-two": ((np.arange(8 * 16).reshape(8, 4, 4) % 2 * 255).astype(np.uint8), "mask", ("0", "255")),
}


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_to_be_found_follows_from_its_kind(name: str, tmp_path: Path) -> None:
    y, target, classes = TARGETS[name]
    np.savez(
        tmp_path / "a.npz",
        x_train=np.zeros((8, 3, 4, 4), np.uint8),
        y_train=y,
        x_val=np.zeros((8, 3, 4, 4), np.uint8),
        y_val=y,
    )
    found = loaded(tmp_path / "a.npz")
    assert (found.survey.target, found.classes, len(found.test), found.validation) == (target, classes, 8, None)
    if target == "class":
        assert [found.classes[label] for label in found.train.y.tolist()] == [str(one) for one in y.ravel().tolist()]
    else:
        expected = y.reshape(8, -1) if target == "numbers" else np.minimum(y, 1) if name == "mask-of-two" else y
        assert np.allclose(found.train.y.numpy(), expected)


def test_arrays_that_are_not_used_are_told(place: Path) -> None:
    found = loaded(sounds(place, x_train=np.zeros((4, 50, 1)), labels=np.zeros(4)))
    assert "2 arrays of sounds.npz not used: `x_train`, `labels`" in found.note
    assert "not used" not in loaded(sounds(place, classes=np.array(["low", "high"]))).note


def test_classes_may_be_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4), np.uint8), y=np.arange(8) % 2, classes=["low", "middle", "high"])
    found = loaded(tmp_path / "a.npz")
    assert found.classes == ("low", "middle", "high") and set(found.train.y.tolist()) == {0, 1}


X = np.zeros((4, 3, 5, 5), np.uint8)
Y = np.arange(4) % 2
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "it holds nothing"),
    "other-names": ({"images": X, "labels": Y}, "it holds `images`, `labels`"),
    "objects": ({"x": X, "y": np.array([{}, 1, 2, 3], dtype=object)}, "`y` holds Python objects"),
    "object-samples": ({"x": np.array([[1], [1, 2]], dtype=object), "y": Y[:2]}, "`x` holds Python objects"),
    "counts": ({"x": X, "y": Y[:3]}, "`x` has 4 samples, and `y` 3"),
    "whole-numbers": ({"x": X.astype(np.int64), "y": Y}, "`x` is of int64"),
    "no-labels": ({"x_train": X, "y_train": Y, "x_test": X}, "there is no `y_test`"),
    "no-test": ({"x_train": X, "y_train": Y}, "it holds `x_train`, `y_train`"),
    "nan": ({"x": np.full((4, 3), np.nan, np.float32), "y": Y}, "sample 0 of `x`"),
    "nan-number": ({"x": X, "y": np.array([0.5, np.inf, 1, 2])}, "`y[1]` is no finite number"),
    "one-class": ({"x": X, "y": Y * 0}, "`y` has 1 class"),
    "one-name": ({"x": X, "y": Y, "classes": ["low"]}, "`classes` has 1 name, and `y` 2 classes"),
    "one-label": ({"x": X, "y": np.eye(4, 2, dtype=int), "classes": ["a"]}, "has 1 name, and `y` 2 columns"),
    "three-numbers": (
        {"x": X, "y": np.zeros((4, 2)), "classes": ["a", "b", "c"]}, "has 3 names, and `y` 2 numbers for each"
    ),
    "only-tested": ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "`y_test[1]` is 2"),
    "no-samples": ({"x": X[:0], "y": Y[:0]}, "`x` holds no sample"),
    "shapes": ({"x_train": X, "y_train": Y, "x_test": X[:, :, :4], "y_test": Y}, "its test samples are 3x4x5"),
    "labels": ({"x": X, "y": np.array([[0, 1], [1, 0], [2, 0], [0, 0]])}, "`y[2]` has other numbers"),
    "rank": ({"x": np.zeros((4, 1, 2, 3, 4, 5), np.uint8), "y": Y}, "`x` has the shape 4x1x2x3x4x5"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_npz_is_named_with_its_way_out(name: str, place: Path) -> None:
    arrays, words = BROKEN[name]
    np.savez(place / "a.npz", **arrays)
    found = problem(lambda: loaded("a.npz"))
    assert (found.code, words in found.message, bool(found.help)) == ("E681", True, True), found


def test_objects_are_not_unpickled(place: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (place / "ran",)

    np.savez(place / "a.npz", x=np.array([Bomb(), Bomb()], dtype=object), y=Y[:2])
    assert problem(lambda: loaded("a.npz")).code == "E681"
    assert not (place / "ran").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_what_is_no_npz(share: float, place: Path) -> None:
    path = sounds(place)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))] + b"x" * 10)
    with zipfile.ZipFile(place / "b.npz", "w") as packed:
        packed.writestr("x.npy", b"no array")
    assert problem(lambda: loaded("b.npz")).code == "E681"
    if share < 1:
        assert problem(lambda: loaded(path)).code == "E681"


# Masks


def masked(root: Path, count: int = 6, numbers: tuple[int, int] = (0, 255), size: tuple[int, int] = (8, 6)) -> Path:
    """Dark pictures with a bright rectangle, whose mask says where it is."""
    chance = random.Random(0)
    for number in range(count):
        left, top = chance.randrange(4), chance.randrange(3)
        drawn, mask = Image.new("L", size, 20), Image.new("L", size, numbers[0])
        drawn.paste(200, (left, top, left + 4, top + 3))
        mask.paste(numbers[1], (left, top, left + 4, top + 3))
        for folder, one in (("images", drawn), ("masks", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            one.save(root / folder / f"{number}.png")
    return root


@pytest.mark.parametrize("where", ["on", "off"])
@pytest.mark.parametrize("numbers", [(0, 255), (0, 1), (3, 7)])
def test_a_class_for_each_pixel(where: str, numbers: tuple[int, int], place: Path) -> None:
    found = loaded(masked(place / "discs", numbers=numbers), in_memory=where)
    assert (found.survey.target, found.classes, found.sample) == ("mask", tuple(map(str, numbers)), (1, 6, 8))
    assert (len(found.train), len(found.test), found.train.y.dtype) == (5, 1, torch.uint8)
    assert found.train.y.equal((found.train.x[:, 0] > 100).to(torch.uint8))


def test_masks_are_scaled_with_their_pictures_and_nothing_lies_between(place: Path) -> None:
    found = loaded(masked(place / "discs"), resize=(12, 16))
    assert found.train.y.shape[1:] == (12, 16) and set(found.train.y.unique().tolist()) == {0, 1}
    assert ((found.train.x[:, 0] > 110) == found.train.y).float().mean() > 0.95


@pytest.mark.parametrize("workers", [0, 2])
def test_masks_come_out_of_files_as_out_of_memory(place: Path, workers: int) -> None:
    masked(place / "discs" / "train", 9)
    masked(place / "discs" / "test", 3)
    one, other = (loaded(place / "discs", in_memory=where, validation=0.3).on(CPU, workers) for where in ("on", "off"))
    assert one.identity == other.identity and len(one.validation) == 3
    pairs = zip(
        *(Batches(data.train, 4).shuffled(torch.Generator().manual_seed(1)) for data in (one, other)), strict=True
    )
    assert all(a.equal(c) and b.equal(d) for (a, b), (c, d) in pairs)


def test_numbers_are_the_classes_and_255_is_none(place: Path) -> None:
    root = masked(place / "discs", numbers=(0, 3))
    mask = Image.open(root / "masks" / "0.png").copy()
    mask.putpixel((7, 5), 255)
    mask.save(root / "masks" / "0.png")
    found = loaded(root)
    assert found.classes == ("0", "1", "2", "3") and 255 in torch.cat([found.train.y, found.test.y])


def test_palettes_and_colours_with_names(place: Path) -> None:
    root = masked(place / "discs")
    for path in (root / "masks").iterdir():
        mask = Image.open(path).point(lambda level: level // 255).convert("P")
        mask.putpalette([255, 0, 0, 0, 0, 255])
        mask.save(path)
    plain = loaded(root)
    (root / "classes.csv").write_text("name\nground\nthing\n")
    assert loaded(root).classes == ("ground", "thing") and loaded(root).train.y.equal(plain.train.y)
    for path in (root / "masks").iterdir():
        Image.open(path).convert("RGB").save(path)
    (root / "classes.csv").unlink()
    assert (
        "nothing says which colour"
        in " ".join(problem(lambda: loaded(root)).notes) + problem(lambda: loaded(root)).message
    )
    (root / "classes.csv").write_text("name,r,g,b\nthing,0,0,255\nground,255,0,0\n")
    found = loaded(root)
    assert found.classes == ("thing", "ground") and found.train.y.equal(1 - plain.train.y)
    (root / "classes.csv").write_text("name,r,g,b\nthing,0,0,255\nground,255,0,1\n")
    assert "(255, 0, 0)" in problem(lambda: loaded(root)).message


def test_a_damaged_mask_leaves_its_picture_out(place: Path) -> None:
    for part in ("train", "test"):
        masked(place / "discs" / part)
    mask = place / "discs" / "train" / "masks" / "3.png"
    mask.write_bytes(mask.read_bytes()[:40])
    found = load_dataset(Recipe(data=str(place / "discs"), task="segment", skip_damaged=True))
    assert (len(found.train), len(found.test)) == (5, 6)
    assert [fault.path for fault in found.survey.left_out] == [str(mask)]


def test_a_wrong_mask_is_named(place: Path) -> None:
    root = masked(place / "discs")
    (root / "masks" / "9.png").write_bytes((root / "masks" / "0.png").read_bytes())
    assert "a mask without a picture of its name" in loaded(root).note
    Image.new("L", (9, 9)).save(root / "masks" / "1.png")
    found = problem(lambda: loaded(root))
    assert (found.code, "1.png is 9x9" in found.message, "6x8" in found.message) == ("E682", True, True), found
    (root / "masks" / "1.png").unlink()
    found = problem(lambda: loaded(root))
    assert (found.code, "1.png has no mask" in found.message) == ("E682", True)
    Image.new("RGB", (8, 6)).save(root / "masks" / "1.jpg")
    assert "is a JPEG" in problem(lambda: loaded(root)).message
    (root / "masks" / "1.jpg").unlink()
    Image.new("L", (8, 6)).save(root / "masks" / "1.png")
    (root / "classes.csv").write_text("name,value\nground,0\nthing,9\nnone,255\n")
    Image.new("L", (8, 6), 7).save(root / "masks" / "2.png")
    found = problem(lambda: loaded(root))
    assert (found.code, "has the number 7" in found.message) == ("E607", True), found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "has no column `name`, or no classes"), ("nme\na\n", "has no column `name`"),
        ("name,value\na,1\n\nb,1\n", "line 4: a name or a number from 0 to 255 is missing, or there twice"),
        ("name,r,g,b\na,1,2,999\n", "line 2: a name or a number"), ("name\na\na\n", "line 3: a name or a number"),
        ("name,red,green,blue\na,1,2,3\n", "which say neither the number nor the colour of a class"),
        ("name,r,g\na,1,2\n", "the columns `name`, `r`, `g`, which say neither"),
        ("name,value\na,1,2\n", "line 2: there are 3 fields for 2 columns"),
        ("name,value\na\n", "line 2: there is 1 field for 2 columns"),
    ],
)  # fmt: skip
def test_a_wrong_list_of_classes_is_named(content: str, told: str, place: Path) -> None:
    root = masked(place / "discs")
    (root / "classes.csv").write_text(content)
    found = problem(lambda: loaded(root))
    assert (found.code, told in found.message) == ("E682", True), found.message


def test_masks_that_are_not_all_there_are_asked_for(place: Path) -> None:
    """Where a class for each pixel is to be learned, folders beside them or a missing one make no class folders."""
    root = masked(place / "discs")
    (root / "notes").mkdir()
    assert load_dataset(Recipe(data=str(root), task="segment")).classes == ("0", "255")
    (root / "masks").rename(root / "mask")
    found = problem(lambda: load_dataset(Recipe(data=str(root), task="segment")))
    assert (found.code, found.message) == ("E682", f"{root} has no folder `masks`")


def test_classes_that_no_mask_has_are_told(place: Path) -> None:
    root = masked(place / "discs")
    (root / "classes.csv").write_text("name,value\nground,0\ncar,3\nthing,255\ntree,4\n")
    assert "2 classes of classes.csv in no mask: `car`, `tree`" in loaded(root).note


# All of them


def written(name: str, place: Path) -> str:
    """Data of a kind, and a spec that learns from them."""
    if name == "table":
        return str(of_two(place))
    return str(sounds(place) if name == "npz" else masked(place / "discs"))


NETWORKS = {
    "table": "conv 2 k3 -> bn -> relu -> flatten -> dropout 0.2 -> linear 2\n",
    "npz": "conv 2 k3 -> bn -> relu -> flatten -> dropout 0.2 -> linear 2\n",
    "masks": "conv 2 k3 p1 -> bn -> relu -> conv 1 k1\ntrain { task reconstruct }\n",
}


@pytest.mark.parametrize("where", ["on", "off"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_stopped_run_goes_on_with_the_same_bits(name: str, where: str, place: Path) -> None:
    settings: dict[str, Any] = {
        "epochs": 3,
        "batch": 2,
        "device": "cpu",
        "in_memory": where,
        "workers": 0,
        "normalize": True,
    }
    data = written(name, place)
    specc.train(NETWORKS[name], "whole", data=data, **settings)
    specc.train(NETWORKS[name], "run", data=data, callback=Stop(3), **settings)
    resume("run")
    one, other = (load_file(place / run / "last.safetensors") for run in ("whole", "run"))
    assert one.keys() == other.keys() and all(tensor.equal(other[key]) for key, tensor in one.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_commands_of_data_tell_what_there_is(name: str, place: Path) -> None:
    data = written(name, place)
    told = json.loads(run_specc("data", "info", data, "--json").stdout)
    assert sum(map(sum, told["counts"].values())) == {"table": 10, "npz": 40, "masks": 6}[name]
    assert run_specc("data", "info", data).exit_code == 0
    assert run_specc("data", "show", data, "-o", "sheet.png").exit_code == 0
    (place / "net.cnn").write_text(NETWORKS[name])
    done = run_specc("check", "net.cnn", "--data", data)
    assert f"net.cnn fits {data}" in done.stdout, done.output


def test_changed_data_are_told(place: Path) -> None:
    path = sounds(place)
    specc.train(NETWORKS["npz"], "run", data=str(path), epochs=2, device="cpu", callback=Stop(3), batch=8)
    arrays = dict(np.load(path))
    arrays["x"][3] += 1
    np.savez(path, **arrays)
    found = problem(lambda: resume("run"))
    assert found.code == "E623" and "of `1` have changed" in found.message


def test_masks_and_tables_are_kept_decoded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    root = masked(place / "discs")
    first = loaded(root)
    assert loaded(root).train.y.equal(first.train.y)
    (root / "classes.csv").write_text("name,value\nthing,255\nground,0\n")
    assert loaded(root).train.y.equal(1 - first.train.y)
    mask = Image.open(root / "masks" / "0.png").point(lambda level: 255 - level)
    mask.save(root / "masks" / "0.png")
    assert loaded(root).identity != first.identity


def test_evaluating_on_another_table(place: Path) -> None:
    specc.train(NETWORKS["table"], "run", data=str(of_two(place)), epochs=1, device="cpu")
    told = json.loads(run_specc("eval", "run", "--json").stdout)
    assert told["pictures"] == 2
    rows = [f"pictures/{number}.png,oak" for number in range(3)]
    (place / "more.csv").write_text("\n".join(["file,label", *rows]))
    told = json.loads(run_specc("eval", "run", "--data", "more.csv", "--json").stdout)
    assert told["pictures"] == 3
