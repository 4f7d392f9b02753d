"""Which picture files are opened: told by their first bytes, never by another program, never what is no file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from PIL import Image

from specc.data.picture import UnreadablePicture, endings, formats_of, looks_like_picture, opened

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


def test_endings_are_those_of_what_pillow_decodes_by_itself() -> None:
    assert endings() >= {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".gif", ".ppm", ".tif", ".webp", ".tga"}
    assert endings() >= {ending for ending, name in Image.registered_extensions().items() if name in ("AVIF", "QOI")}
    assert not endings() & {".eps", ".ps", ".pdf", ".wmf", ".emf", ".h5", ".grib", ".mpg", ".iim", ".txt"}


@pytest.mark.parametrize("name", ["x.eps", "x.png", "x.jpg", "x"])
def test_no_name_lets_postscript_in(name: str, tmp_path: Path) -> None:
    """Pillow would hand it to Ghostscript."""
    (tmp_path / name).write_bytes(POSTSCRIPT)
    with pytest.raises(UnreadablePicture), opened(str(tmp_path / name)):
        pass
    assert "EPS" not in formats_of(name)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif", ".tga", ".qoi", ".ppm", ".jfif"])
def test_pictures_are_opened_under_their_own_and_other_names(ending: str, tmp_path: Path) -> None:
    if ending not in endings():
        pytest.skip("this Pillow lacks the format")
    path = tmp_path / f"x{ending}"
    Image.new("RGB", (6, 4)).save(path)
    with opened(str(path)) as picture:
        assert picture.size == (6, 4)
    if ending != ".tga":  # which has no signature
        path.rename(tmp_path / "x.bmp")
        with opened(str(tmp_path / "x.bmp")) as picture:
            assert picture.size == (6, 4)


def test_what_looks_like_a_picture(tmp_path: Path) -> None:
    for form in ("PNG", "JPEG", "GIF", "TIFF"):
        Image.new("RGB", (6, 4)).save(tmp_path / "x", form)
        assert looks_like_picture((tmp_path / "x").read_bytes())
    for start in (b"", b"BMW is a car", b"label,file\n", b"{}", POSTSCRIPT):
        assert not looks_like_picture(start)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_only_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe.png")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket.png")
    Image.new("L", (6, 4)).save("picture.png")
    for name, target in (("link", "picture.png"), ("wrong", "pipe.png"), ("round", "round.png")):
        Path(f"{name}.png").symlink_to(target)
    for name in ("pipe", "socket", "wrong", "round", "nowhere"):
        with pytest.raises(UnreadablePicture), opened(f"{name}.png"):
            pass
    with opened("link.png") as picture:
        assert picture.size == (6, 4)
    listening.close()
