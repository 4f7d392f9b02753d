"""How one picture's pixels are read: the same everywhere, upright, each level as what it is of full brightness; and
what is said of a file that cannot be read."""

from __future__ import annotations

import io
import json
import os
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from specc.cli.main import main
from specc.data import picture as picture_file
from specc.data.load import load_dataset
from specc.data.picture import OtherSize, Reader, UnreadablePicture, content_of, head_of, quiet
from specc.diagnostics.diagnostic import Problem
from specc.recipe.recipe import Recipe
from specc.runner.run import train

pytestmark = pytest.mark.usefixtures("one_thread")

Pixels = NDArray[np.uint8]

# What EXIF's numbers mean, as what is done to the stored rows.
TURNED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
}
RGB_6X4 = Reader("RGB", 6, 4, scaled=False)


def specc(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def save(path: Path, pixels: Pixels, orientation: int = 1, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif, **how)
    return path


# Upright


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", TURNED)
def test_a_picture_is_read_as_it_is_shown(orientation: int, ending: str, tmp_path: Path) -> None:
    stored = noise(4, 6) if orientation > 4 else noise(6, 4)
    path = save(tmp_path / f"x.{ending}", stored, orientation, **({"lossless": True} if ending == "webp" else {}))
    found = RGB_6X4.read(str(path))
    if ending == "jpg":
        stored = np.asarray(Image.open(path))
    assert np.array_equal(found, TURNED[orientation](stored))
    assert head_of(str(path), content_of(str(path)))[:2] == (6, 4)


@pytest.mark.parametrize("orientation", TURNED)
def test_a_large_jpeg_is_turned_after_it_was_reduced(orientation: int, tmp_path: Path) -> None:
    upright = np.zeros((160, 80, 3), np.uint8)
    upright[:80, :40] = 255
    back = {6: 8, 8: 6}.get(orientation, orientation)
    path = save(tmp_path / "x.jpg", TURNED[back](upright), orientation)
    found = Reader("L", 8, 4, scaled=True).read(str(path))[..., 0] > 127
    assert np.array_equal(found, np.kron([[1, 0], [0, 0]], np.ones((4, 2))))


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\0\0", b"Exif\0\0II*\0" + b"\xff" * 40])
def test_exif_that_is_damaged_turns_nothing(exif: bytes, tmp_path: Path) -> None:
    Image.fromarray(noise(6, 4)).save(tmp_path / "x.png", exif=exif)
    with quiet():
        assert np.array_equal(RGB_6X4.read(str(tmp_path / "x.png")), noise(6, 4))


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The same pictures twice, in the working folder: as they are shown, and turned back by tags of all kinds."""
    monkeypatch.chdir(tmp_path)
    for label, name in enumerate(("cat", "dog")):
        for orientation, turn in TURNED.items():
            stored = noise(5, 8, seed=8 * label + orientation) if orientation > 4 else noise(8, 5, seed=label)
            save(tmp_path / "plain" / name / f"{orientation}.png", np.ascontiguousarray(turn(stored)))
            save(tmp_path / "tagged" / name / f"{orientation}.png", stored, orientation)
    return tmp_path / "plain", tmp_path / "tagged"


@pytest.mark.parametrize("where", ["on", "off"])
@pytest.mark.parametrize("size", [None, (4, 4)])
def test_training_sees_pictures_upright(pair: tuple[Path, Path], where: Any, size: Any) -> None:
    plain, tagged = (load_dataset(Recipe(data=str(path), in_memory=where, resize=size)) for path in pair)
    assert plain.train.x.equal(tagged.train.x) and plain.test.x.equal(tagged.test.x)


def test_every_command_sees_pictures_upright(pair: tuple[Path, Path]) -> None:
    spec = "input 3x8x5\nconv 4 k3 -> relu -> flatten -> linear 2\n"
    run = str(train(spec, "run", data=str(pair[0]), epochs=1, device="cpu").folder)
    told = [
        json.loads(specc("eval", run, "--data", str(path), "--split", "test", "--json").stdout)["loss"] for path in pair
    ]
    assert told[0] == told[1]
    said = [
        [json.loads(line)["classes"] for line in specc("predict", run, "--json", path.name).stdout.splitlines()]
        for path in pair
    ]
    assert said[0] == said[1] and len(said[0]) == 16
    for command in (["peek", run], ["data", "show"]):
        one, other = (
            specc(*command, f"{path.name}/cat/6.png" if "peek" in command else path.name, "-o", "-").stdout_bytes
            for path in pair
        )
        assert _same_picture(one, other), command
    sizes = [json.loads(specc("data", "info", path.name, "--json").stdout)["sizes"] for path in pair]
    assert sizes[0] == sizes[1] == [{"height": 8, "width": 5, "count": 16}]


def _same_picture(one: bytes, other: bytes) -> bool:
    shown = [np.asarray(Image.open(io.BytesIO(content))) for content in (one, other)]
    rows = slice(60, None)  # below the heading, which has the file's name
    return np.array_equal(shown[0][rows], shown[1][rows])


# Levels


def deep(level: int, kind: str, ending: str) -> Callable[[Path], Path]:
    """Writes a picture of one level in a NumPy type."""

    def write(folder: Path) -> Path:
        path = folder / f"x.{ending}"
        Image.fromarray(np.full((6, 4), level, np.dtype(kind).newbyteorder("="))).save(path)
        return path

    return write


def plain(mode: str, colour: Any, ending: str = "png") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / f"x.{ending}"
        Image.new(mode, (4, 6), colour).save(path)
        return path

    return write


def text(head: str, level: int, kind: str = ">u2") -> Callable[[Path], Path]:
    """A PGM as a camera writes it."""

    def write(folder: Path) -> Path:
        path = folder / "x.pgm"
        path.write_bytes(head.encode() + np.full(24, level, kind).tobytes())
        return path

    return write


def tiff(order: str, bits: int, data: bytes, *, white_is_zero: bool = False) -> Callable[[Path], Path]:
    """A TIFF of 4 x 6 pixels with one channel, uncompressed."""

    def write(folder: Path) -> Path:
        path = folder / "x.tif"
        tags = [(256, 4), (257, 6), (258, bits), (259, 1), (262, 0 if white_is_zero else 1), (273, 8), (277, 1),
            (278, 6), (279, len(data))]  # fmt: skip
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
        table = struct.pack(f"{order}H", len(tags))
        for tag, value in tags:
            packed = struct.pack(f"{order}H", value) + b"\0\0" if tag not in {273, 279} else b""
            table += struct.pack(f"{order}HHI", tag, 3 if packed else 4, 1) + (
                packed or struct.pack(f"{order}I", value)
            )
        path.write_bytes(head + data + table + bytes(4))
        return path

    return write


KNOWN = {
    "8-bit": (plain("L", 128), 128),
    "1-bit": (plain("1", 1), 255),
    "1-bit-tiff": (plain("1", 1, "tif"), 255),
    "grey-alpha": (plain("LA", (128, 3)), 128),
    "palette": (plain("P", 0), 0),
    "cmyk": (plain("CMYK", (127, 127, 127, 0), "tif"), 128),
    "gif": (plain("L", 128, "gif"), 128),
    "bmp": (plain("L", 128, "bmp"), 128),
    "16-bit-png": (deep(32768, "u2", "png"), 128),
    "16-bit-full": (deep(65535, "u2", "png"), 255),
    "16-bit-tiff": (deep(32768, "u2", "tif"), 128),
    "16-bit-little": (tiff("<", 16, np.full(24, 32768, "<u2").tobytes()), 128),
    "16-bit-big": (tiff(">", 16, np.full(24, 32768, ">u2").tobytes()), 128),
    "white-is-zero": (tiff("<", 16, np.full(24, 65535 - 32768, "<u2").tobytes(), white_is_zero=True), 128),
    "12-bit-tiff": (tiff("<", 12, b"\x80\x08\x00" * 12), 128),
    "16-bit-pgm": (text("P5 4 6 65535\n", 32768), 128),
    "12-bit-pgm": (text("P5 4 6 4095\n", 2056), 128),
    "4-bit-pgm": (text("P5 4 6 15\n", 8, "u1"), 136),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_every_level_is_read_as_its_share_of_full_brightness(kind: str, tmp_path: Path) -> None:
    write, level = KNOWN[kind]
    path = str(write(tmp_path))
    assert set(RGB_6X4.read(path).ravel().tolist()) == {level}
    assert set(RGB_6X4._replace(mode="L").read(path).ravel().tolist()) == {level}
    assert head_of(path, content_of(path)).is_grey == (kind not in ("palette", "gif", "cmyk"))


UNKNOWN = {"float": deep(1, "f4", "tif"), "32-bit": deep(128, "i4", "tif")}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_levels_without_a_known_brightness_are_named(kind: str, tmp_path: Path) -> None:
    path = UNKNOWN[kind](tmp_path)
    with pytest.raises(UnreadablePicture, match="nothing says how bright") as caught:
        RGB_6X4.read(str(path))
    assert "16-bit PNG" in caught.value.way
    for command in (["show"], ["info", "--json"]):
        _folder_of(path, tmp_path / "pets")
        done = specc("data", *command, str(tmp_path / "pets"), *(["-o", "-"] if command == ["show"] else []))
        assert "x.tif" in done.output, command


def _folder_of(path: Path, folder: Path) -> Path:
    """A folder of two classes of two pictures, all of them this one."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            (folder / name / f"{number}-{path.name}").write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("kind", ["16-bit-png", "16-bit-big", "16-bit-pgm", "8-bit", "12-bit-tiff", "grey-alpha"])
def test_info_training_and_prediction_agree_on_levels(kind: str, tmp_path: Path) -> None:
    folder = _folder_of(KNOWN[kind][0](tmp_path), tmp_path / "pets")
    told = json.loads(specc("data", "info", str(folder), "--json").stdout)
    assert told["mean"] == [pytest.approx(128 / 255)]
    for where in ("on", "off"):
        loaded = load_dataset(Recipe(data=str(folder), in_memory=where))
        assert loaded.sample == (1, 6, 4) and set(loaded.train.x.flatten().tolist()) == {128}


# Files that cannot be read


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "ppm", "tif", "webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_what_is_cut_off_is_told(ending: str, share: float, tmp_path: Path) -> None:
    path = save(tmp_path / f"x.{ending}", noise(60, 40))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with (
        quiet(),
        pytest.raises(UnreadablePicture, match=r"^(is|begins like a picture but is) ") as caught,
    ):
        Reader("RGB", 6, 4, scaled=True).read(str(path))
    assert share < 0.1 or caught.value.reason != "is not a picture, or is in a format that cannot be read"


def test_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("nowhere.png")
    (tmp_path / "round.png").symlink_to("round.png")
    (tmp_path / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 6\n")
    save(tmp_path / "short.png", noise(60, 40)).write_bytes(b"\x89PNG\r\n\x1a\n")
    reasons = {
        "empty": "is empty", "text": "is not a picture, or is in a format that cannot be read", "folder": "is a folder",
        "link": "is a link that leads nowhere", "round": "is a link that leads nowhere", "gone": "is not there",
        "script": "is not a picture, or is in a format that cannot be read",
        "short": "begins like a picture but is cut off, damaged or of an unusual kind",
    }  # fmt: skip
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        reasons["pipe"] = "is a named pipe, not a file"
    for name, reason in reasons.items():
        with pytest.raises(UnreadablePicture) as caught:
            head_of(str(tmp_path / f"{name}.png"), content_of(str(tmp_path / f"{name}.png")))
        assert caught.value.reason == reason


@settings(max_examples=200, deadline=None)
@given(
    ending=st.sampled_from(["PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP"]),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_whatever_is_in_a_file_it_is_read_or_explained(ending: str, places: list[tuple[int, int]]) -> None:
    content = io.BytesIO()
    Image.fromarray(noise(6, 4)).save(content, ending)
    spoilt = bytearray(content.getvalue())
    for place, value in places:
        spoilt[place % len(spoilt)] = value
    with quiet(), suppress(UnreadablePicture, OtherSize):
        RGB_6X4.read("x", io.BytesIO(bytes(spoilt)))


# Large pictures


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit at 200 pixels, what is decoded at 3,000, what is decoded alone at 500."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(picture_file, "MOST_PIXELS", 3_000)
    monkeypatch.setattr(picture_file, "ALONE", 500)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_a_picture_that_is_larger_than_pillow_takes_is_no_damaged_one(ending: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"x.{ending}", noise(50, 40))
    assert Reader("RGB", 50, 40, scaled=False).read(str(path)).shape == (50, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.usefixtures("small_limits")
def test_how_many_pixels_are_decoded_is_limited(tmp_path: Path) -> None:
    png, jpeg = (save(tmp_path / f"x.{ending}", noise(80, 80)) for ending in ("png", "jpg"))
    with pytest.raises(UnreadablePicture, match="has 80 x 80 pixels; at most 3,000 are decoded") as caught:
        Reader("RGB", 10, 10, scaled=True).read(str(png))
    assert "--resize" in caught.value.way
    assert Reader("RGB", 10, 10, scaled=True).read(str(jpeg)).shape == (10, 10, 3)  # at a quarter
    with pytest.raises(UnreadablePicture, match="80 x 80"):
        Reader("RGB", 80, 80, scaled=False).read(str(jpeg))


@pytest.mark.usefixtures("small_limits")
def test_large_pictures_are_decoded_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most, guard = 0, 0, threading.Lock()
    plainly = picture_file._levels

    def watched(picture: Image.Image, mode: str) -> Image.Image:
        nonlocal at_work, most
        with guard:
            at_work += 1
            most = max(most, at_work)
        found = plainly(picture, mode)
        with guard:
            at_work -= 1
        return found

    monkeypatch.setattr(picture_file, "_levels", watched)
    path = save(tmp_path / "x.png", noise(50, 40))
    reader = Reader("RGB", 50, 40, scaled=False)
    threads = [threading.Thread(target=reader.read, args=(str(path),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and Image.MAX_IMAGE_PIXELS == 100


def test_reasons_are_told_of_the_first_five(tmp_path: Path) -> None:
    folder = _folder_of(save(tmp_path / "x.png", noise(6, 4)), tmp_path / "pets")
    for number in range(5):
        (folder / "cat" / f"empty{number}.png").touch()
    (folder / "dog" / "deep.tif").write_bytes(UNKNOWN["float"](tmp_path).read_bytes())
    with pytest.raises(Problem) as caught:
        load_dataset(Recipe(data=str(folder), in_memory="on"))
    found = caught.value.diagnostic
    assert found.code == "E607" and "6 of 10 pictures cannot be read" in found.message
    assert sum("is empty" in note for note in (found.message, *found.notes)) >= 4
    assert found.notes[-1] == "and 1 more"
    assert found.help and len(found.help.splitlines()) == 3
