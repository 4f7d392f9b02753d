"""`specc data`: what is there, what is in it, and a sheet of samples."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from specc.cli.main import main
from specc.data.inspect.sheet import CELL, ENLARGED, GAP, LINE, MARGIN, SheetRow, draw_sheet, picture_of_sample
from specc.data.sources import BUILT_IN, Arrays
from specc.data.sources.digits import Digits


def specc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the working one: train and test, one picture in both, one twice, one damaged, two sizes."""
    monkeypatch.chdir(tmp_path)
    for part, count in (("train", 4), ("test", 2)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(count):
                path = tmp_path / "pets" / part / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                level = 100 * label + 10 * number + (5 if part == "test" else 0)
                Image.new("RGB", (8, 6), (level, 0, 255)).save(path)
    train, test = tmp_path / "pets" / "train", tmp_path / "pets" / "test"
    (test / "dog" / "0.png").write_bytes((train / "cat" / "1.png").read_bytes())
    (train / "dog" / "9.png").write_bytes((train / "dog" / "0.png").read_bytes())
    (train / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    Image.new("L", (20, 30), 9).save(train / "cat" / "large.png")
    return tmp_path / "pets"


def test_list(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-labels-idx1-ubyte").write_text("")
    text = specc("list", "--data-dir", str(tmp_path)).stdout
    rows = {line.split(" ")[0]: line for line in text.splitlines()}
    assert rows.keys() >= BUILT_IN.keys()
    assert "built in" in rows["digits"] and "some missing" in rows["mnist"] and "not here, 170.5 MB" in rows["cifar10"]
    assert str(tmp_path) in text
    told = json.loads(specc("list", "--json", "--data-dir", str(tmp_path)).stdout)
    assert [one["state"] for one in told[:5]] == ["built in", "partly", "absent", "absent", "absent"]
    assert {one["state"] for one in told[5:]} == {"absent"}
    assert told[1]["folder"] == str(raw) and told[1]["sample"] == [1, 28, 28]


def test_info_of_a_folder(pets: Path) -> None:
    found = json.loads(specc("info", "pets", "--json").stdout)
    assert found["classes"] == ["cat", "dog"]
    assert found["counts"] == {"training": [5, 6], "test": [2, 2]}
    assert found["sizes"] == [{"height": 6, "width": 8, "count": 13}, {"height": 30, "width": 20, "count": 1}]
    assert found["kinds"] == {"RGB": 13, "L": 1}
    assert [Path(path).name for path in found["damaged"]] == ["broken.jpg"]
    assert (found["repeated"], found["classes_apart"]) == (1, 1)
    assert [(one["part"], Path(one["picture"]).name) for one in found["shared"]] == [("test", "0.png")]
    text = specc("info", "pets").stdout
    assert "pets: 11 training and 4 test pictures" in text
    assert "1 test picture is also trained on, 1 training picture repeats another" in text
    assert "1 of these has another class there" in text


def test_info_of_a_named_set() -> None:
    done = specc("info", "digits", "--json")
    found = json.loads(done.stdout)
    assert sum(found["counts"]["training"]) == 1438
    assert found["sizes"] == [{"height": 8, "width": 8, "count": 1797}]
    assert found["mean"][0] == pytest.approx(0.305, abs=0.01) and found["damaged"] == []
    row = f"0           {found['counts']['training'][0]}    {found['counts']['test'][0]}"
    assert row in specc("info", "digits").stdout.splitlines()


def test_mean_and_deviation(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3)).astype(np.uint8)
    for index, picture in enumerate(pixels):
        path = tmp_path / "train" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
        (tmp_path / "test" / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 5)).save(tmp_path / "test" / "ab"[index % 2] / "0.png")
    found = json.loads(specc("info", str(tmp_path), "--json").stdout)
    assert found["mean"] == pytest.approx((pixels / 255).mean((0, 1, 2)).tolist())
    assert found["deviation"] == pytest.approx((pixels / 255).std((0, 1, 2)).tolist())


def test_show_draws_some_of_each_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = specc("show", "digits", "--count", "3")
    assert done.stdout.startswith("wrote digits.png: "), done.stderr
    with Image.open("digits.png") as sheet:
        pixels = np.asarray(sheet)
    side = 8 * (ENLARGED // 8)
    top, left = MARGIN + LINE, MARGIN + side + GAP
    cell = pixels[top : top + side, left : left + side]
    assert cell.shape == (side, side, 3)
    blocks = cell.reshape(8, side // 8, 8, side // 8, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()  # a pixel is a square
    specc("show", "digits", "--count", "3", "--seed", "1", "-o", "other.png")
    assert Path("other.png").read_bytes() != Path("digits.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.png", "other.png"]


def test_show_of_a_folder_of_all_sizes(pets: Path) -> None:
    (pets / "train" / "dog" / "broken.jpg").unlink()
    done = specc("show", "pets", "-o", "sheet.jpg")
    assert done.exit_code == 0, done.stderr
    with Image.open("sheet.jpg") as sheet:
        assert sheet.format == "JPEG" and sheet.size == tuple(map(int, done.stdout.split(" ")[2].split("x")))


def test_the_sheet_goes_to_standard_output() -> None:
    done = CliRunner().invoke(main, ["data", "show", "digits", "-o", "-"])
    assert done.stdout_bytes.startswith(b"\x89PNG")


def test_sheets_of_any_number_of_classes_and_names() -> None:
    for classes in (1, 2, 37, 100):
        samples = [SheetRow(name * 9, [Image.new("L", (300, 10))] * 2) for name in ["tree", "дуб", "\u202ex"] * 34][
            :classes
        ]
        sheet = draw_sheet(samples)
        assert 0.5 < sheet.width / sheet.height < 3
    assert draw_sheet([SheetRow("empty", [])]).height == MARGIN + LINE + CELL[0] * 2 + MARGIN


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["info", "mnst"], 2, "did you mean `mnist`?"),
        (["info", "nowhere/"], 2, "does not exist"),
        (["info", "."], 1, "a folder for each class"),
        (["show", "pets", "--count", "0"], 2, "1<=x<=100"),
        (["show", "digits", "-o", "sheet.txt"], 1, "`.txt`"),
        (["show", "digits", "-o", "no/such/sheet.png"], 1, "there is no folder no/such"),
        (["show", "pets/train", "--count", "100"], 1, "broken.jpg"),
        (["find"], 2, "No such command"),
    ],
)
def test_mistakes(arguments: list[str], status: int, words: str, pets: Path) -> None:
    done = specc(*arguments)
    assert isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, words in done.stderr) == (status, True), done.stderr


@pytest.mark.parametrize("shape", [(784,), (1,), (1, 16000), (12, 50), (20, 3), (2, 9, 7), (1, 4, 9, 7), (3, 4, 9, 7)])
def test_samples_of_any_shape(shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As packages offer them: vectors, signals, volumes, pictures of other channels."""
    chance = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, *shape), generator=chance, dtype=torch.uint8)
    part = images.numpy(), torch.arange(8).numpy() % 2
    given = Arrays(("low", "high"), {"training": part, "test": part})
    monkeypatch.setattr(Digits, "load", lambda source: given)
    done = specc("show", "digits", "--count", "2", "-o", str(tmp_path / "sheet.png"))
    assert done.exit_code == 0 and done.exception is None, done.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert len(sheet.getcolors(1 << 16) or ()) > 3
    told = json.loads(specc("info", "digits", "--json").stdout)
    assert told["counts"] == {"training": [4, 4], "test": [4, 4]}
    channels = 1 if len(shape) == 1 else shape[0]
    assert len(told["mean"]) == channels and told["mean"][0] == pytest.approx(0.5, abs=0.4)
    assert specc("info", "digits").exit_code == 0


def test_a_signal_is_drawn_as_its_curve_and_a_volume_by_its_middle() -> None:
    ramp = np.asarray(picture_of_sample(np.arange(256, dtype=np.uint8)[None]))
    heights = [int(np.argmax(ramp[:, column] < 128)) for column in (1, 48, 94)]
    assert heights == sorted(heights, reverse=True) and heights[0] > 90 and heights[-1] < 5
    spike = np.zeros((1, 100_000), np.uint8)
    spike[0, 50_000] = 255
    assert (np.asarray(picture_of_sample(spike))[0] < 128).any()
    volume = np.arange(5, dtype=np.uint8).repeat(6).reshape(1, 5, 2, 3)
    assert set(np.asarray(picture_of_sample(volume)).ravel().tolist()) == {2}


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
def test_real_data() -> None:
    found: dict[str, Any] = json.loads(specc("info", "mnist", "--json", "--data-dir", os.environ["SPECC_DATA"]).stdout)
    assert found["mean"] == pytest.approx([0.1307], abs=5e-5)
    assert found["deviation"] == pytest.approx([0.3081], abs=5e-5)
    assert (found["repeated"], found["shared"]) == (0, [])


# A batch as training sees it


def sheet_of(*arguments: str) -> np.ndarray[Any, Any]:
    found = specc("show", *arguments, "-o", "sheet.png")
    assert found.exit_code == 0, found.output
    return np.asarray(Image.open("sheet.png"))


def test_a_batch_is_drawn_as_it_is_changed(pets: Path) -> None:
    (pets / "train" / "dog" / "broken.jpg").unlink()
    plain = sheet_of("pets", "--augmented", "--resize", "8", "--count", "4")
    assert plain.shape[2] == 3
    for option in ("--cutout=4", "--cutmix=1", "--rotate=90", "--color-jitter=0.5"):
        changed = sheet_of("pets", "--augmented", "--resize", "8", "--count", "4", option, "--normalize")
        assert changed.shape == plain.shape and (changed != plain).any()
    again = sheet_of("pets", "--augmented", "--resize", "8", "--count", "4", "--rotate=90", "--normalize")
    once = sheet_of("pets", "--augmented", "--resize", "8", "--count", "4", "--rotate=90", "--normalize", "--seed=1")
    assert (again != once).any()


def test_the_recipe_of_a_batch_may_be_a_specs(pets: Path) -> None:
    (pets / "train" / "dog" / "broken.jpg").unlink()
    spec = "conv 4 k3 -> flatten -> linear 2\ntrain { resize 8 ; cutout 4 }\n"
    Path("net.cnn").write_text(spec)
    Path("plain.cnn").write_text(spec.replace(" ; cutout 4", ""))
    plain, changed = (sheet_of("pets", "--augmented", "--spec", name) for name in ("plain.cnn", "net.cnn"))
    assert (plain != changed).any()
    assert (sheet_of("pets", "--augmented", "--spec", "plain.cnn", "--cutout", "4") == changed).all()
    Path("wrong.cnn").write_text(spec.replace("linear 2", "linaer 2"))
    found = specc("show", "pets", "--augmented", "--spec", "wrong.cnn")
    assert found.exit_code == 1 and "E201" in found.stderr + found.stdout


def test_floats_of_a_batch_are_drawn_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wave = np.sin(np.linspace(0, 4 * np.pi, 64, dtype=np.float32))
    np.savez("waves.npz", x=np.tile(wave, (10, 1, 1)), y=np.arange(10) % 2)
    plain, batch = (sheet_of("waves.npz", "--count", "1", *more) for more in ((), ("--augmented",)))
    side = slice(LINE + MARGIN, LINE + MARGIN + CELL[1])
    assert (plain[side, MARGIN : MARGIN + CELL[1]] == batch[side, MARGIN : MARGIN + CELL[1]]).all()
    scaled = sheet_of("waves.npz", "--count", "1", "--augmented", "--normalize")
    assert (scaled != batch).mean() < 0.01


def test_masks_stand_beside_their_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (10, 12, 12), np.uint8)
    np.savez("discs.npz", x=x, y=(x > 128).astype(np.uint8))
    plain = sheet_of("discs.npz", "--augmented", "--count", "3")
    assert (plain != sheet_of("discs.npz", "--augmented", "--count", "3", "--zoom", "0.5")).any()
    for target in (np.random.default_rng(0).random(10).astype(np.float32), np.ones((10, 2), np.int64)):
        np.savez("others.npz", x=x, y=target)
        assert sheet_of("others.npz", "--augmented", "--count", "3").size


def test_what_makes_no_batch(pets: Path) -> None:
    found = specc("show", "digits", "--flip")
    assert found.exit_code == 2 and "--flip goes with --augmented" in found.output
    np.savez("sounds.npz", x=np.zeros((6, 1, 32), np.float32), y=np.arange(6) % 2)
    found = specc("show", "sounds.npz", "--augmented", "--flip")
    assert found.exit_code == 1 and "leave out `flip`" in found.output
    np.savez("numbers.npz", x=np.zeros((6, 8, 8), np.uint8), y=np.zeros(6, np.float32))
    found = specc("show", "numbers.npz", "--augmented", "--mixup", "1")
    assert found.exit_code == 2 and "`mixup` is a setting of `task classify`" in found.output
