"""Data sets: named ones with their files, folders of pictures, and what is done to the pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specc.data import load
from specc.data.batches import Batches, scaling_of
from specc.data.fit import require_input, require_output
from specc.data.images import Images, InMemory
from specc.data.load import load_dataset
from specc.data.sources import BUILT_IN, Entry, Request, default_data_dir, find
from specc.data.sources.package import LoadRequest, Package, PackageDataset, PackageSplit
from specc.data.survey import shape_after, stratified, stratified_fifth
from specc.data.transform import prepared
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.source import Source
from specc.tasks.classify import Classify
from specc.tasks.task import Targets


def modelled(text: str) -> ShapedModel:
    model = analyse(Source("net.cnn", text)).model
    assert model is not None
    return model


def problem(action: Any) -> Diagnostic:
    """The problem that an action ends in."""
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


def images_of(images: Images) -> torch.Tensor:
    """The pictures of a part that is in memory."""
    assert isinstance(images, InMemory)
    return images.x


# Named data sets


def test_digits_are_split_in_proportion() -> None:
    digits = load_dataset(Recipe())
    assert digits.sample == BUILT_IN["digits"].sample
    assert (len(digits.train), len(digits.test)) == (1438, 359)
    assert images_of(digits.train).dtype == torch.uint8
    assert int(images_of(digits.train).max()) == 255
    counts = digits.test.y.bincount()
    assert int(counts.min()) >= 34 and int(counts.max()) <= 37


def test_holdout_is_always_the_same() -> None:
    labels = [0] * 50 + [1] * 10 + [2, 2]
    (train, test), (again, _) = stratified_fifth(labels), stratified_fifth(labels)
    assert train == again
    assert sorted([*train, *test]) == list(range(62))
    assert {labels[index] for index in test} == {0, 1, 2}


def test_limit() -> None:
    digits = load_dataset(Recipe(limit=100))
    assert (len(digits.train), len(digits.test)) == (100, 100)


def test_catalogue_imports_no_torch() -> None:
    code = "import sys, specc.data.sources; sys.exit('torch' in sys.modules)"
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


def _leaves(request: LoadRequest) -> PackageDataset:
    split = PackageSplit(torch.zeros(4, 3, 5, 5, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))
    return PackageDataset(request.entry.name, ("oak", "birch"), split, split)


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
    assert problem(lambda: _package("no_such_module:load", tmp_path).fetch()).code == "E619"


def _package(loader: str, place: Path) -> Package:
    return Package(Request("leaves", place, Entry("leaves", (3, 5, 5), 2, "", loader)))


@pytest.mark.parametrize("kind", [torch.float64, torch.int16])
def test_loader_that_gives_other_numbers_is_named(
    kind: torch.dtype, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    split = PackageSplit(torch.zeros(4, 3, 5, 5, dtype=kind), torch.tensor([0, 1, 0, 1]))
    monkeypatch.setitem(sys.modules, "leaves", type(sys)("leaves"))
    given = PackageDataset("leaves", ("oak", "birch"), split, split)
    monkeypatch.setattr(sys.modules["leaves"], "load", lambda request: given, raising=False)
    assert problem(lambda: _package("leaves:load", tmp_path).fetch()).code == "E619"


def test_floats_of_a_package_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(0).normal(3, 2, (20, 2, 30)).astype(np.float32)
    split = PackageSplit(samples, np.arange(20) % 2)
    monkeypatch.setitem(sys.modules, "sounds", type(sys)("sounds"))
    given = PackageDataset("sounds", ("low", "high"), split, split)
    monkeypatch.setattr(sys.modules["sounds"], "load", lambda request: given, raising=False)
    _install(monkeypatch, Entry("sounds", (2, 30), 2, "", "sounds:load"))
    loaded = load_dataset(Recipe(data="sounds"))
    assert loaded.train.dtype == torch.float32 and loaded.survey.dtype == "float32"
    ((plain, labels),) = Batches(loaded.train, 20).in_order()
    assert np.array_equal(plain.numpy(), samples) and labels.tolist() == split.labels.tolist()
    scaling = scaling_of(loaded.train)
    assert scaling.mean.flatten().numpy() == pytest.approx(samples.mean((0, 2)), rel=1e-5)
    ((scaled, _),) = Batches(loaded.train, 20, scaling).in_order()
    assert scaled.std((0, 2)).numpy() == pytest.approx([1, 1], abs=1e-3)
    assert np.array_equal(loaded.train.x.numpy(), samples)


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
    assert loaded.train.y.tolist() == [0] * 5 + [1] * 5
    assert images_of(loaded.train)[:, 0, 0, 0].tolist() == [*range(5), *range(10, 15)]
    assert len(loaded.test) == 4


def test_folder_without_test_part_holds_out_a_fifth(tmp_path: Path) -> None:
    fill(tmp_path, count=10)
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert loaded.train.y.bincount().tolist() == [8, 8]
    assert loaded.test.y.bincount().tolist() == [2, 2]


def test_a_third_part_is_the_validation_split(tmp_path: Path) -> None:
    for part, count in (("train", 10), ("test", 2), ("val", 3)):
        fill(tmp_path / part, count=count)
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert loaded.validation and loaded.validation.y.bincount().tolist() == [3, 3]
    assert len(loaded.test) == 4 and loaded.note == ""
    shared = load_dataset(Recipe(data=str(tmp_path), validation=0.2))
    assert shared.validation and shared.validation.y.bincount().tolist() == [2, 2]
    assert len(shared.train) == 16
    fill(tmp_path / "val", classes=("owl",))
    assert problem(lambda: load_dataset(Recipe(data=str(tmp_path)))).code == "E609"


def test_a_split_that_was_made_is_said(tmp_path: Path) -> None:
    fill(tmp_path, count=10)
    assert load_dataset(Recipe(data=str(tmp_path))).note == "a fifth of each class is held out to test on"


def test_what_else_lies_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path / "pets")
    cat = tmp_path / "pets" / "cat"
    for name in ("Thumbs.db", ".DS_Store", "._0.png", "notes.txt", ".hidden.jpg"):
        (cat / name).write_bytes(b"no picture")
    (cat / "round").symlink_to(cat, target_is_directory=True)
    (tmp_path / "pets" / ".ipynb_checkpoints").mkdir()
    assert len(load_dataset(Recipe(data=str(tmp_path / "pets"))).train) == 8


@pytest.mark.parametrize("target", ["9.png", "nowhere.png"])
def test_links_that_lead_nowhere_are_named(tmp_path: Path, target: str) -> None:
    """A link to itself among them."""
    fill(tmp_path)
    (tmp_path / "cat" / "9.png").symlink_to(tmp_path / "cat" / target)
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    assert (found.code, "9.png" in found.message) == ("E607", True)


def test_pictures_of_every_kind_become_rgb(tmp_path: Path) -> None:
    fill(tmp_path)
    red = {"RGB": (200, 0, 0), "RGBA": (200, 0, 0, 255), "CMYK": (0, 255, 255, 55)}
    for mode, colour in red.items():
        Image.new(mode, (6, 4), colour).save(tmp_path / "cat" / f"{mode}.tif")
    Image.new("RGB", (6, 4), red["RGB"]).convert("P").save(tmp_path / "cat" / "palette.png")
    Image.new("LA", (6, 4), (200, 0)).save(tmp_path / "cat" / "alpha.png")
    Image.fromarray(np.full((4, 6), 51200, np.uint16)).save(tmp_path / "cat" / "deep.png")
    Image.new("1", (6, 4), 1).save(tmp_path / "cat" / "bits.png")
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert loaded.sample == (3, 4, 6)
    first = {tuple(image[:, 0, 0].tolist()) for split in (loaded.train, loaded.test) for image in images_of(split)}
    assert {(200, 0, 0), (200, 200, 200), (255, 255, 255)} <= first


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is hidden from root")
def test_files_and_folders_that_may_not_be_read(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "cat" / "0.png").chmod(0)
    assert problem(lambda: load_dataset(Recipe(data=str(tmp_path)))).code == "E607"
    (tmp_path / "dog").chmod(0)
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path))))
    (tmp_path / "dog").chmod(0o700)
    assert (found.code, "dog" in found.message) == ("E608", True)


def test_no_picture_at_all_can_be_read(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.jpg").write_bytes(b"")
    assert problem(lambda: load_dataset(Recipe(data=str(tmp_path)))).code == "E607"


def test_relative_folders_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    names = ("pets", "./pets", "~/pets", str(tmp_path / "pets"))
    assert len({load_dataset(Recipe(data=name)).identity.digest for name in names}) == 1


def test_downloads_of_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number which the system does not know."""
    pwd = pytest.importorskip("pwd")

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert default_data_dir() == Path(".cache/specc/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert default_data_dir() == Path("/var/cache/specc/data")
    assert "there is no home folder `~`" in problem(lambda: find("~/pictures")).message


def test_folder_limit_takes_of_all_classes(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=20)
    fill(tmp_path / "test")
    loaded = load_dataset(Recipe(data=str(tmp_path), limit=10))
    assert len(loaded.train) == 10
    assert set(loaded.train.y.tolist()) == {0, 1}


def test_grey_pictures_stay_grey_unless_one_is_not(tmp_path: Path) -> None:
    fill(tmp_path / "train", mode="L")
    fill(tmp_path / "test", mode="L")
    assert load_dataset(Recipe(data=str(tmp_path))).sample == (1, 4, 6)
    assert load_dataset(Recipe(data=str(tmp_path), channels=3)).sample == (3, 4, 6)
    picture(tmp_path / "test" / "dog" / "9.png")
    loaded = load_dataset(Recipe(data=str(tmp_path)))
    assert (loaded.sample, images_of(loaded.test).shape[1]) == ((3, 4, 6), 3)
    assert load_dataset(Recipe(data=str(tmp_path), channels=1)).sample == (1, 4, 6)


def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    fill(tmp_path / "test", mode="L")
    for name in ("cat", "dog"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "train" / name / "0.png")
    assert images_of(load_dataset(Recipe(data=str(tmp_path))).train).flatten().tolist() == [156] * 48


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
    assert "2 of 21" in found.message and str(whole) in found.message
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
    monkeypatch.setattr(load, "free_bytes", lambda: 1000)
    found = problem(lambda: load_dataset(Recipe(data=str(tmp_path), in_memory="on")))
    assert found.code == "E611"
    assert "3x4x6" in found.message


# What is done to the pictures


def test_resize_and_channels_of_a_named_set() -> None:
    digits = load_dataset(Recipe(resize=16, channels=3, limit=10))
    assert digits.sample == shape_after((1, 8, 8), 16, 3) == (3, 16, 16)
    assert images_of(digits.train)[:, 0].equal(images_of(digits.train)[:, 2])


def test_resize_equals_pillow() -> None:
    pixels = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    ours = prepared(pixels, (11, 11), None)
    for picture_, scaled in zip(pixels, ours, strict=True):
        theirs = Image.fromarray(picture_[0].numpy()).resize((11, 11), Image.Resampling.BILINEAR)
        assert (scaled[0].int() - torch.from_numpy(np.asarray(theirs).copy()).int()).abs().max() <= 1


def test_grey_equals_pillow() -> None:
    pixels = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8)
    ours = prepared(pixels, None, 1)
    theirs = np.asarray(Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).convert("L")).copy()
    assert (ours[0, 0].int() - torch.from_numpy(theirs).int()).abs().max() <= 1


def test_batches() -> None:
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 2, 3, 3)
    batches = Batches(InMemory(images, torch.arange(10)), 4)
    assert batches.sizes == [4, 4, 2]
    seen = list(batches.shuffled(torch.Generator().manual_seed(3)))
    again = list(batches.shuffled(torch.Generator().manual_seed(3)))
    assert sorted(torch.cat([labels for _, labels in seen]).tolist()) == list(range(10))
    for (values, labels), (same, _) in zip(seen, again, strict=True):
        assert values.equal(same)
        assert values[:, 0, 0, 0].equal(labels.float().div(255))
    assert torch.cat([labels for _, labels in batches.in_order()]).equal(torch.arange(10))


def test_single_picture_left_over() -> None:
    split = InMemory(torch.zeros(9, 1, 2, 2, dtype=torch.uint8), torch.zeros(9, dtype=torch.int64))
    batches = Batches(split, 4)
    assert batches.sizes == [4, 4, 1]
    batches.skip_single = True
    assert batches.sizes == [4, 4]
    assert len(list(batches.shuffled(torch.Generator()))) == 2


def test_normalize() -> None:
    images = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8)
    images[:, 2] = 7  # no contrast
    split = InMemory(images, torch.zeros(50, dtype=torch.int64))
    batches = Batches(split, 50, scaling_of(split))
    ((values, _),) = batches.in_order()
    assert values.mean((0, 2, 3)).abs().max() < 1e-5
    assert torch.allclose(values.std((0, 2, 3))[:2], torch.ones(2), atol=1e-2)


# Whether data and network fit


def test_sample_that_does_not_fit() -> None:
    found = problem(lambda: require_input("mnist", (1, 28, 28), (3, 32, 32), lambda shape: False))
    assert found.code == "E605"
    assert "1x28x28" in found.message and "3x32x32" in found.message
    assert found.help and "--resize 32 --channels 3" in found.help and "--input" not in found.help
    assert found.notes == ("with `--input 1x28x28` this spec has errors: `specc check` with that option lists them",)


def test_a_data_set_that_nobody_named_is_told_as_such() -> None:
    found = problem(lambda: require_input("digits", (1, 8, 8), (7, 28, 28), lambda shape: False))
    assert found.help == "`--data NAME` takes another data set; `specc data list` lists them"
    assert found.notes[1] == "`digits` is the data set where none is named"
    other = problem(lambda: require_input("mnist", (1, 28, 28), (7, 8, 8), lambda shape: False))
    assert other.help == "change the spec's `input`, or take another data set with `--data`"


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
    found = problem(
        lambda: require_output(Classify(), modelled("input 3x32x32\nconv 10 k32\n"), Targets("cifar100", 100))
    )
    assert found.code == "E606"
    assert found.help and "flatten -> linear 100" in found.help
    require_output(Classify(), modelled("input 64\nlinear 10\n"), Targets("digits", 10))


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("input 64\nlinear 10\n", "end the network with `linear 2`"),
        ("param classes = 10\ninput 64\nlinear classes\n", "`--set classes=2`"),
        ("param n = 10\nblock head(c) { linear c }\ninput 64\nhead n\n", "`--set n=2`"),
        ("param n = 10\ninput 3x8x8\nconv n k1 -> gap -> flatten\n", "`--set n=2`"),
        ("param n = 10\ninput 64\nlinear n -> relu -> linear 10\n", "end the network with `linear 2`"),
        ("input 1x8x8\nconv 8 k3 p1 -> relu -> conv 2 k1\n", "this network answers for every pixel"),
    ],
)
def test_the_first_way_to_the_number_of_classes(text: str, help: str) -> None:
    found = problem(lambda: require_output(Classify(), modelled(text), Targets("pets", 2)))
    assert found.helps[0].startswith(help)


# Real data, where it is


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_files(name: str) -> None:
    loaded = load_dataset(Recipe(data=name, data_dir=os.environ["SPECC_DATA"]))
    assert (loaded.sample, len(loaded.classes)) == (BUILT_IN[name].sample, BUILT_IN[name].classes)
    assert (len(loaded.train), len(loaded.test)) == (60000, 10000)
    assert loaded.train.y.bincount().tolist()[0] in (5923, 6000)


@pytest.mark.skipif("SPECC_DATA" not in os.environ, reason="SPECC_DATA names no folder of real data")
def test_real_folder() -> None:
    loaded = load_dataset(Recipe(data=os.environ["SPECC_DATA"] + "/cifar10-jpeg", limit=200))
    assert loaded.classes[:3] == ("airplane", "automobile", "bird") and len(loaded.classes) == 10
    assert loaded.sample == (3, 32, 32)


def test_only_the_last_batch_is_dropped() -> None:
    split = InMemory(torch.zeros(10, 1, 2, 2, dtype=torch.uint8), torch.arange(10))
    assert Batches(split, 4, drop_last=True).sizes == [4, 4]
    assert Batches(split, 20, drop_last=True).sizes == [10]
    assert Batches(split, 3, accumulate=2).steps == [[3, 3], [3, 1]]


def test_skipped_batches_change_nothing_that_follows() -> None:
    split = InMemory(torch.arange(40, dtype=torch.uint8).view(10, 1, 2, 2), torch.arange(10))
    batches = Batches(split, 4)
    whole, rest = (list(batches.shuffled(torch.Generator().manual_seed(1), skip)) for skip in (0, 1))
    assert [labels.tolist() for _, labels in rest] == [labels.tolist() for _, labels in whole[1:]]


def test_validation_is_held_out_of_training() -> None:
    whole, parted = load_dataset(Recipe()), load_dataset(Recipe(validation=0.1))
    assert parted.validation is not None
    assert len(parted.train) + len(parted.validation) == len(whole.train)
    assert images_of(parted.test).equal(images_of(whole.test))
    assert int(parted.validation.y.bincount().min()) >= 13
    assert stratified([0, 0, 1], 0.5)[1] == [0] or stratified([0, 0, 1], 0.5)[1] == [1]
