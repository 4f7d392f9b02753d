"""`specc runs`, and what a run tells while it trains: bar, lines, JSON, nothing."""

from __future__ import annotations

import io
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from callbacks import Stop
from click.testing import CliRunner, Result

from specc.cli.main import main
from specc.runner.callbacks.bar import Bar
from specc.runner.callbacks.base import Callback, Epoch, epoch_line, short_epoch_line
from specc.runner.listing import differences, listed, runs_in
from specc.runner.metrics import Metrics, best_of
from specc.runner.run import train
from specc.runner.run_folder import locked

TINY = "input 1x8x8\nconv 4 k3 -> relu -> flatten -> linear 10\ntrain { epochs 2 ; batch 256 }\n"


def specc(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: `slow`, complete, and `fast` with a higher rate, stopped after its first epoch."""
    folder = tmp_path_factory.mktemp("runs")
    train(TINY, folder / "slow", lr=0.001)
    train(TINY, folder / "fast", lr=0.02, epochs=4, callback=Stop(7))
    os.utime(folder / "slow" / "metrics.jsonl", (1e9, 1e9))
    os.utime(folder / "slow" / "recipe.json", (1e9, 1e9))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of both, as `runs` in the working folder."""
    shutil.copytree(made, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


# The list


def test_the_list(folder: Path) -> None:
    lines = specc("runs").stdout.splitlines()
    assert re.split(r" {2,}", lines[0]) == ["run", "spec", "data", "epochs", "best", "loss", "time", "state"]
    assert [line.split()[0] for line in lines[1:]] == ["fast", "slow", "*"]
    assert lines[1].split()[3] == "1/4"
    assert [line.split()[-1] for line in lines[1:3]] == ["stopped", "done"]
    best = listed(folder / "slow").best
    assert best is not None
    assert best.test_accuracy is not None
    assert f"{100 * best.test_accuracy:.2f} %*" in lines[2]  # of two epochs the better one on the test pictures
    assert "*" not in lines[1]  # of one epoch nothing was chosen


@pytest.mark.parametrize(
    ("sort", "first"), [("time", "fast"), ("name", "fast"), ("accuracy", "fast"), ("loss", "fast")]
)
def test_sorting(folder: Path, sort: str, first: str) -> None:
    found = json.loads(specc("runs", "--sort", sort, "--json").stdout)["runs"]
    assert Path(found[0]["run"]).name == first
    shutil.move(folder / "fast", folder / "zebra")
    if sort == "name":
        again = json.loads(specc("runs", "--sort", sort, "--json").stdout)["runs"]
        assert Path(again[0]["run"]).name == "slow"


def test_json_holds_everything(folder: Path) -> None:
    fast = json.loads(specc("runs", "--json").stdout)["runs"][0]
    assert (fast["state"], fast["epochs_done"], fast["epochs"], fast["data"]) == ("stopped", 1, 4, "digits")
    row = json.loads((folder / "fast" / "metrics.jsonl").read_text())
    assert fast["best"] == fast["last"] == row
    assert fast["chosen_on"] == "test"
    assert fast["recipe"]["lr"] == 0.02


def test_a_running_run(folder: Path) -> None:
    with locked(folder / "fast"):
        assert {one.path.name: one.state for one in runs_in(folder)} == {"fast": "running", "slow": "done"}
    # A lock that a killed process left, its number taken by this one since.
    (folder / "fast" / ".lock").write_text(json.dumps({"pid": os.getpid(), "host": os.uname().nodename}))
    assert listed(folder / "fast").state == "stopped"


NUMBERS = '"train_loss": 1, "test_loss": 1, "test_accuracy": 0.5, "seconds": 1}'


@pytest.mark.parametrize(
    ("name", "content", "state"),
    [
        ("metrics.jsonl", b"", "stopped"),
        ("metrics.jsonl", f'{{"epoch": 1, {NUMBERS}\n{{"epoch": 2, "tra'.encode(), "stopped"),
        ("metrics.jsonl", f'{{"epoch": 1, {NUMBERS}\n{{"epoch": 3, {NUMBERS}\n'.encode(), "damaged"),
        ("metrics.jsonl", b'{"epoch": 1}\n{"epoch": 2}\n', "damaged"),
        ("metrics.jsonl", f'{{"epoch": 1, {NUMBERS.replace("0.5", "NaN")}\nx\n'.encode(), "damaged"),
        ("metrics.jsonl", f'{{"epoch": 1, {NUMBERS.replace("0.5", "1" + 400 * "0")}\nx\n'.encode(), "damaged"),
        ("metrics.jsonl", b"\xff\xfe\n", "damaged"),
        ("metrics.jsonl", b"[" * 100_000 + b"\n[]\n", "damaged"),
        ("recipe.json", b"{}", "damaged"),
        ("recipe.json", b'{"epochs": "many"}', "damaged"),
        ("recipe.json", b"[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_run_is_listed_as_such(folder: Path, name: str, content: bytes, state: str) -> None:
    (folder / "slow" / name).write_bytes(content)
    done = specc("runs", "--sort", "name")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[2].split()[-1] == state
    assert specc("runs", folder / "fast", folder / "slow").exit_code == 0


def test_narrow_terminals(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specc.cli.runs import comparison, table

    runs = runs_in(folder)
    for width in (100, 60, 40):
        assert max(map(len, table(runs, width).splitlines())) <= width
    assert max(map(len, comparison(runs, 30).splitlines())) <= 40
    assert "state" in table(runs, 40).splitlines()[0]


def test_no_runs_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    empty = specc("runs")
    assert (empty.exit_code, "no runs in runs" in empty.stdout) == (0, True)
    assert json.loads(specc("runs", "--json").stdout) == {"runs": []}
    wrong = specc("runs", "nowhere")
    assert (wrong.exit_code, "E640" in wrong.stderr) == (2, True)


# Comparing


def test_comparing_runs(folder: Path) -> None:
    lines = specc("runs", folder / "slow", folder / "fast").stdout.splitlines()
    assert lines[0].split() == ["slow", "fast"]
    table = {line[: line.index("  ")]: line.split()[-2:] for line in lines[1:] if "  " in line}
    assert table["lr"] == ["0.001", "0.02"]
    assert table["epochs"] == ["2", "4"]
    assert table["state"] == ["done", "stopped"]
    assert "momentum" not in table


def test_comparing_specs_and_params(tmp_path: Path) -> None:
    spec = "param w = 4\ninput 1x8x8\nconv {w} k3 -> flatten -> linear 10\ntrain { epochs 1 ; limit 20 }\n".replace(
        "{w}", "w"
    )
    runs = [listed(train(spec, tmp_path / str(width), params={"w": width}).folder) for width in (4, 6)]
    assert differences(runs) == {"set w": (4, 6)}
    other = listed(train(spec.replace("k3", "k5"), tmp_path / "other").folder)
    assert differences([runs[0], other]).keys() == {"set w", "spec"}
    assert differences([runs[0], runs[0]]) == {}
    assert "the same" in specc("runs", tmp_path / "4", tmp_path / "4").stdout


def test_comparing_as_json(folder: Path) -> None:
    found = json.loads(specc("runs", folder / "slow", folder / "fast", "--json").stdout)
    assert found["differences"] == {"epochs": [2, 4], "lr": [0.001, 0.02]}
    assert len(found["runs"]) == 2


def test_comparing_with_what_is_no_run(folder: Path) -> None:
    done = specc("runs", folder / "slow", "nowhere")
    assert (done.exit_code, "E640" in done.stderr) == (2, True)


# Metrics without classes

MEASURED = {"test_accuracy": 0.9}


def test_without_classes_the_loss_decides() -> None:
    rows = [Metrics(1, 1.0, 0.9, 1.0), Metrics(2, 1.0, 0.4, 1.0), Metrics(3, 1.0, 0.6, 1.0)]
    best = best_of(rows)
    assert best is not None
    assert best.epoch == 2


# What is printed meanwhile


class Terminal(io.StringIO):
    """A terminal, as far as a stream can be one."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


CONTROL = r"\x1b\[[\d;]*[A-Za-z]"
COLOUR = r"\x1b\[[\d;]*m"


def epoch_of(number: int, bar: Callback, loss: float = 0.25) -> None:
    bar.epoch_starts(Epoch(number, 2, 10, 0, 64, lambda: loss))
    for _ in range(10):
        bar.step()


def drawn(width: int, monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8", *, colour: bool = False) -> str:
    """What a bar draws in two epochs of ten steps."""
    terminal = a_terminal(width, monkeypatch, encoding)
    with Bar(terminal, colour=colour) as bar:
        for number in (1, 2):
            epoch_of(number, bar)
            bar.epoch_ends(Metrics(number, 0.5, 0.4, 1.0, measures=MEASURED), 2)
    return terminal.getvalue()


def a_terminal(width: int, monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8") -> Terminal:
    """A terminal of this width, on which every step is drawn."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("specc.runner.callbacks.bar.EVERY", 0.0)
    terminal = Terminal()
    terminal.encoding = encoding
    return terminal


def screen_after(text: str) -> list[str]:
    """The lines that stand on a terminal in the end; it knows what moves the cursor up and what empties a line."""
    lines, row = [""], 0
    for token in re.findall(rf"{CONTROL}|[\r\n]|[^\x1b\r\n]+", text):
        if token == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif token == "\x1b[1A":
            row -= 1
        elif token == "\x1b[2K":
            lines[row] = ""
        elif not re.match(COLOUR, token) and token != "\r":
            lines[row] = token if not lines[row] else lines[row] + token
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [120, 80, 60, 40, 25, 12])
def test_a_bar_stays_inside_its_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = re.split(rf"[\r\n]|{CONTROL}", drawn(width, monkeypatch))
    bars = [part for part in parts if re.search("[━╸]", part)]
    assert all(len(part) < width for part in bars)
    assert bool(bars) == (width >= 25)
    if width >= 40:
        assert max(map(len, parts)) <= width
        assert any("left" in part for part in bars)
    if width == 120:
        assert all(
            word in bars[-1] for word in ("epoch 2/2", "testing", "loss 0.2500", "accuracy 90.00 %", "pictures/s")
        )


LOSSES = (0.25, 12.345678, 99_999.6, 1e30, float("inf"), float("nan"))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_bar_stays_inside_its_terminal_however_large_the_loss(loss: float, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(40, monkeypatch)
    with Bar(terminal) as bar:
        epoch_of(1, bar, loss)
        bar.epoch_ends(Metrics(1, loss, loss, 1.0, measures=MEASURED), 2)
    parts = re.split(rf"[\r\n]|{CONTROL}", terminal.getvalue())
    assert max(map(len, parts)) <= 40


def test_epochs_stand_below_each_other_however_large_the_loss() -> None:
    for line in (epoch_line, short_epoch_line):
        lines = [line(Metrics(1, loss, loss, 1.0, loss, MEASURED), 2) for loss in LOSSES]
        assert len(set(map(len, lines))) == 1, lines
        assert len({one.index("90.00 %") for one in lines}) == 1


def test_a_bar_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [epoch_line(Metrics(number, 0.5, 0.4, 1.0, measures=MEASURED), 2) for number in (1, 2)]
    assert screen_after(drawn(80, monkeypatch)) == [*lines, ""]


def test_a_bar_goes_away_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(80, monkeypatch)
    with pytest.raises(KeyboardInterrupt), Bar(terminal) as bar:
        bar.epoch_starts(Epoch(1, 2, 10, 0, 64, lambda: 0.25))
        bar.say("a word [bold]∕ runs/7")
        assert screen_after(terminal.getvalue())[:2] == ["a word [bold]∕ runs/7", ""]
        bar.step()
        assert screen_after(terminal.getvalue())[1].startswith("epoch 1/2 ━")
        raise KeyboardInterrupt
    assert screen_after(terminal.getvalue()) == ["a word [bold]∕ runs/7", "", ""]
    assert "\x1b[?25l" not in terminal.getvalue()


def test_a_bar_in_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(80, monkeypatch, encoding="ascii")
    assert text.isascii()
    assert "epoch 2/2 ---" in text
    terminal = a_terminal(80, monkeypatch, "ascii")
    Bar(terminal).say("runs/prüfung")
    assert terminal.getvalue() == "runs/pr?fung\n"


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR", "LANG"])
def test_a_bar_is_as_coloured_as_it_is_told(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the variables say is decided before, together with `--color`."""
    monkeypatch.setenv(variable, "1")
    assert re.search(COLOUR, drawn(80, monkeypatch, colour=True))
    assert not re.search(COLOUR, drawn(80, monkeypatch))


def test_train_as_json(folder: Path) -> None:
    (folder / "net.cnn").write_text(TINY)
    done = specc("train", folder / "net.cnn", "--json", "--out", folder / "new", "--seed", "3")
    assert done.exit_code == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event.pop("event") for event in events]
    assert [kind for kind in kinds if kind != "note"] == ["start", "epoch", "epoch", "end"]
    rows = [json.loads(line) for line in (folder / "new" / "metrics.jsonl").read_text().splitlines()]
    found = dict(zip(kinds, events, strict=True))
    assert found["epoch"] == {"epochs": 2, **rows[-1]}
    assert found["start"] == {
        "run": str(folder / "new"),
        "data": "digits",
        "epochs": 2,
        "epochs_done": 0,
        "parameters": 1490,
    }
    assert found["end"]["state"] == "done"
    assert found["end"]["last"] == rows[-1]
    assert found["end"]["report"] == str(folder / "new" / "report.html")
    again = specc("train", "--resume", folder / "new", "--json")
    assert json.loads(again.stdout.splitlines()[-1])["event"] == "end"


def test_train_quietly(folder: Path) -> None:
    (folder / "net.cnn").write_text(TINY)
    done = specc("train", folder / "net.cnn", "--quiet", "--out", folder / "new")
    assert (done.exit_code, done.output) == (0, "")
    both = specc("train", folder / "net.cnn", "--quiet", "--json")
    assert both.exit_code == 2


def test_a_stop_on_a_real_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    pty: Any = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    import termios

    main_end, other = pty.openpty()
    before = termios.tcgetattr(other)
    (tmp_path / "net.cnn").write_text(TINY.replace("epochs 2", "epochs 5000"))
    command = [sys.executable, "-m", "specc", "train", "net.cnn", "--out", "run"]
    environment = {**os.environ, "COLUMNS": "60"}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=other, stderr=other, stdin=other, env=environment)
    said = b""
    while said.count(b"\n") < 4:  # three epochs are done
        said += os.read(main_end, 4096)
    process.send_signal(signal.SIGINT)
    while select.select([main_end], [], [], 0.05)[0] or process.poll() is None:
        if select.select([main_end], [], [], 0)[0]:
            said += os.read(main_end, 4096)
    assert process.returncode == 130
    assert termios.tcgetattr(other) == before
    assert b"stopped by Ctrl-C" in said
    assert b"\x1b[?25l" not in said  # the cursor was never hidden
    os.close(main_end)
    os.close(other)


# The documentation

PAGE = Path(__file__).parent.parent / "docs" / "runs.md"


def test_the_commands_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for name in ("seven.png", "pictures/a.png"):
        Image.radial_gradient("L").resize((8, 8)).save(name)
    shutil.make_archive("pictures", "zip", "pictures")
    text = PAGE.read_text(encoding="utf-8")
    commands = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) > 15
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "specc"
        quick = ["--limit", "100"] if arguments[0] in ("train", "eval") else []
        done = specc(*arguments, *quick)
        assert done.exit_code == 0, f"{command}: {done.output}"
    files = set(
        re.findall(r"`([\w.]+\.(?:cnn|json|jsonl|csv|safetensors|html|png))`", text.partition("## The report")[0])
    )
    assert files == {path.name for path in Path("runs/logged").iterdir() if path.is_file()}
