"""Sources that are neither folders nor arrays: tar shards, what `datasets` loads, and what torchvision downloads."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import pickle
import shutil
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from callbacks import Stop
from PIL import Image
from safetensors.torch import load_file

from specc.data.load import load_dataset
from specc.data.sources import BUILT_IN, data_source
from specc.data.sources.shards import expanded
from specc.data.vision_sets import VISION_SETS
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.evaluate.score import Wanted, evaluate
from specc.evaluate.trained import load_trained
from specc.recipe.recipe import Recipe
from specc.runner.resume import resume
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SPEC = "input 3x8x8\nconv 4 k3 -> bn -> relu -> flatten -> linear 2\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def problem(action: Callable[[], Any]) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


def picture(number: int, label: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    chance = np.random.default_rng(number)
    noise = chance.integers(100 * label, 100 * label + 120, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(noise)


def png(number: int, label: int, size: tuple[int, int] = (8, 8)) -> bytes:
    content = io.BytesIO()
    picture(number, label, size).save(content, "PNG")
    return content.getvalue()


def loaded(data: str, **more: Any) -> Any:
    return load_dataset(Recipe(data=data, **more))


def same_bits(one: Path, other: Path) -> bool:
    tensors, others = (load_file(folder / "last.safetensors") for folder in (one, other))
    return all(tensor.equal(others[name]) for name, tensor in tensors.items())


def goes_on_with_the_same_bits(data: str, place: Path, classes: int = 2, **more: Any) -> None:
    """In memory, out of the files, and stopped between two steps."""
    recipe: dict[str, Any] = {
        "data": data,
        "epochs": 2,
        "batch": 4,
        "device": "cpu",
        "flip": True,
        "workers": 0,
        **more,
    }
    spec = SPEC.replace("linear 2", f"linear {classes}")
    run = train(spec, place / "whole", in_memory="on", **recipe)
    train(spec, place / "run", callback=Stop(after=3), in_memory="off", **recipe)
    resume(place / "run", workers=1)
    assert same_bits(place / "whole", place / "run")
    found = evaluate(load_trained(run.folder), Wanted(), CPU)
    assert found.pictures == len(loaded(data, **{name: value for name, value in more.items() if value}).test)


# Tar shards


def packed(path: str, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return Path(path)


def samples(numbers: range, label: Callable[[int], dict[str, bytes]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number in numbers:
        found[f"./{number:04}.png"] = png(number, number % 2)
        found |= {f"./{number:04}.{ending}": content for ending, content in label(number).items()}
    return found


LABELS: dict[str, tuple[Callable[[int], dict[str, bytes]], tuple[str, ...], str]] = {
    "numbers": (lambda n: {"cls": str(n % 2 + 9).encode()}, ("9", "10"), "class"),
    "words": (lambda n: {"json": json.dumps({"label": ["cat", "dog"][n % 2]}).encode()}, ("cat", "dog"), "class"),
    "several": (
        lambda n: {"json": json.dumps({"labels": ["a", "b"][: n % 3]}).encode()}, ("a", "b"), "classes",
    ),
    "nothing": (lambda n: {"txt": b"a caption"}, (), "none"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LABELS)
def test_a_tar_is_read_where_it_lies(kind: str, place: Path) -> None:
    label, classes, target = LABELS[kind]
    packed("x.tar", samples(range(20), label))
    found = loaded("x.tar")
    assert (found.survey.target, found.survey.classes) == (target, classes)
    assert (len(found.train), len(found.test)) == (16, 4)
    assert not (place / "0000.png").exists()
    x = torch.cat([found.train.x, found.test.x])
    pixels = {tuple(one.flatten().tolist()) for one in x}
    assert pixels == {tuple(np.moveaxis(np.asarray(picture(n, n % 2)), 2, 0).ravel().tolist()) for n in range(20)}
    if target == "class":
        assert ((found.train.x.float().mean((1, 2, 3)) > 110).long() == found.train.y).all()


def test_shards_with_parts_in_their_names(place: Path) -> None:
    cls = LABELS["numbers"][0]
    for part, numbers in (("train-000", range(8)), ("train-001", range(8, 14)), ("val-000", range(14, 18))):
        packed(f"pets-{part}.tar", samples(numbers, cls))
    packed("pets-test-000.tar", samples(range(18, 21), cls))
    found = loaded("pets-{train,test,val}-{000..000}.tar")
    assert (len(found.train), len(found.test), len(found.validation)) == (8, 3, 4)
    assert found.name == "pets"
    assert expanded("a-{8..11}.tar") == ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]
    assert problem(lambda: expanded("a-{0..999999999}.tar")).code == "E683"
    assert problem(lambda: expanded("a-{5..2}.tar")).code == "E683"


def test_a_run_of_shards_goes_on_with_the_same_bits(place: Path) -> None:
    packed("x-000.tar", samples(range(12), LABELS["numbers"][0]))
    packed("x-001.tar", samples(range(12, 24), LABELS["numbers"][0]))
    goes_on_with_the_same_bits("x-{000..001}.tar", place, resize=8, resized_crop=None)


def _link(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("0009.png")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(info)


def _device(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("0009.png")
    info.type = tarfile.CHRTYPE
    tar.addfile(info)


def appended(add: Callable[[tarfile.TarFile], None]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with tarfile.open(path, "a") as tar:
            add(tar)

    return change


def zipped(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def long_header(path: Path) -> None:
    """A name of two gigabytes, of which nothing is there."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 31
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + path.read_bytes())


CLS = LABELS["numbers"][0]
HOSTILE: dict[str, tuple[dict[str, bytes], Callable[[Path], None] | None, str]] = {
    "a link": (samples(range(4), CLS), appended(_link), "`0009.png` is a link"),
    "a device": (samples(range(4), CLS), appended(_device), "`0009.png` is a link, a device"),
    "compressed": (samples(range(4), CLS), zipped, "compressed"),
    "cut off": (samples(range(4), CLS), cut, "cut off"),
    "a name without end": (samples(range(4), CLS), long_header, "is no tar"),
    "no picture": ({"0001.cls": b"3"}, None, "there is no picture in `x.tar`"),
    "two pictures": ({"1.png": png(0, 0), "1.jpg": png(0, 0), "1.cls": b"1"}, None, "`1` has 2 pictures"),
    "twice": ({"a/1.png": png(0, 0), "a/./1.png": png(0, 0)}, None, "is there twice"),
    "no class": ({**samples(range(4), CLS), "9.png": png(0, 0)}, None, "x.tar/9.png has no class"),
    "no picture of a class": (
        {**samples(range(4), CLS), "9.cls": b"3", "11.json": b'{"label": 1}', "12.heif": b"", "12.cls": b"1"},
        None,
        "x.tar: `9` has a label and no picture, and 2 more have none",
    ),
    "an odd class": ({"1.png": png(0, 0), "1.cls": b"\x00\x01"}, None, "the class of `1` is no number and no name"),
    "no JSON": ({"1.png": png(0, 0), "1.json": b"{"}, None, "`1.json` is no JSON"),
    "one class": (samples(range(4), lambda n: {"cls": b"1"}), None, "all pictures have one class, `1`"),
    "one picture": ({"1.png": png(0, 0), "1.cls": b"1"}, None, "a single picture"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_tar_is_named_with_a_way_out(name: str, place: Path) -> None:
    members, change, words = HOSTILE[name]
    path = packed("x.tar", members)
    if change:
        change(path)
    found = problem(lambda: loaded("x.tar"))
    assert (found.code, words in found.message) == ("E683", True), found.message
    assert found.help


def test_what_belongs_to_no_picture_is_told(place: Path) -> None:
    about = {"README.md": b"pets", "meta.json": b'{"made": 2024}', "0001.txt": b"a caption", "LICENSE": b"free"}
    packed("x.tar", {**samples(range(12), CLS), **about})
    (told,) = loaded("x.tar").survey.passed_over
    assert str(told) == "passed over: x.tar/README.md and 2 more files: a file without a picture of its name"
    packed("x-0.tar", samples(range(12), CLS))
    packed("x-1.tar", {"0001.cls": b"1"})
    found = problem(lambda: loaded("x-{0,1}.tar"))
    assert (found.code, found.message) == ("E683", "there is no picture in `x-1.tar`")


def test_damaged_pictures_in_a_tar_are_told_and_left_out(place: Path) -> None:
    members = samples(range(12), CLS)
    members["./0003.png"] = b""
    members["./0004.png"] = members["./0004.png"][:60]
    packed("x.tar", members)
    found = problem(lambda: loaded("x.tar"))
    assert (found.code, "2 of 12 pictures" in found.message) == ("E607", True)
    assert len(loaded("x.tar", skip_damaged=True).survey.left_out) == 2


def test_missing_shards_and_parts(place: Path) -> None:
    packed("x-train-0.tar", samples(range(6), CLS))
    packed("x-1.tar", samples(range(6), CLS))
    for data, words in (
        ("x-{1..3}.tar", "there is no file"), ("x-train-{0..0}.tar", "no shard is of the test part"),
        ("x-{train-0,1}.tar", "is of no part, and other shards are"),
    ):  # fmt: skip
        found = problem(partial(loaded, data))
        assert (found.code, words in found.message) == ("E683", True), found.message


# What `datasets` loads


@pytest.fixture
def table(place: Path) -> Any:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({
        "image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"]), "note": datasets.Value("string"),
    })  # fmt: skip
    rows = {
        "image": [{"bytes": png(n, n % 2), "path": None} for n in range(20)], "label": [n % 2 for n in range(20)],
        "note": ["x"] * 20,
    }  # fmt: skip
    return datasets.Dataset.from_dict(rows, features=features)


def test_a_table_of_datasets_is_trained_on(table: Any, place: Path) -> None:
    table.save_to_disk("saved")
    found = loaded("hf:./saved")
    assert (found.survey.classes, len(found.train), len(found.test)) == (("cat", "dog"), 16, 4)
    assert ((found.train.x.float().mean((1, 2, 3)) > 110).long() == found.train.y).all()
    assert "a fifth of it is held out" in found.note
    goes_on_with_the_same_bits("hf:./saved", place)


def test_a_folder_of_parquet_with_parts(table: Any, place: Path) -> None:
    (place / "pets").mkdir()
    table.select(range(12)).to_parquet("pets/train-0.parquet")
    table.select(range(12, 20)).to_parquet("pets/test-0.parquet")
    found = loaded(f"hf:{place / 'pets'}")
    assert (len(found.train), len(found.test), found.survey.classes) == (12, 8, ("cat", "dog"))


def test_tables_without_pictures_or_classes(table: Any, place: Path) -> None:
    table.remove_columns(["image"]).save_to_disk("no-pictures")
    found = problem(lambda: loaded("hf:no-pictures"))
    assert (found.code, "no column of pictures" in found.message) == ("E684", True)
    table.remove_columns(["label"]).save_to_disk("alone")
    assert loaded("hf:alone").survey.target == "none"
    words = table.remove_columns(["label", "note"]).add_column("label", ["a", "b"] * 10)
    words.save_to_disk("words")
    assert loaded("hf:words").survey.classes == ("a", "b")


@pytest.fixture
def parquet(table: Any, place: Path) -> str:
    """A folder of two parts."""
    (place / "pets").mkdir()
    for part, rows in (("train", range(12)), ("test", range(12, 20))):
        table.select(rows).to_parquet(f"pets/{part}-0.parquet")
    return "hf:./pets"


def test_parts_that_are_not_used_are_told(table: Any) -> None:
    import datasets

    parts = {part: table.select(range(8)) for part in ("train", "test", "unsupervised")}
    datasets.DatasetDict(parts).save_to_disk("pets")
    assert "1 part of it not used: `unsupervised`" in loaded("hf:./pets").note


def test_a_limit_streams_so_many_rows_and_keeps_them(parquet: str, place: Path, monkeypatch: Any) -> None:
    """Nothing else is read of the data, and the rows are there afterwards, the same ones always."""
    import datasets

    found = loaded(parquet, limit=4, data_dir="data")
    assert (len(found.train), len(found.test)) == (4, 4)
    assert ((found.train.x.float().mean((1, 2, 3)) > 110).long() == found.train.y).all()
    assert "no more than 6 rows of each part are read" in found.note
    (kept,) = (place / "data" / "huggingface" / "rows").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["test.arrow", "training.arrow"]
    assert [len(datasets.Dataset.from_file(str(path))) for path in sorted(kept.iterdir())] == [6, 6]
    assert not list((place / "data" / "huggingface").rglob("*.parquet"))
    monkeypatch.setattr(datasets, "load_dataset", None)
    again = loaded(parquet, limit=4, data_dir="data")
    assert again.identity == found.identity and again.train.x.equal(found.train.x)


def test_a_run_of_streamed_rows_goes_on_with_the_same_bits(parquet: str, place: Path) -> None:
    goes_on_with_the_same_bits(parquet, place, limit=10, data_dir="data")


def test_a_stream_that_breaks_off_keeps_nothing(parquet: str, place: Path, monkeypatch: Any) -> None:
    from specc.data.sources import hub_rows

    with monkeypatch.context() as patch:
        patch.setattr(hub_rows, "_with_bytes", lambda picture: 1 / 0)
        assert problem(lambda: loaded(parquet, limit=4, data_dir="data")).code == "E602"
    assert not list((place / "data" / "huggingface" / "rows").iterdir())
    assert len(loaded(parquet, limit=4, data_dir="data").train) == 4


def test_a_picture_that_a_row_only_names_is_kept_with_its_bytes(place: Path) -> None:
    """As the rows of a folder of pictures do."""
    pytest.importorskip("datasets")
    for part, number in ((part, number) for part in ("train", "test") for number in range(6)):
        path = place / "pets" / part / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number, number % 2))
    found = loaded("hf:./pets", limit=3, data_dir="data")
    shutil.rmtree(place / "pets" / "train")
    assert found.classes == ("cat", "dog") and len(found.train) == 3


def test_classes_that_nothing_is_trained_on_are_told(table: Any, place: Path) -> None:
    table.filter(lambda row: row["label"] == 0).save_to_disk("cats")
    assert "1 class without a picture to train on: `dog`" in loaded("hf:./cats").note


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("nobody/nothing", "E602", "`hf:nobody/nothing` could not be loaded"),
        ("./nothing", "E602", "`hf:./nothing` could not be loaded"), ("a/b/c", "E602", "could not be loaded"),
        ("", "E684", "`hf:` names no data set"), ("saved@large", "E684", "without a configuration `large`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("limit", [None, 10])
def test_a_name_that_there_is_not(
    name: str, code: str, told: str, limit: int | None, table: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network, as on a machine that has none."""
    import datasets
    import huggingface_hub.constants

    for config in (datasets.config, huggingface_hub.constants):
        monkeypatch.setattr(config, "HF_HUB_OFFLINE", True)
    table.save_to_disk("saved")
    found = problem(lambda: loaded(f"hf:{name}", limit=limit))
    assert (found.code, told in found.message, bool(found.help)) == (code, True, True), found


@pytest.mark.parametrize("limit", [None, 10])
def test_without_the_package_its_install_line_is_told(limit: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    found = problem(lambda: data_source(Recipe(data="hf:mnist", limit=limit)).survey())
    assert (found.code, found.help) == ("E684", "`pip install datasets`")


# What torchvision downloads: small files in its layouts


def jpeg(path: Path, label: int, number: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(number, label, (12, 10)).save(path)


def pets(root: Path) -> None:
    base = root / "oxford-iiit-pet"
    (base / "annotations" / "trimaps").mkdir(parents=True)
    for split, count in (("trainval", 8), ("test", 4)):
        lines = []
        for number in range(count):
            name = f"{('Abyssinian', 'beagle')[number % 2]}_{split}{number}"
            jpeg(base / "images" / f"{name}.jpg", number % 2, number)
            trimap = np.full((10, 12), 2, np.uint8)
            trimap[3:7, 3:9], trimap[3, 3:9] = 1, 3
            Image.fromarray(trimap).save(base / "annotations" / "trimaps" / f"{name}.png")
            lines.append(f"{name} {number % 2 + 1} {number % 2 + 1} 1\n")
        (base / "annotations" / f"{split}.txt").write_text("".join(lines))


def dtd(root: Path) -> None:
    labels = root / "dtd" / "dtd" / "labels"
    labels.mkdir(parents=True)
    for split in ("train", "val", "test"):
        names = [f"{kind}/{kind}_{split}{n}.jpg" for kind in ("banded", "dotted") for n in range(3)]
        for number, name in enumerate(names):
            jpeg(root / "dtd" / "dtd" / "images" / name, number // 3, number)
        (labels / f"{split}1.txt").write_text("\n".join(names))


def gtsrb(root: Path) -> None:
    base = root / "gtsrb"
    for label in (0, 1):
        for number in range(4):
            jpeg(base / "GTSRB" / "Training" / f"{label:05}" / f"{number}.ppm", label, number)
    with (base.parent / "gtsrb" / "GT-final_test.csv").open("w") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["Filename", "ClassId"])
        for number in range(4):
            jpeg(base / "GTSRB" / "Final_Test" / "Images" / f"{number}.ppm", number % 2, number)
            rows.writerow([f"{number}.ppm", number % 2])


def caltech(root: Path) -> None:
    for label, name in enumerate(("BACKGROUND_Google", "ant", "bonsai")):
        for number in range(1, 6):
            jpeg(
                root / "caltech101" / "101_ObjectCategories" / name / f"image_{number:04}.jpg",
                max(0, label - 1),
                number,
            )


def eurosat(root: Path) -> None:
    for label, name in enumerate(("Forest", "River")):
        for number in range(5):
            jpeg(root / "eurosat" / "2750" / name / f"{name}_{number}.jpg", label, number)


def usps(root: Path) -> None:
    (root / "usps").mkdir(parents=True)
    for name, count in (("usps.bz2", 12), ("usps.t.bz2", 4)):
        values = " ".join(f"{place + 1}:{-1 + (place % 3)}" for place in range(256))
        lines = [f"{n % 2 + 1} {values}" for n in range(count)]
        (root / "usps" / name).write_bytes(bz2.compress("\n".join(lines).encode()))


def emnist(root: Path) -> None:
    raw = root / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 6), ("test", 4)):
        pictures = np.zeros((count, 28, 28), np.uint8)
        pictures[:, 3, 20] = 255
        labels = np.arange(count, dtype=np.uint8) % 2 + 1
        for kind, array in (("images-idx3", pictures), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            (raw / f"emnist-letters-{part}-{kind}-ubyte").write_bytes(head + array.tobytes())


MADE: dict[str, tuple[Callable[[Path], None], tuple[int, ...], tuple[str, ...]]] = {
    "oxford-iiit-pet": (pets, (8, 4), ("Abyssinian", "Beagle")),
    "dtd": (dtd, (6, 6, 6), ("banded", "dotted")),
    "gtsrb": (gtsrb, (8, 4), tuple(map(str, range(43)))),
    "caltech101": (caltech, (8, 2), ("ant", "bonsai")),
    "eurosat": (eurosat, (8, 2), ("Forest", "River")),
    "usps": (usps, (12, 4), tuple("0123456789")),
    "emnist-letters": (emnist, (6, 4), tuple("abcdefghijklmnopqrstuvwxyz")),
}


@pytest.mark.parametrize("name", MADE)
def test_a_set_of_torchvisions_is_read(name: str, place: Path) -> None:
    make, counts, classes = MADE[name]
    make(place / "data")
    entry = BUILT_IN[name]
    recipe: dict[str, Any] = {} if entry.sample else {"resize": 8}
    before = data_source(Recipe(data=name, data_dir=str(place / "data"), **recipe)).survey()
    found = loaded(name, data_dir=str(place / "data"), **recipe)
    parts = (found.train, found.test, *([found.validation] if found.validation else []))
    assert tuple(map(len, parts)) == counts
    assert found.classes == classes
    assert before.class_count == entry.classes and before.splits == {}
    if name == "emnist-letters":
        assert found.train.y.tolist() == [0, 1] * 3 and found.train.x[0, 0, 20, 3] == 255  # upright
    elif not entry.sample:
        assert ((found.train.x.float().mean((1, 2, 3)) > 110).long() == found.train.y).all()


def test_a_run_of_torchvisions_pictures_goes_on_with_the_same_bits(place: Path) -> None:
    for label in range(10):
        for number in range(3):
            jpeg(place / "data" / "eurosat" / "2750" / f"class{label}" / f"{number}.jpg", label % 2, number)
    goes_on_with_the_same_bits("eurosat", place, classes=10, resize=8, data_dir="data")


def test_pets_have_outlines_too(place: Path) -> None:
    pets(place / "data")
    spec = "input 3x8x8\nconv 3 k3 p1\n"
    run = train(
        spec, place / "run", data="oxford-iiit-pet", data_dir="data", task="segment", resize=8, epochs=1, device="cpu"
    )
    found = loaded("oxford-iiit-pet", data_dir="data", task="segment", resize=8)
    assert found.classes == ("animal", "background", "border") and set(found.train.y.unique().tolist()) == {0, 1, 2}
    assert run.metrics[0].measures["test_iou"] is not None


def test_a_set_is_checked_before_it_is_fetched(place: Path) -> None:
    from specc.data.fit import compare
    from specc.pipeline import analyse
    from specc.source import Source

    analysis = analyse(Source("net.cnn", "input 3x64x64\nflatten -> linear 37\ntrain { resize 64 }\n"))
    assert compare(analysis, "oxford-iiit-pet") == ()
    assert "resize" in (compare(analyse(Source("a", "input 3x64x64\nflatten -> linear 37\n")), "dtd")[0].help or "")
    assert [found.code for found in compare(analysis, "dtd")] == ["W511"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server(place: Path) -> Iterator[str]:
    (place / "served").mkdir()
    handler = partial(Quiet, directory=str(place / "served"))
    found = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()


def test_what_is_missing_is_downloaded(place: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import DTD

    dtd(place / "made")
    with tarfile.open(place / "served" / "dtd.tar.gz", "w:gz") as tar:
        tar.add(place / "made" / "dtd" / "dtd", "dtd")
    content = (place / "served" / "dtd.tar.gz").read_bytes()
    monkeypatch.setattr(DTD, "_URL", f"{server}/dtd.tar.gz")
    monkeypatch.setattr(DTD, "_MD5", hashlib.md5(content).hexdigest())
    assert len(loaded("dtd", data_dir="data", resize=8).train) == 6
    (place / "served" / "dtd.tar.gz").unlink()
    assert len(loaded("dtd", data_dir="data", resize=8).train) == 6  # it is here
    found = problem(lambda: loaded("dtd", data_dir="elsewhere", resize=8))
    assert (found.code, "`dtd` is not in" in found.message) == ("E602", True) and found.notes


def test_every_row_names_what_torchvision_has() -> None:
    from torchvision import datasets

    for row in VISION_SETS:
        assert hasattr(datasets, row.cls) and row.name in BUILT_IN and row.classes > 1
        pickle.dumps(data_source(Recipe(data=row.name)))
