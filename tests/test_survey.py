"""What a folder's heads say of it: the same to `check`, `train` and `eval`, before a picture is decoded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from specc.cli.main import main
from specc.data.sources import data_source
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

ORIENTATION = 0x0112


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def draw(path: Path, size: tuple[int, int] = (8, 8), mode: str = "L", turn: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    Image.new(mode, size).save(path, exif=exif)


def pets(root: Path, *classes: str, count: int = 3, **how: Any) -> Path:
    for name in classes:
        for number in range(count):
            draw(root / name / f"{number}.png", **how)
    return root


def spec_of(classes: int = 2, input: str = "1x8x8", train: str = "") -> str:
    return f"input {input}\nflatten -> linear {classes}\ntrain {{ epochs 1 ; batch 4\n{train} }}\n"


# The same verdict


class Folder(NamedTuple):
    """A folder to be made: sizes and modes of the pictures of each class, and what is beside them."""

    classes: list[list[tuple[tuple[int, int], str, int]]]
    parts: bool
    damaged: bool
    foreign: bool


PICTURES = st.tuples(
    st.sampled_from([(8, 8), (8, 8), (8, 8), (6, 8), (8, 6)]),
    st.sampled_from(["L", "L", "L", "RGB", "RGBA", "LA", "1", "P"]),
    st.sampled_from([1, 1, 1, 3, 6]),
)
ALIKE = st.tuples(PICTURES, st.integers(2, 3)).map(lambda pair: [pair[0]] * pair[1])
FOLDERS = st.builds(
    Folder,
    st.one_of(
        st.lists(st.lists(PICTURES, min_size=1, max_size=3), min_size=1, max_size=4),
        st.lists(st.lists(PICTURES, min_size=2, max_size=3), min_size=2, max_size=3),
        st.tuples(ALIKE, st.integers(2, 3)).map(lambda pair: [pair[0]] * pair[1]),
        st.tuples(ALIKE, st.integers(2, 3)).map(lambda pair: [pair[0]] * pair[1]),
    ),
    parts=st.booleans(),
    damaged=st.integers(0, 9).map(lambda n: n == 0),
    foreign=st.integers(0, 9).map(lambda n: n == 0),
)  # fmt: skip
TRAIN = st.sampled_from(
    [
        "",
        "resize 8",
        "resize 6x8",
        "channels 3",
        "channels 1 ; resize 8",
        "channels 3 ; resize 8",
        "task reconstruct",
    ]
)


def made(root: Path, wanted: Folder) -> Path:
    for part in ("train", "test") if wanted.parts else ("",):
        for number, pictures in enumerate(wanted.classes):
            for index, (size, mode, turn) in enumerate(pictures):
                draw(root / part / f"class{number}" / f"{index}.png", size, mode, turn)
    if wanted.damaged:
        (root / ("train" if wanted.parts else "") / "class0" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    if wanted.foreign:
        draw(root / "test" / "other" / "0.png")
    return root


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FOLDERS, TRAIN, st.integers(2, 3), st.sampled_from(["1x8x8", "1x8x8", "3x8x8", "3x6x8", "192"]))
def test_check_and_train_agree(wanted: Folder, recipe: str, classes: int, input: str) -> None:
    """`fits` is said exactly where training begins; a refusal is the same one."""
    end = f"flatten -> linear {classes}"
    if "reconstruct" in recipe:
        end = "linear 192" if input == "192" else f"conv {input[0]} k1"
    text = f"input {input}\n{end}\ntrain {{ epochs 1 ; batch 4\n{recipe} }}\n"
    with tempfile.TemporaryDirectory() as name:
        root = made(Path(name) / "pets", wanted)
        (Path(name) / "net.cnn").write_text(text)
        checked = specc("check", f"{name}/net.cnn", "--data", root, "--format", "json")
        codes = {found["code"] for found in json.loads(checked.stdout)}
        fits = f"fits {root}" in specc("check", f"{name}/net.cnn", "--data", root).stdout
        refused = None
        try:
            train(text, Path(name) / "run", data=str(root), device="cpu")
        except Problem as problem:
            refused = problem.diagnostic.code
    event(refused or "fits")
    assert fits is (refused is None), (codes, refused)
    assert refused is None or (refused.replace("E606", "W511") in codes)


def test_a_verdict_of_the_real_command(folder: Path) -> None:
    pets(folder / "pets", "cat", "dog")
    draw(folder / "pets" / "cat" / "0.png", (20, 10), "RGB")
    (folder / "net.cnn").write_text(spec_of())
    for command in ("check", "train"):
        done = subprocess.run(
            [sys.executable, "-m", "specc", command, "net.cnn", "--data", "pets"], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode, "E610" in done.stdout + done.stderr) == (1, True), done
        assert "`--resize 8 --channels 1` makes all of them 1x8x8" in done.stdout + done.stderr
    assert not (folder / "runs").exists()
    (folder / "net.cnn").write_text(spec_of(train="resize 8 ; channels 1"))
    assert "net.cnn fits pets" in specc("check", "net.cnn", "--data", "pets").stdout


def test_a_check_against_a_folder_imports_nothing_heavy(folder: Path) -> None:
    pets(folder / "pets", "cat", "dog")
    (folder / "net.cnn").write_text(spec_of())
    program = (
        "import sys\nfrom specc.cli import main\n"
        "try:\n    main(['check', 'net.cnn', '--data', 'pets'])\n"
        "finally:\n    print(sorted({'torch', 'numpy', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["net.cnn fits pets", "[]"], done


# What it says


def surveyed(root: Path, **how: Any) -> Any:
    return data_source(Recipe(data=str(root), **how)).survey()


def test_a_survey_is_plain_data(folder: Path) -> None:
    pets(folder / "pets", "cat", "dog")
    (folder / "pets" / "cat" / os.fsdecode(b"\xff.png")).write_bytes(b"no picture")
    (folder / "pets" / "cat" / "0.heic").write_bytes(b"")
    found = surveyed(folder / "pets")
    told = json.loads(json.dumps(found))
    assert told[0] == "pets" and len(found.unreadable) == 1 and found.passed_over[0].files == 1


def test_sizes_are_those_as_read(folder: Path) -> None:
    pets(folder / "pets", "cat", "dog", size=(8, 6), turn=6)
    draw(folder / "pets" / "cat" / "upright.png", (6, 8))
    found = surveyed(folder / "pets")
    assert [size[:3] for size in found.sizes] == [(8, 6, 7)]
    assert found.shape(Recipe()) == (1, 8, 6)


def test_limit_and_validation_are_the_recipes(folder: Path) -> None:
    for part in ("train", "test", "val"):
        pets(folder / "pets" / part, "cat", "dog", count=9)
    assert surveyed(folder / "pets", limit=5).splits == {"training": 5, "test": 5, "validation": 5}
    assert surveyed(folder / "pets", validation=0.2).splits == {"training": 18, "test": 18}


def sizes_of(root: Path, *sizes: tuple[int, int]) -> Iterator[Path]:
    for number, size in enumerate(sizes):
        draw(root / ("cat", "dog")[number % 2] / f"{number}.png", size)
    yield root


@pytest.mark.parametrize(
    ("sizes", "proposed"),
    [
        ([(28, 28)] * 5 + [(30, 30)], "28"),
        ([(64, 48)] * 5 + [(30, 30)], "48x64"),
        ([(100, 80), (300, 90), (120, 110), (130, 99), (95, 95), (91, 91)], "64"),
        ([(9, 9), (8, 8), (7, 7), (10, 10)], "32"),
        ([(4000, 3000), (3000, 4000), (2000, 2001), (900, 901)], "224"),
    ],
)
def test_pictures_of_different_sizes_propose_one_where_no_spec_does(
    folder: Path, sizes: list[tuple[int, int]], proposed: str
) -> None:
    (root,) = sizes_of(folder / "pets", *sizes)
    with pytest.raises(Problem) as caught:
        surveyed(root).shape(Recipe())
    assert caught.value.diagnostic.code == "E610"
    assert caught.value.diagnostic.help == (
        f"`--resize {proposed}` scales all of them as they are read\n"
        "`--fit crop` or `--fit pad` beside it keeps their proportions"
    )


def test_the_way_out_names_the_specs_own_size(folder: Path) -> None:
    (root,) = sizes_of(folder / "pets", *[(30, 30)] * 4, (20, 20))
    (folder / "net.cnn").write_text(spec_of(input="3x48x64"))
    done = specc("train", "net.cnn", "--data", root)
    assert "`--resize 48x64 --channels 3`" in done.stderr
    assert specc("train", "net.cnn", "--data", root, "--resize", "48x64", "--channels", "3").exit_code == 0


def test_what_is_passed_over_is_told_everywhere(folder: Path) -> None:
    pets(folder / "pets", "cat", "dog")
    (folder / "pets" / "cat" / "a.heic").write_bytes(b"")
    (folder / "net.cnn").write_text(spec_of())
    said = "passed over: pets/cat/a.heic: this Pillow cannot read `.heic`"
    assert said in specc("check", "net.cnn", "--data", "pets").stdout
    assert said in specc("data", "info", "pets").stdout
    assert json.loads(specc("data", "info", "pets", "--json").stdout)["passed_over"][0]["files"] == 1
    done = specc("train", "net.cnn", "--data", "pets", "--out", "run")
    assert (done.exit_code, said.replace("pets/", f"{folder}/pets/") in done.output) == (0, True), done.output
    assert said.partition("pets/")[2] in specc("eval", "run").stderr
    assert said.partition("pets/")[2] in specc("predict", "run", "pets").stderr


# Evaluating on other folders


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on cats, dogs and owls, which are black, grey and white."""
    root = tmp_path_factory.mktemp("trained")
    coloured(root / "pets", "cat", "dog", "owl")
    text = "input 1x8x8\nflatten -> linear 3\ntrain { epochs 80 ; lr 0.05 ; batch 8 }\n"
    return train(text, root / "run", data=str(root / "pets"), device="cpu").folder


LEVELS = {"cat": 0, "dog": 128, "owl": 255}


def coloured(root: Path, *classes: str, levels: dict[str, int] = LEVELS, count: int = 5) -> Path:
    for name in classes:
        for number in range(count):
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), levels[name]).save(root / name / f"{number}.png")
    return root


def evaluated(run: Path, *arguments: object) -> dict[str, Any]:
    done = specc("eval", run, "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_another_folder_is_tested_whole(run: Path, folder: Path) -> None:
    coloured(folder / "more", "cat", "dog", "owl")
    assert (found := evaluated(run, "--data", "more"))["pictures"] == 15 and found["accuracy"] == 1
    assert evaluated(run, "--data", "more", "--split", "test")["pictures"] == 3
    assert evaluated(run, "--data", "more", "--split", "train")["pictures"] == 12
    assert "all pictures of more are test pictures" in specc("eval", run, "--data", "more").stderr
    assert "E642" in specc("eval", run, "--data", "more", "--split", "validation").stderr


def test_the_runs_own_folder_is_tested_as_it_was_split(run: Path) -> None:
    own = run.parent / "pets"
    assert evaluated(run)["pictures"] == evaluated(run, "--data", own)["pictures"] == 3
    assert evaluated(run, "--data", own.parent / "." / "pets", "--split", "train")["pictures"] == 12


@pytest.mark.parametrize("classes", [("owl",), ("dog", "owl"), ("cat", "owl")])
def test_some_of_the_classes_are_matched_by_name(run: Path, folder: Path, classes: tuple[str, ...]) -> None:
    coloured(folder / "more", *classes)
    found = evaluated(run, "--data", "more")
    assert (found["pictures"], found["accuracy"]) == (5 * len(classes), 1)
    assert [one["name"] for one in found["classes"]] == ["cat", "dog", "owl"]
    assert [one["pictures"] for one in found["classes"]] == [5 * (name in classes) for name in LEVELS]
    assert specc("eval", run, "--data", "more").exit_code == 0


def test_a_class_that_the_network_does_not_know_is_an_error_never_a_shift(run: Path, folder: Path) -> None:
    coloured(folder / "more", "dog", "owl", "pig", levels={**LEVELS, "pig": 3})
    done = specc("eval", run, "--data", "more")
    assert (done.exit_code, "1 class that the network does not know: `pig`" in done.stderr) == (1, True)
    coloured(folder / "capitals", "Cat", levels={"Cat": 0})
    assert "did you mean `cat`?" in specc("eval", run, "--data", "capitals").stderr


def test_classes_of_other_names_are_compared_by_their_order_and_it_is_said(run: Path, folder: Path) -> None:
    coloured(folder / "more", "a", "b", "c", levels={"a": 0, "b": 128, "c": 255})
    assert evaluated(run, "--data", "more")["accuracy"] == 1
    assert "matched by their order" in specc("eval", run, "--data", "more").stderr


def test_sizes_that_differ_are_converted_by_fit(run: Path, folder: Path) -> None:
    coloured(folder / "more", "cat", "dog")
    Image.new("RGB", (20, 30)).save(folder / "more" / "cat" / "9.png")
    done = specc("eval", run, "--data", "more")
    assert (done.exit_code, "E610" in done.stderr, "`--fit` converts them" in done.stderr) == (1, True, True)
    assert evaluated(run, "--data", "more", "--fit")["pictures"] == 11


def test_parts_of_another_folder(run: Path, folder: Path) -> None:
    coloured(folder / "more" / "Test", "owl")
    assert evaluated(run, "--data", "more")["pictures"] == 5
    done = specc("eval", run, "--data", "more", "--split", "train")
    assert (done.exit_code, "E642" in done.stderr, "`--split test`" in done.stderr) == (1, True, True)
