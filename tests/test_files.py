"""Files are read within bounds and written whole or not at all, by one piece of code."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import specc as command

import specc
from specc import files

ROOT = Path(specc.__file__).parent
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes in folders nor modes")


# Reading


@POSIX
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder", "loop"])
def test_only_regular_files_are_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.close()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    with pytest.raises(OSError):
        files.read(path)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert files.read(tmp_path / "link") == b"content"


def test_a_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert files.read(tmp_path / "file", 5) == b"12345"
    with pytest.raises(files.TooLarge):
        files.read(tmp_path / "file", 4)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"{", b""])
def test_json_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError):
        files.read_json(tmp_path / "file")


@POSIX
def test_a_spec_may_come_through_a_pipe_and_has_an_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cnn")
    with subprocess.Popen([sys.executable, "-m", "specc", "check", "pipe.cnn"], cwd=tmp_path) as asked:
        (tmp_path / "pipe.cnn").write_text("input 1x8x8\nconv 4 k3\n")
        assert asked.wait() == 0
    endless = command("check", "/dev/zero", cwd=tmp_path)
    assert (endless.returncode, "larger than 64 MB" in endless.stderr) == (2, True)


# Writing


def test_what_is_there_is_replaced(tmp_path: Path) -> None:
    files.write(tmp_path / "file", b"old")
    files.write(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


def test_lines_are_appended(tmp_path: Path) -> None:
    files.append_line(tmp_path / "lines", "a")
    files.append_line(tmp_path / "lines", "b")
    assert (tmp_path / "lines").read_text() == "a\nb\n"
    with pytest.raises(OSError):
        files.append_line(tmp_path, "c")


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_modes_and_links_stay(mode: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(mode)
    (tmp_path / "link").symlink_to("file")
    files.write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o7777 == mode


@POSIX
def test_a_new_file_has_the_mode_that_the_process_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o640


@POSIX
def test_a_link_that_is_planted_beside_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    for name in (".file.partial", f".file.{os.getpid()}.tmp", f".file.{os.getpid()}.partial"):
        (tmp_path / name).symlink_to("secret")
    files.write(tmp_path / "file", b"new")
    assert (tmp_path / "secret").read_bytes() == b"secret"


@POSIX
def test_a_device_is_written_to(tmp_path: Path) -> None:
    files.write(Path(os.devnull), b"nothing")
    assert not Path(os.devnull).is_file()


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    files.write(tmp_path / "file", b"old")
    with pytest.raises(KeyError), files.replacing(tmp_path / "file") as file:
        file.write(b"half")
        raise KeyError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_new_file_takes_no_place(tmp_path: Path) -> None:
    files.write_new(tmp_path / "file", b"mine")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "file", b"yours")
    with pytest.raises(FileExistsError):
        (tmp_path / "link").symlink_to("nowhere")
        files.write_new(tmp_path / "link", b"yours")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_new_file_where_no_second_name_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*paths: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    files.write_new(tmp_path / "file", b"mine")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"mine")]


@POSIX
def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    files.write(tmp_path / "file", b"old")
    program = (
        "import os, signal, sys; from pathlib import Path; from specc import files\n"
        "with files.replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "file"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_bytes() == b"old"
    files.remove_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


SPEC = "input 1x8x8\nconv   4 k3 -> relu -> flatten -> linear 10\n"
WRITERS = {
    "fmt": (SPEC, ["fmt", "link"]),
    "fix": (SPEC.replace("relu", "rellu"), ["check", "--fix", "link"]),
    "draw": ("", ["draw", "spec.cnn", "-o", "link"]),
    "export": ("", ["export", "spec.cnn", "--to", "python", "-o", "link"]),
}


@POSIX
@pytest.mark.parametrize("name", WRITERS)
def test_every_command_keeps_links_and_modes(name: str, tmp_path: Path) -> None:
    before, arguments = WRITERS[name]
    (tmp_path / "spec.cnn").write_text(SPEC)
    (tmp_path / "file.svg").write_text(before)
    (tmp_path / "file.svg").chmod(0o600)
    (tmp_path / "link.svg").symlink_to("file.svg")
    command(*(f"{word}.svg" if word == "link" else word for word in arguments), cwd=tmp_path)
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "file.svg").read_text() != before
    assert (tmp_path / "file.svg").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.svg", "link.svg", "spec.cnn"]


# The only place

ELSEWHERE = {
    "data/download.py": "appends to what arrived of a download",
    "lsp/explanations.py": "a page in a folder of its own that nobody keeps",
    "syntax/precompile.py": "run by developers",
    "emit/program/int8.py": "what onnxruntime's quantisation reads, in a folder of its own that nobody keeps",
    "data/kept.py": "a cache, which safetensors writes",
}
WRITES = {"write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "save_file"}
MODES = {"w", "wb", "wt", "a", "ab", "at", "a+b", "ab+", "x", "xb", "r+b", "rb+", "w+b"}


def writes(path: Path) -> bool:
    """Whether a file of the package opens one to write, or writes one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [word.value for word in ast.walk(node) if isinstance(word, ast.Constant) and word.value in MODES]
        if name in WRITES or (name == "open" and modes):
            return True
    return False


def test_nothing_else_writes_files() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if writes(path)}
    assert found - {"files.py"} == set(ELSEWHERE)
