"""The command line: exit status, streams, formats, and the mistakes of a first-time user.

In a process of its own where that matters: streams and their encodings, colour, signals, disks.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from commands import Done, on_a_terminal, specc

from specc.cli.main import LazyGroup, main
from specc.layers.fields import accepts
from specc.layers.registry import LAYERS

RIGHT = "input 1x28x28\nconv 8 k3 -> relu -> maxpool 2 -> flatten -> linear 10\n"
WRONG = "input 1x28x28\nconv 8 k3 -> relu -> maxpool 40\nlinaer 10\n"


def alone(*arguments: str, cwd: Path, stdin: bytes = b"", **environment: str) -> Done:
    """The real command in a process of its own."""
    program = [sys.executable, "-c", "from specc.cli import main; main()", *arguments]
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(program, cwd=cwd, input=stdin, capture_output=True, check=False, env={**env, **environment})
    stdout, stderr = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in stdout + stderr, stderr
    return Done(program, done.returncode, stdout, stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "right.cnn").write_text(RIGHT)
    (tmp_path / "wrong.cnn").write_text(WRONG)
    (tmp_path / "set.cnn").write_text("param width = 8\ninput 1x28x28\nconv width k3\n")
    (tmp_path / "empty.cnn").write_text("")
    (tmp_path / "binary.cnn").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "folder.cnn").mkdir()
    return tmp_path


def test_a_right_spec_says_nothing(folder: Path) -> None:
    done = alone("check", "right.cnn", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_files_are_checked_in_one_run(folder: Path) -> None:
    done = specc("check", "wrong.cnn", "right.cnn", "empty.cnn", "--format", "concise", cwd=folder)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["wrong.cnn", "wrong.cnn", "empty.cnn"]


def test_json_is_one_list_for_all_files(folder: Path) -> None:
    done = alone("check", "wrong.cnn", "empty.cnn", "--format", "json", cwd=folder)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == 1
    keys = ["file", "code", "severity", "message", "line", "column", "end_line", "end_column", "help", "notes"]
    assert all(list(entry) == keys for entry in found)
    places = [(entry["file"], entry["code"], entry["line"], entry["column"], entry["end_column"]) for entry in found]
    assert places == [
        ("wrong.cnn", "E301", 2, 22, 32),
        ("wrong.cnn", "E201", 3, 1, 7),
        ("empty.cnn", "E105", 1, 1, 1),
    ]


def test_json_of_right_specs_is_an_empty_list(folder: Path) -> None:
    done = specc("check", "right.cnn", "--format", "json", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_standard_input(folder: Path) -> None:
    assert alone("check", "-", cwd=folder, stdin=RIGHT.encode()).returncode == 0
    done = alone("check", "-", "--format", "concise", cwd=folder, stdin=WRONG.encode())
    assert done.stdout.startswith("<stdin>:2:22: error[E301]")


def test_input_overrides_and_supplies(folder: Path) -> None:
    assert specc("check", "right.cnn", "--input", "1x2x2", cwd=folder).returncode == 1
    assert specc("check", "-", "--input", "8", cwd=folder, stdin=b"linear 2\n").returncode == 0
    assert specc("check", "-", cwd=folder, stdin=b"linear 2\n").returncode == 1


def test_set_gives_a_parameter_another_value(folder: Path) -> None:
    done = specc("summary", "set.cnn", "--set", "width=32", "--format", "json", cwd=folder)
    assert json.loads(done.stdout)["output"] == [32, 26, 26]


USAGE = [
    (["check"], "FILE"),
    (["check", "set.cnn", "--set", "widht=3"], "did you mean `width`"),
    (["check", "set.cnn", "--set", "width"], "name=value"),
    (["check", "set.cnn", "--set", "width=("], "not a value"),
    (["check", "right.cnn", "--input", "3,32,32"], "channels first"),
    (["check", "nothing.cnn"], "no file"),
    (["check", "wrnog.cnn"], "did you mean `wrong.cnn`"),
    (["check", "folder.cnn"], "is a folder"),
    (["check", "nowhere/net.cnn"], "no folder `nowhere`"),
    (["check", "specs/lenet5.cnn"], "no folder `specs` either; `gallery:lenet5` is the one"),
    (["summary", "nothing.cnn"], "no file"),
    (["summary", "vgg16"], "`gallery:classics/vgg16` is the one"),
    (["train", "nothing.cnn"], "no file"),
    (["chekc", "right.cnn"], "did you mean `check`"),
    (["right.cnn"], "specc check right.cnn"),
    (["layers", "Conv2d"], "did you mean `conv`"),
    (["explain", "E999"], "there is no code `E999`; `specc explain` lists them all"),
    (["explain", "301"], "there is no code `301`; did you mean `E301`?"),
    (["explain", "w301"], "did you mean `E301`?"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_a_wrong_command_is_exit_2_and_says_what_to_do(folder: Path, arguments: list[str], says: str) -> None:
    done = specc(*arguments, cwd=folder)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize("arguments", [["check", "wrnog.cnn"], ["chekc", "right.cnn"]], ids=" ".join)
def test_so_is_it_in_a_process_of_its_own(folder: Path, arguments: list[str]) -> None:
    done = alone(*arguments, cwd=folder)
    assert (done.returncode, done.stdout, "did you mean" in done.stderr) == (2, "", True)


def test_an_unreadable_file_hides_no_other(folder: Path) -> None:
    done = specc("check", "nothing.cnn", "wrong.cnn", "--format", "json", cwd=folder)
    assert done.returncode == 2
    assert [entry["file"] for entry in json.loads(done.stdout)] == ["wrong.cnn", "wrong.cnn"]


def test_a_binary_file_is_a_finding(folder: Path) -> None:
    done = specc("check", "binary.cnn", cwd=folder)
    assert done.returncode == 1
    assert "not a text file" in done.stdout


def test_an_empty_file_says_how_to_begin(folder: Path) -> None:
    done = specc("check", "empty.cnn", cwd=folder)
    assert done.returncode == 1
    assert "begin with `input" in done.stdout


FIRST_MISTAKES = [
    ("input 3x32x32\nconv 8 k3 -> maxpol 2\n", "did you mean `maxpool`"),
    ("input 3x32x32\nConv2d 8 k3\n", "it is called `conv` here"),
    ("input 3x32x32\nconv 8 k3 -> linear 10\n", "put `flatten` before it"),
    ("input 3x4x4\nmaxpool 5\n", "`maxpool 4` gives 3×1×1"),
    ("input 3x32x32\nconv 8\n", "`conv` needs `kernel`"),
    ("conv 8 k3\n", "it has no `input`"),
]


@pytest.mark.parametrize(("spec", "says"), FIRST_MISTAKES)
def test_first_mistakes(folder: Path, spec: str, says: str) -> None:
    done = specc("check", "-", cwd=folder, stdin=spec.encode())
    assert done.returncode == 1
    assert says in done.stdout


def test_summary_rows_sum_to_the_totals(folder: Path) -> None:
    whole = json.loads(specc("summary", "right.cnn", "--format", "json", cwd=folder).stdout)
    assert list(whole) == ["input", "output", "params", "macs", "layers"]
    assert all(list(row) == ["name", "kind", "line", "input", "output", "params", "macs"] for row in whole["layers"])
    for total in ("params", "macs"):
        assert whole[total] == sum(row[total] for row in whole["layers"])
    assert [row["name"] for row in whole["layers"]] == ["conv1", "relu1", "maxpool1", "flatten1", "linear1"]


def test_summary_of_a_wrong_spec_prints_the_report(folder: Path) -> None:
    done = specc("summary", "wrong.cnn", cwd=folder)
    assert done.returncode == 1
    assert "error[E301]" in done.stderr
    assert done.stdout == ""


def test_the_table_has_every_layer(folder: Path) -> None:
    table = alone("summary", "right.cnn", cwd=folder).stdout
    assert [word in table for word in ("conv1", "maxpool1", "8×13×13", "total", "MACs")] == [True] * 5


def test_colour_only_where_it_is_wanted(folder: Path) -> None:
    assert "\x1b[" not in alone("check", "wrong.cnn", cwd=folder).stdout
    assert "\x1b[" in alone("check", "wrong.cnn", cwd=folder, FORCE_COLOR="1").stdout
    assert "\x1b[" not in alone("check", "wrong.cnn", cwd=folder, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_ascii_where_the_terminal_cannot_do_better(folder: Path) -> None:
    program = [sys.executable, "-c", "from specc.cli import main; main()", "check", "wrong.cnn"]
    done = subprocess.run(
        program, cwd=folder, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 1
    assert b"-->" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    program = f"{sys.executable} -c 'from specc.cli import main; main()' layers | head -1"
    done = subprocess.run(program, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["check wrong.cnn", "summary right.cnn", "draw right.cnn", "explain"])
def test_output_onto_a_full_disk(command: str, folder: Path) -> None:
    program = f"{sys.executable} -c 'from specc.cli import main; main()' {command} > /dev/full"
    done = subprocess.run(program, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: the output cannot be written: No space left on device\n")


def test_a_picture_is_not_printed_on_a_terminal(folder: Path) -> None:
    done = on_a_terminal("specc draw right.cnn", folder)
    assert (done.returncode, "svg is not for a terminal; name a file, such as -o net.svg" in done.stdout) == (2, True)
    assert on_a_terminal("specc draw right.cnn --format dot", folder).stdout.startswith("digraph")
    assert specc("draw", "right.cnn", cwd=folder).stdout.startswith("<svg")


def test_a_copy_of_the_gallery_is_whole_or_not_there(folder: Path) -> None:
    program = f"ulimit -f 0; {sys.executable} -B -c 'from specc.cli import main; main()' new lenet5 copy.cnn"
    done = subprocess.run(["sh", "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True), done.stderr
    assert not (folder / "copy.cnn").exists()


def test_ctrl_c_is_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: click.Command("check", callback=interrupted))
    done = CliRunner().invoke(main, ["check"])
    assert (done.exit_code, done.stderr) == (130, "\nstopped\n")


# Sends Ctrl-C's signal when a module is about to be imported, then does what the installed script does.
INTERRUPTED = """
import os, signal, sys
class AtImport:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, AtImport())
from specc.cli import main
main(["check", "right.cnn"])
"""


@pytest.mark.skipif(os.name == "nt", reason="no process can send itself this signal there")
@pytest.mark.parametrize("module", ["specc.cli.main", "click", "specc.cli.check", "pydantic", "specc.pipeline"])
def test_ctrl_c_while_modules_are_imported(module: str, folder: Path) -> None:
    program = [sys.executable, "-c", INTERRUPTED, module]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) in ((130, "", ""), (130, "", "stopped"))


@pytest.mark.parametrize("step", ["_main_shell_completion", "parse_args", "resolve_command"])
def test_ctrl_c_before_a_command_is_found(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LazyGroup, step, interrupted)
    done = CliRunner().invoke(main, ["check"])
    assert (done.exit_code, done.stderr) == (130, "\nstopped\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("draw", "right.cnn", "a.svg"), "extra argument (a.svg); to write to it: `-o a.svg`\n"),
        (("draw", "right.cnn", "a b.png", "--depth", "1"), "to write to it: `-o 'a b.png'`\n"),
        (("draw", "right.cnn", "wrong.cnn"), "extra argument (wrong.cnn)\n"),
        (("export", "right.cnn", "a.onnx"), "to write to it: `-o a.onnx`\n"),
        (("import", "net.cfg", "net.cnn"), "to write to it: `-o net.cnn`\n"),
        (("my net.cnn",), "write `specc check 'my net.cnn'`.\n"),
    ],
    ids=lambda case: " ".join(case) if isinstance(case, tuple) else "",
)
def test_a_wrong_command_is_answered_with_the_right_one(arguments: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr.endswith(says)) == (2, True), done.stderr


def test_a_path_with_spaces_is_quoted_in_a_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["new", "lenet5", "my net.cnn"])
    assert done.stdout.endswith("; `specc check 'my net.cnn'` checks it\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("runs", 300 * "a"), "E640"),
        (("train", "right.cnn", "--out", 300 * "a"), "E107"),
        (("train", "right.cnn", "--data", 300 * "a"), "E107"),
        (("train", "right.cnn", "--data", "~nobody-of-this-name/x"), "E601"),
        (("check", "right.cnn", "--data", "~nobody-of-this-name"), "E601"),
        (("train", "right.cnn", "--data", "mnist", "--data-dir", "~nobody-of-this-name/x"), "E601"),
    ],
    ids=lambda case: " ".join(case)[:40] if isinstance(case, tuple) else case,
)
def test_a_path_that_the_system_refuses(arguments: tuple[str, ...], code: str, folder: Path) -> None:
    done = specc(*arguments, cwd=folder)
    assert (done.returncode, done.stderr.startswith(f"error[{code}]")) == (2, True), done.stderr


def test_layers_and_explain_print_pages(folder: Path) -> None:
    assert "maxpool" in specc("layers", cwd=folder).stdout
    assert "output channels" in specc("layers", "conv", cwd=folder).stdout
    assert specc("explain", "e301", cwd=folder).stdout.startswith("E301")
    assert "E207" in specc("explain", cwd=folder).stdout


def test_the_page_of_every_layer_says_what_its_arguments_take(folder: Path) -> None:
    from specc.cli.layers import reference

    for cls in LAYERS.values():
        assert "one of ;" not in reference(cls), cls.keyword
        for name, info in cls.model_fields.items():
            assert re.search(r"\w`?\]?$", accepts(info).text), (cls.keyword, name)
            assert not accepts(info).text.endswith("one of"), (cls.keyword, name)
    page = specc("layers", "bn", cwd=folder).stdout
    assert re.search(r"^ +bias +the shift's values, as a list \(a list of numbers such as \[0 1 -1 0\]; default none\)",
                     page, re.MULTILINE)  # fmt: skip


def test_a_right_spec_says_what_it_is_where_somebody_looks(folder: Path) -> None:
    line = "right.cnn: 1×28×28 → 10, 13,610 parameters\n"
    check = "specc check right.cnn"
    assert on_a_terminal(check, folder, COLUMNS="100").stdout == line
    assert on_a_terminal(f"{check} right.cnn", folder, COLUMNS="100").stdout == 2 * line
    assert on_a_terminal(f"{check} --input 1x20x20", folder, COLUMNS="100").stdout.startswith(
        "right.cnn: 1×20×20 → 10,"
    )
    for command in (check, "specc layers linear"):
        assert on_a_terminal(command, folder, COLUMNS="100", PYTHONIOENCODING="ascii").returncode == 0
    ascii_line = on_a_terminal(check, folder, COLUMNS="100", PYTHONIOENCODING="ascii").stdout
    assert ascii_line == "right.cnn: 1x28x28 -> 10, 13,610 parameters\n"
    for quiet in ("-q", "--quiet", "| cat", "--format concise", "--format github"):
        assert on_a_terminal(f"{check} {quiet}", folder, COLUMNS="100").stdout == ""
    assert specc("check", "right.cnn", cwd=folder).stdout == ""
    assert "parameters" not in on_a_terminal("specc check wrong.cnn", folder, COLUMNS="100").stdout


def test_warnings_stand_before_the_line_of_a_right_spec(folder: Path) -> None:
    (folder / "doubtful.cnn").write_text("input 784\nparam n = 3\nlinear 10\n")
    seen = on_a_terminal("specc check doubtful.cnn", folder, COLUMNS="100")
    assert seen.returncode == 0
    assert seen.stdout.startswith("warning[W510]")
    assert seen.stdout.endswith("doubtful.cnn: 784 → 10, 7,850 parameters\n")
