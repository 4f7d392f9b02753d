"""What other people's continuous integration is given: the hooks and the workflow do what docs/ci.md says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from specc.cli import main

ROOT = Path(__file__).parent.parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
WORKFLOW = ROOT / "docs" / "examples" / "github-workflow.yml"
RIGHT = "input 3x8x8\nconv 8 k3 -> relu\n"
WRONG = "input 3x8x8\nconv 8 k3 -> maxpool 9\n"
CROOKED = "input  3x8x8\nconv 8   k3->relu\n"


def read(path: Path) -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def hook(name: str) -> dict[str, Any]:
    hooks: list[dict[str, Any]] = read(HOOKS)
    return {each["id"]: each for each in hooks}[name]


def run_hook(name: str, *files: Path) -> Result:
    """A hook's entry with the files behind it, as pre-commit starts it."""
    program, *arguments = shlex.split(hook(name)["entry"])
    assert program == "specc"
    return CliRunner().invoke(main, [*arguments, *map(str, files)])


def test_every_hook_has_what_pre_commit_needs() -> None:
    hooks = read(HOOKS)
    assert [each["id"] for each in hooks] == ["specc-check", "specc-fmt"]
    for each in hooks:
        assert each["language"] == "python"
        assert re.search(each["files"], "models/net.cnn")
        assert not re.search(each["files"], "net.cnn.bak")


def test_the_check_hook_lets_no_error_pass(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.cnn", tmp_path / "wrong.cnn"
    right.write_text(RIGHT)
    wrong.write_text(WRONG)
    assert run_hook("specc-check", right).exit_code == 0
    done = run_hook("specc-check", right, wrong)
    assert done.exit_code == 1
    assert "E301" in done.output


def test_the_format_hook_writes_the_files(tmp_path: Path) -> None:
    crooked = tmp_path / "crooked.cnn"
    crooked.write_text(CROOKED)
    assert run_hook("specc-fmt", crooked).exit_code == 0
    assert crooked.read_text() == RIGHT
    assert run_hook("specc-fmt", crooked).exit_code == 0


# the workflow


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(WORKFLOW)["jobs"]["specs"]["steps"]
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a right and a wrong spec, and one whose name has a space in it."""
    for name, text in (("right.cnn", RIGHT), ("a wrong.cnn", WRONG), ("notes.txt", "conv")):
        (tmp_path / name).write_text(text)
    git = ["git", "-c", "init.defaultBranch=main", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def run_step(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A step of the workflow, as a runner runs it: bash that stops at the first failure."""
    (script,) = (step["run"] for step in steps() if step.get("name") == name)
    bin_folder = folder / ".bin"
    bin_folder.mkdir(exist_ok=True)
    program = bin_folder / "specc"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m specc "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="the workflow runs on Linux")
def test_the_steps_of_the_workflow(repository: Path) -> None:
    checked = run_step("Check", repository)
    assert checked.returncode == 1, checked.stderr
    assert checked.stdout.startswith("::error file=a wrong.cnn,line=2,")
    assert run_step("Canonical form", repository).returncode == 0
    assert run_step("Report for code scanning", repository).returncode == 0
    (log,) = json.loads((repository / "specs.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in log["results"] if result["level"] == "error"] == ["E301"]


def test_the_report_is_uploaded_whatever_was_found() -> None:
    last = steps()[-1]
    assert last["uses"].startswith("github/codeql-action/upload-sarif@")
    assert last["if"] == "always()"
    assert last["with"]["sarif_file"] == "specs.sarif"
    assert read(WORKFLOW)["permissions"]["security-events"] == "write"
