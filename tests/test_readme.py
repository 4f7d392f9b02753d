"""The README is true: its commands run as they stand, its picture of an error is what `specc check` prints."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import in_a_shell, ran, typed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

# What a reader has and a test machine has not, and what stands for it.
MNIST_FOLDER = "~/data"
PICTURE_FOLDER = "path/to/pictures"
INSTALL = ".venv/bin/pip install -e"
PLAY = ".venv/bin/specc play"


def blocks(language: str) -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in fences if name == language]


def commands() -> list[str]:
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder: one for all commands, because some use what an earlier one made."""
    path = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "specs", path / "specs")
    return path


def small_pictures(folder: Path) -> str:
    """A folder of class folders in the place of the reader's own: two pictures for each of ten classes."""
    from PIL import Image

    for name in range(10):
        for part in ("train", "test"):
            target = folder / "pictures" / part / str(name)
            target.mkdir(parents=True)
            for number in range(2):
                Image.new("RGB", (32, 32), (20 * name, 90 * number, 0)).save(target / f"{number}.png")
    return "pictures"


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith("specc ")])
def test_commands_run_as_they_stand(command: str, folder: Path) -> None:
    if MNIST_FOLDER in command:
        data = os.environ.get("SPECC_DATA")
        if data is None:
            pytest.skip("SPECC_DATA is unset: real MNIST is not there")
        command = command.replace(MNIST_FOLDER, shlex.quote(data)) + " --limit 500"
    if PICTURE_FOLDER in command:
        command = command.replace(PICTURE_FOLDER, small_pictures(folder)) + " --epochs 1"
    # Through the installed `specc`, up to the first that trains; those after it would each import torch anew.
    has_trained = (folder / "runs").exists() and command.split()[1] in ("train", "eval")
    done = (typed if has_trained else in_a_shell)(command, folder)
    # One of the commands shows what a spec says of other pictures: it finds a mistake, as it should.
    assert done.returncode == (1 if "--input 1x28x28" in command else 0), done.stderr
    assert "Traceback" not in done.stderr


def test_the_set_up_is_three_commands() -> None:
    train, play, test = setup = [line for line in commands() if not line.startswith("specc ")]
    assert all(INSTALL in line for line in setup)
    assert train.endswith("specc train specs/digits.cnn")
    assert play.endswith(PLAY)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert test.rpartition("&& ")[2] in ci, "continuous integration runs the README's test command"


def test_the_page_opens(tmp_path: Path) -> None:
    """As the command stands; a browser that takes the address and ends stands for the reader's."""
    command = [sys.executable, "-m", *PLAY.rpartition("/")[2].split()]
    alone = {**os.environ, "BROWSER": "true"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=alone, cwd=tmp_path) as server:
        assert server.stdout is not None
        told = server.stdout.readline()
        server.send_signal(signal.SIGINT)
    assert "http://127.0.0.1:" in told


def test_the_picture_of_an_error_is_real(tmp_path: Path) -> None:
    spec, picture = blocks("cnn")[0], blocks("")[0]
    (tmp_path / "lenet.cnn").write_text(spec, encoding="utf-8")
    done = in_a_shell("specc check lenet.cnn", tmp_path)
    assert done.stdout.startswith(picture)
    assert done.returncode == 1


def test_the_python_example_runs() -> None:
    ran(blocks("python")[0], ROOT)
