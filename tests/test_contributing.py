"""CONTRIBUTING is followed to the letter, in a copy of the tree: what it adds works, and says what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from specc.layers.base import Layer
from specc.layers.registry import LAYERS, collect

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PIECE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PLACE = re.compile(r"# ([\w/.]+)(?:, (at the end)|, in `(\w+)`|, above `(\w+)`)?\n")


class Example(NamedTuple):
    """A heading's pieces of code, in order: what they are written in, and their text."""

    heading: str
    pieces: tuple[tuple[str, str], ...]


def examples() -> Iterator[Example]:
    _, *sections = re.split(r"^### ", PAGE, flags=re.MULTILINE)
    for section in sections:
        pieces = tuple(PIECE.findall(section))
        if pieces:
            yield Example(section.partition("\n")[0], pieces)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the examples change and try, in which they are all carried out."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("specc", "tests", "specs", "docs", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    programs = copy / ".programs"
    programs.mkdir()
    for name in ("specc", "pytest"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    for example in examples():
        for _, text in example.pieces:
            changed(copy, text)
    return copy


def changed(tree: Path, text: str) -> None:
    """Carry out a piece that begins with a place."""
    found = PLACE.match(text)
    if found is None:
        return
    path, code = tree / found[1], text[found.end() :]
    if found[2]:
        path.write_text(path.read_text(encoding="utf-8") + code, encoding="utf-8")
    elif found[3] or found[4]:
        before = path.read_text(encoding="utf-8")
        place = rf"(^{found[3]}\b.*[(\[{{]\n)" if found[3] else rf"()(?=^ *{found[4]}\b)"
        assert len(re.findall(place, before, re.MULTILINE)) == 1, f"{found[1]} has no place `{found[3] or found[4]}`"
        path.write_text(re.sub(place, lambda at: at[1] + code, before, flags=re.MULTILINE), encoding="utf-8")
    else:
        assert not path.exists()
        path.write_text(code, encoding="utf-8")


def run(line: str, tree: Path) -> str:
    """What a line says in the copy's shell, with the copy's `specc`."""
    paths = os.pathsep.join([str(tree / ".programs"), str(Path(sys.executable).parent), os.environ["PATH"]])
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    plain |= {
        "PATH": paths,
        "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'tests'}",
        "NO_COLOR": "1",
        "PYTEST_ADDOPTS": "-n 0 -p no:cacheprovider",
    }
    done = subprocess.run(line, shell=True, cwd=tree, env=plain, capture_output=True, text=True, check=False)
    if line.startswith(("pytest", "UPDATE_GOLDEN")):
        assert done.returncode == 0, done.stdout  # 5 where no test has such a name
    return done.stdout + done.stderr


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.heading)
def test_an_example_does_what_the_page_says(example: Example, tree: Path) -> None:
    for kind, text in example.pieces:
        if kind != "console":
            continue
        for turn in text.removeprefix("$ ").split("\n$ "):
            line, _, expected = turn.partition("\n")
            said = run(line, tree)
            if expected:
                assert said.rstrip() == expected.rstrip(), line


BEGIN = """
import importlib.util, sys
from pathlib import Path

import specc

root = Path(sys.argv[1])
assert Path(specc.__file__).is_relative_to(root), specc.__file__
found = importlib.util.spec_from_file_location("pages", root / "docs" / "build.py")
pages = importlib.util.module_from_spec(found)
found.loader.exec_module(pages)
"""

FOLLOWS = {
    "a layer": """
import torch
from torch import nn
from torch.nn import functional as F

from generate.agreement import compare
from generate.plan import Argument, Spec, Step
from generate.words import LAYERS, POSITIONS
from specc.emit.python.program import write_python
from specc.exchange.importing.importer import import_model
from specc.lsp.completion import layer_snippet
from specc.layers.registry import find_layer
from specc.pipeline import analyse
from specc.source import Source

text = "input 3x8x8\\nconv 4 k3 -> threshold 0.1 20\\n"
built = specc.compile(text)
assert repr(built.threshold1) == "Threshold(threshold=0.1, value=20.0)", built

python = write_python(analyse(Source("net.cnn", text)).model)
assert "F.threshold(self.conv1(x), 0.1, 20.0)" in python, python

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.cut = nn.Conv2d(3, 4, 3), nn.Threshold(0.1, 20)
    def forward(self, x):
        return F.threshold(self.cut(self.conv(x)), 0.2, 5)

found = import_model(Net(), "net:Net", (3, 8, 8)).text
assert "conv 4 k3 -> threshold 0.1 20 -> threshold 0.2 5" in found, found

assert "`threshold`" in str(specc.check("input 8\\nThreshold 0.1 20\\n"))
assert layer_snippet(find_layer("threshold")) == "threshold ${1:0.1} ${2:0}"
assert "value" in str(specc.check("input 8\\nthreshold 0.1\\n"))

assert "In torch: `Threshold`." in pages.layers()

assert POSITIONS["threshold"] == ("threshold", "value") and "threshold" in LAYERS
step = Step("threshold", (Argument("threshold", 0.1), Argument("value", 2)))
assert compare(Spec((3, 4, 4), (), (), (step,))).disagreement is None
""",
    "an error code": """
from specc.diagnostics.codes import CODES
from specc.lsp.explanations import explanation

text = "input 64x32x32\\nthreshold 0.1 100000\\n"
(told,) = specc.check(text).diagnostics
assert (told.code, told.is_error) == ("E310", True)
assert "half precision" in explanation("E310") and CODES["E310"].title in pages.codes()
""",
    "a lint": """
from specc.lsp.explanations import explanation

text = "input 3x8x8\\nconv 4 k3 -> relu -> threshold -1 0\\n"
(told,) = specc.check(text).diagnostics
assert (told.code, told.is_error) == ("W520", False) and specc.check(text).ok
assert not specc.check(text.replace("0\\n", "0  # specc: ignore[W520]\\n")).diagnostics
assert "W520" in pages.codes() and "threshold" in explanation("W520")
""",
    "a command": """
from click.shell_completion import ShellComplete

from specc.cli.main import main

complete = ShellComplete(main, {}, "specc", "_SPECC_COMPLETE")
assert "count" in [item.value for item in complete.get_completions([], "co")]
assert "specc count SPEC" in pages.commands(), pages.commands()
assert "Count the layers of SPEC." in pages.commands()
""",
}


@pytest.mark.parametrize("added", FOLLOWS)
def test_everything_follows_from_what_was_added(added: str, tree: Path) -> None:
    """The places that list, explain, complete, export or import: none of them is told."""
    said = run(f"{sys.executable} -c '{BEGIN}{FOLLOWS[added]}' {tree}", tree)
    assert said == "", said


def test_what_was_added_is_clean(tree: Path) -> None:
    for command in (["ruff", "check", "-q", "specc"], ["ruff", "format", "-q", "--check", "specc"]):
        done = subprocess.run([sys.executable, "-m", *command], cwd=tree, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_taken_keyword_fails_at_import() -> None:
    with pytest.raises(TypeError, match="two layers are called `relu`"):
        collect(iter([LAYERS["relu"], LAYERS["relu"]]))


def test_an_incomplete_layer_fails_at_import() -> None:
    class Nameless(Layer):
        """It has no rule."""

        keyword = "nameless"

    with pytest.raises(TypeError, match="lacks family, example, output, torch, or build"):
        collect(iter([Nameless]))


def test_every_path_that_it_names_is_there(tree: Path) -> None:
    paths = re.findall(r"`((?:specc|tests|docs)/[\w/.]+)`", PAGE)
    assert paths
    assert [path for path in paths if not (tree / path).exists()] == []
