"""What a run learns from is known by its content: what has changed is told, what is the same goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callbacks import Stop
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from specc.cli.main import main
from specc.data import kept
from specc.data.identity import DataIdentity, identity_of_arrays
from specc.data.load import Dataset, load_dataset
from specc.data.sources import Arrays
from specc.data.sources.digits import Digits
from specc.recipe.recipe import Recipe
from specc.runner.checkpoint import checkpoint_bytes, read_checkpoint, read_tensors
from specc.runner.run import train
from specc.runner.run_folder import STATE

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 3x4x4\nflatten -> linear 3\ntrain { epochs 3 ; batch 4 ; device cpu }\n"
CLASSES = ("cat", "dog", "owl")


def specc(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def bitmap(path: Path, level: int) -> None:
    """A picture whose file has the same length whatever it shows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (level, 0, 0)).save(path)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for label, name in enumerate(CLASSES):
        for number in range(4):
            bitmap(tmp_path / "pets" / "train" / name / f"{number}.bmp", 40 * label + number)
            bitmap(tmp_path / "pets" / "test" / name / f"{number}.bmp", 40 * label + 10 + number)
    return tmp_path / "pets"


@pytest.fixture(params=["on", "off"])
def stopped(pets: Path, request: pytest.FixtureRequest) -> Path:
    """A run on the pictures in memory, or in their files, that was stopped."""
    where = {"in_memory": request.param, "workers": 0}
    return train(SPEC, "run", data=str(pets), callback=Stop(4), **where).folder


def replaced(path: Path, level: int) -> Path:
    """Another picture of the same length in its place, its time of writing kept, as `cp -p` and `touch -r` keep it."""
    before = path.stat()
    bitmap(path, level)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    return path


def in_both(pets: Path, change: Callable[[Path], Any]) -> None:
    for part in ("train", "test"):
        change(pets / part)


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "other": (lambda pets: replaced(pets / "train/dog/2.bmp", 200), "training pictures of `dog` have changed"),
    "other-test": (lambda pets: replaced(pets / "test/owl/0.bmp", 200), "test pictures of `owl` have changed"),
    "one-more": (lambda pets: bitmap(pets / "train/cat/9.bmp", 9), "`cat` has 5 training pictures, where it had 4"),
    "one-less": (lambda pets: (pets / "train/cat/0.bmp").unlink(), "`cat` has 3 training pictures, where it had 4"),
    "class-gone": (lambda pets: in_both(pets, lambda part: shutil.rmtree(part / "owl")), "the class `owl` is gone"),
    "class-new": (lambda pets: in_both(pets, lambda part: bitmap(part / "fox/0.bmp", 1)), "the class `fox` is new"),
    "two-swapped": (
        lambda pets: [replaced(pets / "train/dog/0.bmp", 41), replaced(pets / "train/dog/1.bmp", 40)],
        "training pictures of `dog` have changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_what_has_changed_is_told(kind: str, stopped: Path, pets: Path) -> None:
    change, words = CHANGES[kind]
    change(pets)
    done = specc("train", "--resume", str(stopped), "--workers", "0")
    assert (done.exit_code, "E623" in done.output, words in done.output) == (2, True, True), done.output
    assert "leave the option out" not in done.output and "put the data back" in done.output


def test_many_changes_are_counted(stopped: Path, pets: Path) -> None:
    for path in pets.rglob("*.bmp"):
        replaced(path, 255)
    done = specc("train", "--resume", str(stopped))
    assert "1 more change" in done.output and done.output.count("` have changed") == 5


def test_what_is_the_same_goes_on(stopped: Path, pets: Path) -> None:
    """Times of writing and names that keep the order are no matter, and whether it stays in memory."""
    for path in pets.rglob("*.bmp"):
        os.utime(path, (0, 0))
    (pets / "train/cat/3.bmp").rename(pets / "train/cat/4.bmp")
    done = specc("train", "--resume", str(stopped), "--in-memory", "auto")
    assert done.exit_code == 0, done.output


def test_a_folder_that_was_moved_is_named(stopped: Path, pets: Path) -> None:
    pets.rename("moved")
    lost = specc("train", "--resume", str(stopped))
    assert (lost.exit_code, "`--data` says where they are" in lost.output) == (2, True), lost.output
    done = specc("train", "--resume", str(stopped), "--data", "moved", "--workers", "0")
    assert done.exit_code == 0, done.output
    assert json.loads((stopped / "recipe.json").read_text())["data"] == str(Path("moved").absolute())


def test_another_folder_is_refused_by_what_is_in_it(stopped: Path, pets: Path) -> None:
    shutil.copytree(pets, "other")
    replaced(Path("other/test/cat/0.bmp"), 99)
    done = specc("train", "--resume", str(stopped), "--data", "other")
    assert (done.exit_code, "test pictures of `cat` have changed" in done.output) == (2, True), done.output
    named = specc("train", "--resume", str(stopped), "--data", "digits")
    assert (named.exit_code, "`data` was" in named.output) == (2, True), named.output


def test_changed_data_are_adopted(stopped: Path, pets: Path) -> None:
    replaced(pets / "train/dog/2.bmp", 200)
    assert specc("train", "--resume", str(stopped), "--adopt", "--epochs", "2").exit_code == 0
    assert specc("train", "--resume", str(stopped), "--epochs", "3").exit_code == 0


@pytest.mark.parametrize("pictures", [12, 13])
def test_runs_of_an_older_specc_go_on_by_their_counts(pictures: int, stopped: Path) -> None:
    place = stopped / STATE
    facts = read_checkpoint(place)
    line = f"pets: {pictures} training and 12 test pictures, 3 classes, checksum 0123abcd"
    older = facts.model_copy(update={"format": 1, "data": line})
    place.write_bytes(checkpoint_bytes(older, read_tensors(place, facts.checksum)))
    done = specc("train", "--resume", str(stopped), "--workers", "0")
    if pictures == 12:
        assert done.exit_code == 0 and "only their numbers were compared" in done.output, done.output
        assert isinstance(read_checkpoint(place).data, DataIdentity)
    else:
        assert done.exit_code == 2 and "13 training" in done.output and "12 training" in done.output


# The identity itself


def part(labels: list[int], levels: list[int]) -> tuple[Any, Any]:
    return np.full((len(levels), 1, 2, 2), np.array(levels, np.uint8).reshape(-1, 1, 1, 1)), np.array(labels)


SAMPLES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, SAMPLES)
def test_identities_are_equal_where_all_samples_and_labels_are(one: list[Any], other: list[Any]) -> None:
    found = [
        identity_of_arrays(CLASSES, {"training": part(*map(list, zip(*pairs, strict=True))), "test": part([0], [0])})
        for pairs in (one, other)
    ]
    assert (found[0] == found[1]) == (one == other) == (found[0].digest == found[1].digest)
    assert bool(found[0].changes_to(found[1])) == (one != other)
    assert DataIdentity.model_validate_json(found[0].model_dump_json()) == found[0]


def test_another_shape_or_name_is_another_identity() -> None:
    labels, images = np.zeros(2, np.int64), np.zeros((2, 1, 2, 8), np.uint8)
    shapes = [{"training": (images.reshape(2, *shape), labels)} for shape in ((1, 2, 8), (1, 4, 4), (16,))]
    assert len({identity_of_arrays(CLASSES, one).digest for one in shapes}) == 3
    assert identity_of_arrays(CLASSES, shapes[0]) != identity_of_arrays(("cat", "dog", "fox"), shapes[0])


def test_named_data_are_known_by_their_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    levels = np.arange(16, dtype=np.uint8)

    def load(source: Digits) -> Arrays:
        part = levels.copy().reshape(16, 1, 1, 1), np.arange(16) % 2
        return Arrays(("even", "odd"), {"training": part, "test": part})

    monkeypatch.setattr(Digits, "load", load)
    plain = load_dataset(Recipe(data="digits"))
    assert load_dataset(Recipe(data="digits", resize=3)).identity == plain.identity
    levels[5] = 200
    (first, *_) = plain.identity.changes_to(load_dataset(Recipe(data="digits")).identity)
    assert first == "training pictures of `odd` have changed"


# Decoded pictures that are kept


@pytest.mark.parametrize("where", ["on", "off"])
def test_a_file_with_other_bytes_and_an_old_time_is_decoded_again(
    where: Any, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(kept, "SETTLED", -1.0)

    def loaded() -> Dataset:
        return load_dataset(Recipe(data=str(pets), in_memory=where))

    before = loaded()
    replaced(pets / "train/dog/2.bmp", 200)
    after = loaded()
    assert before.identity != after.identity and 200 in np.asarray(after.train.x)
    assert loaded().identity == after.identity
    assert len(list((tmp_path / "cache/specc/decoded").glob("*.safetensors"))) == 2


def test_files_that_have_just_been_written_are_not_kept(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system may not tell whether they were written again since."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)
    bitmap(pets / "train/dog/2.bmp", 7)
    load_dataset(Recipe(data=str(pets)))
    assert not (tmp_path / "cache").exists()
