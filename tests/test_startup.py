"""What commands import: the compiler half never touches torch, and errors alone pay for rich and difflib."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "numpy", "sklearn", "rich", "lark")
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
    ["play", "--help"],
]
TABLE = ["summary", "net.cnn"]


# Runs commands one after the other, and writes down which modules each has added to those that were there before it.
PROGRAM = """
import json, sys
from pathlib import Path
before, added = {"sys"}, []
for arguments in json.loads(sys.argv[1]):
    from specc.cli import main
    try:
        main(arguments)
    except SystemExit:
        pass
    added.append(sorted(set(sys.modules) - before))
    before = set(sys.modules)
Path("added.json").write_text(json.dumps(added))
"""


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The modules that each light command has added; the last one, a table, needs a heavy one."""
    folder = tmp_path_factory.mktemp("light")
    (folder / "net.cnn").write_text(SPEC)
    (folder / "wrong.cnn").write_text(SPEC.replace("maxpool 2", "maxpool 40"))
    commands = [*LIGHT_COMMANDS, TABLE]
    program = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "added.json").read_text())
    return {" ".join(command): set(modules) for command, modules in zip(commands, found, strict=True)}


@pytest.mark.parametrize("command", [" ".join(command) for command in LIGHT_COMMANDS])
def test_light_commands_import_nothing_heavy(command: str, added: dict[str, set[str]]) -> None:
    assert added[command].isdisjoint(HEAVY)


def test_a_table_needs_rich_but_no_torch(added: dict[str, set[str]]) -> None:
    assert "rich" in added[" ".join(TABLE)]
    assert "torch" not in added[" ".join(TABLE)]


# A command that does train

NET = (
    "input 1x8x8\nconv 6 k3 p1 -> relu -> maxpool 2 -> conv 8 k3 p1 -> relu -> maxpool 3 s2 p1 -> dropout 0.3\n"
    "flatten -> linear 10\n"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Its modules when it ends, and `COLLECTS` where garbage is then collected."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.cnn").write_text(NET)
    program = (
        "import gc\n"
        "from specc.cli import main\n"
        "assert not gc.isenabled()\n"
        "import atexit, sys\n"
        "atexit.register(lambda: print('MODULES', *sys.modules, *['COLLECTS'][:gc.isenabled()]))\n"
        "main(['train', 'net.cnn', '--epochs', '1', '--limit', '40', '--out', 'run'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1]
    assert (done.returncode, last.startswith("MODULES ")) == (0, True), done.stderr
    return set(last.split()[1:])


def test_the_test_sees_an_import(trained: set[str]) -> None:
    """What does train imports torch, and is caught by the same look at `sys.modules`."""
    assert "torch" in trained


def test_training_collects_garbage_again(trained: set[str]) -> None:
    """The command line starts with the collector off; a long run must not go on so."""
    assert "COLLECTS" in trained


@pytest.mark.parametrize("name", ["torch._dynamo", "torchvision", "sklearn", "scipy", "sympy", "pandas"])
def test_training_imports_nothing_in_vain(name: str, trained: set[str]) -> None:
    assert name not in trained


def test_checking_from_python_imports_no_torch() -> None:
    program = (
        "import sys, specc\n"
        "assert specc.check('input 8\\nlinear 2\\n').ok\n"
        "assert 'torch' not in sys.modules\n"
        "specc.compile('input 8\\nlinear 2\\n')\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_spec_of_blocks_asks_no_package_for_layers() -> None:
    """Their entry points are read for a word that nothing here explains, and for no other."""
    program = (
        "from specc.layers import registry\n"
        "def asked(): raise AssertionError('packages were asked')\n"
        "registry._offered = asked\n"
        "from specc.gallery import entries\n"
        "from specc.pipeline import analyse\n"
        "assert analyse(next(one for one in entries() if one.name == 'resnet18').source).ok\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
