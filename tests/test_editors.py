"""The editors' folders: what they say of the language is what the compiler says, and their own tests run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specc import __version__
from specc.data.sources import BUILT_IN
from specc.ir.model import FORM_WORDS
from specc.ir.names.signature import SHORT_KEYS
from specc.pipeline import analyse
from specc.source import Source

EDITORS = Path(__file__).parent.parent / "editors"
VSCODE = EDITORS / "vscode"

pytestmark = pytest.mark.skipif(not EDITORS.is_dir(), reason="only a clone has the editors' folders")


def read(name: str) -> Any:
    return json.loads((VSCODE / name).read_text(encoding="utf-8"))


def test_the_extension_has_the_version_of_specc() -> None:
    assert read("package.json")["version"] == __version__


def test_every_file_that_the_manifest_names_is_there() -> None:
    manifest = read("package.json")
    contributes = manifest["contributes"]
    named = [manifest["icon"], contributes["languages"][0]["configuration"]]
    named += [one["path"] for kind in ("grammars", "snippets") for one in contributes[kind]]
    assert [name for name in named if not (VSCODE / name).is_file()] == []
    kept = (VSCODE / ".vscodeignore").read_text().split()
    assert [name for name in named if f"!{name.removeprefix('./')}" not in kept] == []


def rules(node: Any) -> Iterator[dict[str, Any]]:
    """Every rule of a grammar, those inside others too."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from rules(value)
    elif isinstance(node, list):
        for value in node:
            yield from rules(value)


def test_the_grammar_includes_only_what_it_has() -> None:
    grammar = read("syntaxes/cnn.tmLanguage.json")
    included = {rule["include"].removeprefix("#") for rule in rules(grammar) if "include" in rule}
    assert included == set(grammar["repository"])
    for rule in rules(grammar):
        for key in {"match", "begin", "end"} & rule.keys():
            re.compile(rule[key])  # none of them needs more than Python has


@pytest.mark.parametrize("name", ["vscode/syntaxes/cnn.tmLanguage.json", "neovim/syntax/cnn.vim"])
def test_colours_know_the_words_of_the_language(name: str) -> None:
    text = (EDITORS / name).read_text(encoding="utf-8")
    for word in (*FORM_WORDS, "input", "param", "block", "budget", "train", "shortcut", "auto", "same"):
        assert re.search(rf"\b{word}\b", text), word
    assert f"[{''.join(sorted(SHORT_KEYS.values(), key='kspdg'.index))}x]" in text


def filled_in(body: str | list[str]) -> str:
    """A snippet with its stops filled in as they stand."""
    text = body if isinstance(body, str) else "\n".join(body)
    text = re.sub(r"\$\{\d+\|([^,|]*)[^|]*\|\}", r"\1", text)
    return re.sub(r"\$\{\d+:([^}]*)\}", r"\1", text).replace("$0", "")


@pytest.mark.parametrize("name", read("snippets/cnn.json") if EDITORS.is_dir() else [])
def test_a_snippet_is_a_spec_that_checks(name: str) -> None:
    text = filled_in(read("snippets/cnn.json")[name]["body"])
    whole = text if text.startswith("input") else f"input 3x32x32\n{text}\n"
    assert [found.message for found in analyse(Source("", whole)).diagnostics] == []


def test_the_recipe_snippet_offers_every_data_set() -> None:
    body = "\n".join(read("snippets/cnn.json")["Recipe"]["body"])
    (choices,) = re.findall(r"data \$\{1\|([^|]*)\|\}", body)
    assert set(choices.split(",")) <= set(BUILT_IN)


def test_helix_knows_the_file_type_and_the_command() -> None:
    settings = tomllib.loads((EDITORS / "helix" / "languages.toml").read_text())
    (language,) = settings["language"]
    assert language["file-types"] == ["cnn"]
    (server,) = language["language-servers"]
    assert settings["language-server"][server] == {"command": "specc", "args": ["lsp"]}


def test_the_tokens_that_the_grammar_is_held_to_can_be_told() -> None:
    command = [sys.executable, str(VSCODE / "test" / "tokens.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    specs = {one["name"]: one for one in json.loads(done.stdout)}
    lenet = specs["lenet5"]
    kinds = {(lenet["text"][start:end], kind) for start, end, kind in lenet["tokens"]}
    assert len(specs) > 30 and {("conv", "layer"), ("input", "keyword"), ("k", "key")} <= kinds


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not (VSCODE / "node_modules").exists(), reason="`npm install` has not been run in editors/vscode")
def test_the_extensions_own_tests() -> None:
    environment = {**os.environ, "SPECC_PYTHON": sys.executable, "PYTHONPATH": str(EDITORS.parent)}
    done = subprocess.run(
        ["node", "--test", "test/"], cwd=VSCODE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_what_is_wrong(tmp_path: Path) -> None:
    """File type, colours and diagnostics in a Neovim without a screen."""
    spec = tmp_path / "net.cnn"
    spec.write_text("input 3x32x32\nstem: conv 8 k3\nlinear 10\n")
    program = tmp_path / "specc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m specc "$@"\n')
    program.chmod(0o755)
    settings = tmp_path / "init.vim"
    settings.write_text(f"set runtimepath^={EDITORS / 'neovim'}\nfiletype plugin on\nsyntax on\n")
    questions = [
        f"lua vim.g.specc_command = {{ '{program}', 'lsp' }}",
        f"edit {spec}",
        "lua print('type ' .. vim.bo.filetype)",
        "lua print('word ' .. vim.fn.synIDattr(vim.fn.synID(2, 7, 1), 'name'))",
        "lua vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end, 50)",
        "lua for _, one in ipairs(vim.diagnostic.get(0)) do print('code ' .. one.code .. ' line ' .. one.lnum) end",
        "qa!",
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(EDITORS.parent),
        "XDG_STATE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    command = ["nvim", "--headless", "-n", "-u", str(settings), *(part for line in questions for part in ("-c", line))]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    told = (done.stdout + done.stderr).splitlines()
    assert {"type cnn", "word cnnStep", "code E302 line 2"} <= set(told), told
