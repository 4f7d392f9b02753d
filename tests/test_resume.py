"""A run that was stopped, however, and is continued ends bit for bit with the weights of one that never stopped."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Stop
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

from specc.api import SpecError
from specc.cli.main import main
from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.runner.callbacks.base import Callback, Epoch
from specc.runner.callbacks.lines import Unheard
from specc.runner.checkpoint import KEY, Checkpointer, checkpoint_bytes, read_checkpoint
from specc.runner.listing import differences, run_at
from specc.runner.resume import resume
from specc.runner.run import Run, train
from specc.runner.run_folder import HOLDER, LOCK, STATE, locked

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "input 1x8x8\nconv 4 k3 -> bn -> relu -> flatten -> dropout 0.3 -> linear 10\ntrain { epochs 3 ; batch 64 }\n"
SPECC = [sys.executable, "-m", "specc", "train"]

# Everything that has a memory: what a wrong resume would lose.
RECIPES: dict[str, dict[str, Any]] = {
    "adam": {},
    "momentum": {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "schedule": "cosine"},
    "rmsprop": {"optimizer": "rmsprop", "lr": 1e-3, "momentum": 0.5, "schedule": "onecycle"},
    "plateau": {"schedule": "plateau", "step_epochs": 1, "step_factor": 0.5, "epochs": 4},
    "augmented": {"flip": True, "crop": 1, "cutout": 2, "mixup": 0.4, "normalize": True, "drop_last": True},
    "moved": {
        "rotate": 20.0,
        "zoom": 0.2,
        "flip_vertical": True,
        "crop": 2,
        "crop_padding": "reflect",
        "randaugment": 9,
    },
    "blurred": {"trivialaugment": True, "blur": 0.8, "hue": 0.1, "erase": 0.5, "mixup": 0.4, "cutmix": 1.0},
    "balanced": {"sampling": "balanced", "accumulate": 2, "flip": True},
    "muon": {"optimizer": "muon", "decay_weights_only": True, "resized_crop": 0.4, "color_jitter": 0.2},
    "by turns": {
        "flip": True,
        "flip_mode": "alternate",
        "crop": 2,
        "crop_padding": "reflect",
        "epochs": 2.5,
        "schedule": "linear",
        "floor": 0.1,
        "warmup_ratio": 0.3,
        "lookahead": 2,
        "lookahead_schedule": "cubic",
    },
    "averaged": {"optimizer": "adamw", "average": 0.9, "accumulate": 2, "clip": 0.5, "label_smoothing": 0.1},
    "warmed up": {"validation": 0.2, "warmup": 1.5, "decay_weights_only": True, "weight_decay": 0.1, "patience": 9},
}


class Cut(BaseException):
    """Ends a run as a power cut would: nothing is written after it."""


def cut() -> None:
    raise Cut


def problem(action: Callable[[], Any]) -> Diagnostic:
    with pytest.raises(Problem) as caught:
        action()
    return caught.value.diagnostic


def specc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", *arguments])


def same_weights(first: Path, second: Path) -> bool:
    """Whether both run folders hold the same weights and states, bit for bit."""
    return all(_same(first / name, second / name) for name in ("last.safetensors", "best.safetensors", STATE))


def _same(first: Path, second: Path) -> bool:
    one, other = load_file(first), load_file(second)
    bits = [(one[name].reshape(-1).view(torch.uint8), other[name].reshape(-1).view(torch.uint8)) for name in one]
    return one.keys() == other.keys() and all(mine.equal(theirs) for mine, theirs in bits)


def metrics_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` without the time that they took."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    table = (folder / "metrics.csv").read_text().splitlines()
    assert table[0].split(",") == list(lines[0]) and len(table) == len(lines) + 1
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `TINY` that was never stopped: 3 epochs of 23 steps."""
    return train(TINY, tmp_path_factory.mktemp("whole") / "run").folder


# Stopped in this process


@pytest.mark.parametrize("name", RECIPES)
def test_every_memory_survives(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    train(TINY, tmp_path / "whole", **recipe)
    stopped = train(TINY, tmp_path / "run", callback=Stop(after=14), **recipe)
    assert stopped.stopped == signal.SIGINT
    resume(tmp_path / "run", callback=Stop(after=5))
    done = resume(tmp_path / "run")
    assert done.stopped is None
    assert same_weights(tmp_path / "whole", tmp_path / "run")
    assert metrics_of(tmp_path / "whole") == metrics_of(tmp_path / "run")
    stored = load_file(tmp_path / "run" / "best.safetensors")
    assert all(stored[name].equal(tensor) for name, tensor in done.model.state_dict().items())


@pytest.mark.parametrize("after", [1, 22, 23, 24, 46, 68, 69])
def test_any_step_will_do(after: int, whole: Path, tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(after))
    resume(tmp_path / "run")
    assert same_weights(whole, tmp_path / "run")
    assert metrics_of(whole) == metrics_of(tmp_path / "run")


def test_cut_off_between_checkpoints(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(Cut):
        train(TINY, tmp_path / "run", callback=Stop(37, cut), checkpoint_steps=10)
    facts = read_checkpoint(tmp_path / "run" / STATE)
    assert (facts.epoch, facts.step) == (1, 10)
    callback = Stop()
    resume(tmp_path / "run", callback=callback)
    assert "epoch 2 of 3, after step 10 of 23" in callback.lines[0]
    assert same_weights(whole, tmp_path / "run")


def test_checkpoints_by_the_clock(tmp_path: Path) -> None:
    with pytest.raises(Cut):
        train(TINY, tmp_path / "run", callback=Stop(7, cut), checkpoint_minutes=1e-9)
    assert read_checkpoint(tmp_path / "run" / STATE).step == 6


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "muon"])
def test_killed_before_its_first_state(optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    options: dict[str, Any] = {"optimizer": optimizer, "epochs": 1, "limit": 64}
    train(TINY, tmp_path / "whole", **options)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpointer, "begin", killed)
        train(TINY, tmp_path / "run", **options)
    assert not (tmp_path / "run" / STATE).exists()
    resume(tmp_path / "run")
    assert read_checkpoint(tmp_path / "run" / STATE).record == read_checkpoint(tmp_path / "whole" / STATE).record
    assert same_weights(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("method", ["_write_state", "_write_weights", "end_epoch"])
def test_cut_off_while_writing(method: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two files of an epoch's end."""
    write = getattr(Checkpointer, method)
    calls: list[None] = []

    def once(self: Checkpointer, *arguments: Any) -> None:
        calls.append(None)
        if len(calls) == (3 if method == "_write_weights" else 2):
            raise Cut
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpointer, method, once)
        with pytest.raises(Cut):
            train(TINY, tmp_path / "run")
    resume(tmp_path / "run")
    assert same_weights(whole, tmp_path / "run")
    assert metrics_of(whole) == metrics_of(tmp_path / "run")


def test_metrics_of_a_torn_write_are_mended(whole: Path, tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(30))
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write(
            '{"epoch": 2, "train_loss": 9.9, "test_loss": 1, "test_accuracy": 0.5, "seconds": 1}\n{"epoch": 3, "tr'
        )
    (tmp_path / "run" / ".state.safetensors.partial").write_bytes(b"half")
    resume(tmp_path / "run")
    assert metrics_of(whole) == metrics_of(tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*"))


def test_stopped_before_the_first_state(whole: Path, tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(5))
    for name in (STATE, "last.safetensors"):
        (tmp_path / "run" / name).unlink()
    callback = Stop()
    resume(tmp_path / "run", callback=callback)
    assert "had not begun" in callback.lines[0]
    assert same_weights(whole, tmp_path / "run")


def test_complete_run_is_left_alone(whole: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole.iterdir()}
    done = specc("--resume", str(whole))
    assert (done.exit_code, "is complete: 3 epochs; nothing to do" in done.stdout) == (0, True), done.output
    run = resume(whole)
    assert isinstance(run, Run) and len(run.metrics) == 3
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole.iterdir()} == before


def test_a_complete_run_without_its_weights(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", epochs=1)
    (tmp_path / "run" / "best.safetensors").unlink()
    with pytest.raises(Problem, match=r"best\.safetensors") as caught:
        resume(tmp_path / "run")
    assert caught.value.diagnostic.code == "E621"


def test_a_run_that_stopped_early_is_complete(tmp_path: Path) -> None:
    frozen_in_place = TINY.replace("-> bn ", "")  # its accuracy never rises
    train(frozen_in_place, tmp_path / "run", epochs=50, patience=2, lr=1e-30)
    assert "is complete: 3 epochs" in specc("--resume", str(tmp_path / "run")).stdout
    assert len(resume(tmp_path / "run", patience=3).metrics) == 4


@pytest.mark.parametrize("stop_after", [None, 30])
def test_epochs_may_be_raised(stop_after: int | None, whole: Path, tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", epochs=2, callback=Stop(stop_after or -1))
    done = specc("--resume", str(tmp_path / "run"), "--epochs", "3")
    assert done.exit_code == 0, done.output
    assert same_weights(whole, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["epochs"] == 3
    assert "nothing to do" in specc("--resume", str(tmp_path / "run")).stdout


def test_a_part_of_an_epoch(tmp_path: Path) -> None:
    """The steps of the whole epochs are those of a run without a part; the last one has as many as its part says."""
    options: dict[str, Any] = {"limit": 64, "batch": 16}  # 4 steps
    for name, epochs in (("whole", 3), ("part", 2.4), ("first", 2)):
        train(TINY, tmp_path / name, epochs=epochs, **options, callback=(steps := Counted()))
        assert steps.count == {"whole": 12, "part": 10, "first": 8}[name]
    rows = {name: metrics_of(tmp_path / name) for name in ("whole", "part")}
    assert [row["epoch"] for row in rows["part"]] == [1, 2, 3]
    assert all(
        one["train_loss"] == other["train_loss"] for one, other in zip(rows["part"][:2], rows["whole"], strict=False)
    )
    assert json.loads((tmp_path / "part" / "recipe.json").read_text())["epochs"] == 2.4
    assert "is complete: 3 epochs" in specc("--resume", str(tmp_path / "part")).stdout


def test_its_loss_is_that_of_its_steps(tmp_path: Path) -> None:
    losses: list[float] = []

    class Kept(Callback):
        def epoch_starts(self, epoch: Epoch) -> None:
            self.epoch = epoch

        def step(self) -> None:
            losses.append(self.epoch.loss())

    train(TINY, tmp_path / "run", epochs=0.75, limit=64, batch=16, callback=(kept := Kept()))
    assert (kept.epoch.number, kept.epoch.epochs, kept.epoch.steps) == (1, 1, 3)
    assert metrics_of(tmp_path / "run")[0]["train_loss"] == pytest.approx(
        losses[-1], rel=1e-6
    )  # the mean of all so far


@pytest.mark.parametrize("after", [2, 5, 8, 9, -1])
def test_a_part_of_an_epoch_is_made_longer_before_it_is_over(after: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {"limit": 64, "batch": 16}
    train(TINY, tmp_path / "whole", epochs=4, **options)
    train(TINY, tmp_path / "run", epochs=2.4, callback=Stop(after), **options)
    done = specc("--resume", str(tmp_path / "run"), "--epochs", "4")
    if after > 0:
        assert done.exit_code == 0, done.output
        assert same_weights(tmp_path / "whole", tmp_path / "run")
    else:
        assert done.exit_code == 2
        assert "`epochs` was 2.4, and the last one, a part of an epoch, is over" in done.output


class Counted(Callback):
    """Counts steps."""

    count = 0

    def step(self) -> None:
        self.count += 1


def test_input_and_params_are_kept(tmp_path: Path) -> None:
    text = TINY.replace("conv 4", "conv w").replace("input 1x8x8", "param w = 4\ninput 1x9x9")
    options: dict[str, Any] = {"input": (1, 8, 8), "params": {"w": "3"}, "betas": (0.8, 0.9)}
    train(text, tmp_path / "whole", **options)
    train(text, tmp_path / "run", callback=Stop(9), **options)
    resume(tmp_path / "run")
    assert same_weights(tmp_path / "whole", tmp_path / "run")
    overrides = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert (overrides["input"], overrides["set"], overrides["betas"]) == ("1x8x8", {"w": "3"}, [0.8, 0.9])


# Stopped from outside


def _started(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SPECC, *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def _wait_for_state(path: Path, process: subprocess.Popen[str], steps: int) -> None:
    """Until the run's state tells of so many steps."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and (facts := read_checkpoint(path)).epoch * 180 + facts.step >= steps:
            return
        time.sleep(0.005)


BUSY: dict[str, Any] = {"epochs": 4, "batch": 8, "flip": True, "mixup": 0.3, "checkpoint_steps": 7}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A longer run that was never stopped: 4 epochs of 180 steps."""
    return train(TINY, tmp_path_factory.mktemp("busy") / "run", **BUSY).folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_by_a_signal(number: signal.Signals, busy: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.cnn").write_text(TINY)
    options = ["--epochs", "4", "--batch", "8", "--flip", "--mixup", "0.3", "--checkpoint-steps", "7"]
    process = _started(tmp_path, "tiny.cnn", "--out", "run", *options)
    _wait_for_state(tmp_path / "run" / STATE, process, random.Random(int(number)).randrange(1, 240))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), err
    assert "Traceback" not in err
    if number != signal.SIGKILL:
        assert f"stopped by {'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'}" in out and "last.safetensors" in out
        assert load_file(tmp_path / "run" / "last.safetensors")
        assert not list((tmp_path / "run").glob(".*"))
    facts = read_checkpoint(tmp_path / "run" / STATE)
    assert 0 < 180 * facts.epoch + facts.step < 720
    resume(tmp_path / "run")
    assert same_weights(busy, tmp_path / "run")
    assert metrics_of(busy) == metrics_of(tmp_path / "run")


def test_a_closed_terminal_stops_between_two_steps(whole: Path, tmp_path: Path) -> None:
    stopped = train(TINY, tmp_path / "run", callback=Stop(14, lambda: signal.raise_signal(signal.SIGHUP)))
    assert stopped.stopped == signal.SIGHUP
    resume(tmp_path / "run")
    assert same_weights(whole, tmp_path / "run")


def test_nohup_is_obeyed(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        callback = Stop(14, lambda: signal.raise_signal(signal.SIGHUP))
        assert train(TINY, tmp_path / "run", callback=callback, epochs=1).stopped is None
    finally:
        signal.signal(signal.SIGHUP, before)


class Closed(Stop):
    """Whoever read the lines is gone after the first one."""

    def say(self, line: str) -> None:
        if self.lines:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        super().say(line)


def test_a_reader_that_goes_away_does_not_end_a_run(whole: Path, tmp_path: Path) -> None:
    closed = Closed()
    train(TINY, tmp_path / "run", callback=Unheard(closed))
    assert len(closed.lines) == 1
    assert same_weights(whole, tmp_path / "run")


def test_a_failing_watch_is_not_taken_for_a_closed_pipe(tmp_path: Path) -> None:
    def fails() -> None:
        raise ConnectionError("the logger's server is down")

    with pytest.raises(ConnectionError):
        train(TINY, tmp_path / "run", callback=Unheard(Stop(1, fails)))


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(5))
    program = (
        "import pathlib, sys\nfrom specc.runner.run_folder import locked\n"
        f"with locked(pathlib.Path({str(tmp_path / 'run')!r})):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        done = specc("--resume", str(tmp_path / "run"))
        assert done.exit_code == 2
        assert f"process {holder.pid} on" in done.stderr
        holder.kill()
        holder.wait()
    assert (tmp_path / "run" / ".lock").exists()
    assert len(resume(tmp_path / "run").metrics) == 3
    assert not (tmp_path / "run" / ".lock").exists()


def test_the_lock_ends_with_what_it_is_for(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            assert problem(lambda: locked(tmp_path).__enter__()).code == "E624"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", fails)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / HOLDER).write_text(json.dumps({"pid": gone.pid, "host": socket.gethostname()}))
    with locked(tmp_path):  # who signed last is no more
        found = problem(lambda: locked(tmp_path).__enter__())
        assert (found.code, f"process {os.getpid()} on" in found.message) == ("E624", True)
    assert not list(tmp_path.iterdir())
    (tmp_path / HOLDER).write_text(json.dumps({"pid": gone.pid, "host": "elsewhere"}))
    assert "on elsewhere" in problem(lambda: locked(tmp_path).__enter__()).message  # nobody can tell


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("name", [LOCK, HOLDER])
def test_a_lock_that_leads_elsewhere_writes_nothing_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "kept").write_text("as it was")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "kept")
    with suppress(Problem), locked(tmp_path / "run"):
        pass
    assert (tmp_path / "kept").read_text() == "as it was"


# Changes


def test_edited_copy_is_refused(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(5))
    (tmp_path / "run" / "spec.cnn").write_text(TINY.replace("conv 4", "conv 5") + "# a comment\n")
    done = specc("--resume", str(tmp_path / "run"))
    assert done.exit_code == 1
    assert "-conv 4 k3" in done.stderr and "+conv 5 k3" in done.stderr and "--adopt" in done.stderr


SAME: dict[str, Callable[[str], str]] = {
    "not formatted": lambda text: text.replace(" -> ", "->").replace("x8\n", "x8;", 1),
    "comments and blank lines": lambda text: "# first\n\n" + text.replace("-> flatten", " ->  # here\nflatten"),
    "a line each": lambda text: text.replace(" -> ", "\n"),
    "shapes noted": lambda text: text.replace("conv 4 k3", "conv 4 k3 :: 4x6x6"),
    "the long form": lambda text: text.replace("k3", "kernel=(1 + 2)").replace("epochs 3", "epochs 3.0"),
    "a block": lambda text: "param classes = 10\n" + text.replace("linear 10", "linear classes"),
    "a default spelled out": lambda text: text.replace("batch 64", "batch 64 ; lr 0.001"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_spec_that_is_only_written_otherwise_is_the_same(name: str, whole: Path, tmp_path: Path) -> None:
    """In the run's own copy, in the file that it began with, and as an argument."""
    text = SAME[name](TINY)
    assert text != TINY
    spec = tmp_path / "net.cnn"
    spec.write_text(TINY)
    train(spec, tmp_path / "run", callback=Stop(5))
    spec.write_text(text)
    (tmp_path / "run" / "spec.cnn").write_text(text)
    resume(tmp_path / "run", spec)
    assert same_weights(whole, tmp_path / "run")
    assert not differences([run_at(whole), run_at(tmp_path / "run")])


@pytest.mark.parametrize(
    "text",
    [
        TINY.replace("conv 4 k3", "conv 4 k3 p1"),
        TINY.replace("relu", "relu6"),
        TINY.replace("dropout 0.3", "dropout 0.31"),
        TINY.replace("linear 10", "head: linear 10"),
        TINY.replace("conv 4 k3", "conv 4 k3 frozen"),
        TINY.replace("conv 4 k3", "{ conv 4 k3 }"),
        TINY.replace("batch 64", "batch 64 ; lr 0.01"),
        TINY.replace("conv", "covn"),
    ],
)
def test_a_spec_that_means_something_else_is_another(text: str, stopped_once: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(stopped_once, tmp_path / "run"))
    assert problem(lambda: resume(run, text)).code == "E622"


def test_edited_original_is_refused_unless_the_copy_is_named(whole: Path, tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(TINY)
    train(spec, tmp_path / "run", callback=Stop(5))
    spec.write_text(TINY + "\n# only a comment\n")
    resume(tmp_path / "run", callback=Stop(5))
    spec.write_text(TINY.replace("dropout 0.3", "dropout 0.4"))
    assert problem(lambda: resume(tmp_path / "run")).code == "E622"
    assert problem(lambda: resume(tmp_path / "run", spec)).code == "E622"
    resume(tmp_path / "run", tmp_path / "run" / "spec.cnn")
    assert same_weights(whole, tmp_path / "run")


def test_adopt_loads_what_fits(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(30), optimizer="sgd", momentum=0.9)
    before = load_file(tmp_path / "run" / "last.safetensors")
    changed = TINY.replace("linear 10", "linear 20 -> relu -> linear 10")
    callback = Stop(after=1, how=cut)
    with pytest.raises(Cut):
        resume(tmp_path / "run", changed, adopt=True, callback=callback)
    assert callback.lines[0] == "starts from fresh values: linear1.bias, linear1.weight, linear2.bias, linear2.weight"
    assert callback.lines[1] == "not used of the old weights: linear1.bias, linear1.weight"
    adopted = load_file(tmp_path / "run" / "last.safetensors")
    assert adopted["conv1.weight"].equal(before["conv1.weight"])
    assert adopted["linear1.weight"].shape == (20, 144)
    assert (tmp_path / "run" / "spec-before-epoch-2.cnn").read_text() == TINY
    done = resume(tmp_path / "run")
    assert [metrics.epoch for metrics in done.metrics] == [1, 2, 3]
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["momentum"] == 0.9


def test_adopt_takes_another_recipe(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(30))
    done = specc("--resume", str(tmp_path / "run"), "--adopt", "--optimizer", "sgd", "--lr", "0.1", "--epochs", "2")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["optimizer"] == "sgd"


def test_adopt_of_a_wrong_spec_shows_its_errors(tmp_path: Path) -> None:
    train(TINY, tmp_path / "run", callback=Stop(3))
    with pytest.raises(SpecError):
        resume(tmp_path / "run", TINY.replace("conv", "covn"), adopt=True)
    (tmp_path / "run" / "spec.cnn").write_text("input 1x8x8\ncovn 3\n")
    assert specc("--resume", str(tmp_path / "run"), "--adopt").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--lr", "0.5"], 2, "`lr` was 0.001, not 0.5"),
        (["--epochs", "1"], 2, "can only be raised"),
        (["--input", "1x9x9"], 2, "`--input`"),
        (["--set", "w=3"], 2, "`--set w=`"),
        (["--data", "mnist"], 2, "`data` was digits"),
        (["--out", "other"], 2, "leave out --out"),
        (["--lr", "0.001"], 0, "complete"),
    ],
)
def test_other_options_are_refused(arguments: list[str], status: int, words: str, whole: Path) -> None:
    done = specc("--resume", str(whole), *arguments)
    assert (done.exit_code, words in done.output) == (status, True), done.output


def test_options_that_need_each_other() -> None:
    assert "Missing argument 'SPEC'" in specc().stderr
    assert "--adopt goes with --resume" in specc("a.cnn", "--adopt").stderr


def test_other_data_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(TINY, tmp_path / "run", callback=Stop(3))
    monkeypatch.setattr("specc.data.identity._of_samples", lambda split: lambda indices: "other pictures")
    assert problem(lambda: resume(tmp_path / "run")).code == "E623"


# Damage


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped in its second epoch."""
    return train(TINY, tmp_path_factory.mktemp("stopped") / "run", callback=Stop(30)).folder


@pytest.fixture
def stopped(stopped_once: Path, tmp_path: Path) -> Path:
    """The state file in a copy of it."""
    return Path(shutil.copytree(stopped_once, tmp_path / "run")) / STATE


def _header(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Write a state's header anew."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def _facts(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    def in_header(header: dict[str, Any]) -> None:
        facts = json.loads(header["__metadata__"][KEY])
        change(facts)
        header["__metadata__"][KEY] = json.dumps(facts)

    _header(path, in_header)


def _tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Other tensors under the same facts, their checksum made right."""
    facts, tensors = read_checkpoint(path), {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    path.write_bytes(checkpoint_bytes(facts, tensors))


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2000] ^= 1
    path.write_bytes(content)


def _make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "header cut off": lambda path: path.write_bytes(path.read_bytes()[:500]),
    "tensors cut off": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "more than it says": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "one bit": _flip_a_bit,
    "a pickle": lambda path: torch.save({"model": torch.zeros(3)}, path),
    "text": lambda path: path.write_text("not a state at all, but long enough to be read as a header"),
    "absurd length": lambda path: path.write_bytes(b"\xff" * 8 + b"{}"),
    "not JSON": lambda path: path.write_bytes((4).to_bytes(8, "little") + b"nope" + bytes(100)),
    "deeply nested": lambda path: path.write_bytes((10**5).to_bytes(8, "little") + b"[" * 10**5),
    "a list": lambda path: path.write_bytes((2).to_bytes(8, "little") + b"[]"),
    "weights": lambda path: save_file({"conv1.weight": torch.zeros(3)}, path),
    "a folder": _make_a_folder,
    "facts not JSON": lambda path: _header(path, lambda header: header["__metadata__"].update({KEY: "{"})),
    "facts a number": lambda path: _header(path, lambda header: header["__metadata__"].update({KEY: 5})),
    "negative step": lambda path: _facts(path, lambda facts: facts.update(step=-1)),
    "step beyond the epoch": lambda path: _facts(path, lambda facts: facts.update(step=10**15)),
    "epochs without metrics": lambda path: _facts(path, lambda facts: facts.update(epoch=2)),
    "metrics of text": lambda path: _facts(path, lambda facts: facts.update(metrics=[["a"]])),
    "unknown setting": lambda path: _facts(path, lambda facts: facts["record"]["recipe"].update(evil=1)),
    "later format": lambda path: _facts(path, lambda facts: facts.update(format=4)),
    "other shape": lambda path: _tensors(path, lambda t: t.update({"model/conv1.weight": torch.zeros(5, 1, 3, 3)})),
    "other type": lambda path: _tensors(path, lambda t: t.update({"model/conv1.bias": torch.zeros(4).double()})),
    "weight missing": lambda path: _tensors(path, lambda t: t.pop("model/conv1.weight")),
    "weight too many": lambda path: _tensors(path, lambda t: t.update({"model/extra": torch.zeros(1)})),
    "losses missing": lambda path: _tensors(path, lambda t: t.pop("losses")),
    "other memory": lambda path: _tensors(path, lambda t: t.update({"optimizer/conv1.weight/evil": torch.zeros(1)})),
    "memory of another shape": lambda path: _tensors(
        path, lambda t: t.update({"optimizer/conv1.weight/exp_avg": torch.zeros(3)})
    ),
    "random state too short": lambda path: _tensors(path, lambda t: t.update({"random/torch": torch.zeros(3).byte()})),
    "random state of floats": lambda path: _tensors(path, lambda t: t.update({"random/order": torch.zeros(5056)})),
    "random state missing": lambda path: _tensors(path, lambda t: t.pop("random/order")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_states_are_named(name: str, stopped: Path) -> None:
    DAMAGES[name](stopped)
    others = {path: path.read_bytes() for path in stopped.parent.iterdir() if path != stopped}
    done = specc("--resume", str(stopped.parent))
    assert isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, "E621" in done.stderr, "state.safetensors" in done.stderr) == (1, True, True), done.output
    kept = {path: path.read_bytes() for path in stopped.parent.iterdir() if path != stopped}
    assert kept.pop(stopped.parent / "environment.json", b"") == others.pop(stopped.parent / "environment.json", b"")
    assert kept == others


def test_folders_without_a_run(stopped: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    stopped.unlink()
    for path, words in (
        (tmp_path / "no", "no folder"),
        (tmp_path / "empty", "no run"),
        (stopped.parent, "has no state"),
    ):
        done = specc("--resume", str(path))
        assert (done.exit_code, words in done.stderr) == (2, True), done.output


# Numbers and disks that run out


def test_weights_that_are_no_numbers_are_never_kept(tmp_path: Path) -> None:
    options: dict[str, Any] = {"optimizer": "sgd", "lr": 1e30, "checkpoint_steps": 1}
    found = problem(lambda: train(TINY, tmp_path / "run", **options))
    assert found.code == "E615"
    assert "epoch 1" in found.message and "step" in found.message
    stored = load_file(tmp_path / "run" / STATE)
    assert all(tensor.isfinite().all() for tensor in stored.values() if tensor.is_floating_point())
    again = problem(lambda: resume(tmp_path / "run"))
    assert (again.code, again.message) == ("E615", found.message)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_full_disk_within_an_epoch_does_not_stop_training(whole: Path, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limits = {10: 5000, 35: resource.RLIM_INFINITY if hard == resource.RLIM_INFINITY else hard}

    class Disk(Stop):
        steps = 0

        def step(self) -> None:
            self.steps += 1
            if self.steps in limits:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limits[self.steps], hard))

    callback = Disk()
    try:
        with pytest.raises(Problem) as caught:
            train(TINY, tmp_path / "run", callback=callback, checkpoint_steps=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits[35], hard))
    assert caught.value.diagnostic.code == "E614"
    assert sum("training continues" in line for line in callback.lines) == 1
    assert read_checkpoint(tmp_path / "run" / STATE).step == 8
    resume(tmp_path / "run")
    assert same_weights(whole, tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_disk_that_is_full_before_the_run_is_told(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        found = problem(lambda: locked(tmp_path).__enter__())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (found.code, ".lock" in found.message) == ("E614", True)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 50_000

    monkeypatch.setattr("specc.runner.run_folder.shutil.disk_usage", lambda folder: Usage)
    found = problem(lambda: train(TINY, tmp_path / "run"))
    assert (found.code, "has 50.0 kB free" in found.message) == ("E614", True)
    assert not list((tmp_path / "run").iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(stopped: Path) -> None:
    stopped.parent.chmod(0o500)
    assert problem(lambda: resume(stopped.parent)).code == "E614"
