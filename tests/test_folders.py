"""What a folder of pictures is taken for: its parts, its classes, its files, and what is passed over."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from specc.data import walk
from specc.data.picture import endings
from specc.data.sources import find
from specc.data.sources.folder import list_folder, list_part
from specc.data.walk import Walk
from specc.diagnostics.diagnostic import Diagnostic, Problem


def problem(action: Any) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, in which `pets` is to be made."""
    monkeypatch.chdir(tmp_path)
    return Path("pets")


def fill(folder: Path, *classes: str, count: int = 2, ending: str = ".png") -> None:
    for name in classes or ("cat", "dog"):
        for number in range(count):
            path = folder / name / f"{number}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (6, 4)).save(path)


# Parts


@pytest.mark.parametrize("train", ["train", "Train", "TRAIN", "training", "Training"])
@pytest.mark.parametrize(
    ("test", "held_out"), [("test", "val"), ("Test", "Valid"), ("testing", "VALIDATION"), ("val", ""), ("Valid", "")]
)
def test_parts_go_by_any_of_their_names(root: Path, train: str, test: str, held_out: str) -> None:
    fill(root / train, count=3)
    fill(root / test, count=1)
    if held_out:
        fill(root / held_out)
    found = list_folder(root)
    assert (found.classes, len(found.parts["training"].paths), len(found.parts["test"].paths)) == (("cat", "dog"), 6, 2)
    assert ("validation" in found.parts) is bool(held_out)
    assert all(path.startswith(f"pets/{train}/") for path in found.parts["training"].paths)


def test_two_folders_for_one_part_are_asked_about(root: Path) -> None:
    for part in ("train", "test", "Testing"):
        fill(root / part)
    found = problem(lambda: list_folder(root))
    assert (found.code, "`Testing` and `test`" in found.message) == ("E608", True)


@pytest.mark.parametrize("part", ["test", "Valid", "train"])
def test_a_part_beside_class_folders_is_asked_about(root: Path, part: str) -> None:
    """Of loose pictures or of classes: it might be a class that is called so, as `train` among vehicles."""
    fill(root, "bus", "car", part)
    found = problem(lambda: list_folder(root))
    assert (found.code, f"pets/{part} lies beside `bus`, `car`" in found.message) == ("E608", True)
    assert found.help and f"call it something else, such as `{part}_`" in found.help
    (root / part).rename(root / f"{part}_")
    assert len(list_folder(root).classes) == 3


def test_class_folders_beside_a_sorted_test_part_belong_into_train(root: Path) -> None:
    fill(root)
    fill(root / "test")
    found = problem(lambda: list_folder(root))
    assert found.help and "move `cat`, `dog` into a folder pets/train" in found.help.splitlines()[0]
    (root / "train").mkdir()
    for name in ("cat", "dog"):
        (root / name).rename(root / "train" / name)
    assert len(list_folder(root).parts["test"].paths) == 4


def test_loose_test_pictures_cannot_be_tested_on(root: Path) -> None:
    fill(root / "train")
    fill(root, "test")
    found = problem(lambda: list_folder(root))
    assert (found.code, "pets/test holds loose pictures" in found.message) == ("E608", True)
    assert found.help == "name pets/train as the data: a fifth of it is then held out"
    assert list_folder(root / "train").classes == ("cat", "dog")


def test_an_archive_that_holds_the_folder_once_more(root: Path) -> None:
    fill(root / "pets")
    (root / "__MACOSX" / "pets").mkdir(parents=True)
    found = problem(lambda: list_folder(root))
    assert found.help and found.help.startswith("name pets/pets as the data\n")


# Classes that lack in a part


def test_a_class_may_lack_in_the_test_part(root: Path) -> None:
    fill(root / "train", "cat", "dog", "owl")
    fill(root / "test", "cat", "owl")
    fill(root / "val", "dog")
    (root / "test" / "dog").mkdir()
    found = list_folder(root)
    assert (found.parts["test"].labels, found.parts["validation"].labels) == ([0, 0, 2, 2], [1, 1])
    assert (found.notes, found.passed_over) == (("pets/test has no pictures of `dog`",), ())


def test_a_class_that_is_only_tested_on_is_an_error_and_its_way_out_works(root: Path) -> None:
    fill(root / "train", "cat", "dog")
    fill(root / "test", "Cat", "dog")
    found = problem(lambda: list_folder(root))
    assert (found.code, "lacks: `Cat`" in found.message) == ("E609", True)
    assert found.help and "pets/test/Cat is the class `cat`" in found.help
    (root / "test" / "Cat").rename(root / "test" / "cat")
    assert list_folder(root).parts["test"].labels == [0, 0, 1, 1]


# Files


def test_folders_that_are_not_the_datas_own_are_not_entered(root: Path) -> None:
    fill(root)
    for name in (".ipynb_checkpoints", "@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"):
        fill(root, name)
        fill(root / "cat" / name, "below")
        fill(root / "cat" / "deeper", name)
    for name in ("._0.png", "Thumbs.db", ".DS_Store", "desktop.ini"):
        (root / "cat" / name).write_bytes((root / "cat" / "0.png").read_bytes())
    found = list_folder(root)
    assert (found.classes, len(found.parts["training"].paths) + len(found.parts["test"].paths)) == (("cat", "dog"), 4)
    assert found.passed_over == ()


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".JPG", ".avif", ".jp2", ".qoi", ".TIF"])
def test_every_ending_that_pillow_reads_counts(root: Path, ending: str) -> None:
    if ending.lower() not in endings():
        pytest.skip("this Pillow lacks the format")
    fill(root, ending=ending)
    assert len(list_folder(root).parts["training"].paths) == 2


def test_what_looks_like_a_picture_and_is_passed_over_is_named(root: Path) -> None:
    fill(root)
    whole = (root / "cat" / "0.png").read_bytes()
    for name in ("cat/a.heic", "cat/b.HEIC", "dog/c.svg", "dog/0", "dog/1.jpg_large", "loose.png"):
        (root / name).write_bytes(whole)
    (root / "cat" / "notes.txt").write_text("no picture")
    (root / "labels.csv").write_text("file,label\n")
    assert [str(one) for one in list_folder(root).passed_over] == [
        "passed over: pets/cat/a.heic and 1 more file: this Pillow cannot read `.heic`",
        "passed over: pets/dog/0 and 1 more file: a picture by its first bytes, not by its name",
        "passed over: pets/loose.png: beside the class folders, not in one",
        "passed over: pets/dog/c.svg: this Pillow cannot read `.svg`",
    ]


def test_a_class_whose_pictures_are_all_passed_over_says_so(root: Path) -> None:
    fill(root)
    (root / "owl").mkdir()
    (root / "owl" / "0.heic").write_bytes(b"")
    found = problem(lambda: list_folder(root))
    assert "passed over: pets/owl/0.heic: this Pillow cannot read `.heic`" in found.notes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_and_links(root: Path) -> None:
    fill(root)
    os.mkfifo(root / "cat" / "pipe.png")
    os.mkfifo(root / "cat" / "pipe")
    os.mkfifo(root / "pipe.png")
    (root / "cat" / "to_pipe.png").symlink_to("pipe.png")
    (root / "cat" / "link.png").symlink_to("0.png")
    (root / "cat" / "round").symlink_to(".", target_is_directory=True)
    (root / "round").symlink_to("round")
    (root / "self").symlink_to(".", target_is_directory=True)
    (root / "up").symlink_to("..", target_is_directory=True)
    fill(Path("elsewhere"), "owl")
    (root / "owl").symlink_to(Path("elsewhere/owl").resolve(), target_is_directory=True)
    found = list_folder(root)
    assert (found.classes, len(found.parts["training"].paths) + len(found.parts["test"].paths)) == (
        ("cat", "dog", "owl"),
        7,
    )
    assert [one.files for one in found.passed_over] == [3]


def test_depth_and_breadth_have_an_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    fill(root / "cat" / "/".join("d" * 200), "deep")
    found = list_folder(root)
    assert len(found.parts["training"].paths) + len(found.parts["test"].paths) == 4
    assert "more than 64 folders deep" in str(found.passed_over[0])
    monkeypatch.setattr(walk, "MOST_FOLDERS", 20)
    assert problem(lambda: list_folder(root)).code == "E608"


def test_first_bytes_of_so_many_files_are_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    for number in range(9):
        (root / "cat" / f"{number}.bin").write_bytes((root / "cat" / "0.png").read_bytes())
    monkeypatch.setattr(walk, "SNIFFED", 5)
    assert [one.files for one in list_folder(root).passed_over] == [5]


def test_a_folder_that_vanishes_is_a_problem(root: Path) -> None:
    assert problem(lambda: list_folder(root)).code == "E608"
    fill(root)
    assert Walk().folders(root) == ["cat", "dog"]


# To test on


def test_what_was_never_split_is_all_test(root: Path) -> None:
    fill(root, count=10)
    whole = list_part(root, None)
    assert {name: len(part.paths) for name, part in whole.parts.items()} == {"test": 20}
    assert "all pictures" in whole.notes[0]
    split = list_folder(root).parts
    for name, expected in (("test", split["test"]), ("train", split["training"])):
        found = list_part(root, name)  # type: ignore[arg-type] # one of the parts
        assert (found.parts, found.notes) == ({"test": expected}, ())
    assert problem(lambda: list_part(root, "validation")).code == "E642"


def test_a_part_to_test_on(root: Path) -> None:
    fill(root / "Test", "cat")
    assert list_part(root, None).classes == ("cat",)
    found = problem(lambda: list_part(root, "train"))
    assert (found.code, found.help) == ("E642", "`--split test` takes the part that is there")
    fill(root / "valid", "dog")
    assert list_part(root, "validation").classes == ("dog",)
    assert problem(lambda: list_folder(root)).code == "E608"


def test_one_class_is_enough_to_test_on(root: Path) -> None:
    fill(root, "cat")
    (root / "dog").mkdir()
    assert list_part(root, None).classes == ("cat",)
    assert problem(lambda: list_part(root / "cat", None)).code == "E608"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("pet", "pets"), ("./pet", "pets"), ("pets/cta", "pets/cat"), ("lables.csv", "labels.csv"), ("x.npz", None)],
)
def test_a_mistyped_folder_or_file_is_guessed(
    name: str, meant: str | None, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(root, "cat", "dog")
    (root.parent / "labels.csv").write_text("file,label\n")
    monkeypatch.chdir(root.parent)
    found = problem(lambda: find(name))
    assert found.code == "E601" and found.help
    assert ("did you mean" in found.help, meant is None or f"`{meant}`" in found.help) == (meant is not None, True)


def test_the_folder_of_one_class_is_known_as_that(root: Path) -> None:
    fill(root, "cat", "dog")
    found = problem(lambda: list_folder(root / "cat"))
    assert (found.code, f"name {root} as the data" in (found.help or "")) == ("E608", True)
    (root.parent / "notes").mkdir()
    fill(root.parent, "alone")
    assert "as the data" not in (problem(lambda: list_folder(root.parent / "alone")).help or "")


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names are bytes on Linux alone")
def test_names_that_are_no_text(root: Path) -> None:
    """A class is named in weights and JSON; a picture is not."""
    fill(root)
    (root / "cat" / "0.png").rename(root / "cat" / os.fsdecode(b"\xff.png"))
    assert len(list_folder(root).parts["training"].paths) == 2
    fill(root, os.fsdecode(b"caf\xe9"))
    found = problem(lambda: list_folder(root))
    assert (found.code, r"caf\xe9" in found.message) == ("E608", True)
    fill(Path(os.fsdecode(b"\xfc")))
    assert problem(lambda: list_folder(Path(os.fsdecode(b"\xfc")))).code == "E608"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("name", ["pipe", "pipe.csv", "./pipe"])
def test_a_pipe_is_no_data(root: Path, name: str) -> None:
    os.mkfifo(name)
    found = problem(lambda: find(name))
    assert (found.code, found.message) == ("E601", f"the data folder `{name}` is not a folder")
