"""The commands of the reference and guide pages run as they stand, on what the reader of each page has.

The tutorial and the guides are stories with outputs of their own, in test_site; `runs.md` is in test_runs.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from specc.cli import main
from specc.gallery import entry

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = ("draw", "export", "data", "ci", "performance", "distributed", "sweeps")

# What cannot run in a test, and why.
ELSEWHERE = {
    "specc data fetch mnist cifar10": "downloads; test_fetch has a server of its own",
    "specc train specs/digits.cnn --nproc 2": "starts other processes; test_distributed does",
    "specc train --resume runs/digits-digits-1": "goes on with that run",
}
CFG = "[net]\nwidth=32\nheight=32\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=leaky\n"
MODEL = "from torch import nn\n\n\ndef Net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
NET = "param width = 32\ninput 1x28x28\nconv width k3 -> relu -> maxpool 2 -> flatten -> linear 10\n"


def commands(page: str) -> list[str]:
    """The `specc` commands in the page's shell blocks, without what stands behind them."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [re.split(r"  +#", line)[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("specc ")]


def on(page: str) -> Iterator[tuple[str, str]]:
    yield from ((page, command) for command in commands(page) if command not in ELSEWHERE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the readers have: specs, a run, weights, pictures, a module of their own, a Darknet file."""
    path = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "specs", path / "specs")
    for name, text in (("lenet.cnn", entry("lenet5").text), ("net.cnn", NET), ("darknet19.cfg", CFG)):
        (path / name).write_text(text, encoding="utf-8")
    (path / "models").mkdir()
    (path / "models" / "mine.py").write_text(MODEL, encoding="utf-8")
    _pictures(path / "leaves")
    _runs(path)
    return path


def _pictures(path: Path) -> None:
    from PIL import Image

    for label, name in enumerate(("ash", "oak")):
        (path / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (28, 28), 60 * number + label).save(path / name / f"{number}.png")


def _runs(path: Path) -> None:
    from specc.runner.run import train

    for name, run, side in (("lenet", "lenet5-mnist-1", 32), ("net", "net", 28)):
        train(path / f"{name}.cnn", path / "runs" / run, data="digits", resize=side, epochs=1, limit=64)
    shutil.copy(path / "runs" / "net" / "best.safetensors", path / "net.safetensors")


@pytest.mark.parametrize(("page", "command"), [pair for page in PAGES for pair in on(page)])
def test_a_command_runs_as_it_stands(page: str, command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    words = command.partition(" > ")[0].split()[1:]
    if {"mnist", "~/data"} & {*words}:
        words = _with_data(words, folder, monkeypatch)
    if "specs/*.cnn" in words:
        words[words.index("specs/*.cnn") :] = sorted(str(path) for path in Path("specs").glob("*.cnn"))
    if words[0] == "bench":
        words += ["--seconds", "0.2"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def _with_data(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    data = os.environ.get("SPECC_DATA")
    if data is None:
        pytest.skip("SPECC_DATA is unset: real MNIST is not there")
    cache = folder / "cache"
    (cache / "specc").mkdir(parents=True, exist_ok=True)
    if not (cache / "specc" / "data").exists():
        (cache / "specc" / "data").symlink_to(data)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return [data if word == "~/data" else word for word in words]


def test_the_exported_class_takes_the_weights_of_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    CliRunner().invoke(main, ["export", "gallery:lenet5", "-o", "lenet5.py"], catch_exceptions=False)
    codes = re.findall(r"^```python\n(.*?)^```$", (DOCS / "export.md").read_text(encoding="utf-8"), re.M | re.S)
    (code,) = (code for code in codes if "from lenet5 import" in code)
    exec(code, {})


def test_what_is_left_out_is_there() -> None:
    assert ELSEWHERE.keys() <= {command for page in PAGES for command in commands(page)}
