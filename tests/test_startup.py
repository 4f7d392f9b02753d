"""What commands import: the compiler half never touches torch, and errors alone pay for rich and difflib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "numpy", "sklearn", "rich")
SPEC = "input 1x28x28\nconv 8 k3 -> bn -> relu -> maxpool 2 -> flatten -> linear 10\ntrain { epochs 2 }\n"

LIGHT_COMMANDS = [
    ["check", "net.cnn"],
    ["check", "--format", "json", "net.cnn"],
    ["check", "--format", "github", "wrong.cnn"],
    ["check", "--format", "sarif", "wrong.cnn"],
    ["check", "-W", "error:W505", "--data", "mnist,cifar10", "net.cnn"],
    ["check", "--sizes", "net.cnn"],
    ["check", "wrong.cnn"],
    ["diff", "net.cnn", "net.cnn"],
    ["diff", "--format", "json", "net.cnn", "net.cnn"],
    ["summary", "--format", "json", "net.cnn"],
    ["draw", "net.cnn"],
    ["draw", "net.cnn", "--style", "lecture"],
    ["draw", "net.cnn", "--format", "mermaid"],
    ["draw", "net.cnn", "--format", "dot"],
    ["layers"],
    ["data", "list"],
    ["layers", "conv"],
    ["explain", "E301"],
    ["--help"],
    ["train", "--help"],
    ["bench", "--help"],
    ["runs"],
    ["runs", "--json"],
    ["eval", "--help"],
    ["predict", "--help"],
    ["peek", "--help"],
    ["eval", "nowhere"],
    ["predict", "nowhere", "picture.png"],
    ["lsp", "--help"],
]


def modules_after(folder: Path, arguments: list[str]) -> set[str]:
    """The top-level modules in `sys.modules` when a command ends, seen from inside its own process."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('MODULES', *{name.partition('.')[0] for name in sys.modules}))\n"
        "from specc.cli import main\n"
        f"main({arguments!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("MODULES "), done.stderr
    return set(last.split()[1:])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "wrong.cnn").write_text(SPEC.replace("maxpool 2", "maxpool 40"))
    return tmp_path


@pytest.mark.parametrize("arguments", LIGHT_COMMANDS, ids=" ".join)
def test_light_commands_import_nothing_heavy(folder: Path, arguments: list[str]) -> None:
    assert modules_after(folder, arguments).isdisjoint(HEAVY)


def test_a_table_needs_rich_but_no_torch(folder: Path) -> None:
    modules = modules_after(folder, ["summary", "net.cnn"])
    assert "rich" in modules
    assert "torch" not in modules


def test_the_test_sees_an_import(folder: Path) -> None:
    """A command that does import torch is caught by the same look at `sys.modules`."""
    (folder / "tiny.cnn").write_text("input 1x8x8\nflatten -> linear 10\n")
    assert "torch" in modules_after(folder, ["train", "tiny.cnn", "--epochs", "1", "--limit", "20", "--out", "run"])


def test_training_collects_garbage_again(folder: Path) -> None:
    """The command line starts with the collector off; a long run must not go on so."""
    (folder / "tiny.cnn").write_text("input 1x8x8\nflatten -> linear 10\n")
    program = (
        "import atexit, gc\n"
        "atexit.register(lambda: print('COLLECTOR', gc.isenabled()))\n"
        "from specc.cli import main\n"
        "assert not gc.isenabled()\n"
        "main(['train', 'tiny.cnn', '--epochs', '1', '--limit', '20', '--out', 'run'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert "COLLECTOR True" in done.stdout


def test_checking_from_python_imports_no_torch() -> None:
    program = (
        "import sys, specc\n"
        "assert specc.check('input 8\\nlinear 2\\n').ok\n"
        "assert 'torch' not in sys.modules\n"
        "specc.compile('input 8\\nlinear 2\\n')\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
