"""Data sets: named ones with their files, folders of pictures, and what is done to the pictures."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import pickle
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from specc.data import augment, catalogue, memory, mnist
from specc.data.batches import Batches, scaling_of
from specc.data.catalogue import BUILT_IN, Entry, find
from specc.data.dataset import Dataset, LoadRequest, Split, load_named
from specc.data.fit import require_input, require_output
from specc.data.holdout import stratified, stratified_fifth
from specc.data.load import load_dataset
from specc.data.plain_pickle import read_plain_pickle
from specc.data.transform import prepared, shape_after
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.recipe import Recipe


def problem(action: Any) -> Diagnostic:
    """The problem that an action ends in."""
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


# Named data sets


def test_digits_are_split_in_proportion() -> None:
    digits = load_dataset(Recipe())
    assert digits.sample == BUILT_IN["digits"].sample
    assert (len(digits.train.labels), len(digits.test.labels)) == (1438, 359)
    assert digits.train.images.dtype == torch.uint8
    assert int(digits.train.images.max()) == 255
    counts = digits.test.labels.bincount()
    assert int(counts.min()) >= 34 and int(counts.max()) <= 37


def test_holdout_is_always_the_same() -> None:
    labels = [0] * 50 + [1] * 10 + [2, 2]
    (train, test), (again, _) = stratified_fifth(labels), stratified_fifth(labels)
    assert train == again
    assert sorted([*train, *test]) == list(range(62))
    assert {labels[index] for index in test} == {0, 1, 2}


def test_limit() -> None:
    digits = load_dataset(Recipe(limit=100))
    assert (len(digits.train.labels), len(digits.test.labels)) == (100, 100)


def test_catalogue_imports_no_torch() -> None:
    code = "import sys, specc.data.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["mnst", "imagenet", "no/such/folder", "~/nothing-here", "a.zip"])
def test_unknown_name(name: str) -> None:
    found = problem(lambda: find(name))
    assert found.code == "E601"
    assert name in found.message and found.help
    assert name != "mnst" or found.help == "did you mean `mnist`?"


class _Point:
    """Stands for an installed package's entry point."""

    value = "leaves:ENTRY"

    def __init__(self, entry: object) -> None:
        self.entry = entry

    def load(self) -> object:
        if isinstance(self.entry, Exception):
            raise self.entry
        return self.entry


def _install(monkeypatch: pytest.MonkeyPatch, entry: object) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [_Point(entry)])


def _leaves(request: LoadRequest) -> Dataset:
    split = Split(torch.zeros(4, 3, 5, 5, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))
    return Dataset(request.entry.name, ("oak", "birch"), split, split)


def test_packages_add_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "leaves", type(sys)("leaves"))
    monkeypatch.setattr(sys.modules["leaves"], "load", _leaves, raising=False)
    _install(monkeypatch, Entry("leaves", (3, 5, 5), 2, "leaves of trees", "leaves:load"))
    assert load_dataset(Recipe(data="leaves")).sample == (3, 5, 5)


@pytest.mark.parametrize("entry", [ImportError("no module named leaf"), "not an entry"])
def test_packages_that_fail_are_named(monkeypatch: pytest.MonkeyPatch, entry: object) -> None:
    _install(monkeypatch, entry)
    assert problem(lambda: find("leaves")).code == "E619"


def test_loader_that_fails_is_named(tmp_path: Path) -> None:
    entry = Entry("leaves", (3, 5, 5), 2, "", "no_such_module:load")
    assert problem(lambda: load_named(entry, tmp_path)).code == "E619"


def test_loader_that_gives_floats_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    split = Split(torch.zeros(4, 3, 5, 5), torch.tensor([0, 1, 0, 1]))
    monkeypatch.setattr("specc.data.digits.load", lambda request: Dataset("leaves", ("oak", "birch"), split, split))
    assert problem(lambda: load_named(BUILT_IN["digits"], tmp_path)).code == "E619"


# Files, digests, downloads


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A web server on this machine: its address and the folder that it serves."""
    folder = tmp_path_factory.mktemp("served")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/", folder
        running.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array in MNIST's file format."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_mnist(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """MNIST's files, mirrors and digests replaced by small ones; the folder that is served."""
    address, folder = server
    generator = np.random.default_rng(0)
    resources, digests = [], {}
    for prefix, count in (("train", 20), ("t10k", 10)):
        arrays = {
            f"{prefix}-images-idx3-ubyte": generator.integers(0, 256, (count, 28, 28)),
            f"{prefix}-labels-idx1-ubyte": np.arange(count) % 10,
        }
        for name, array in arrays.items():
            packed = gzip.compress(_idx(array))
            (folder / f"{name}.gz").write_bytes(packed)
            resources.append((f"{name}.gz", _md5(packed)))
            digests[name] = _md5(_idx(array))
    monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setitem(mnist.DIGESTS, "mnist", digests)
    return folder


def test_mnist_is_downloaded_once(small_mnist: Path, tmp_path: Path) -> None:
    recipe = Recipe(data="mnist", data_dir=str(tmp_path))
    loaded = load_dataset(recipe)
    assert loaded.sample == (1, 28, 28)
    assert len(loaded.train.labels) == 20
    raw = tmp_path / "MNIST" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(mnist.DIGESTS["mnist"])
    for file in small_mnist.iterdir():
        file.unlink()
    assert load_dataset(recipe).train.images.equal(loaded.train.images)


def test_truncated_download_leaves_nothing(small_mnist: Path, tmp_path: Path) -> None:
    images = small_mnist / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-100])
    found = problem(lambda: load_dataset(Recipe(data="mnist", data_dir=str(tmp_path))))
    assert found.code == "E602"
    assert list((tmp_path / "MNIST" / "raw").iterdir()) == []


def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    found = problem(lambda: load_dataset(Recipe(data="mnist", data_dir=str(tmp_path))))
    assert found.code == "E602"
    assert found.help and "--data-dir" in found.help
    assert any("refused" in note for note in found.notes)


def test_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recipe = Recipe(data="mnist", data_dir=str(tmp_path / "file"))
    assert problem(lambda: load_dataset(recipe)).code == "E602"


def test_damaged_file_is_named(small_mnist: Path, tmp_path: Path) -> None:
    recipe = Recipe(data="mnist", data_dir=str(tmp_path))
    load_dataset(recipe)
    labels = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x01")
    found = problem(lambda: load_dataset(recipe))
    assert found.code == "E603"
    assert str(labels) in found.message


class _Hostile:
    """Pickles as a call of os.mkdir."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def _batch(count: int, key: str = "labels") -> dict[str, Any]:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 3072)).astype(np.uint8)
    return {"data": pixels, key: list(range(count))}


@pytest.fixture
def small_cifar(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """CIFAR-10 replaced by a small archive of pickles that is served; the folder to download into."""
    _serve_cifar(server, monkeypatch, tmp_path / "packed", _batch(8))
    return tmp_path / "data"


def _serve_cifar(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, packed: Path, test: object) -> None:
    address, folder = server
    contents = {"data_batch_1": _batch(10), "test_batch": test, "batches.meta": {"label_names": ["cat", "dog"]}}
    packed.mkdir()
    for name, content in contents.items():
        (packed / name).write_bytes(pickle.dumps(content, protocol=2))
    digests = {name: _md5((packed / name).read_bytes()) for name in contents}
    archive = folder / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(packed, "cifar-10-batches-py")
    source = datasets.CIFAR10
    monkeypatch.setattr(source, "url", f"{address}cifar.tar.gz")
    monkeypatch.setattr(source, "tgz_md5", _md5(archive.read_bytes()))
    monkeypatch.setattr(source, "train_list", [["data_batch_1", digests["data_batch_1"]]])
    monkeypatch.setattr(source, "test_list", [["test_batch", digests["test_batch"]]])
    monkeypatch.setattr(source, "meta", {**source.meta, "md5": digests["batches.meta"]})


def test_cifar_is_downloaded_and_read(small_cifar: Path) -> None:
    loaded = load_dataset(Recipe(data="cifar10", data_dir=str(small_cifar)))
    assert loaded.sample == (3, 32, 32)
    assert loaded.classes == ("cat", "dog")
    expected = torch.from_numpy(_batch(8)["data"]).view(8, 3, 32, 32)
    assert loaded.test.images.equal(expected)
    assert not list((small_cifar / "cifar-10-batches-py").glob(".partial*"))


def test_hostile_pickle_is_not_run(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even one whose digest is right."""
    _serve_cifar(server, monkeypatch, tmp_path / "packed", _Hostile(tmp_path / "owned"))
    found = problem(lambda: load_dataset(Recipe(data="cifar10", data_dir=str(tmp_path))))
    assert found.code == "E604"
    assert "mkdir" in found.message
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02garbage", b"cos\nsystem\n(S'true'\ntR."])
def test_broken_pickles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    assert problem(lambda: read_plain_pickle(path)).code == "E604"


# Folders of pictures


def picture(path: Path, size: tuple[int, int] = (6, 4), mode: str = "RGB", level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, (level,) * 3 if mode == "RGB" else level).save(path)


def fill(folder: Path, count: int = 5, classes: tuple[str, ...] = ("cat", "dog"), **how: Any) -> None:
    for label, name in enumerate(classes):
        for number in range(count):
            picture(folder / name / f"{number}.png", level=10 * label + number, **how)


@pytest.mark.parametrize("test_name", ["test", "val"])
def test_folder_of_two_parts(tmp_path: Path, test_name: str) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / test_name, count=2)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "train" / ".hidden").mkdir()
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert loaded.classes == ("cat", "dog")
    assert loaded.sample == (3, 4, 6)
    assert loaded.train.labels.tolist() == [0] * 5 + [1] * 5
    assert loaded.train.images[:, 0, 0, 0].tolist() == [*range(5), *range(10, 15)]
    assert len(loaded.test.labels) == 4


def test_folder_without_test_part_holds_out_a_fifth(tmp_path: Path) -> None:
    fill(tmp_path, count=10)
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert loaded.train.labels.bincount().tolist() == [8, 8]
    assert loaded.test.labels.bincount().tolist() == [2, 2]


def test_folder_limit_takes_of_all_classes(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=20)
    fill(tmp_path / "test")
    loaded = load_dataset(Recipe(data=str(tmp_path), limit=10))
    assert len(loaded.train.labels) == 10
    assert set(loaded.train.labels.tolist()) == {0, 1}


def test_grey_pictures_stay_grey_unless_one_is_not(tmp_path: Path) -> None:
    fill(tmp_path / "train", mode="L")
    fill(tmp_path / "test", mode="L")
    assert load_dataset(Recipe(data=str(tmp_path))).sample == (1, 4, 6)
    assert load_dataset(Recipe(data=str(tmp_path), channels=3)).sample == (3, 4, 6)
    picture(tmp_path / "test" / "dog" / "9.png")
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert (loaded.sample, loaded.test.images.shape[1]) == ((3, 4, 6), 3)
    assert load_dataset(Recipe(data=str(tmp_path), channels=1)).sample == (1, 4, 6)


def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    fill(tmp_path / "test", mode="L")
    for name in ("cat", "dog"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "train" / name / "0.png")
    assert load_dataset(Recipe(data=str(tmp_path))).train.images.flatten().tolist() == [156] * 48


def test_different_sizes_need_resize(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test", size=(9, 9))
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    assert found.code == "E610"
    assert "9x9" in found.message and "4x6" in found.message
    assert load_dataset(Recipe(data=str(tmp_path), resize=(8, 5))).sample == (3, 8, 5)


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    whole = tmp_path / "train" / "cat" / "0.png"
    whole.write_bytes(whole.read_bytes()[:30])
    (tmp_path / "train" / "dog" / "3.jpg").write_text("not a picture")
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    assert found.code == "E607"
    assert "2 of 11" in found.message and str(whole) in found.message
    assert any("3.jpg" in note for note in found.notes)


def test_classes_that_differ(tmp_path: Path) -> None:
    fill(tmp_path / "train", classes=("cat", "dog", "owl"))
    fill(tmp_path / "test", classes=("cat", "Dog"))
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    assert found.code == "E609"
    assert any("`dog`, `owl`" in note for note in found.notes)


def test_folders_that_are_no_data_sets(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "alone" / "train")
    fill(tmp_path / "one", classes=("cat",))
    fill(tmp_path / "hollow")
    (tmp_path / "hollow" / "owl").mkdir()
    fill(tmp_path / "single", count=1)
    for name, word in [
        ("empty", "found none"), ("alone", "no `test` or `val`"), ("one", "only one, `cat`"),
        ("hollow", "`owl`"), ("single", "single picture"),
    ]:  # fmt: skip
        found = problem(lambda name=name: load_dataset(Recipe(data=str(tmp_path / name))))
        assert (found.code, word in found.message) == ("E608", True), found.message


def test_too_large_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    monkeypatch.setattr(memory, "_free_bytes", lambda: 1000)
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    assert found.code == "E611"
    assert "3x4x6" in found.message


# What is done to the pictures


def test_resize_and_channels_of_a_named_set() -> None:
    digits = load_dataset(Recipe(resize=16, channels=3, limit=10))
    assert digits.sample == shape_after((1, 8, 8), 16, 3) == (3, 16, 16)
    assert digits.train.images[:, 0].equal(digits.train.images[:, 2])


def test_resize_equals_pillow() -> None:
    pixels = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    split = Split(pixels, torch.zeros(3, dtype=torch.int64))
    ours = prepared(Dataset("x", ("a",), split, split), 11, None).train.images
    for picture_, scaled in zip(pixels, ours, strict=True):
        theirs = Image.fromarray(picture_[0].numpy()).resize((11, 11), Image.Resampling.BILINEAR)
        assert (scaled[0].int() - torch.from_numpy(np.asarray(theirs).copy()).int()).abs().max() <= 1


def test_grey_equals_pillow() -> None:
    pixels = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8)
    split = Split(pixels, torch.zeros(2, dtype=torch.int64))
    ours = prepared(Dataset("x", ("a",), split, split), None, 1).train.images
    theirs = np.asarray(Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).convert("L")).copy()
    assert (ours[0, 0].int() - torch.from_numpy(theirs).int()).abs().max() <= 1


def test_batches() -> None:
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 2, 3, 3)
    batches = Batches(Split(images, torch.arange(10)), 4, torch.device("cpu"))
    assert batches.sizes == [4, 4, 2]
    seen = list(batches.shuffled(torch.Generator().manual_seed(3)))
    again = list(batches.shuffled(torch.Generator().manual_seed(3)))
    assert sorted(torch.cat([labels for _, labels in seen]).tolist()) == list(range(10))
    for (values, labels), (same, _) in zip(seen, again, strict=True):
        assert values.equal(same)
        assert values[:, 0, 0, 0].equal(labels.float().div(255))
    assert torch.cat([labels for _, labels in batches.in_order()]).equal(torch.arange(10))


def test_single_picture_left_over() -> None:
    split = Split(torch.zeros(9, 1, 2, 2, dtype=torch.uint8), torch.zeros(9, dtype=torch.int64))
    batches = Batches(split, 4, torch.device("cpu"))
    assert batches.sizes == [4, 4, 1]
    batches.skip_single = True
    assert batches.sizes == [4, 4]
    assert len(list(batches.shuffled(torch.Generator()))) == 2


def test_normalize() -> None:
    images = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8)
    images[:, 2] = 7  # no contrast
    split = Split(images, torch.zeros(50, dtype=torch.int64))
    batches = Batches(split, 50, torch.device("cpu"), scaling_of(images))
    ((values, _),) = batches.in_order()
    assert values.mean((0, 2, 3)).abs().max() < 1e-5
    assert torch.allclose(values.std((0, 2, 3))[:2], torch.ones(2), atol=1e-2)


# Whether data and network fit


def test_sample_that_does_not_fit() -> None:
    found = problem(lambda: require_input("mnist", (1, 28, 28), (3, 32, 32), lambda shape: False))
    assert found.code == "E605"
    assert "1x28x28" in found.message and "3x32x32" in found.message
    assert found.help and "--resize 32 --channels 3" in found.help and "--input 1x28x28" in found.help
    assert "has errors" in found.notes[0]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ((1, 32, 48), "--resize 32x48"),
        ((3, 28, 28), "`--channels 3`"),
        ((784,), "`flatten`"),
        ((16, 28, 28), "--input 1x28x28"),
    ],
)
def test_ways_out(expected: tuple[int, ...], words: str) -> None:
    found = problem(lambda: require_input("mnist", (1, 28, 28), expected, lambda shape: True))
    assert found.help and words in found.help


def test_output_that_is_not_the_classes() -> None:
    found = problem(lambda: require_output("cifar100", 100, (10, 1, 1)))
    assert found.code == "E606"
    assert found.help and "flatten -> linear 100" in found.help
    require_output("digits", 10, (10,))


# Real data, where it is


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_files(name: str) -> None:
    loaded = load_dataset(Recipe(data=name, data_dir=os.environ["SPECC_DATA"]))
    assert (loaded.sample, len(loaded.classes)) == (BUILT_IN[name].sample, BUILT_IN[name].classes)
    assert (len(loaded.train.labels), len(loaded.test.labels)) == (60000, 10000)
    assert loaded.train.labels.bincount().tolist()[0] in (5923, 6000)


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
def test_real_folder() -> None:
    loaded = load_dataset(Recipe(data=os.environ["SPECC_DATA"] + "/cifar10-jpeg", limit=200))
    assert loaded.classes == catalogue.CIFAR10
    assert loaded.sample == (3, 32, 32)


def test_only_the_last_batch_is_dropped() -> None:
    split = Split(torch.zeros(10, 1, 2, 2, dtype=torch.uint8), torch.arange(10))
    assert Batches(split, 4, torch.device("cpu"), drop_last=True).sizes == [4, 4]
    assert Batches(split, 20, torch.device("cpu"), drop_last=True).sizes == [10]
    assert Batches(split, 3, torch.device("cpu"), accumulate=2).steps == [[3, 3], [3, 1]]


def test_skipped_batches_change_nothing_that_follows() -> None:
    split = Split(torch.arange(40, dtype=torch.uint8).view(10, 1, 2, 2), torch.arange(10))
    batches = Batches(split, 4, torch.device("cpu"))
    whole, rest = (list(batches.shuffled(torch.Generator().manual_seed(1), skip)) for skip in (0, 1))
    assert [labels.tolist() for _, labels in rest] == [labels.tolist() for _, labels in whole[1:]]


def test_validation_is_held_out_of_training() -> None:
    whole, parted = load_dataset(Recipe()), load_dataset(Recipe(validation=0.1))
    assert parted.validation is not None
    assert len(parted.train.labels) + len(parted.validation.labels) == len(whole.train.labels)
    assert parted.test.images.equal(whole.test.images)
    assert int(parted.validation.labels.bincount().min()) >= 13
    assert stratified([0, 0, 1], 0.5)[1] == [0] or stratified([0, 0, 1], 0.5)[1] == [1]


# Augmentation


def test_flip_mirrors_whole_pictures() -> None:
    images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4).repeat(64, 1, 1, 1)
    torch.manual_seed(0)
    changed = augment.flipped(images)
    mirrored = (changed == images.flip(-1)).flatten(1).all(1)
    assert mirrored.logical_xor((changed == images).flatten(1).all(1)).all()
    assert 16 < int(mirrored.sum()) < 48


def test_shift_is_a_crop_of_the_padded_picture() -> None:
    images = torch.randint(1, 256, (50, 2, 5, 6), dtype=torch.uint8)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    found = set()
    for picture, source in zip(augment.shifted(images, 2), padded, strict=True):
        places = [(y, x) for y in range(5) for x in range(5) if picture.equal(source[:, y : y + 5, x : x + 6])]
        found.update(places[:1])
        assert places
    assert len(found) > 10


def test_hole_is_a_square_of_zeros() -> None:
    changed = augment.with_hole(torch.ones(40, 3, 8, 8), 4)
    holes = (changed == 0).sum((2, 3))
    assert (holes == holes[:, :1]).all()
    assert int(holes.max()) == 16 and int(holes.min()) >= 4


def test_mixup_blends_pictures_and_classes_alike() -> None:
    torch.manual_seed(0)
    labels = torch.arange(6)
    images = torch.nn.functional.one_hot(labels, 6).float().view(6, 1, 2, 3)
    mixed, targets = augment.mixed(images, labels, 1.0, 6)
    torch.testing.assert_close(mixed.flatten(1), targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    assert 0 < float(targets.max()) < 1
