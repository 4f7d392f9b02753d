"""What `specc predict` takes: folders, patterns, archives and standard input, and what it notes of odd pictures."""

from __future__ import annotations

import csv
import io
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from specc.cli.main import main
from specc.evaluate import named
from specc.runner.run import Run, train

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 1 ; batch 64 ; limit 200 }\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(SPEC, tmp_path_factory.mktemp("runs") / "run", resize=8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures, dark as those of `digits`, and what is none."""
    monkeypatch.chdir(tmp_path)
    Path("in", "deep").mkdir(parents=True)
    for number, name in enumerate(("in/b.png", "in/a.png", "in/deep/c.png")):
        Path(name).write_bytes(png(number))
    Path("in/notes.txt").write_text("no picture")
    return tmp_path


def png(number: int, size: tuple[int, int] = (8, 8), base: int = 0) -> bytes:
    content = io.BytesIO()
    levels = base + np.random.default_rng(number).integers(0, 80, size)
    Image.fromarray(levels.astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def archive(path: str, members: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def predict(run: Run, *arguments: str, given: bytes = b"") -> Result:
    done = CliRunner().invoke(main, ["predict", str(run.folder), *arguments], input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def told(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_same_pictures_are_told_alike_wherever_they_lie(run: Run) -> None:
    files = {"b.png": png(0), "a.png": png(1), "deep/c.png": png(2)}
    archive("all.zip", {**files, "deep/": b"", "notes.txt": b"text", "__MACOSX/b.png": b"", ".hidden.png": b""})
    asked = {
        "folder": ["in"], "pattern": ["in/**/*.png"], "archive": ["all.zip"],
        "files": ["in/a.png", "in/b.png", "in/deep/c.png"],
    }  # fmt: skip
    found = {}
    for kind, names in asked.items():
        done = predict(run, *names, "--format", "json")
        assert done.exit_code == 0, done.output
        found[kind] = told(done)
    order = {
        "pattern": ["in/a.png", "in/b.png", "in/deep/c.png"],
        "archive": ["all.zip/a.png", "all.zip/b.png", "all.zip/deep/c.png"],
    }
    for kind, names in {**order, "folder": order["pattern"], "files": order["pattern"]}.items():
        assert [one["picture"] for one in found[kind]] == names
        assert [one["classes"] for one in found[kind]] == [one["classes"] for one in found["files"]]
        assert all(one["error"] is None for one in found[kind])
    (alone,) = told(predict(run, "-", "--format", "json", given=png(1)))
    assert alone["picture"] == "-"
    for one, other in zip(alone["classes"], found["files"][0]["classes"], strict=True):
        assert one == {"class": other["class"], "probability": pytest.approx(other["probability"], rel=1e-5)}
    done = predict(run, "all.zip", "--format", "csv")
    assert [row["picture"] for row in csv.DictReader(io.StringIO(done.stdout))] == order["archive"]
    assert "passed over: 1 file in all.zip" in done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no/*.png", "no/*.png cannot be read: it matches no file"),
        ("empty.zip", "empty.zip cannot be read: it holds no picture"),
        ("empty", "empty cannot be read: it holds no picture"),
        ("in/closed", "in/closed cannot be read: it holds no picture"),
        ("text.zip", "text.zip cannot be read: it is damaged, or no zip file"),
        ("none.zip", "none.zip cannot be read: it is not there"),
        ("in", "in/notes.png cannot be read"),
        ("cut.zip", "cut.zip/a.png cannot be read: it is damaged"),
        ("wrong.zip", "wrong.zip/a.png cannot be read: it is not a picture"),
        ("secret.zip", "secret.zip/a.png cannot be read: it is encrypted"),
        ("many.zip", "many.zip cannot be read: it has more members than are read"),
        ("many64.zip", "many64.zip cannot be read: it has more members than are read"),
    ],
)
def test_what_holds_no_picture(name: str, told: str, run: Run) -> None:
    Path("empty").mkdir()
    Path("in/closed").mkdir()
    Path("in/closed/notes.txt").write_text("no picture")
    archive("empty.zip", {"notes.txt": b"", "folder/": b""})
    Path("text.zip").write_text("this is no archive")
    Path("in/notes.png").write_text("no picture")
    archive("cut.zip", {"a.png": png(0)})
    content = bytearray(Path("cut.zip").read_bytes())
    content[60:90] = bytes(30)
    Path("cut.zip").write_bytes(content)
    archive("wrong.zip", {"a.png": b"no picture"})
    content = bytearray(Path(archive("secret.zip", {"a.png": png(0)})).read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    Path("secret.zip").write_bytes(content)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFE, 0xFFFE, named.LARGEST_LIST + 1, 0, 0)
    Path("many.zip").write_bytes(end)
    record = b"PK\x06\x06" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, 1, 1, named.LARGEST_LIST + 1, 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)
    small = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    Path("many64.zip").write_bytes(record + locator + small)
    done = predict(run, name, "in/a.png", "--format", "json")
    assert done.exit_code == 1
    assert told in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(one["error"] == told or told in one["error"] for one in lines if one["error"])
    assert any(one["picture"] == "in/a.png" and one["error"] is None for one in lines)


def test_a_member_that_unpacks_to_more_than_it_says_is_not_unpacked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "LARGEST_PICTURE", 1 << 20)
    archive("bomb.zip", {"a.png": bytes(1 << 24)})
    assert Path("bomb.zip").stat().st_size < 1 << 16
    assert "it is larger than 1 MB" in predict(run, "bomb.zip").stderr
    assert "standard input cannot be read: it is larger than 1 MB" in predict(run, "-", given=bytes(1 << 21)).stderr


def test_nothing_of_an_archive_is_written(run: Run, folder: Path) -> None:
    archive("paths.zip", {"../../up.png": png(0), "/etc/root.png": png(1), "a\\b.png": png(2), "b\x1b[31m.png": png(3)})
    before = sorted(folder.rglob("*"))
    done = predict(run, "paths.zip")
    assert done.exit_code == 0, done.output
    assert sorted(folder.rglob("*")) == before
    assert "\x1b" not in done.stdout
    assert "paths.zip//etc/root.png" in done.stdout and "paths.zip/../../up.png" in done.stdout


def test_a_pipe_called_like_an_archive_is_not_waited_for(run: Run) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    os.mkfifo("pipe.zip")
    assert "pipe.zip cannot be read" in predict(run, "pipe.zip").stderr


# What is odd


def test_pictures_of_the_other_polarity_are_noted(run: Run) -> None:
    for number in range(3):
        Path(f"{number}.png").write_bytes(png(number, base=170))
    assert not predict(run, "in/a.png").stderr
    done = predict(run, "0.png", "1.png", "in/a.png", "2.png", "--format", "json")
    assert done.exit_code == 0
    note = done.stderr
    assert note.startswith("note: 3 pictures, such as 0.png, are light, with a mean level of 0.8"), note
    assert "dark ones, with one of 0.30: `--invert` swaps dark and light" in note
    assert not predict(run, "0.png", "--invert").stderr
    assert "in/a.png is light" in predict(run, "in/a.png", "--invert").stderr
    assert "leave out `--invert`" in predict(run, "in/a.png", "--invert").stderr


def test_pictures_of_other_proportions_are_noted(run: Run) -> None:
    Path("wide.png").write_bytes(png(0, size=(10, 40)))
    Path("tall.png").write_bytes(png(0, size=(10, 9)))
    done = predict(run, "wide.png", "tall.png", "in/a.png")
    assert done.stderr.startswith("note: wide.png is stretched, from 10x40 (height x width), and"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_proportions_are_those_of_the_training_pictures(tmp_path: Path) -> None:
    for name in ("ash", "oak"):
        Path("wide", name).mkdir(parents=True)
        for number in range(4):
            Path("wide", name, f"{number}.png").write_bytes(png(number, size=(10, 30)))
    run = train(SPEC.replace("linear 10", "linear 2"), tmp_path / "run", data="wide", resize=8)
    assert not predict(run, "wide").stderr
    assert "in/a.png is stretched" in predict(run, "in/a.png").stderr
